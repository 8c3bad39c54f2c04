// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>

#include <effects/async.hpp>
#include <effects/net.hpp>
#include <effects/sim.hpp>

using namespace std::chrono_literals;
using effects::perform;
namespace async = effects::async;
namespace net = effects::net;
namespace sim = effects::sim;

namespace {

// Runs `server(stream)` at one end of a connection to `host` and `client(stream)` at the other.
template <class Server, class Client>
void between(sim::options const& how, Server server, Client client, std::string const& host = "localhost") {
    sim::run(how, [&] {
        async::task_group([&](async::group& g) {
            net::listener door = perform(net::listen({host, 80}));
            g.spawn([&, at = std::move(door)]() mutable { server(at.accept()); });
            client(perform(net::connect({host, 80})));
        });
    });
}

void echo(net::stream peer) {
    std::byte buffer[1000];
    while (std::size_t n = peer.read_some(buffer)) peer.write(std::span<std::byte const>(buffer, n));
    peer.shutdown_write();
}

std::string big(std::size_t size) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
    return text;
}

std::error_code code_of(auto&& f) {
    try {
        f();
    } catch (net::error const& e) {
        return e.code();
    }
    return {};
}

} // namespace

TEST_CASE("what one end writes the other end reads", "[sim][network]") {
    between({}, echo, [](net::stream peer) {
        peer.write("hello");
        peer.shutdown_write();
        CHECK(peer.read_all() == "hello");
    });
}

TEST_CASE("short reads and writes lose nothing and reorder nothing", "[sim][network]") {
    auto seed = GENERATE(range(1u, 20u));
    std::string const text = big(5000);
    sim::options how{.seed = seed,
                     .network = {.latency_min = 1ms, .latency_max = 50ms, .max_read = 7, .max_write = 11}};

    between(how, echo, [&](net::stream peer) {
        std::string back;
        async::all(
            [&] {
                peer.write(text);
                peer.shutdown_write();
            },
            [&] { back = peer.read_all(); });
        CHECK(back == text);
    });
}

TEST_CASE("a writer waits while the window is full", "[sim][network]") {
    bool all_written = false;
    between(
        {.network = {.window = 1000}},
        [&](net::stream peer) {
            async::sleep_for(10s);
            CHECK(!all_written);
            CHECK(peer.read_all().size() == 5000);
        },
        [&](net::stream peer) {
            peer.write(big(5000));
            all_written = true;
        });
    CHECK(all_written);
}

TEST_CASE("bytes take their latency", "[sim][network]") {
    between({.network = {.latency_min = 10ms, .latency_max = 10ms}}, echo, [](net::stream peer) {
        auto begun = async::now();
        peer.write("x");
        std::byte one[1];
        CHECK(peer.read_some(one) == 1);
        CHECK(async::now() - begun == 20ms);
    });
}

TEST_CASE("where nobody listens a connection is refused", "[sim][network]") {
    sim::run([] {
        CHECK(code_of([] { perform(net::connect({"localhost", 81})); }) == std::errc::connection_refused);
        CHECK(code_of([] { perform(net::connect({"127.0.0.1", 81})); }) == std::errc::connection_refused);
    });
}

TEST_CASE("a name that nobody has does not resolve", "[sim][network]") {
    sim::run([] {
        CHECK(code_of([] { perform(net::connect({"nowhere.example", 80})); }) == net::errc::host_not_found);
        CHECK(code_of([] { perform(net::resolve("nowhere.example", 80)); }) == net::errc::host_not_found);
    });
}

TEST_CASE("hosts have the addresses that the options give them", "[sim][network]") {
    sim::run({.network = {.hosts = {{"bank", "10.0.0.7"}}}}, [] {
        CHECK(perform(net::resolve("bank", 80)).front() == net::endpoint{"10.0.0.7", 80});
    });
}

TEST_CASE("an address is listened at once only, and again after it was closed", "[sim][network]") {
    sim::run([] {
        auto first = perform(net::listen({"localhost", 80}));
        CHECK(code_of([] { perform(net::listen({"localhost", 80})); }) == std::errc::address_in_use);
        first.close();
        CHECK(perform(net::listen({"localhost", 80})));
    });
}

