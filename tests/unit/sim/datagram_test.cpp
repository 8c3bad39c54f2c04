// SPDX-License-Identifier: BSL-1.0
#include "support.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <effects/effects.hpp>
#include <effects/sim.hpp>

using namespace std::chrono_literals;
using namespace support;
using effects::perform;
namespace async = effects::async;
namespace net = effects::net;
namespace sim = effects::sim;

namespace {

using texts = std::vector<std::string>;

template <class F>
void with_hosts(sim::options const& how, F f) {
    sim::run(how, [&] { sim::with_hosts([&](sim::hosts& hosts) { f(hosts, sim::network::current()); }); });
}
template <class F>
void with_hosts(F f) {
    with_hosts({}, f);
}

void idle() {}

net::datagram_socket at(std::string const& host, std::uint16_t port = 0, net::datagram_options const& how = {}) {
    return perform(net::bind_datagram({host, port}, how));
}

// A program for a host: answers each datagram by the same.
void echo_datagrams() {
    auto socket = at("0.0.0.0", 7);
    for (;;) {
        auto const got = socket.receive();
        socket.send_to(got.bytes, got.from);
    }
}

// What comes, in order, until nothing has come for so long.
texts all_of(net::datagram_socket& socket, async::duration patience = 10s) {
    texts all;
    while (auto got = async::try_timeout(patience, [&] { return socket.receive(); })) all.push_back(got->bytes);
    return all;
}

// What arrives of `count` numbered datagrams over a link.
texts over(sim::link const& between, int count, std::uint64_t seed = 1) {
    texts got;
    with_hosts({.seed = seed, .network = {.link = between}}, [&](sim::hosts& hosts, sim::network&) {
        hosts.start("server", [&] {
            auto socket = at("0.0.0.0", 7);
            got = all_of(socket, 1h);
        });
        hosts.start("client", [&] {
            auto socket = at("0.0.0.0");
            for (int i = 0; i < count; ++i) socket.send_to(std::to_string(i), {"server", 7});
        });
        async::sleep_for(2h);
    });
    return got;
}

texts numbers(int count) {
    texts all;
    for (int i = 0; i < count; ++i) all.push_back(std::to_string(i));
    return all;
}

bool is_up(net::datagram_socket& client) {
    client.send("?");
    return async::try_timeout(10s, [&] { client.receive(); }).has_value();
}

} // namespace

TEST_CASE("datagrams over a good link arrive all, in order", "[sim][datagram]") {
    CHECK(over({}, 100) == numbers(100));
    CHECK(over({.latency = sim::latency::constant(20ms)}, 100) == numbers(100));
}

TEST_CASE("a latency that varies reorders datagrams", "[sim][datagram]") {
    texts got = over({.latency = sim::latency::uniform(1ms, 20ms)}, 100);
    CHECK(got != numbers(100));
    auto by_number = [](auto& a, auto& b) { return std::stoi(a) < std::stoi(b); };
    std::sort(got.begin(), got.end(), by_number);
    CHECK(got == numbers(100));
}

TEST_CASE("a lossy link loses datagrams for good", "[sim][datagram]") {
    CHECK(over({.loss = 0.3}, 500).size() == Approx(350).margin(50));
    CHECK(over({.loss = 1}, 100).empty());
}

TEST_CASE("a link may double datagrams", "[sim][datagram]") {
    auto const got = over({.duplication = 0.5}, 200);
    CHECK(got.size() == Approx(300).margin(40));
    std::map<std::string, int> times;
    for (auto& text : got) ++times[text];
    CHECK(times.size() == 200);
    CHECK(std::all_of(times.begin(), times.end(), [](auto& t) { return t.second <= 2; }));
}

TEST_CASE("the same seed loses, doubles and reorders the same datagrams", "[sim][datagram][seed]") {
    sim::link const bad{.latency = sim::latency::exponential(1ms, 5ms, 1s), .loss = 0.1, .duplication = 0.1};
    CHECK(over(bad, 200, 7) == over(bad, 200, 7));
    CHECK(over(bad, 200, 7) != over(bad, 200, 8));
}

