// SPDX-License-Identifier: BSL-1.0
#include "support.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <stdexcept>
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

// Runs `client(stream)` at one end of a connection between two hosts, over this link; the other end echoes.
template <class Client>
void over(sim::link const& how, Client client, std::uint64_t seed = 1) {
    sim::run({.seed = seed, .network = {.link = how}}, [&] {
        sim::with_hosts([&](sim::hosts& hosts) {
            hosts.start("server", serve_echo);
            hosts.start("client", [] {});
            hosts.run_on("client", [&] { client(dial("server")); });
        });
    });
}

std::vector<async::duration> drawn(sim::latency from, int count = 10'000) {
    std::uint64_t state = 7;
    std::vector<async::duration> all;
    for (int i = 0; i < count; ++i) all.push_back(from.draw(state));
    std::sort(all.begin(), all.end());
    return all;
}

async::duration mean(std::vector<async::duration> const& all) {
    async::duration sum{0};
    for (auto d : all) sum += d;
    return sum / static_cast<int>(all.size());
}

} // namespace

TEST_CASE("a constant latency is that, and draws nothing", "[sim][latency]") {
    std::uint64_t state = 7;
    CHECK(sim::latency::constant(5ms).draw(state) == 5ms);
    CHECK(sim::latency{}.draw(state) == 0ms);
    CHECK(sim::latency::uniform(5ms, 5ms).draw(state) == 5ms);
    CHECK(state == 7);
}

TEST_CASE("a latency that makes no sense is refused in words", "[sim][latency]") {
    auto refused = [](auto make, std::string const& message) {
        CHECK_THROWS_MATCHES(make(), std::invalid_argument, Catch::Matchers::Message(message));
    };
    using sim::latency;
    refused([] { return latency::constant(-1ms); }, "sim::latency::constant: always is -1 ms: it is not negative");
    refused([] { return latency::uniform(5ms, 1ms); },
            "sim::latency::uniform: most is 1 ms: it is not below least, which is 5 ms");
    refused([] { return latency::uniform(-5ms, 1ms); }, "sim::latency::uniform: least is -5 ms: it is not negative");
    refused([] { return latency::exponential(0ms, -1s, 1ms); },
            "sim::latency::exponential: mean is -1 s: it is not negative");
    refused([] { return latency::exponential(2ms, 1ms, 1ms); },
            "sim::latency::exponential: most is 1 ms: it is not below least, which is 2 ms");
    refused([] { return latency::long_tail(2ms, 1500us, 3ms); },
            "sim::latency::long_tail: median is 1500000 ns: it is not below least, which is 2 ms");
    refused([] { return latency::long_tail(2ms, 3ms, 1ms); },
            "sim::latency::long_tail: most is 1 ms: it is not below least, which is 2 ms");
}

