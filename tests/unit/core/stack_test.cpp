// SPDX-License-Identifier: BSL-1.0
#include "child.hpp"
#include "operations.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::control;
using effects::handle;
using effects::perform;
using effects::resumption;

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

constexpr std::size_t kib = 1024;

// Fills 100 KiB below its caller's frame, more than a sanitizer would put elsewhere.
[[gnu::noinline]] std::size_t fill_100_kib() {
    unsigned char volatile bytes[100 * kib];
    for (std::size_t i = 0; i < sizeof bytes; ++i) bytes[i] = 1;
    return effects::stack_usage().used + bytes[0] - 1;
}

std::size_t resident_bytes() {
    std::size_t all = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

bool is_mapped(std::uintptr_t address) {
    auto const page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    unsigned char in_memory;
    return ::mincore(reinterpret_cast<void*>(address / page * page), page, &in_memory) == 0;
}

// `count` bodies at once, each of which has touched 100 KiB of its stack; gives where their frames lay.
std::vector<std::uintptr_t> fill_stacks(int count) {
    std::vector<resumption<hold, int>> all;
    std::vector<std::uintptr_t> places;
    for (int i = 0; i < count; ++i)
        handle(
            [&] {
                fill_100_kib();
                places.push_back(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
                return perform(hold{});
            },
            control<hold>([&](hold, resumption<hold, int> k) {
                all.push_back(std::move(k));
                return 0;
            }));
    return places;
}

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
                                           "stack of 256 KiB. It gets a larger one by handle({.stack_size = bytes}, "
                                           "body, …)"));
}

TEST_CASE("a body that overflows on a thread that has made no stack itself is reported",
          "[core][stack][threads][death]") {
    auto end = in_child([] {
        std::signal(SIGSEGV, SIG_DFL);
        effects::resumption<ask, int> moved;
        handle([] { return perform(ask{}) + eat_all(); },
               effects::control<ask>([&](ask, effects::resumption<ask, int> k) {
                   moved = std::move(k);
                   return 0;
               }));
        std::thread([&] { std::move(moved).resume(1); }).join();
    });

    CHECK(end.code == SIGSEGV);
    CHECK_THAT(end.errors, Catch::Contains("stack overflow: the body of a handle") && Catch::Contains("256 KiB"));
}

TEST_CASE("an overflow names the size that was asked for", "[core][stack][death]") {
    auto end = in_child([] {
        std::signal(SIGSEGV, SIG_DFL);
        handle(
            {.stack_size = 1 << 20}, [] { return perform(ask{}) + eat_all(); }, resume_one());
    });

    CHECK_THAT(end.errors, Catch::Contains("has used up its stack of 1024 KiB"));
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

TEST_CASE("a thread's own stack is measured where no other runs", "[core][stack]") {
    auto measure = [] {
        effects::stack_use const use = effects::stack_usage();
        CHECK(use.owner == effects::stack_owner::thread);
        CHECK(use.size >= 64 * kib);
        CHECK(use.used > 0);
        CHECK(use.touched >= use.used);
        CHECK(use.touched <= use.size);
        CHECK(fill_100_kib() >= use.used + 100 * kib);
        CHECK(effects::stack_usage().touched >= use.used + 100 * kib);
        CHECK(effects::stack_usage().used < use.used + 50 * kib);
    };
    measure();
    std::thread(measure).join();
}

TEST_CASE("a handled body's stack is measured while it runs", "[core][stack]") {
    effects::trim_stacks(); // so that nobody has touched it before
    effects::stack_use before;
    effects::stack_use after;
    std::size_t deep = 0;
    std::size_t left = 0;
    handle(
        [&] {
            before = effects::stack_usage();
            left = effects::stack_left();
            deep = fill_100_kib();
            after = effects::stack_usage();
            return perform(ask{});
        },
        resume_one());

    CHECK(before.owner == effects::stack_owner::body);
    CHECK(before.size > 240 * kib);
    CHECK(before.size < 256 * kib);
    CHECK(before.left() == before.size - before.used);
    CHECK(before.touched < 100 * kib);
    CHECK((left > before.left() - 4 * kib && left < before.left() + 4 * kib));
    CHECK(deep >= before.used + 100 * kib);
    CHECK(after.used == before.used);
    CHECK(after.touched >= 100 * kib);
    CHECK(after.touched <= after.size);
}

TEST_CASE("a clause runs on the stack that its handle was called on", "[core][stack]") {
    using effects::stack_owner;
    std::vector<stack_owner> owners;
    auto note = [&] { owners.push_back(effects::stack_usage().owner); };
    handle(
        [&] {
            note();
            perform(ask{});
            handle([&] { perform(ask{}); }, [&](ask) { return note(), 1; });
        },
        control<ask>([&](ask, auto k) {
            note();
            return std::move(k).resume(1);
        }));
    note();

    CHECK(owners == std::vector{stack_owner::body, stack_owner::thread, stack_owner::body, stack_owner::thread});
}

TEST_CASE("a measured stack prints what it is and how full", "[core][stack]") {
    std::ostringstream text;
    text << effects::stack_use{effects::stack_owner::body, 252 * kib, 1500, 12 * kib};

    CHECK(text.str() == "the stack of a handled body: 2 KiB of 252 KiB in use, 12 KiB touched");
}

TEST_CASE("trimming gives the memory of idle stacks back to the system", "[core][stack]") {
    effects::trim_stacks();
    auto const places = fill_stacks(100);
    std::size_t const before = resident_bytes();

    std::size_t const given_back = effects::trim_stacks();

    CHECK(given_back >= 100 * 100 * kib);
    CHECK(before - resident_bytes() >= 90 * 100 * kib);
    CHECK(effects::trim_stacks() == 0);
    CHECK(fill_stacks(100).size() == 100); // there are stacks again
}

TEST_CASE("after a peak, the stacks of a thread and 1,024 of all keep their memory", "[core][stack]") {
    effects::trim_stacks();
    CHECK(fill_stacks(1600).size() == 1600);

    std::size_t const given_back = effects::trim_stacks();

    CHECK(given_back >= 1024 * 100 * kib);
    CHECK(given_back <= (1024 + 256) * 120 * kib);
}

TEST_CASE("trimming unmaps the slabs that nobody uses, and those only", "[core][stack]") {
    effects::trim_stacks();
    auto sum = handle(
        [] {
            auto const here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
            auto const places = fill_stacks(200);
            effects::trim_stacks();
            CHECK(std::count_if(places.begin(), places.end(), is_mapped) < 64);
            CHECK(is_mapped(here));
            return perform(ask{});
        },
        resume_one());

    CHECK(sum == 1);
}

TEST_CASE("a thread that ends leaves its stacks without their memory", "[core][stack]") {
    effects::trim_stacks();
    std::vector<std::uintptr_t> places;
    std::thread([&] { places = fill_stacks(100); }).join();

    std::size_t in_memory = 0;
    for (std::uintptr_t place : places) {
        unsigned char resident = 0;
        auto const page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
        REQUIRE(::mincore(reinterpret_cast<void*>(place / page * page), page, &resident) == 0);
        in_memory += resident & 1;
    }
    CHECK(in_memory == 0);
}