TEST_CASE("port 0 takes a free port", "[sim][network]") {
    sim::run([] {
        auto a = perform(net::listen({"localhost", 0}));
        auto b = perform(net::listen({"localhost", 0}));
        CHECK(a.local().port != 0);
        CHECK(a.local().port != b.local().port);
    });
}

TEST_CASE("after the peer has closed, what it wrote is read first, then the end", "[sim][network]") {
    between(
        {}, [](net::stream peer) { peer.write("bye"); },
        [](net::stream peer) {
            async::sleep_for(1s);
            CHECK(peer.read_all() == "bye");
        });
}

TEST_CASE("writing to a peer that has closed is an error", "[sim][network]") {
    between(
        {}, [](net::stream) {},
        [](net::stream peer) {
            async::sleep_for(1s);
            CHECK(code_of([&] { peer.write("x"); }) == std::errc::broken_pipe);
        });
}

TEST_CASE("closing with unread bytes resets the connection", "[sim][network]") {
    between(
        {}, [](net::stream) { async::sleep_for(1s); },
        [](net::stream peer) {
            peer.write("never read");
            std::byte one[1];
            CHECK(code_of([&] { peer.read_some(one); }) == std::errc::connection_reset);
        });
}

TEST_CASE("closing ends a read that another task of the same side waits in", "[sim][network]") {
    between(
        {}, [](net::stream) { async::sleep_for(10s); },
        [](net::stream peer) {
            async::task_group([&](async::group& g) {
                g.spawn([&] {
                    std::byte one[1];
                    CHECK(code_of([&] { peer.read_some(one); }) == net::errc::closed);
                });
                peer.close();
            });
        });
}

TEST_CASE("a cancelled read loses no bytes", "[sim][network][cancellation]") {
    between(
        {},
        [](net::stream peer) {
            async::sleep_for(2s);
            peer.write("kept");
        },
        [](net::stream peer) {
            std::byte buffer[10];
            CHECK(!async::try_timeout(1s, [&] { return peer.read_some(buffer); }));
            CHECK(peer.read_all() == "kept");
        });
}

TEST_CASE("a cancelled accept leaves the listener as it was", "[sim][network][cancellation]") {
    sim::run([] {
        auto door = perform(net::listen({"localhost", 80}));
        CHECK(!async::try_timeout(1s, [&] { return door.accept(); }));
        auto client = perform(net::connect({"localhost", 80}));
        CHECK(door.accept().remote() == client.local());
    });
}

TEST_CASE("closing a listener ends a waiting accept and resets who was not accepted", "[sim][network]") {
    sim::run([] {
        auto door = perform(net::listen({"localhost", 80}));
        async::task_group([&](async::group& g) {
            g.spawn([&] { CHECK(code_of([&] { door.accept(); }) == net::errc::closed); });
            door.close();
        });

        auto again = perform(net::listen({"localhost", 80}));
        auto client = perform(net::connect({"localhost", 80}));
        again.close();
        std::byte one[1];
        CHECK(code_of([&] { client.read_some(one); }) == std::errc::connection_reset);
    });
}

TEST_CASE("nothing arrives over a partition until it is healed", "[sim][network][partition]") {
    between(
        {}, echo,
        [](net::stream peer) {
            sim::network::current().partition("bank");
            peer.write("ping");
            std::byte buffer[4];
            CHECK(!async::try_timeout(60s, [&] { return peer.read_some(buffer); }));
            CHECK(!async::try_timeout(60s, [] { return perform(net::connect({"bank", 80})); }));

            sim::network::current().heal("bank");
            CHECK(peer.read_some(buffer) == 4);
        },
        "bank");
}

TEST_CASE("connecting over a partition gives up in the end", "[sim][network][partition]") {
    sim::run({.network = {.hosts = {{"bank", "10.0.0.5"}}}}, [] {
        sim::network::current().partition("bank");
        auto begun = async::now();
        CHECK(code_of([] { perform(net::connect({"bank", 80})); }) == std::errc::timed_out);
        CHECK(async::now() - begun == 127s);
    });
}

