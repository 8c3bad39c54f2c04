// SPDX-License-Identifier: BSL-1.0
#include <csignal>
#include <cstddef>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include <unit/core/child.hpp>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/sim.hpp>

namespace async = effects::async;
namespace sim = effects::sim;

namespace {

struct none {
    using result_type = void;
};

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

TEST_CASE("a task's stack is measured as the task's, and that of a body in it as the body's", "[async][stack]") {
    effects::stack_use of_task;
    effects::stack_use of_body;
    sim::run([&] {
        async::task_group([&](async::group& g) {
            g.spawn({.stack_size = 1 << 20}, [&] {
                of_task = effects::stack_usage();
                effects::handle([&] { of_body = effects::stack_usage(); },
                                effects::control<none>([](none, auto k) { std::move(k).resume(); }));
            });
        });
    });

    CHECK(of_task.owner == effects::stack_owner::task);
    CHECK(of_task.size >= 1 << 20);
    CHECK(of_task.used > 0);
    CHECK(of_body.owner == effects::stack_owner::body);
    CHECK(of_body.size < 1 << 20);
}

TEST_CASE("a dump in a task names it, and shows the handlers that lie on another one's stack", "[async][stack]") {
    std::string text;
    sim::run([&] {
        effects::handle(
            [&] {
                async::task_group([&](async::group& g) {
                    g.spawn({.name = "worker"}, [&] {
                        std::ostringstream out;
                        effects::dump(out);
                        text = out.str();
                    });
                });
            },
            effects::on<none>([](none) {}));
    });

    auto at = [&](char const* part) {
        CAPTURE(part, text);
        REQUIRE(text.find(part) != text.npos);
        return text.find(part);
    };
    CHECK(at("  on the stack of task main/worker, ") < at("::none, made at "));
    CHECK(at("::none, made at ") < at("effects::sim::"));
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
    CHECK_THAT(end.errors, Catch::Contains("stack overflow: task main/digger has used up its stack of 512 KiB") &&
                               Catch::Contains("stack_size"));
}
#endif