TEST_CASE("datagrams wait for the bandwidth", "[sim][datagram]") {
    with_hosts({.network = {.link = {.bandwidth = 1000}}}, [](sim::hosts& hosts, sim::network&) {
        hosts.start("server", echo_datagrams);
        auto client = perform(net::connect_datagram({"server", 7}));
        client.send(std::string(1000, 'x'));
        client.receive();
        CHECK(async::now().time_since_epoch() == 2s);
    });
}

TEST_CASE("hosts send each other datagrams by name, and answer whom they came from", "[sim][datagram][hosts]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        hosts.start("server", echo_datagrams);
        hosts.start("client", idle);
        hosts.run_on("client", [] {
            auto socket = at("0.0.0.0", 99);
            socket.send_to("hello", {"server", 7});
            CHECK(socket.receive() == net::datagram{"hello", {"server", 7}});
            auto connected = perform(net::connect_datagram({"server", 7}));
            CHECK(connected.local().host == "client");
            CHECK(connected.remote() == net::endpoint{"server", 7});
            connected.send("again");
            CHECK(connected.receive() == net::datagram{"again", {"server", 7}});
        });
    });
}

TEST_CASE("hosts answer the body, which has no name", "[sim][datagram][hosts]") {
    with_hosts({.network = {.hosts = {{"server", "10.0.0.5"}}}}, [](sim::hosts& hosts, sim::network&) {
        hosts.start("server", echo_datagrams);
        for (auto socket : {at("0.0.0.0").local(), at("127.0.0.1").local(), at("tester").local()}) {
            auto body = perform(net::bind_datagram(socket));
            body.send_to("hello", {"server", 7});
            CHECK(body.receive().bytes == "hello");
            body.send_to("by address", {"10.0.0.5", 7});
            CHECK(body.receive().bytes == "by address");
        }
        auto connected = perform(net::connect_datagram({"10.0.0.5", 7}));
        connected.send("hello");
        CHECK(connected.receive() == net::datagram{"hello", {"10.0.0.5", 7}});
    });
}

TEST_CASE("a host's loopback carries datagrams of its own only", "[sim][datagram][hosts]") {
    with_hosts([](sim::hosts& hosts, sim::network& network) {
        hosts.start("a", [] {
            auto inside = at("127.0.0.1", 7);
            for (;;) {
                auto const got = inside.receive();
                CHECK(got.from == net::endpoint{"127.0.0.1", 99});
                inside.send_to(got.bytes + "!", got.from);
            }
        });
        hosts.start("b", idle);
        network.partition("a"); // not from itself
        hosts.run_on("a", [] {
            auto socket = at("0.0.0.0", 99);
            socket.send_to("me", {"localhost", 7});
            CHECK(socket.receive() == net::datagram{"me!", {"127.0.0.1", 7}});
            auto inside = at("127.0.0.1");
            CHECK(code_of([&] { inside.send_to("out", {"b", 7}); }) == std::errc::invalid_argument);
        });
        network.heal("a");
        hosts.run_on("b", [] {
            auto socket = at("0.0.0.0");
            socket.send_to("other", {"localhost", 7});
            socket.send_to("other", {"a", 7});
            CHECK(all_of(socket).empty());
            CHECK(code_of([] { at("a"); }) == std::errc::address_not_available);
            CHECK(at("b", 5).local() == net::endpoint{"b", 5});
        });
    });
}

TEST_CASE("a partition swallows datagrams, those under way too, and tells nobody", "[sim][datagram][partition]") {
    with_hosts({.network = {.link = {.latency = sim::latency::constant(100ms)}}},
               [](sim::hosts& hosts, sim::network& network) {
                   hosts.start("server", echo_datagrams);
                   auto client = perform(net::connect_datagram({"server", 7}));
                   CHECK(is_up(client));
                   network.partition("server");
                   CHECK_FALSE(is_up(client));
                   network.heal("server");
                   CHECK(is_up(client));

                   client.send("under way");
                   async::sleep_for(50ms);
                   network.partition("server");
                   network.heal("server");
                   CHECK(all_of(client).empty());

                   client.send("arrived");
                   async::sleep_for(100ms);
                   network.partition("server"); // and the answer is under way
                   async::sleep_for(1s);
                   network.heal("server");
                   CHECK(all_of(client).empty());
               });
}

