// SPDX-License-Identifier: BSL-1.0
// What performing, handling and resuming cost, beside the plain C++ that they stand for.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <utility>

#include <boost/context/detail/fcontext.hpp>

#include <effects/effects.hpp>

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

void forget(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(
            effects::handle([] { return effects::perform(ask{1}); }, effects::control<ask>([](ask op, auto k) {
                                std::move(k).forget();
                                return op.value;
                            })));
}
BENCHMARK(forget)->Name("core/forget");

} // namespace

BENCHMARK_MAIN();