TEST_CASE("to break a host that is not there is a mistake that lists those there are", "[sim][network][partition]") {
    auto message_of = [](auto call) {
        try {
            call(sim::network::current());
        } catch (std::invalid_argument const& e) {
            return std::string(e.what());
        }
        return std::string("nothing was thrown");
    };
    sim::run({.network = {.hosts = {{"later", "10.0.0.5"}}}}, [&] {
        CHECK(message_of([](auto& net) { net.partition("bd"); }) ==
              "sim::network::partition: there is no host called 'bd', but later");
        {
            net::listener const door = perform(net::listen({"bank", 80}));
            net::datagram_socket const socket = perform(net::bind_datagram({"shop", 80}));
        }
        sim::with_hosts([&](sim::hosts& hosts) {
            hosts.start("db", [] {});
            std::string const known = ": there is no host called 'bd', but bank, db, later, shop";
            auto says = [&](std::string const& call, auto broken) {
                CHECK(message_of(broken) == "sim::network::" + call + known);
            };
            says("partition", [](auto& net) { net.partition("bd"); });
            says("partition", [](auto& net) { net.partition("db", "bd"); });
            says("partition", [](auto& net) { net.partition("bd", "db"); });
            says("partition_one_way", [](auto& net) { net.partition_one_way("bd", "db"); });
            says("partition_one_way", [](auto& net) { net.partition_one_way("db", "bd"); });
            says("heal", [](auto& net) { net.heal("bd"); });
            says("heal", [](auto& net) { net.heal("bd", "db"); });
            says("set_link", [](auto& net) { net.set_link("bd", "db", {}); });
            says("set_link", [](auto& net) { net.set_link("db", "bd", {}); });
            says("reset_connections", [](auto& net) { net.reset_connections("bd"); });
            says("forget_connections", [](auto& net) { net.forget_connections("bd"); });
            CHECK(perform(net::resolve("db", 80)).size() == 1);
        });
        auto& net = sim::network::current();
        for (auto host : {"db", "bank", "shop", "later", "10.0.0.5", "192.0.2.7", "::1", "localhost"}) {
            net.partition(host);
            net.heal(host);
            net.set_link(host, "db", {});
        }
    });
    sim::run([&] {
        CHECK(message_of([](auto& net) { net.heal("bd"); }) ==
              "sim::network::heal: there is no host called 'bd', but none at all");
    });
}

TEST_CASE("an option of the network that makes no sense is refused where it is set", "[sim][network][options]") {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    auto refused = [](sim::network_options const& how, std::string const& message) {
        CHECK_THROWS_MATCHES(sim::run({.network = how}, [] { FAIL("it runs"); }), std::invalid_argument,
                             Catch::Matchers::Message(message));
        sim::run([&] {
            CHECK_THROWS_AS(sim::network::current().configure(how), std::invalid_argument);
            CHECK(sim::network::current().settings().window != 0);
        });
    };
    refused({.latency_min = -5ms}, "sim::network_options::latency_min is -5 ms: it is not negative");
    refused({.latency_max = -1ns}, "sim::network_options::latency_max is -1 ns: it is not negative");
    refused({.latency_min = 5ms, .latency_max = 1ms},
            "sim::network_options::latency_min is 5 ms: it is at most latency_max, which is 1 ms");
    refused({.window = 0}, "sim::network_options::window is 0: nothing could be written");
    refused({.connect_timeout = -2s}, "sim::network_options::connect_timeout is -2 s: it is not negative");
    refused({.link = {.loss = -0.5}}, "sim::network_options::link.loss is -0.5: it is from 0 to 1");
    refused({.link = {.loss = nan}}, "sim::network_options::link.loss is nan: it is from 0 to 1");
    refused({.link = {.retransmit_after = -1s}},
            "sim::network_options::link.retransmit_after is -1 s: it is not negative");
    refused({.link = {.duplication = 1.5}}, "sim::network_options::link.duplication is 1.5: it is from 0 to 1");
    sim::run([&] {
        auto& net = sim::network::current();
        net::listener const door = perform(net::listen({"bank", 80}));
        CHECK_THROWS_MATCHES(net.set_link("bank", "bank", {.loss = 2}), std::invalid_argument,
                             Catch::Matchers::Message("sim::link::loss is 2: it is from 0 to 1"));
        net.set_link("bank", "bank", {.loss = 1, .duplication = 1});
        net.configure({.connect_timeout = 0s});
    });
}

