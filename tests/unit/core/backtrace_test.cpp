// SPDX-License-Identifier: BSL-1.0
#include "child.hpp"
#include "operations.hpp"

#include <algorithm>
#include <csignal>
#include <thread>
#include <vector>

#include <execinfo.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::control;
using effects::handle;
using effects::perform;

namespace {

using addresses = std::vector<void*>;

[[gnu::noinline]] addresses backtrace_here() {
    addresses found(256);
    found.resize(static_cast<std::size_t>(::backtrace(found.data(), 256)));
    return found;
}

[[maybe_unused]] bool contains(addresses const& all, void* one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

struct seen {
    addresses in_body;
    void* returns_to = nullptr; // of the function that calls handle, or resumes
};

[[maybe_unused, gnu::noinline]] seen start_body() {
    seen s;
    s.returns_to = __builtin_return_address(0);
    handle(
        [&] {
            s.in_body = backtrace_here();
            return perform(ask{});
        },
        control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
    return s;
}

[[maybe_unused, gnu::noinline]] void* resume_here(effects::resumption<hold, int> k) {
    std::move(k).resume(1);
    return __builtin_return_address(0);
}

[[gnu::noinline]] int throw_one() { throw 1; }
int throws_out() noexcept { return throw_one(); }

} // namespace

// AddressSanitizer keeps the contexts, as other locals, off their stacks; unwinding then ends at the body.
#if defined(__x86_64__) && defined(__linux__) && !defined(UNDER_SANITIZER)
TEST_CASE("a backtrace goes on from a body to the function that called its handle, and ends", "[core][backtrace]") {
    seen const s = start_body();

    CHECK(contains(s.in_body, s.returns_to));
    CHECK(s.in_body.size() < 256);
}

TEST_CASE("a backtrace of a resumed body goes on to who resumed it last, on whichever thread", "[core][backtrace]") {
    addresses in_body;
    effects::resumption<hold, int> kept;
    handle(
        [&] {
            perform(hold{});
            in_body = backtrace_here();
            perform(hold{});
            in_body = backtrace_here();
            return 0;
        },
        control<hold>([&](hold, effects::resumption<hold, int> k) {
            kept = std::move(k);
            return 0;
        }));

    void* const returns_to = resume_here(std::move(kept));
    CHECK(contains(in_body, returns_to));

    void* elsewhere = nullptr;
    std::thread([&] { elsewhere = resume_here(std::move(kept)); }).join();
    CHECK(contains(in_body, elsewhere));
    CHECK_FALSE(contains(in_body, returns_to));
}

TEST_CASE("a backtrace goes through bodies in bodies", "[core][backtrace]") {
    seen inner;
    addresses outer;
    handle(
        [&] {
            outer = backtrace_here();
            inner = start_body();
            return perform(hold{});
        },
        control<hold>([](hold, auto k) { return std::move(k).resume(1); }));

    CHECK(contains(inner.in_body, inner.returns_to));
    // All but where the outer body was, the frames further out are the same.
    REQUIRE(outer.size() > 4);
    CHECK(std::search(inner.in_body.begin(), inner.in_body.end(), outer.begin() + 2, outer.end()) !=
          inner.in_body.end());
}
#endif

TEST_CASE("what a noexcept function in a body throws ends the program, whoever would catch it further out",
          "[core][backtrace][death]") {
    auto end = in_child([] {
        try {
            handle([] { return perform(ask{}) + throws_out(); },
                   control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
        } catch (int) {
            ::_exit(0);
        }
    });

    CHECK_FALSE(end.exited);
    CHECK(end.code == SIGABRT);
}
