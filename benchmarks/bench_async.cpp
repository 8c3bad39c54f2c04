// SPDX-License-Identifier: BSL-1.0
// What tasks cost in the live world, beside the same on asio::spawn (stackful coroutines of Boost.Asio, one io_context).
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <memory>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <effects/async.hpp>
#include <effects/live.hpp>

#include "in_a_process.hpp"

namespace {

namespace asio = boost::asio;
namespace async = effects::async;
namespace live = effects::live;

constexpr int group_size = 100;

// ---- Asio ----

void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
}

template <class Body>
void in_asio(Body body) {
    asio::io_context loop(1);
    asio::spawn(
        loop, [&](asio::yield_context yield) { body(loop, yield); }, &rethrow);
    loop.run();
}

// Suspends until what `start` begins has called the handler that it is given.
template <class Start>
void await(asio::yield_context yield, Start start) {
    asio::async_initiate<asio::yield_context, void()>([&start](auto handler) { start(std::move(handler)); }, yield);
}

void asio_switch(benchmark::State& state) {
    bool done = false; // outlives both
    in_asio([&](asio::io_context& loop, asio::yield_context yield) {
        asio::spawn(
            loop,
            [&](asio::yield_context other) {
                while (!done) asio::post(other);
            },
            &rethrow);
        while (state.KeepRunningBatch(2)) asio::post(yield); // there and back
        done = true;
    });
}
BENCHMARK(asio_switch)->Name("asio_spawn/switch");

// Not `asio::spawn(loop, f, yield)`: in Boost 1.81 that rethrows a null exception_ptr.
void asio_spawn_join(benchmark::State& state) {
    in_asio([&](asio::io_context& loop, asio::yield_context yield) {
        for (auto _ : state)
            await(yield, [&](auto handler) {
                auto where = asio::get_associated_executor(handler);
                asio::spawn(
                    loop, [](asio::yield_context) {},
                    asio::bind_executor(where, [joined = std::move(handler)](std::exception_ptr error) mutable {
                        rethrow(error);
                        std::move(joined)();
                    }));
            });
    });
}
BENCHMARK(asio_spawn_join)->Name("asio_spawn/spawn_join");

void asio_group_task(benchmark::State& state) {
    in_asio([&](asio::io_context& loop, asio::yield_context yield) {
        while (state.KeepRunningBatch(group_size))
            await(yield, [&](auto handler) {
                struct group {
                    decltype(handler) joined;
                    int running = group_size;
                };
                auto g = std::make_shared<group>(group{std::move(handler)});
                for (int i = 0; i < group_size; ++i)
                    asio::spawn(
                        loop, [](asio::yield_context task) { asio::post(task); },
                        [g](std::exception_ptr error) {
                            rethrow(error);
                            if (--g->running == 0) asio::post(std::move(g->joined));
                        });
            });
    });
}
BENCHMARK(asio_group_task)->Name("asio_spawn/group_task");

void asio_timeout(benchmark::State& state) {
    in_asio([&](asio::io_context& loop, asio::yield_context yield) {
        asio::steady_timer timer(loop);
        for (auto _ : state) {
            timer.expires_after(std::chrono::hours(1));
            timer.async_wait([](boost::system::error_code) {});
            asio::post(yield);
            timer.cancel();
        }
    });
}
BENCHMARK(asio_timeout)->Name("asio_spawn/timeout");

void asio_channel(benchmark::State& state) {
    in_asio([&](asio::io_context& loop, asio::yield_context yield) {
        asio::experimental::channel<void(boost::system::error_code, int)> channel(loop, 16);
        for (auto _ : state) {
            channel.async_send({}, 1, yield);
            benchmark::DoNotOptimize(channel.async_receive(yield));
        }
    });
}
BENCHMARK(asio_channel)->Name("asio_spawn/channel");