TEST_CASE("a host whose connections are reset is noticed at both ends", "[sim][network]") {
    between(
        {},
        [](net::stream peer) {
            std::byte one[1];
            CHECK(code_of([&] { peer.read_some(one); }) == std::errc::connection_reset);
        },
        [](net::stream peer) {
            sim::network::current().reset_connections("localhost");
            CHECK(code_of([&] { peer.write("x"); }) == std::errc::connection_reset);
        });
}

TEST_CASE("an idle connection is stale once its peer has closed or sent something", "[sim][network]") {
    between(
        {},
        [](net::stream peer) {
            async::sleep_for(1s);
            peer.write("x");
            async::sleep_for(1s);
        },
        [](net::stream peer) {
            CHECK(!peer.stale());
            async::sleep_for(1500ms);
            CHECK(peer.stale());
            CHECK(peer.read_all() == "x");
            CHECK(peer.stale());
        });
}

TEST_CASE("a stream that outlives its world is closed", "[sim][network]") {
    net::stream kept = sim::run([] {
        auto door = perform(net::listen({"localhost", 80}));
        return perform(net::connect({"localhost", 80}));
    });

    CHECK(kept.stale());
}

TEST_CASE("a partition of an address cuts connections that were made to its name", "[sim][network][partition]") {
    auto connected_to = [](std::string const& name, std::string const& cut) {
        bool arrived = true;
        sim::run({.network = {.hosts = {{"bank", "10.0.0.5"}}}}, [&] {
            std::string const address = name == "bank" ? "10.0.0.5" : "127.0.0.1";
            net::listener door = perform(net::listen({address, 80}));
            net::stream client = perform(net::connect({name, 80}));
            net::stream server = door.accept();
            sim::network::current().partition(cut);
            client.write("ping");
            std::byte buffer[4];
            arrived = async::try_timeout(60s, [&] { return server.read_some(buffer); }).has_value();
            sim::network::current().heal(cut);
            if (!arrived) CHECK(server.read_some(buffer) == 4);
        });
        return arrived;
    };

    CHECK(!connected_to("localhost", "127.0.0.1"));
    CHECK(!connected_to("127.0.0.1", "localhost"));
    CHECK(!connected_to("bank", "10.0.0.5"));
    CHECK(!connected_to("bank", "bank"));
    CHECK(connected_to("bank", "127.0.0.1"));
}

TEST_CASE("what is read or written over a partition does not tell that the peer has gone",
          "[sim][network][partition]") {
    for (bool unread : {false, true})
        sim::run([&] {
            net::listener door = perform(net::listen({"bank", 80}));
            net::stream client = perform(net::connect({"bank", 80}));
            net::stream server = door.accept();
            if (unread) client.write("ping");
            sim::network::current().partition("bank");
            server.close();

            std::byte buffer[4];
            CHECK(!async::try_timeout(60s, [&] { return client.read_some(buffer); }));
            CHECK(!client.stale());
            CHECK(async::try_timeout(60s, [&] { return client.write_some(std::as_bytes(std::span("hi", 2))); }) == 2u);

            sim::network::current().heal("bank");
            CHECK(client.stale());
            if (unread) {
                CHECK(code_of([&] { client.read_some(buffer); }) == std::errc::connection_reset);
                CHECK(code_of([&] { client.write("x"); }) == std::errc::connection_reset);
            } else {
                CHECK(client.read_some(buffer) == 0);
                CHECK(code_of([&] { client.write("x"); }) == std::errc::broken_pipe);
            }
        });
}

TEST_CASE("connections that are reset over a partition are noticed at both ends", "[sim][network][partition]") {
    sim::run([&] {
        net::listener door = perform(net::listen({"bank", 80}));
        net::stream client = perform(net::connect({"bank", 80}));
        net::stream server = door.accept();
        sim::network::current().partition("bank");
        sim::network::current().reset_connections("bank");

        std::byte buffer[4];
        CHECK(code_of([&] { client.read_some(buffer); }) == std::errc::connection_reset);
        CHECK(code_of([&] { server.write("x"); }) == std::errc::connection_reset);
    });
}

TEST_CASE("a latency without an end lets nothing arrive, and does not overflow", "[sim][network]") {
    sim::run({.network = {.latency_min = async::duration::max(), .latency_max = async::duration::max()}}, [] {
        async::sleep_for(1s);
        auto door = perform(net::listen({"bank", 80}));
        CHECK(!async::try_timeout(60s, [] { return perform(net::connect({"bank", 80})); }));
    });
}
