// SPDX-License-Identifier: BSL-1.0
// What performing, handling and resuming cost, beside the plain C++ that they stand for.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <boost/context/detail/fcontext.hpp>

#include <effects/effects.hpp>
#include <effects/multishot.hpp>

#include "in_a_process.hpp"

namespace {

struct ask {
    using result_type = int;
    int value;
};
struct other {
    using result_type = int;
    int value;
};

// ---- the plain things ----

struct asker {
    virtual ~asker() = default;
    virtual int ask(int value) = 0;
};
struct echo final : asker {
    int ask(int value) override { return value; }
};

void virtual_call(benchmark::State& state) {
    std::unique_ptr<asker> who = std::make_unique<echo>();
    benchmark::DoNotOptimize(who);
    for (auto _ : state) benchmark::DoNotOptimize(who->ask(1));
}
BENCHMARK(virtual_call)->Name("core/virtual_call");

namespace bc = boost::context::detail;

void back_and_forth(bc::transfer_t from) {
    for (;;) from = bc::jump_fcontext(from.fctx, nullptr);
}

void jump_fcontext(benchmark::State& state) {
    auto stack = std::make_unique<std::byte[]>(64 * 1024);
    bc::transfer_t other_side{bc::make_fcontext(stack.get() + 64 * 1024, 64 * 1024, &back_and_forth), nullptr};
    for (auto _ : state) other_side = bc::jump_fcontext(other_side.fctx, nullptr);
}
BENCHMARK(jump_fcontext)->Name("core/jump_fcontext");

void throw_catch(benchmark::State& state) {
    for (auto _ : state) {
        try {
            throw 1;
        } catch (int& i) {
            benchmark::DoNotOptimize(i);
        }
    }
}
BENCHMARK(throw_catch)->Name("core/throw_catch");

// ---- perform ----

// `depth` handlers in all lie between the body and the outermost one.
template <class Body>
void under(std::int64_t depth, Body&& body) {
    if (depth <= 1) return body();
    effects::handle([&] { under(depth - 1, body); }, [](other const& op) { return op.value; });
}

void perform_on(benchmark::State& state) {
    effects::handle(
        [&] {
            under(state.range(0), [&] {
                for (auto _ : state) benchmark::DoNotOptimize(effects::perform(ask{1}));
            });
        },
        [](ask const& op) { return op.value; });
}
BENCHMARK(perform_on)->Name("core/on")->Arg(1)->Arg(100)->Arg(1000);

void perform_through_can(benchmark::State& state) {
    effects::handle(
        [&](effects::can<ask> fx) {
            for (auto _ : state) benchmark::DoNotOptimize(fx.perform(ask{1}));
        },
        [](ask const& op) { return op.value; });
}
BENCHMARK(perform_through_can)->Name("core/can");

void perform_control(benchmark::State& state) {
    effects::handle(
        [&] {
            under(state.range(0), [&] {
                for (auto _ : state) benchmark::DoNotOptimize(effects::perform(ask{1}));
            });
        },
        effects::control<ask>([](ask op, auto k) { return std::move(k).resume_tail(op.value); }));
}
BENCHMARK(perform_control)->Name("core/control")->Arg(1)->Arg(100);

struct paused {
    effects::resumption<ask, paused> rest;
};

void perform_escaping(benchmark::State& state) {
    bool go_on = true;
    auto at = effects::handle<paused>(
        [&] {
            while (go_on) benchmark::DoNotOptimize(effects::perform(ask{1}));
            return paused{};
        },
        effects::control<ask>([](ask, auto k) { return paused{std::move(k)}; }));
    for (auto _ : state) at = std::move(at.rest).resume(2);
    go_on = false;
    static_cast<void>(std::move(at.rest).resume(3));
}
BENCHMARK(perform_escaping)->Name("core/control/escaping");

// ---- handle ----

int opaque(int value) {
    benchmark::DoNotOptimize(value);
    return value;
}

void handle_on(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(effects::handle([] { return opaque(3); }, [](ask const& op) { return op.value; }));
}
BENCHMARK(handle_on)->Name("core/handle/on");

void handle_control(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(effects::handle(
            [] { return opaque(3); }, effects::control<ask>([](ask, auto k) { return std::move(k).resume_tail(1); })));
}
BENCHMARK(handle_control)->Name("core/handle/control");

void drop(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(effects::handle([] { return effects::perform(ask{1}); },
                                                 effects::control<ask>([](ask op, auto) { return op.value; })));
}
BENCHMARK(drop)->Name("core/drop");

void exception_through(benchmark::State& state) {
    for (auto _ : state) {
        try {
            effects::handle([]() -> int { throw opaque(1); },
                            effects::control<ask>([](ask, auto k) { return std::move(k).resume_tail(1); }));
        } catch (int& i) {
            benchmark::DoNotOptimize(i);
        }
    }
}
BENCHMARK(exception_through)->Name("core/exception");

void forget(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(
            effects::handle([] { return effects::perform(ask{1}); }, effects::control<ask>([](ask op, auto k) {
                                std::move(k).forget();
                                return op.value;
                            })));
}
BENCHMARK(forget)->Name("core/forget");

// ---- a million at once ----

constexpr std::size_t million = 1'000'000;

template <class Make>
void measure_a_million(benchmark::State& state, Make make) {
    in_a_process::measure(state, million, [make] {
        in_a_process::meter const taken;
        [[maybe_unused]] auto kept = make();
        return taken.so_far();
    });
}

paused suspend_one() {
    return effects::handle<paused>(
        [] {
            benchmark::DoNotOptimize(effects::perform(ask{1}));
            return paused{};
        },
        effects::control<ask>([](ask, auto k) { return paused{std::move(k)}; }));
}

std::vector<paused> suspend_a_million() {
    std::vector<paused> all;
    all.reserve(million);
    for (std::size_t i = 0; i < million; ++i) all.push_back(suspend_one());
    return all;
}
void suspended(benchmark::State& state) { measure_a_million(state, suspend_a_million); }
BENCHMARK(suspended)->Name("core/suspended_1m")->UseManualTime()->Iterations(1)->Repetitions(2);
BENCHMARK(suspended)->Name("core/create_1m")->UseManualTime()->Iterations(1)->Repetitions(2);

// As many pages, as far apart, and nothing else.
std::byte* fault_a_million() {
    constexpr std::size_t stride = 256 * 1024;
    void* memory = ::mmap(nullptr, million * stride, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    ::madvise(memory, million * stride, MADV_NOHUGEPAGE);
    auto* bytes = static_cast<std::byte*>(memory);
    for (std::size_t i = 1; i <= million; ++i) bytes[i * stride - 64] = std::byte{1};
    return bytes;
}
void page_faults(benchmark::State& state) { measure_a_million(state, fault_a_million); }
BENCHMARK(page_faults)->Name("core/page_faults_1m")->UseManualTime()->Iterations(1)->Repetitions(2);

// ---- running again ----

struct choose {
    using result_type = bool;
};

// What a further resume costs for each answer on the way: the body is run again up to there.
void replay(benchmark::State& state) {
    constexpr int answers = 100;
    bool go_on = true;
    effects::handle(
        [&] {
            effects::multishot::handle(
                [&go_on] {
                    for (int i = 0; i < answers; ++i) benchmark::DoNotOptimize(effects::perform(ask{i}));
                    benchmark::DoNotOptimize(effects::perform(choose{}));
                    return go_on;
                },
                effects::control<choose>([&](choose, auto k) {
                    bool last = k.resume(true);
                    for (auto _ : state) last = k.resume(false);
                    return last;
                }));
        },
        [](ask const& op) { return op.value; });
    state.counters["ns_per_answer"] = benchmark::Counter(static_cast<double>(state.iterations()) * answers * 1e-9,
                                                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(replay)->Name("core/replay");

} // namespace

BENCHMARK_MAIN();
