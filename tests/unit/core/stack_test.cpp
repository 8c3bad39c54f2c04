// SPDX-License-Identifier: BSL-1.0
#include "child.hpp"
#include "operations.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <set>
#include <thread>

#include <unistd.h>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::control;
using effects::handle;
using effects::perform;
using effects::resumption;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif

namespace {

auto resume_one() {
    return control<ask>([](ask, auto k) { return std::move(k).resume(1); });
}

[[gnu::noinline]] int eat_stack(int depth) {
    char volatile frame[1024];
    frame[0] = static_cast<char>(depth);
    if (depth == 0) return frame[0];
    return eat_stack(depth - 1) + frame[0];
}

int volatile forever = 1 << 30;

int eat_all() { return eat_stack(forever); }

} // namespace

TEST_CASE("a body has most of 256 KiB of stack", "[core][stack]") {
    int sum = handle(
        [] {
            perform(ask{});
            return eat_stack(150) * 0 + perform(ask{});
        },
        resume_one());

    CHECK(sum == 1);
}

TEST_CASE("a large frame keeps its contents across suspensions", "[core][stack]") {
    using resumable = resumption<hold, int>;
    resumable kept;
    auto body = [](unsigned char fill) {
        return [fill] {
            unsigned char bytes[100 * 1024];
            std::memset(bytes, fill, sizeof bytes);
            perform(hold{});
            int wrong = 0;
            for (unsigned char b : bytes) wrong += b != fill;
            return wrong;
        };
    };
    auto start = [&](unsigned char fill) {
        handle(body(fill), control<hold>([&](hold, resumable k) {
                   kept = std::move(k);
                   return -1;
               }));
        return std::move(kept);
    };

    auto a = start(0xAA);
    auto b = start(0x55);

    CHECK(std::move(a).resume(0) == 0);
    CHECK(std::move(b).resume(0) == 0);
}

TEST_CASE("stacks are used again", "[core][stack]") {
    std::set<std::uintptr_t> pages;
    for (int i = 0; i < 5'000; ++i)
        handle(
            [&] {
                pages.insert(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) >> 18);
                perform(ask{});
            },
            control<ask>([](ask, auto k) { std::move(k).resume(1); }));

    CHECK(pages.size() <= 2); // one stack, whose 256 KiB may lie across two
}

TEST_CASE("stacks of dropped, aborted, forgotten and throwing bodies are used again", "[core][stack]") {
    std::set<std::uintptr_t> pages;
    for (int i = 0; i < 2'000; ++i) {
        auto body = [&, i] {
            pages.insert(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) >> 18);
            if (i % 4 == 0) throw 1;
            if (i % 4 == 1) perform(fail{});
            perform(ask{});
        };
        try {
            handle(body, effects::aborts<fail>([](fail const&) {}), control<ask>([i](ask, auto k) {
                       if (i % 4 == 2) std::move(k).forget();
                   }));
        } catch (int) {
        }
    }

    CHECK(pages.size() <= 2);
}

TEST_CASE("tops of stacks differ, so that they don't share their cache lines", "[core][stack]") {
    using resumable = resumption<hold, int>;
    std::vector<resumable> all;
    std::set<std::uintptr_t> offsets;
    for (int i = 0; i < 64; ++i)
        handle(
            [&] {
                offsets.insert(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) % 4096 / 64);
                return perform(hold{});
            },
            control<hold>([&](hold, resumable k) {
                all.push_back(std::move(k));
                return 0;
            }));

    CHECK(offsets.size() >= 8);
}

TEST_CASE("running over a body's stack meets a guard page", "[core][stack][death]") {
    auto end = in_child([] { handle([] { return perform(ask{}) + eat_all(); }, resume_one()); });

#ifdef UNDER_SANITIZER
    CHECK((!end.exited || end.code != 0));
#else
    CHECK_FALSE(end.exited);
    CHECK(end.code == SIGSEGV);
#endif
}

#ifndef UNDER_SANITIZER
TEST_CASE("a body that overflows its stack is reported before the signal ends the program", "[core][stack][death]") {
    auto end = in_child([] {
        std::signal(SIGSEGV, SIG_DFL); // the test framework's
        std::thread([] { handle([] { return perform(ask{}) + eat_all(); }, resume_one()); }).join();
    });

    CHECK_FALSE(end.exited);
    CHECK(end.code == SIGSEGV);
    CHECK_THAT(end.errors, Catch::Contains("stack overflow: the body of a handle with a control clause has used up its "
                                           "stack of 256 KiB"));
}

TEST_CASE("another's handler of SIGSEGV is still called, and for other faults only that", "[core][stack][death]") {
    auto end = in_child([] {
        std::signal(SIGSEGV, [](int) {
            ssize_t written = ::write(STDERR_FILENO, "theirs", 6);
            std::_Exit(written == 6 ? 3 : 4);
        });
        std::thread([] {
            handle([] { return perform(ask{}); }, resume_one());
            std::raise(SIGSEGV);
        }).join();
    });

    CHECK(end.exited);
    CHECK(end.code == 3);
    CHECK(end.errors == "theirs");
}
#endif

TEST_CASE("each stack has its own guard page, not only the lowest of a slab", "[core][stack][death]") {
    using resumable = resumption<hold, int>;
    auto end = in_child([] {
        std::vector<resumable> all;
        for (int i = 0; i < 100; ++i)
            handle([] { return perform(hold{}) + eat_all(); }, control<hold>([&](hold, resumable k) {
                       all.push_back(std::move(k));
                       return 0;
                   }));
        (void)std::move(all[50]).resume(0);
    });

#ifdef UNDER_SANITIZER
    CHECK((!end.exited || end.code != 0));
#else
    CHECK_FALSE(end.exited);
    CHECK(end.code == SIGSEGV);
#endif
}
