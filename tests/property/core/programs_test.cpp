// SPDX-License-Identifier: BSL-1.0
#include "crash.hpp"
#include "generate.hpp"
#include "real.hpp"
#include "reference.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <iostream>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include "../../unit/core/child.hpp"
#include "../check.hpp"

using namespace property;

namespace {

bool isolated() { return std::getenv("EFFECTS_ISOLATE") != nullptr; }

std::string side_by_side(trace const& expected, trace const& got) {
    std::ostringstream out;
    std::size_t const n = std::max(expected.size(), got.size());
    for (std::size_t i = 0; i < n; ++i) {
        std::string const left = i < expected.size() ? text(expected[i]) : "-";
        std::string const right = i < got.size() ? text(got[i]) : "-";
        out << (left == right ? "    " : "  ! ") << left;
        out << std::string(left.size() < 56 ? 56 - left.size() : 1, ' ') << right << '\n';
    }
    return out.str();
}

// What is wrong with the library's run of `p`; empty: nothing.
std::string differs(program const& p, meaning const& means) {
    observed const got = run(p, means.events.size());
    if (got.events != means.events)
        return "what it means                                               what the library did\n" +
               side_by_side(means.events, got.events);
    if (got.alive != 0 && !means.leaks)
        return std::to_string(got.alive) + " bodies and clauses were not destroyed\n" +
               side_by_side(means.events, got.events);
    return {};
}

// The same, where a crash is a difference like any other.
std::string differs_in_child(program const& p, meaning const& means) {
    core_test::ending const end = core_test::in_child([&] {
        std::string const said = differs(p, means);
        std::cerr << said;
        std::cerr.flush();
        std::_Exit(said.empty() ? 0 : 1);
    });
    if (end.exited && end.code == 0) return {};
    return end.errors + (end.exited ? "" : "\nended by signal " + std::to_string(end.code));
}

// `share`: in a hundred of all programs. What they met must include `wanted`, or they don't test what they are there for.
void agree(std::string const& title, mix const& of, int share, std::initializer_list<feature> wanted) {
    auto const params = parameters(PROPERTY_PROGRAMS, share);
    std::string const rerun = "EFFECTS_ISOLATE=1 " + how_to_rerun("property_core", title, params);
    rc::Gen<program> const any = programs(of);
    features met{};
    crash_report report(rerun);

    auto const [success, said] = check(title, params, [&] {
        program const p = *any;
        meaning const means = interpret(p);
        for (std::size_t i = 0; i < met.size(); ++i) met[i] += means.met[i];
        report.running(p);
        std::string const wrong = isolated() ? differs_in_child(p, means) : differs(p, means);
        if (!wrong.empty()) RC_FAIL(wrong);
    });
    INFO(said);
    INFO("to run it again: " << rerun);
    CHECK(success);
    for (std::size_t i = 0; std::getenv("EFFECTS_FEATURES") && i < met.size(); ++i)
        std::cout << met[i] << ' ' << text(static_cast<feature>(i)) << '\n';
    if (params.maxSuccess >= 10'000 && params.seed == usual_seed)
        for (feature f : wanted) {
            INFO("the programs never met: " << text(f));
            CHECK(met[static_cast<std::size_t>(f)] > 0);
        }
}

} // namespace

TEST_CASE("programs of in-place handlers do what they mean", "[core][property]") {
    mix of;
    of.control = 0;
    of.use_own = 0;
    of.aborts = 25;
    of.leaves = 35;
    of.mask = 8;
    agree("programs of in-place handlers do what they mean", of, 15,
          {feature::aborted, feature::aborted_again, feature::abort_replaced, feature::clause_throws, feature::masked,
           feature::default_answer, feature::no_handler, feature::leaves_throwing, feature::unwinding_swallowed});
}

TEST_CASE("programs that capture do what they mean", "[core][property]") {
    agree("programs that capture do what they mean", mix(), 25,
          {feature::capture, feature::resumed_in_tail_position, feature::resumed_by_exception, feature::used_twice,
           feature::dropped, feature::dropped_in_several_fibers, feature::captured_clause, feature::captured_in_catch});
}

TEST_CASE("programs that keep resumptions and use them elsewhere do what they mean", "[core][property]") {
    mix of;
    of.use_slot = 14;
    of.keep = 45;
    of.rest = 20;
    agree("programs that keep resumptions and use them elsewhere do what they mean", of, 25,
          {feature::resumed_elsewhere, feature::resumed_while_handled, feature::dropped_in_several_fibers,
           feature::leaves_dropped});
}

TEST_CASE("programs that unwind do what they mean", "[core][property]") {
    mix of;
    of.use_slot = 8;
    of.keep = 30;
    of.local = 14;
    of.destructors = 50;
    of.catch_all = 12;
    of.aborts = 25;
    of.fail = 6;
    of.leaves = 35;
    agree("programs that unwind do what they mean", of, 15,
          {feature::unwinding_swallowed, feature::suspension_refused, feature::abort_refuses_capture,
           feature::performs_in_destructor, feature::captured_in_destructor, feature::leaves_dropped,
           feature::aborted_again});
}

TEST_CASE("programs of shallow handlers do what they mean", "[core][property]") {
    mix of;
    of.shallow = 18;
    of.handle = 8;
    of.use_slot = 6;
    of.keep = 25;
    of.rest = 30;
    agree("programs of shallow handlers do what they mean", of, 10,
          {feature::shallow, feature::resumed_while_handled, feature::resumed_elsewhere, feature::aborted,
           feature::dropped});
}

TEST_CASE("programs that forget bodies do what they mean", "[core][property]") {
    mix of;
    of.local = 1;
    of.forget = 60;
    of.use_slot = 8;
    of.shallow = 3;
    of.tail = 10;
    agree("programs that forget bodies do what they mean", of, 5, {feature::forgotten, feature::used_twice});
}

TEST_CASE("programs on several threads do what they mean", "[core][property][threads]") {
    mix of;
    of.thread = 8;
    of.use_slot = 12;
    of.keep = 45;
    of.shallow = 3;
    of.rest = 20;
    agree("programs on several threads do what they mean", of, 5,
          {feature::resumed_on_another_thread, feature::dropped_on_another_thread, feature::resumed_elsewhere,
           feature::no_handler});
}

TEST_CASE("programs terminate where they mean to", "[core][property][death]") {
    mix of;
    of.use_slot = 8;
    of.keep = 30;
    of.local = 25;
    of.destructors = 80;
    of.leaves = 40;
    rc::Gen<program> const any = terminating_programs(of);
    int terminated = 0;

    auto const [success, said] =
        check("programs terminate where they mean to", rc::detail::configuration().testParams, [&] {
            program const p = *any;
            meaning const means = interpret(p);
            if (means.how != verdict::terminates) return;
            ++terminated;
            core_test::ending const end = core_test::in_child([&] { run(p, 10'000); });
            if (end.exited || end.code != SIGABRT)
                RC_FAIL("it should have called std::terminate in #" + std::to_string(means.blamed) + '\n' + end.errors);
        });
    INFO(said);
    CHECK(success);
    CHECK(terminated > 0);
}
