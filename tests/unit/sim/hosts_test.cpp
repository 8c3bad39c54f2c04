// SPDX-License-Identifier: BSL-1.0
#include "support.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <effects/effects.hpp>
#include <effects/os.hpp>
#include <effects/sim.hpp>

using namespace std::chrono_literals;
using namespace support;
using effects::perform;
namespace async = effects::async;
namespace net = effects::net;
namespace os = effects::os;
namespace sim = effects::sim;

namespace {

template <class F>
void with_hosts(F f) {
    sim::run([&] { sim::with_hosts([&](sim::hosts& hosts) { f(hosts, sim::network::current()); }); });
}

void idle() {}

} // namespace

TEST_CASE("hosts listen under their names and are reached by them", "[sim][hosts]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        hosts.start("a", serve_echo);
        hosts.start("b", serve_echo); // on the same port
        hosts.start("web", idle);
        hosts.run_on("web", [] {
            auto peer = dial("a");
            CHECK(ask(peer, "hello") == "hello");
            CHECK(peer.remote() == net::endpoint{"a", 7});
            CHECK(peer.local().host == "web");
        });
        auto peer = dial("b");
        CHECK(ask(peer, "from the body") == "from the body");
        CHECK(code_of([] { dial("c"); }) == net::errc::host_not_found);
    });
}

TEST_CASE("a host's loopback is its own", "[sim][hosts]") {
    with_hosts([](sim::hosts& hosts, sim::network& net) {
        net.configure({.latency_min = 1s, .latency_max = 1s});
        hosts.start("a", [] {
            auto door = perform(net::listen({"localhost", 7}));
            auto begun = async::now();
            auto here = dial("localhost");
            auto there = door.accept();
            there.write("x");
            CHECK(read(here) == "x");
            CHECK(async::now() == begun); // nothing lies between
            async::sleep_for(1h);
        });
        hosts.start("b", [] { CHECK(code_of([] { dial("localhost"); }) == std::errc::connection_refused); });
        CHECK(code_of([] { dial("a"); }) == std::errc::connection_refused);
        CHECK(code_of([] { dial("localhost"); }) == std::errc::connection_refused);
        hosts.run_on("b", [] {
            CHECK(code_of([] { perform(net::listen({"a", 7})); }) == std::errc::address_not_available);
            CHECK(perform(net::listen({"b", 7})).local() == net::endpoint{"b", 7});
        });
    });
}

TEST_CASE("a task belongs to the host of its group, under whichever handlers it runs", "[sim][hosts]") {
    struct whence {
        using result_type = std::string;
    };
    auto outside = [](whence const&) { return dial("server").local().host; };
    sim::run(
        [] {
            sim::with_hosts([](sim::hosts& hosts) {
                hosts.start("server", serve_echo);
                hosts.start("client", [] {
                    CHECK(perform(whence{}) == "client");
                    auto [one, two] = async::all([] { return perform(whence{}); },
                                                 [] { return async::timeout(1h, [] { return perform(whence{}); }); });
                    CHECK(one == "client");
                    CHECK(two == "client");
                });
                CHECK(perform(whence{}) == "127.0.0.1");
            });
        },
        outside);
}

TEST_CASE("run_on gives what its function returns or throws, and fails neither host nor group", "[sim][hosts]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        hosts.start("a", idle);
        CHECK(hosts.run_on("a", [] { return std::make_unique<int>(3); }) != nullptr);
        CHECK_THROWS_AS(hosts.run_on("a", [] { throw std::out_of_range("x"); }), std::out_of_range);
        CHECK(!async::try_timeout(1s, [&] { hosts.run_on("a", [] { async::sleep_for(1h); }); }));
        CHECK_THROWS_AS(hosts.run_on("b", idle), std::invalid_argument);
        CHECK_THROWS_AS(hosts.start("a", idle), std::invalid_argument);
        async::task_group([&](async::group& g) {
            g.spawn([&] { CHECK_THROWS_AS(hosts.run_on("a", [] { async::sleep_for(1h); }), async::task_cancelled); });
            hosts.crash("a");
        });
        CHECK_THROWS_AS(hosts.run_on("a", idle), std::logic_error);
        CHECK(!hosts.is_up("a"));
    });
}