TEST_CASE("latencies are distributed as they say", "[sim][latency]") {
    auto uniform = drawn(sim::latency::uniform(10ms, 20ms));
    CHECK(uniform.front() >= 10ms);
    CHECK(uniform.back() <= 20ms);
    CHECK(mean(uniform) / 1us == Approx(15'000).epsilon(0.02));

    auto exponential = drawn(sim::latency::exponential(10ms, 5ms, 1h));
    CHECK(exponential.front() >= 10ms);
    CHECK(mean(exponential) / 1us == Approx(15'000).epsilon(0.02));
    CHECK((exponential[5000] - 10ms) / 1us == Approx(5000 * 0.6931).epsilon(0.05)); // ln 2
    CHECK((exponential[9900] - 10ms) / 1us == Approx(5000 * 4.605).epsilon(0.1));   // ln 100

    auto tail = drawn(sim::latency::long_tail(10ms, 20ms, 3s));
    CHECK(tail.front() >= 10ms);
    CHECK(tail[5000] / 1us == Approx(20'000).epsilon(0.05));
    CHECK((tail[9900] - 10ms) / 1us == Approx(990'000).epsilon(0.3));
    CHECK(tail.back() == 3s);
}

TEST_CASE("latencies without end are capped, and do not overflow", "[sim][latency]") {
    constexpr auto most = async::duration::max();
    CHECK(drawn(sim::latency::exponential(most, most, most), 1000).back() == most);
    CHECK(drawn(sim::latency::long_tail(0ms, most, most), 1000).back() == most);
    CHECK(drawn(sim::latency::exponential(1ms, most, 2ms), 1000).back() == 2ms);
}

TEST_CASE("a drawn latency is the same number everywhere", "[sim][latency][seed]") {
    std::uint64_t state = 1;
    CHECK(sim::latency::uniform(0ms, 1s).draw(state).count() == 749606097);
    CHECK(sim::latency::exponential(0ms, 1s, 1h).draw(state).count() == 745781757);
    CHECK(sim::latency::long_tail(0ms, 1s, 1h).draw(state).count() == 1250431546);
}

TEST_CASE("a bandwidth is shared by the connections of a direction", "[sim][link]") {
    over({.latency = sim::latency::constant(100ms), .bandwidth = 1000}, [](net::stream one) {
        auto two = dial("server");
        auto begun = async::now();
        one.write(std::string(500, 'x'));
        two.write(std::string(1000, 'y'));
        CHECK(read(one).size() == 500);
        CHECK(async::now() - begun == 500ms + 100ms + 500ms + 100ms);
        CHECK(read(two).size() == 1000);
        CHECK(async::now() - begun == 1500ms + 100ms + 1000ms + 100ms);
    });
}

TEST_CASE("a link between two hosts is theirs alone", "[sim][link]") {
    over({}, [](net::stream near) {
        sim::network::current().set_link("server", "client", {.latency = sim::latency::constant(1s)});
        auto begun = async::now();
        ask(near, "x");
        CHECK(async::now() - begun == 2s);
        dial("server");
        CHECK(async::now() - begun == 4s);
    });
    sim::run([] {
        sim::with_hosts([](sim::hosts& hosts) {
            hosts.start("server", serve_echo);
            hosts.start("client", [] {});
            sim::network::current().set_link("server", "client", {.latency = sim::latency::constant(1s)});
            dial("server"); // from the body
            CHECK(async::now() == async::time_point{});
        });
    });
}

TEST_CASE("latency that varies reorders no bytes", "[sim][link]") {
    for (std::uint64_t seed = 1; seed < 10; ++seed)
        over(
            {.latency = sim::latency::long_tail(1ms, 10ms, 10s), .loss = 0.1},
            [](net::stream peer) {
                std::string sent;
                for (int i = 0; i < 200; ++i) sent += std::to_string(i) + ' ';
                async::task_group([&](async::group& g) {
                    g.spawn([&] {
                        for (std::size_t at = 0; at < sent.size(); at += 7) peer.write(sent.substr(at, 7));
                        peer.shutdown_write();
                    });
                    CHECK(peer.read_all() == sent);
                });
            },
            seed);
}

TEST_CASE("what is lost is sent again, later each time", "[sim][link][loss]") {
    // The longest of a hundred answers over a link that loses every third segment, with nothing else that takes time.
    std::vector<async::duration> took;
    over({.loss = 1.0 / 3}, [&](net::stream peer) {
        for (int i = 0; i < 100; ++i) {
            auto begun = async::now();
            ask(peer, "x");
            took.push_back(async::now() - begun);
        }
    });
    std::sort(took.begin(), took.end());
    CHECK(took.front() == 0ms);
    CHECK(std::count(took.begin(), took.end(), 200ms) > 10);
    CHECK(std::count(took.begin(), took.end(), 600ms) > 2); // 200 ms, then 400 ms
    for (auto d : took) CHECK(d % 200ms == 0ms);
    auto lossless = std::count(took.begin(), took.end(), 0ms);
    CHECK(lossless > 30); // 4 of 9
    CHECK(lossless < 60);
}

TEST_CASE("a connection that loses everything breaks", "[sim][link][loss]") {
    over({}, [](net::stream peer) {
        sim::network::current().set_link("client", "server", {.loss = 1, .retransmissions = 3});
        auto begun = async::now();
        peer.write("never arrives");
        peer.write("nor this");
        CHECK(code_of([&] { read(peer); }) == std::errc::timed_out);
        CHECK(async::now() - begun == 200ms + 400ms + 800ms + 1600ms);
        CHECK(code_of([&] { peer.write("x"); }) == std::errc::timed_out);
        CHECK(code_of([] { dial("server"); }) == std::errc::timed_out);
    });
}

TEST_CASE("a request for a connection that is lost is sent again", "[sim][link][loss]") {
    std::vector<async::duration> took;
    over({.loss = 0.3}, [&](net::stream) {
        for (int i = 0; i < 100; ++i) {
            auto begun = async::now();
            dial("server");
            took.push_back(async::now() - begun);
        }
    });
    CHECK(std::count(took.begin(), took.end(), 0s) > 30);
    CHECK(std::count(took.begin(), took.end(), 1s) > 10);
    CHECK(std::count(took.begin(), took.end(), 3s) > 2);
}

TEST_CASE("bytes that are written over a partition break the connection in the end", "[sim][network][partition]") {
    over({}, [](net::stream peer) {
        auto& net = sim::network::current();
        net.partition("server");
        CHECK(!async::try_timeout(24h, [&] { return read(peer); })); // who sends nothing notices nothing
        auto begun = async::now();
        peer.write("lost");
        CHECK(code_of([&] { read(peer); }) == std::errc::timed_out);
        CHECK(async::now() - begun == 924600ms);
        net.heal("server");
        auto again = dial("server");
        CHECK(ask(again, "x") == "x");
    });
}

TEST_CASE("what had arrived before a partition is read in it", "[sim][network][partition]") {
    sim::run({.network = {.latency_min = 1s, .latency_max = 1s}}, [] {
        net::listener door = perform(net::listen({"bank", 80}));
        net::stream client = perform(net::connect({"bank", 80}));
        net::stream server = door.accept();
        client.write("early");
        async::sleep_for(500ms);
        client.write("late");
        async::sleep_for(700ms);
        sim::network::current().partition("bank");
        CHECK(read(server) == "early");
        CHECK(!async::try_timeout(1min, [&] { return read(server); }));
        sim::network::current().heal("bank");
        CHECK(read(server) == "late");
    });
}

TEST_CASE("a forgotten connection is half-open: its peer learns it by writing", "[sim][network]") {
    sim::run([] {
        net::listener door = perform(net::listen({"bank", 80}));
        net::stream client = perform(net::connect({"bank", 80}));
        net::stream server = door.accept();
        sim::network::current().forget_connections("bank");

        CHECK(code_of([&] { read(server); }) == std::errc::connection_reset);
        server.close(); // nobody hears that
        CHECK(!async::try_timeout(24h, [&] { return read(client); }));
        CHECK(!client.stale());
        client.write("hello?");
        CHECK(code_of([&] { read(client); }) == std::errc::connection_reset);
        CHECK(client.stale());
        CHECK(perform(net::connect({"bank", 80})));
    });
}
