// SPDX-License-Identifier: BSL-1.0
// What tasks cost in the live world, beside the same on asio::spawn (stackful coroutines of Boost.Asio, one io_context).
#include <benchmark/benchmark.h>

#include <chrono>
#include <exception>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/spawn.hpp>

#include <effects/async.hpp>
#include <effects/live.hpp>

namespace {

namespace asio = boost::asio;
namespace async = effects::async;
namespace live = effects::live;

// ---- Asio ----

template <class Body>
void in_asio(Body body) {
    asio::io_context loop(1);
    asio::spawn(
        loop, [&](asio::yield_context yield) { body(loop, yield); },
        [](std::exception_ptr error) {
            if (error) std::rethrow_exception(error);
        });
    loop.run();
}

void asio_switch(benchmark::State& state) {
    in_asio([&](asio::io_context& loop, asio::yield_context yield) {
        bool done = false;
        asio::spawn(
            loop,
            [&](asio::yield_context other) {
                while (!done) asio::post(other);
            },
            [](std::exception_ptr) {});
        while (state.KeepRunningBatch(2)) asio::post(yield); // there and back
        done = true;
    });
}
BENCHMARK(asio_switch)->Name("asio_spawn/switch");

void asio_spawn_join(benchmark::State& state) {
    in_asio([&](asio::io_context& loop, asio::yield_context yield) {
        for (auto _ : state)
            asio::spawn(
                loop, [](asio::yield_context) {}, yield);
    });
}
BENCHMARK(asio_spawn_join)->Name("asio_spawn/spawn_join");

// ---- ours ----

void task_switch(benchmark::State& state) {
    live::run([&] {
        bool done = false;
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                while (!done) async::yield();
            });
            while (state.KeepRunningBatch(2)) async::yield(); // there and back
            done = true;
        });
    });
}
BENCHMARK(task_switch)->Name("async/switch");

void spawn_join(benchmark::State& state) {
    live::run([&] {
        async::task_group([&](async::group& g) {
            for (auto _ : state) g.spawn([] {}).get();
        });
    });
}
BENCHMARK(spawn_join)->Name("async/spawn_join");

void group_task(benchmark::State& state) {
    constexpr int tasks = 100;
    live::run([&] {
        while (state.KeepRunningBatch(tasks))
            async::task_group([&](async::group& g) {
                for (int i = 0; i < tasks; ++i) g.spawn([] { async::yield(); });
            });
    });
}
BENCHMARK(group_task)->Name("async/group_task");

void timeout_not_firing(benchmark::State& state) {
    live::run([&] {
        for (auto _ : state) async::timeout(std::chrono::hours(1), [] { async::yield(); });
    });
}
BENCHMARK(timeout_not_firing)->Name("async/timeout");

void blocking_round_trip(benchmark::State& state) {
    live::run([&] {
        for (auto _ : state) async::blocking([] {});
    });
}
BENCHMARK(blocking_round_trip)->Name("async/blocking")->UseRealTime();

} // namespace

BENCHMARK_MAIN();