TEST_CASE("what run_on runs has the caller's deadline, and is told why it is cancelled", "[sim][hosts][deadline]") {
    std::vector<async::reason> told;
    auto waits = [&told] {
        try {
            async::sleep_for(1h);
        } catch (async::cancelled const& c) {
            told.push_back(c.why());
            throw;
        }
    };
    for (std::uint64_t seed = 1; seed <= 10; ++seed)
        sim::run({.seed = seed}, [&] {
            sim::with_hosts([&](sim::hosts& hosts) {
                hosts.start("a", idle);
                CHECK(hosts.run_on("a", async::deadline) == async::never);
                async::timeout(1s, [&] { CHECK(hosts.run_on("a", async::deadline) == async::deadline()); });
                CHECK_THROWS_AS(async::timeout(1s, [&] { hosts.run_on("a", waits); }), async::timed_out);
                CHECK(async::now() == async::time_point(1s));
                CHECK(hosts.run_on("a", [] { return 3; }) == 3);
                async::task_group([&](async::group& g) {
                    g.spawn([&] { hosts.run_on("a", waits); });
                    async::sleep_for(1s);
                    g.cancel(async::reason::shutdown);
                });
                CHECK(told == std::vector{async::reason::timed_out, async::reason::shutdown});
                told.clear();
            });
        });
}

TEST_CASE("what a host's program throws ends the hosts, and says where it was", "[sim][hosts]") {
    auto run = [] {
        sim::run([] {
            sim::with_hosts([](sim::hosts& hosts) {
                hosts.start("a", [] {
                    async::sleep_for(1s);
                    dial("nowhere");
                });
                async::sleep_for(1h);
            });
        });
    };
    try {
        run();
        FAIL("nothing was thrown");
    } catch (net::error const& e) {
        CHECK(e.what() == std::string("while on the host a: while connecting to nowhere:7: host not found: nowhere"));
    }
}

TEST_CASE("hosts end with the body, and their clean-up reaches the others until then", "[sim][hosts]") {
    std::string log;
    with_hosts([&](sim::hosts& hosts, sim::network&) {
        hosts.start("a", [&] {
            struct note {
                std::string& log;
                ~note() { log += "ended"; }
            } at_the_end{log};
            async::sleep_for(1h);
        });
        async::sleep_for(1s);
        CHECK(log == "");
    });
    CHECK(log == "ended");
}

TEST_CASE("hosts have calendars of their own, and one steady time", "[sim][hosts][clock]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        hosts.start("fast", {.clock_offset = 5s, .clock_drift_ppm = 100}, idle);
        hosts.start("slow", {.clock_offset = -5s, .clock_drift_ppm = -100}, idle);
        auto error = [&](char const* host) {
            return hosts.run_on(host, [] { return os::system_now(); }) - os::system_now();
        };
        CHECK(error("fast") == 5s);
        CHECK(error("slow") == -5s);
        async::sleep_for(1000s);
        CHECK(error("fast") == 5100ms);
        CHECK(error("slow") == -5100ms);

        auto steady = hosts.run_on("fast", [] { return os::steady_now(); });
        hosts.jump_clock("fast", -1h);
        hosts.set_clock_drift("fast", 0);
        async::sleep_for(1000s);
        CHECK(error("fast") == 5100ms - 1h);
        CHECK(hosts.run_on("fast", [] { return os::steady_now(); }) - steady == 1000s);
        hosts.restart("fast");
        CHECK(error("fast") == 5100ms - 1h);
    });
}

