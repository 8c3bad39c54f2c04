// SPDX-License-Identifier: BSL-1.0
#include <csignal>
#include <cstddef>

#include <catch2/catch.hpp>

#include <unit/core/child.hpp>

#include <effects/async.hpp>
#include <effects/sim.hpp>

namespace async = effects::async;
namespace sim = effects::sim;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif

namespace {

[[gnu::noinline]] std::size_t eat_stack(std::size_t kilobytes) {
    char volatile frame[1024];
    frame[0] = 1;
    if (kilobytes == 0) return 0;
    return eat_stack(kilobytes - 1) + static_cast<std::size_t>(frame[0]);
}

} // namespace

TEST_CASE("a task may be given a larger stack, and so may all of a world", "[async][stack]") {
    std::size_t of_one = 0;
    sim::run([&] {
        async::task_group([&](async::group& g) {
            g.spawn({.name = "deep", .stack_size = 8 << 20}, [&] { of_one = eat_stack(2000); });
        });
    });
    CHECK(of_one == 2000);

    std::size_t of_a_child = 0;
    std::size_t of_main = sim::run({.stack_size = 8 << 20}, [&] {
        async::task_group([&](async::group& g) { g.spawn([&] { of_a_child = eat_stack(2000); }); });
        return eat_stack(2000);
    });
    CHECK(of_a_child == 2000);
    CHECK(of_main == 2000);
}

#ifndef UNDER_SANITIZER
TEST_CASE("a task that overflows its stack is named, with the stack's size and what to do", "[async][stack][death]") {
    auto end = core_test::in_child([] {
        std::signal(SIGSEGV, SIG_DFL); // the test framework's
        sim::run([] {
            async::task_group([](async::group& g) {
                g.spawn({.name = "digger", .stack_size = 512 * 1024}, [] {
                    async::yield();
                    (void)eat_stack(100'000);
                });
            });
        });
    });

    CHECK_FALSE(end.exited);
    CHECK(end.code == SIGSEGV);
    CHECK_THAT(end.errors, Catch::Contains("stack overflow: task main/digger has used up its stack of 516 KiB") &&
                               Catch::Contains("stack_size"));
}
#endif