TEST_CASE("a partition of two hosts, or of one direction, cuts off just that", "[sim][datagram][partition]") {
    with_hosts([](sim::hosts& hosts, sim::network& network) {
        hosts.start("server", echo_datagrams);
        hosts.start("client", idle);
        hosts.start("third", idle);
        auto asks = [&](std::string const& who) {
            return hosts.run_on(who, [] {
                auto socket = perform(net::connect_datagram({"server", 7}));
                return is_up(socket);
            });
        };
        network.partition("client", "server");
        CHECK_FALSE(asks("client"));
        CHECK(asks("third"));
        network.heal("client", "server");
        CHECK(asks("client"));
        network.partition_one_way("server", "client");
        CHECK_FALSE(asks("client"));
        CHECK(asks("third"));
        network.heal("server");
        network.partition_one_way("client", "third");
        CHECK(asks("client"));
    });
}

TEST_CASE("a partition of an address cuts off the datagrams of its name", "[sim][datagram][partition]") {
    with_hosts({.network = {.hosts = {{"server", "10.0.0.5"}}}}, [](sim::hosts& hosts, sim::network& network) {
        hosts.start("client", idle);
        hosts.start("server", [] {
            for (;;) {
                at("0.0.0.0").send_to("tick", {"client", 7});
                async::sleep_for(1min);
            }
        });
        hosts.run_on("client", [&] {
            auto socket = at("0.0.0.0", 7);
            async::sleep_for(1min);
            CHECK(all_of(socket, 50s).size() == 1);
            network.partition("10.0.0.5");
            async::sleep_for(5min);
            CHECK(all_of(socket, 50s).empty());
        });
    });
}

TEST_CASE("a crash closes a host's sockets, and nobody answers for it", "[sim][datagram][crash]") {
    with_hosts({.network = {.link = {.latency = sim::latency::constant(100ms)}}}, [](sim::hosts& hosts, sim::network&) {
        int ended = 0;
        hosts.start("server", [&] {
            struct last_words {
                int& ended;
                net::datagram_socket socket = at("0.0.0.0", 7);
                ~last_words() {
                    ended += code_of([&] { socket.join("239.0.0.1"); }) == net::errc::closed;
                }
            } own{ended};
            net::datagram_socket& socket = own.socket;
            for (;;) {
                auto const got = socket.receive();
                socket.send_to(got.bytes, got.from);
            }
        });
        auto client = perform(net::connect_datagram({"server", 7}));
        CHECK(is_up(client));
        hosts.crash("server");
        CHECK(ended == 1);
        CHECK_FALSE(is_up(client)); // no refusal either

        client.send("arrives when it is back");
        async::sleep_for(50ms);
        hosts.restart("server");
        CHECK(all_of(client) == texts{"arrives when it is back"});
        CHECK(is_up(client));

        hosts.crash("server");
        client.send("arrives while it is down");
        async::sleep_for(150ms);
        hosts.restart("server");
        CHECK(all_of(client).empty());
    });
}

TEST_CASE("the machine of a program that was killed refuses its datagrams", "[sim][datagram][crash]") {
    with_hosts({.network = {.link = {.latency = sim::latency::constant(100ms)}}}, [](sim::hosts& hosts, sim::network&) {
        hosts.start("server", echo_datagrams);
        auto client = perform(net::connect_datagram({"server", 7}));
        CHECK(is_up(client));
        hosts.kill("server");
        auto const begun = async::now();
        CHECK(code_of([&] { is_up(client); }) == std::errc::connection_refused);
        CHECK(async::now() - begun == 200ms); // there and back
        hosts.restart("server");
        CHECK(is_up(client));
    });
}

TEST_CASE("a refusal can be lost, and does not pass a partition", "[sim][datagram][partition]") {
    with_hosts([](sim::hosts& hosts, sim::network& network) {
        hosts.start("server", idle);
        hosts.start("client", idle);
        network.partition_one_way("server", "client");
        hosts.run_on("client", [] {
            auto socket = perform(net::connect_datagram({"server", 7}));
            CHECK_FALSE(is_up(socket));
        });
        network.heal("server");
        hosts.run_on("client", [] {
            auto socket = perform(net::connect_datagram({"server", 7}));
            CHECK(code_of([&] { is_up(socket); }) == std::errc::connection_refused);
        });
    });
}