TEST_CASE("a calendar stays between its first and its last day", "[sim][hosts][clock]") {
    auto reads = [](os::system_time start, auto change) {
        os::system_time read;
        sim::run({.start = start}, [&] {
            sim::with_hosts([&](sim::hosts& hosts) {
                hosts.start("a", idle);
                change(hosts);
                read = hosts.run_on("a", os::system_now);
            });
        });
        return read;
    };
    constexpr auto first = os::system_time::min();
    constexpr auto last = os::system_time::max();
    constexpr auto longest = async::duration::max();
    CHECK(reads({}, [&](sim::hosts& h) { h.jump_clock("a", longest); }) == last);
    CHECK(reads({}, [&](sim::hosts& h) {
              h.jump_clock("a", longest);
              h.jump_clock("a", longest);
          }) == last);
    CHECK(reads(last, [&](sim::hosts& h) { h.jump_clock("a", 1ns); }) == last);
    CHECK(reads(last, [&](sim::hosts& h) { h.jump_clock("a", -1ns); }) == last - 1ns);
    CHECK(reads(first, [&](sim::hosts& h) { h.jump_clock("a", -1h); }) == first);
    CHECK(reads(first, [&](sim::hosts& h) { h.jump_clock("a", 1h); }) == first + 1h);
    CHECK(reads({}, [&](sim::hosts& h) { h.jump_clock("a", async::duration::min()); }) == first);
    auto drift = [](std::int64_t ppm, async::duration passed) {
        return [=](sim::hosts& h) {
            h.set_clock_drift("a", ppm);
            async::sleep_for(passed);
        };
    };
    CHECK(reads({}, drift(std::numeric_limits<std::int64_t>::max(), 1h)) == last);
    CHECK(reads({}, drift(std::numeric_limits<std::int64_t>::min(), 1h)) == first + 1h); // wrong by all that it can be
    CHECK(reads({}, drift(2'500'001, 1h)) == os::system_time(3'600s + 9'000s + 3'600us));
    CHECK(reads({}, drift(-1'000'000, 1h)) == os::system_time{});
    CHECK(reads({}, drift(100, 1s + 1ns)) == os::system_time(1s + 100us + 1ns));
}

TEST_CASE("two hosts are cut off from each other, and from nobody else", "[sim][hosts][partition]") {
    with_hosts([](sim::hosts& hosts, sim::network& net) {
        hosts.start("db", serve_echo);
        hosts.start("a", idle);
        hosts.start("b", idle);
        auto reaches = [&](char const* host) {
            return hosts.run_on(host, [] {
                auto peer = async::try_timeout(20s, [] { return dial("db"); });
                return peer && ask(*peer, "x") == "x";
            });
        };
        net.partition("a", "db");
        CHECK(!reaches("a"));
        CHECK(reaches("b"));
        net.heal("db", "a");
        CHECK(reaches("a"));
        net.partition_one_way("db", "b");
        CHECK(!reaches("b"));
        net.heal("db");
        CHECK(reaches("b"));
        net.partition("a");
        CHECK(!reaches("a"));
        CHECK(reaches("b"));
    });
}

TEST_CASE("in a partition of one direction the other one works", "[sim][hosts][partition]") {
    with_hosts([](sim::hosts& hosts, sim::network& net) {
        std::string got;
        net::stream server;
        hosts.start("db", [&] {
            auto door = perform(net::listen({"0.0.0.0", 7}));
            server = door.accept();
            for (std::string piece; !(piece = read(server)).empty();) got += piece;
        });
        hosts.start("a", idle);
        hosts.run_on("a", [&] {
            auto peer = dial("db");
            net.partition_one_way("db", "a");
            peer.write("one");
            async::sleep_for(1s);
            CHECK(got == "one");
            server.write("answer");
            CHECK(!async::try_timeout(1min, [&] { return read(peer); }));

            net.heal("a");
            CHECK(read(peer) == "answer");
            net.partition_one_way("a", "db");
            peer.write("two");
            async::sleep_for(1s);
            CHECK(got == "one");
            server.write("more");
            CHECK(read(peer) == "more");
            net.heal("a", "db");
            async::sleep_for(1s);
            CHECK(got == "onetwo");
        });
    });
}

TEST_CASE("the same seed gives the same run of hosts, byte for byte", "[sim][hosts][seed]") {
    auto trace = [](std::uint64_t seed) {
        std::ostringstream out;
        sim::options how{
            .seed = seed,
            .network = {
                .max_read = 5,
                .max_write = 9,
                .link = {.latency = sim::latency::exponential(1ms, 20ms, 1s), .bandwidth = 10'000, .loss = 0.05}}};
        sim::run(how, [&] {
            sim::with_hosts([&](sim::hosts& hosts) {
                hosts.start("db", serve_echo);
                for (std::string name : {"a", "b", "c"})
                    hosts.start(name, [&out, name] {
                        for (int i = 0; i < 20; ++i) {
                            auto begun = async::now();
                            auto answered = code_of([&] {
                                async::timeout(5s, [&] {
                                    auto peer = dial("db");
                                    peer.write("a text of some length");
                                    peer.shutdown_write();
                                    out << peer.read_all();
                                });
                            });
                            out << ' ' << name << ' ' << answered.value() << ' ' << (async::now() - begun).count()
                                << '\n';
                            async::sleep_for(1s);
                        }
                    });
                for (int i = 0; i < 4; ++i) {
                    async::sleep_for(7s);
                    hosts.restart("db");
                }
                async::sleep_for(2min);
            });
        });
        return out.str();
    };
    std::string const one = trace(1);
    CHECK(one == trace(1));
    CHECK(one != trace(2));

    // What every compiler and library has to give: FNV-1a of the text.
    std::uint64_t sum = 14695981039346656037u;
    for (char c : one) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211u;
    CHECK(sum == 0xf8a737306eb65945u);
}
