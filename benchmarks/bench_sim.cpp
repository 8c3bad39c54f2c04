// SPDX-License-Identifier: BSL-1.0
// How long a simulated day takes.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

#include <effects/async.hpp>
#include <effects/net.hpp>
#include <effects/perform.hpp>
#include <effects/sim.hpp>

namespace {

using namespace std::chrono_literals;
namespace async = effects::async;
namespace net = effects::net;
namespace sim = effects::sim;
using effects::perform;

constexpr long count = 100'000;

// A hundred thousand timers over a hundred hours, in so many tasks: each sleeps again and again, by turns for long and not so long.
void run_timers(benchmark::State& state, long tasks) {
    for (auto _ : state) {
        long fired = 0;
        sim::run([&] {
            async::task_group([&](async::group& g) {
                for (long i = 0; i < tasks; ++i)
                    g.spawn([&fired, i, each = count / tasks] {
                        for (long turn = 0; turn < each; ++turn) {
                            auto const at = std::chrono::milliseconds(3600 * ((i + turn * 7919) % count + 1));
                            async::sleep_until(async::time_point(100h * turn / each + at / each));
                            ++fired;
                        }
                    });
            });
            if (async::now().time_since_epoch() > 100h) throw std::logic_error("more than a hundred hours");
        });
        if (fired != count) state.SkipWithError("a timer is missing");
    }
}

void timers(benchmark::State& state) { run_timers(state, 1000); }
BENCHMARK(timers)->Name("sim/timers_100k")->Unit(benchmark::kSecond);

// All of them pending at once. What it takes is the system's: a stack's first page for each, which is touched and given back.
void timers_at_once(benchmark::State& state) { run_timers(state, count); }
BENCHMARK(timers_at_once)->Name("sim/timers_100k_at_once")->Unit(benchmark::kSecond);

std::string line_from(net::stream& peer) { return peer.read_until("\n", 100); }

// A day of a thousand clients, each a host of its own that asks every quarter of an hour or so, over a connection that it keeps for ten requests;
// latency varies, one segment in a thousand is lost. About a hundred thousand requests.
void day(benchmark::State& state) {
    constexpr int clients = 1000;
    for (auto _ : state) {
        long answers = 0, broken = 0;
        sim::options how{.max_steps = 100'000'000};
        how.network.link = {.latency = sim::latency::exponential(5ms, 20ms, 5s), .bandwidth = 1'000'000, .loss = 0.001};
        sim::run(how, [&] {
            sim::with_hosts([&](sim::hosts& hosts) {
                hosts.start("server", [] {
                    auto door = perform(net::listen({"0.0.0.0", 80}));
                    async::task_group([&](async::group& g) {
                        for (;;)
                            g.spawn([peer = door.accept()]() mutable {
                                try {
                                    for (;;) peer.write("you said " + line_from(peer));
                                } catch (net::error const&) { // it went away
                                }
                            });
                    });
                });
                async::task_group([&](async::group& g) {
                    for (int i = 0; i < clients; ++i) {
                        std::string const name = "client" + std::to_string(i);
                        hosts.start(name, [] {});
                        g.spawn([&hosts, &answers, &broken, name, i] {
                            hosts.run_on(name, [&] {
                                async::sleep_for(std::chrono::milliseconds(900 * i));
                                net::stream peer;
                                for (int request = 0; async::now().time_since_epoch() < 24h; ++request) {
                                    try {
                                        if (request % 10 == 0) peer = perform(net::connect({"server", 80}));
                                        peer.write("hello\n");
                                        if (line_from(peer) == "you said hello\n") ++answers;
                                    } catch (net::error const&) {
                                        ++broken;
                                    }
                                    async::sleep_for(15min);
                                }
                            });
                        });
                    }
                });
            });
        });
        state.counters["requests"] = static_cast<double>(answers);
        if (answers < 90'000 || broken > answers / 1000) state.SkipWithError("requests are missing");
    }
}
BENCHMARK(day)->Name("sim/day_of_1000_clients")->Unit(benchmark::kSecond);

} // namespace

BENCHMARK_MAIN();