void asio_blocking(benchmark::State& state) {
    asio::thread_pool workers(4);
    in_asio([&](asio::io_context& loop, asio::yield_context yield) {
        auto const busy = asio::make_work_guard(loop);
        for (auto _ : state)
            await(yield, [&](auto handler) {
                asio::post(workers,
                           [&loop, back = std::move(handler)]() mutable { asio::post(loop, std::move(back)); });
            });
    });
}
BENCHMARK(asio_blocking)->Name("asio_spawn/blocking")->UseRealTime();

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
    live::run([&] {
        while (state.KeepRunningBatch(group_size))
            async::task_group([&](async::group& g) {
                for (int i = 0; i < group_size; ++i) g.spawn([] { async::yield(); });
            });
    });
}
BENCHMARK(group_task)->Name("async/group_task");

// What is under the timeout waits for another task, so that a timer is set: two switches are in it.
void timeout_not_firing(benchmark::State& state) {
    live::run([&] {
        bool done = false;
        async::event ping;
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                while (!done) {
                    ping.set();
                    async::yield();
                }
            });
            for (auto _ : state)
                async::timeout(std::chrono::hours(1), [&] {
                    ping.reset();
                    ping.wait();
                });
            done = true;
        });
    });
}
BENCHMARK(timeout_not_firing)->Name("async/timeout");

void channel(benchmark::State& state) {
    live::run([&] {
        async::channel<int> through(16);
        for (auto _ : state) {
            through.send(1);
            benchmark::DoNotOptimize(through.receive());
        }
    });
}
BENCHMARK(channel)->Name("async/channel");

void blocking_round_trip(benchmark::State& state) {
    live::run([&] {
        for (auto _ : state) async::blocking([] {});
    });
}
BENCHMARK(blocking_round_trip)->Name("async/blocking")->UseRealTime();

// ---- a soak ----

constexpr int million = 1'000'000;

// All asleep at once, measured then, and all woken by their timers and joined.
void sleepers(benchmark::State& state) {
    in_a_process::measure(state, million, [] {
        in_a_process::meter const meter;
        in_a_process::cost taken;
        int asleep = 0;
        int woken = 0;
        live::run([&] {
            async::event all_there;
            async::task_group([&](async::group& g) {
                for (int i = 0; i < million; ++i)
                    g.spawn([&] {
                        all_there.wait();
                        ++asleep;
                        async::sleep_for(std::chrono::seconds(5));
                        ++woken;
                    });
                all_there.set();
                while (asleep != million) async::yield();
                taken = meter.so_far();
                if (woken != 0) std::abort(); // they have not all been asleep
            });
        });
        if (woken != million) std::abort();
        return taken;
    });
}
BENCHMARK(sleepers)->Name("async/sleepers_1m")->UseManualTime()->Iterations(1)->Repetitions(1);

constexpr int asio_sleepers_count = 20'000; // a mapping for each stack: a million are more than a process may have

void asio_sleepers(benchmark::State& state) {
    in_a_process::measure(state, asio_sleepers_count, [] {
        in_a_process::meter const meter;
        in_a_process::cost taken;
        int asleep = 0;
        asio::io_context loop(1);
        for (int i = 0; i < asio_sleepers_count; ++i)
            asio::spawn(
                loop,
                [&](asio::yield_context yield) {
                    asio::steady_timer timer(loop, std::chrono::seconds(2));
                    if (++asleep == asio_sleepers_count) taken = meter.so_far();
                    timer.async_wait(yield);
                },
                &rethrow);
        loop.run();
        return taken;
    });
}
BENCHMARK(asio_sleepers)->Name("asio_spawn/sleepers")->UseManualTime()->Iterations(1)->Repetitions(1);

// What ten million tasks leave behind, after the first million: nothing.
void spawn_join_growth(benchmark::State& state) {
    in_a_process::measure(state, 1, [] {
        auto const rounds = [](int n) {
            for (int i = 0; i < n; ++i)
                async::task_group([](async::group& g) {
                    for (int task = 0; task < 1000; ++task) g.spawn([] { async::yield(); });
                });
        };
        return live::run([&] {
            rounds(1000);
            in_a_process::meter const meter;
            rounds(9000);
            return meter.so_far();
        });
    });
}
BENCHMARK(spawn_join_growth)->Name("async/spawn_join_10m")->UseManualTime()->Iterations(1)->Repetitions(1);

} // namespace

BENCHMARK_MAIN();