TEST_CASE("a broadcast, and what is sent to a group, reaches the hosts", "[sim][datagram][hosts]") {
    with_hosts([](sim::hosts& hosts, sim::network& network) {
        std::map<std::string, texts> got;
        for (std::string who : {"a", "b", "c"})
            hosts.start(who, [&got, who] {
                auto socket = at("0.0.0.0", 7);
                if (who != "c") socket.join("239.0.0.7");
                for (;;) {
                    auto const d = socket.receive();
                    CHECK(d.from == net::endpoint{"sender", 99});
                    got[who].push_back(d.bytes);
                }
            });
        hosts.start("sender", idle);
        network.partition("sender", "b");
        hosts.run_on("sender", [&] {
            auto socket = at("0.0.0.0", 99, {.broadcast = true});
            socket.send_to("all", {"255.255.255.255", 7});
            socket.send_to("group", {"239.0.0.7", 7});
            socket.send_to("nobody", {"239.0.0.8", 7});
            socket.send_to("here", {"127.255.255.255", 7});
            network.heal("sender");
            socket.send_to("healed", {"239.0.0.7", 7});
        });
        async::sleep_for(1s);
        CHECK(got["a"] == texts{"all", "group", "healed"});
        CHECK(got["b"] == texts{"healed"});
        CHECK(got["c"] == texts{"all"});
    });
}

TEST_CASE("what comes when a socket's buffer is used up is dropped", "[sim][datagram]") {
    sim::run({.network = {.datagram_buffer = 3000}}, [] {
        auto server = at("server", 7);
        auto client = at("client");
        for (int i = 0; i < 10; ++i) client.send_to(std::to_string(i) + std::string(999, ' '), {"server", 7});
        auto const got = all_of(server);
        REQUIRE(got.size() == 3); // of 1256 bytes each
        CHECK(got[2][0] == '2');
    });
}

TEST_CASE("unnamed hosts of the body send each other datagrams by any name", "[sim][datagram]") {
    sim::run({.network = {.hosts = {{"db", "10.0.0.5"}}}}, [] {
        auto dns = at("dns.example", 53);
        auto client = at("10.0.0.9");
        client.send_to("who is db?", {"dns.example", 53});
        CHECK(dns.receive() == net::datagram{"who is db?", client.local()});
        auto db = at("0.0.0.0", 53); // another host's, so it may be bound
        dns.send_to("a query", {"db", 53});
        CHECK(db.receive() == net::datagram{"a query", {"dns.example", 53}});
        auto connected = perform(net::connect_datagram({"db", 53}));
        connected.send("asks");
        db.send_to("answers", db.receive().from);
        CHECK(connected.receive() == net::datagram{"answers", {"10.0.0.5", 53}});
        CHECK(code_of([&] { client.send_to("x", {"nowhere.example", 53}); }) == net::errc::host_not_found);
    });
}

TEST_CASE("a receive that nobody will end is a deadlock that names it", "[sim][datagram]") {
    try {
        sim::run([] { at("127.0.0.1").receive(); });
        FAIL("nobody sends anything");
    } catch (sim::deadlock const& e) {
        CHECK_THAT(e.what(), Catch::Matchers::Contains("net::receive_datagram"));
    }
}

TEST_CASE("a datagram socket that outlives its world is closed", "[sim][datagram]") {
    net::datagram_socket kept = sim::run([] { return at("127.0.0.1"); });
    CHECK(code_of([&] { kept.receive(); }) == net::errc::closed);
    CHECK(code_of([&] { kept.send_to("x", {"127.0.0.1", 1}); }) == net::errc::closed);
    kept.close();
}

TEST_CASE("a datagram that never arrives overflows nothing", "[sim][datagram]") {
    sim::run({.network = {.link = {.latency = sim::latency::constant(async::duration::max())}}}, [] {
        auto server = at("server", 7);
        at("client").send_to("x", {"server", 7});
        CHECK_FALSE(async::try_timeout(24h, [&] { server.receive(); }));
    });
}

TEST_CASE("all ports of a host may be in use", "[sim][datagram]") {
    sim::run([] {
        std::vector<net::datagram_socket> all;
        for (int i = 0; i < 65536 - 49152; ++i) all.push_back(at("127.0.0.1"));
        CHECK(code_of([] { at("127.0.0.1"); }) == std::errc::address_in_use);
        auto const free = all.back().local();
        all.pop_back();
        CHECK(at("127.0.0.1").local() == free);
    });
}
