// SPDX-License-Identifier: BSL-1.0
#include "generate.hpp"
#include "real.hpp"

#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "../check.hpp"

using namespace property;

namespace {

struct met {
    std::uint64_t interruptions = 0;
    std::uint64_t times = 0;
    std::uint64_t failed = 0;
};

// `share`: in a hundred of all programs.
met agree(std::string const& title, mix const& of, int share) {
    auto const params = parameters(PROPERTY_TASK_PROGRAMS, share);
    rc::Gen<program> const any = programs(of);
    met all;

    auto const [success, said] = check(title, params, [&] {
        program const p = *any;
        observed const first = run(p);
        if (!first.objection.empty()) RC_FAIL(first.objection);
        if (run(p).trace != first.trace) RC_FAIL("the same seed gave another run");
        all.interruptions += first.interruptions;
        all.times += first.times;
        all.failed += first.failed;
    });
    INFO(said);
    INFO("to run it again: " << how_to_rerun("property_tasks", title, params));
    CHECK(success);
    return all;
}

} // namespace

TEST_CASE("programs of tasks keep the library's promises", "[async][property]") {
    met const all = agree("programs of tasks keep the library's promises", even_mix(), 40);
    CHECK(all.interruptions > 0);
    CHECK(all.times > 0);
    CHECK(all.failed > 0);
}

TEST_CASE("programs of channels lose no item", "[async][property]") {
    mix of = even_mix();
    of[static_cast<std::size_t>(step_kind::send)] = of[static_cast<std::size_t>(step_kind::receive)] = 40;
    of[static_cast<std::size_t>(step_kind::fail)] = of[static_cast<std::size_t>(step_kind::cancel_group)] = 0;
    agree("programs of channels lose no item", of, 20);
}

TEST_CASE("programs of locks and permits overtake nobody", "[async][property]") {
    mix of{};
    for (auto [k, chance] :
         {std::pair(step_kind::spawn, 30), std::pair(step_kind::acquire, 30), std::pair(step_kind::lock, 20),
          std::pair(step_kind::sleep, 25), std::pair(step_kind::yield, 5), std::pair(step_kind::cancel, 8),
          std::pair(step_kind::timeout, 6), std::pair(step_kind::group, 3)})
        of[static_cast<std::size_t>(k)] = chance;
    agree("programs of locks and permits overtake nobody", of, 20);
}

TEST_CASE("programs of many cancellations lose no permit and no task", "[async][property]") {
    mix of = even_mix();
    for (step_kind k : {step_kind::timeout, step_kind::cancel, step_kind::swallow, step_kind::acquire, step_kind::lock,
                        step_kind::group})
        of[static_cast<std::size_t>(k)] = 15;
    met const all = agree("programs of many cancellations lose no permit and no task", of, 20);
    CHECK(all.interruptions > 0);
}
