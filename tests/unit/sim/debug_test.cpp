// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <string>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/sim.hpp>

using namespace std::chrono_literals;
namespace async = effects::async;
namespace sim = effects::sim;

namespace {

// What a run of groups that wait for long does, in order, with the time of it.
std::string story(std::uint64_t seed, bool debug, int& reports) {
    std::string told;
    auto note = [&](char who) { told += who + std::to_string(async::now().time_since_epoch() / 1s) + ' '; };
    sim::run({.seed = seed, .debug = debug, .debugging = {.report = [&](auto const&) { ++reports; }}}, [&] {
        for (int i = 0; i < 3; ++i)
            async::task_group([&](async::group& g) {
                for (char who : {'a', 'b', 'c'})
                    g.spawn([&note, who] {
                        note(who);
                        async::sleep_for(7s);
                        note(who);
                        async::sleep_for(7s);
                        note(who);
                    });
            });
    });
    return told;
}

} // namespace

TEST_CASE("a run in debug mode is the same run, with reports", "[sim][debug]") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        int reports = 0;
        std::string const plain = story(seed, false, reports);
        CHECK(reports == 0);
        CHECK(story(seed, true, reports) == plain);
        CHECK(reports == 3);
    }
}

TEST_CASE("a deadlock in debug mode is a deadlock, at the same instant", "[sim][debug]") {
    int reports = 0;
    async::time_point at{};
    CHECK_THROWS_AS(sim::run({.debug = true, .debugging = {.report = [&](auto const&) { ++reports; }}},
                             [&] {
                                 async::task_group([&](async::group& g) {
                                     g.spawn([&] {
                                         async::event never;
                                         try {
                                             never.wait();
                                         } catch (async::cancelled const&) {
                                             at = async::now();
                                             throw;
                                         }
                                     });
                                 });
                             }),
                    sim::deadlock);
    CHECK(reports == 0);
    CHECK(at == async::time_point{});
}
