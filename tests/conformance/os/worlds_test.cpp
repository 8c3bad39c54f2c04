// SPDX-License-Identifier: BSL-1.0
#include "systems.hpp"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include <effects/async.hpp>

namespace os = effects::os;
namespace sim = effects::sim;
namespace async = effects::async;
using namespace std::chrono_literals;

TEST_CASE("the simulated world's clocks are those of its timers", "[os][clock][sim]") {
    sim::run([] {
        auto const calendar = os::system_now();
        auto const steady = os::steady_now();
        CHECK(steady == async::now());

        async::sleep_for(24h);

        CHECK(os::system_now() - calendar == 24h);
        CHECK(os::steady_now() - steady == 24h);
    });
}

TEST_CASE("the simulated world's calendar begins where it is told to", "[os][clock][sim]") {
    os::system_time const start = std::chrono::sys_days(1999y / 12 / 31);

    CHECK(sim::run({.start = start}, os::system_now) == start);
}

TEST_CASE("a simulated world's random numbers are its seed's", "[os][random][sim]") {
    CHECK(sim::run({.seed = 7}, os::uuid) == sim::run({.seed = 7}, os::uuid));
    CHECK(sim::run({.seed = 7}, os::uuid) != sim::run({.seed = 8}, os::uuid));
    CHECK(sim::run({.seed = 7}, os::uuid) == effects::handle(os::uuid, os::seeded{7}));
}

TEST_CASE("each simulated world begins without files, variables and arguments", "[os][sim]") {
    for (int i = 0; i < 2; ++i)
        sim::run([] {
            CHECK(os::list_directory("/").empty());
            CHECK(os::variable("PATH") == std::nullopt);
            CHECK(os::arguments().empty());
            os::write_text("/left", "behind");
        });
}

TEST_CASE("handlers given to a world go before its own", "[os][sim][live]") {
    auto motd = [] { return os::read_text("/etc/motd"); };

    CHECK(sim::run(motd, os::in_memory_files{{"/etc/motd", "hi"}}) == "hi");
    CHECK(effects::live::run({.handle_signals = false}, motd, os::in_memory_files{{"/etc/motd", "hi"}}) == "hi");
}

TEST_CASE("tasks of a world reach its files and log", "[os][sim]") {
    os::collected_log lines;

    sim::run(
        [] {
            async::task_group([](async::group& g) {
                for (int i = 0; i < 10; ++i)
                    g.spawn([i] {
                        async::yield();
                        os::append_text("/count", ".");
                        os::log.info("counted", {{"i", i}});
                    });
            });
            CHECK(os::read_text("/count") == "..........");
        },
        lines);

    CHECK(lines.records().size() == 10);
}

TEST_CASE("tasks inherit the log's context of where their group was made, and no other task sees it",
          "[os][log][context][sim][live]") {
    os::collected_log lines;
    auto serve = [](std::string id) {
        os::log.with({{"request", id}}, [] {
            async::yield();
            async::all([] { os::log.info("stock"); },
                       [] {
                           async::yield();
                           os::log.with({{"try", 2}}, [] { os::log.info("price"); });
                       });
        });
        os::log.info("left");
    };
    auto body = [&] {
        async::all([&] { serve("a"); }, [&] { serve("b"); },
                   [] {
                       async::yield();
                       os::log.info("sibling");
                   });
    };
    auto fields_of = [&](std::string const& message) {
        std::vector<os::log_fields> all;
        for (auto const& r : lines.records())
            if (r.message == message) all.push_back(r.fields);
        std::ranges::sort(all, {}, [](auto const& f) { return f.empty() ? "" : std::get<std::string>(f[0].value); });
        return all;
    };
    auto check_all = [&] {
        using all = std::vector<os::log_fields>;
        CHECK(fields_of("stock") == all{{{"request", "a"}}, {{"request", "b"}}});
        CHECK(fields_of("price") == all{{{"request", "a"}, {"try", 2}}, {{"request", "b"}, {"try", 2}}});
        CHECK(fields_of("sibling") == all{{}});
        CHECK(fields_of("left") == all{{}, {}});
        lines.clear();
    };

    for (std::uint64_t seed = 1; seed <= EFFECTS_CONFORMANCE_SEEDS; ++seed) {
        INFO("seed " << seed);
        sim::run({.seed = seed}, body, lines);
        check_all();
    }
    effects::live::run({.handle_signals = false}, body, lines);
    check_all();
    effects::live::run(
        {.handle_signals = false, .threads = 2},
        [] {
            os::log.with({{"request", "a"}}, [] { async::on(1, [] { os::log.info("there"); }); });
        },
        lines);
    CHECK(fields_of("there") == std::vector<os::log_fields>{{{"request", "a"}}}); // on another thread, too
}
