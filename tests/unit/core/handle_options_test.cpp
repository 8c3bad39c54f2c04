// SPDX-License-Identifier: BSL-1.0
#include "child.hpp"
#include "operations.hpp"

#include <csignal>
#include <limits>
#include <new>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::control;
using effects::handle;
using effects::perform;

namespace {

constexpr std::size_t kib = 1024;

auto resume_one() {
    return control<ask>([](ask, auto k) { return std::move(k).resume(1); });
}

[[gnu::noinline]] int fill_600_kib() {
    unsigned char volatile bytes[600 * kib];
    for (std::size_t i = 0; i < sizeof bytes; i += 512) bytes[i] = 1;
    return bytes[512];
}

int volatile forever = 1 << 30;

// By small steps, so that it meets the guard page.
[[gnu::noinline]] int eat_stack(int depth) {
    char volatile frame[1024];
    frame[0] = static_cast<char>(depth);
    if (depth == 0) return frame[0];
    return eat_stack(depth - 1) + frame[0];
}

std::size_t size_of_mine() { return effects::stack_usage().size; }

} // namespace

TEST_CASE("a body gets the stack that its handle is told", "[core][handle_options]") {
    std::size_t size = 0;
    int sum = handle(
        {.stack_size = 1024 * kib},
        [&] {
            size = size_of_mine();
            return fill_600_kib() + perform(ask{}) + fill_600_kib();
        },
        resume_one());

    CHECK(sum == 3);
    CHECK(size >= 1024 * kib);
    CHECK(size < 1100 * kib);
}

TEST_CASE("a small stack size is the pool's", "[core][handle_options]") {
    std::size_t pooled = 0;
    handle([&] { pooled = size_of_mine(); }, control<ask>([](ask, auto k) { std::move(k).resume(1); }));
    for (std::size_t asked : {std::size_t{0}, std::size_t{1}, 256 * kib}) {
        std::size_t size = 0;
        handle(
            {.stack_size = asked}, [&] { size = size_of_mine(); },
            control<ask>([](ask, auto k) { std::move(k).resume(1); }));
        CHECK(size == pooled);
    }
}

TEST_CASE("options may be a variable, and the answer's type be named", "[core][handle_options]") {
    effects::handle_options const options{.stack_size = 512 * kib};

    CHECK(handle<long>(
              options, [] { return perform(ask{}); },
              control<ask>([](ask, auto k) -> long { return std::move(k).resume(1); })) == 1);
}

TEST_CASE("a kept resumption keeps its large stack", "[core][handle_options]") {
    effects::resumption<hold, int> kept;
    handle(
        {.stack_size = 1024 * kib}, [] { return perform(hold{}) + fill_600_kib(); },
        control<hold>([&](hold, effects::resumption<hold, int> k) {
            kept = std::move(k);
            return 0;
        }));

    CHECK(std::move(kept).resume(4) == 5);
}

TEST_CASE("the other kinds of handle take a stack size, too", "[core][handle_options]") {
    effects::handle_options const large{.stack_size = 1024 * kib};
    int sum = handle(
        [&](effects::can<choose> fx) {
            return fx.handle(
                large, [](effects::can<ask> inner) { return fill_600_kib() + inner.perform(ask{}); }, resume_one());
        },
        [](choose) { return true; });
    CHECK(sum == 2);

    CHECK(effects::shallow::handle(
              large, [] { return fill_600_kib() + perform(ask{}); }, resume_one()) == 2);

    int runs = effects::multishot::handle(
        large, [] { return (perform(choose{}) ? 1 : 2) * fill_600_kib(); },
        control<choose>([](choose, auto k) { return k.resume(true) + k.resume(false); }));
    CHECK(runs == 3);

    effects::generator<int> one(large, [](auto yield) { yield(fill_600_kib()); });
    for (int x : one) CHECK(x == 1);
}

TEST_CASE("the other kinds of handle take a stack size after the fx that they are given", "[core][handle_options]") {
    effects::handle_options const large{.stack_size = 1024 * kib};
    auto body = [](effects::can<ask, choose> fx) {
        return fill_600_kib() + fx.perform(ask{}) + (fx.perform(choose{}) ? 1 : 0);
    };
    handle(
        [&](effects::can<ask> fx) {
            CHECK(effects::shallow::handle(fx, {.stack_size = 1024 * kib}, body, control<choose>([](choose, auto k) {
                                               return std::move(k).resume(true);
                                           })) == 7);
            CHECK(effects::shallow::handle(fx, large, body, control<choose>([](choose, auto k) {
                                               return std::move(k).resume(false);
                                           })) == 6);
            CHECK(effects::multishot::handle(fx, {.stack_size = 1024 * kib}, body, control<choose>([](choose, auto k) {
                                                 return k.resume(true) + k.resume(false);
                                             })) == 13);
            CHECK(effects::multishot::handle(fx, large, body, control<choose>([](choose, auto k) {
                                                 return k.resume(true) + k.resume(false);
                                             })) == 13);
        },
        [](ask) { return 5; });
}

TEST_CASE("a stack that the system can't give is std::bad_alloc, and nothing has run", "[core][handle_options]") {
    bool ran = false;
    for (std::size_t size : {std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::size_t>::max() - 8192,
                             std::size_t{1} << 47}) {
        CHECK_THROWS_AS(handle(
                            {.stack_size = size},
                            [&] {
                                ran = true;
                                return perform(ask{});
                            },
                            resume_one()),
                        std::bad_alloc);
    }
    CHECK_FALSE(ran);
    CHECK(handle([] { return perform(ask{}); }, resume_one()) == 1);
}

TEST_CASE("a body that overflows the stack it was given is told how to get more", "[core][handle_options][death]") {
    if (running_under_sanitizer) return; // it reports the overflow itself
    auto end = in_child([] {
        std::signal(SIGSEGV, SIG_DFL); // the test framework's
        std::thread([] {
            handle(
                {.stack_size = 512 * kib}, [] { return perform(ask{}) + eat_stack(forever); }, resume_one());
        }).join();
    });

    CHECK_FALSE(end.exited);
    CHECK(end.code == SIGSEGV);
    CHECK_THAT(end.errors, Catch::Contains("used up its stack of 512 KiB. It gets a larger one by "
                                           "handle({.stack_size = bytes}, body, …)"));
}
