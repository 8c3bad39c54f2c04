// SPDX-License-Identifier: BSL-1.0
// What takes time on a machine is a wait in every world: it hears cancellations and deadlines, and lets other tasks run.
#include "systems.hpp"

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace os = effects::os;
namespace sim = effects::sim;
namespace live = effects::live;
namespace async = effects::async;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

struct call {
    std::string name;
    std::function<void(std::string const& folder)> make;
};

// All operations that wait; each would change, or look at, the folder that `prepare` leaves.
std::vector<call> const& every_call() {
    static std::vector<call> const all{
        {"os::read_text", [](std::string const& in) { os::read_text(in + "/f"); }},
        {"os::write_text", [](std::string const& in) { os::write_text(in + "/f", "new"); }},
        {"os::append_text", [](std::string const& in) { os::append_text(in + "/f", "new"); }},
        {"os::list_directory", [](std::string const& in) { os::list_directory(in); }},
        {"os::make_directories", [](std::string const& in) { os::make_directories(in + "/d"); }},
        {"os::remove", [](std::string const& in) { os::remove(in + "/f"); }},
        {"os::rename", [](std::string const& in) { os::rename(in + "/f", in + "/g"); }},
        {"os::sync", [](std::string const& in) { os::sync(in + "/f"); }},
        {"os::exists", [](std::string const& in) { os::exists(in + "/f"); }},
        {"os::run", [](std::string const&) { os::run({"true"}); }}};
    return all;
}

void prepare(std::string const& folder) { os::write_text(folder + "/f", "old"); }

void check_untouched(std::string const& folder) {
    CHECK(os::list_directory(folder) == std::vector<std::string>{"f"});
    CHECK(os::read_text(folder + "/f") == "old");
}

// In both worlds, with the world's own files and with those that a test gives it.
void with_files_in_memory(systems::body run) {
    auto body = [&] {
        os::make_directories("/tmp/x");
        run("/tmp/x");
    };
    sim::run(body, os::in_memory_files{}, systems::simulated_programs());
    live::run({.handle_signals = false}, body, os::in_memory_files{}, systems::simulated_programs());
}

void a_cancelled_task_calls_in_vain(std::string const& folder) {
    prepare(folder);
    for (call const& c : every_call()) {
        INFO(c.name);
        async::task_group([&](async::group& g) {
            g.cancel();
            CHECK_THROWS_AS(c.make(folder), async::cancelled);
        });
        check_untouched(folder);
    }
}

void no_time_is_too_little(std::string const& folder) {
    prepare(folder);
    for (call const& c : every_call()) {
        INFO(c.name);
        CHECK_FALSE(async::try_timeout(0s, [&] {
            c.make(folder);
            return true;
        }));
        check_untouched(folder);
    }
}

void who_must_not_suspend_is_refused(std::string const& folder) {
    prepare(folder);
    for (call const& c : every_call()) {
        async::must_not_suspend const here("a lock");
        CHECK_THROWS_WITH(c.make(folder), Contains("would wait in " + c.name + " while it holds a lock"));
    }
    check_untouched(folder);
}

// How often two tasks that each add one to the number in a file make one of it, instead of two.
void add_one(std::string const& file) {
    int const n = std::stoi(os::read_text(file));
    os::write_text(file, std::to_string(n + 1));
}
bool an_update_is_lost(std::string const& folder) {
    std::string const file = folder + "/n";
    os::write_text(file, "0");
    async::all([&] { add_one(file); }, [&] { add_one(file); });
    std::string const n = os::read_text(file);
    CHECK((n == "1" || n == "2"));
    return n == "1";
}

} // namespace

EFFECTS_IN_EVERY_WORLD("a cancelled task does nothing to files and begins no program", "[os][files][cancel]") {
    a_cancelled_task_calls_in_vain(folder);
}

EFFECTS_IN_EVERY_WORLD("a timeout of nothing leaves no time for a file or a program", "[os][files][timeout]") {
    no_time_is_too_little(folder);
}

EFFECTS_IN_EVERY_WORLD("who must not suspend is refused files and programs, by name", "[os][files][must_not_suspend]") {
    who_must_not_suspend_is_refused(folder);
}

TEST_CASE("files and programs in memory are waited for as the world's own", "[os][files][sim][live]") {
    with_files_in_memory(&a_cancelled_task_calls_in_vain);
    with_files_in_memory(&no_time_is_too_little);
    with_files_in_memory(&who_must_not_suspend_is_refused);
}

TEST_CASE("tasks that read a file, then write it, lose updates, as they do on a machine", "[os][files][sim][live]") {
    int lost = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed)
        lost += sim::run({.seed = seed}, [] { return an_update_is_lost(""); });
    CHECK(lost > 0);
    CHECK(lost < 100); // the seed decides

    systems::temporary_folder folder;
    int tries = 0;
    while (tries < 1000 && !live::run({.handle_signals = false}, [&] { return an_update_is_lost(folder.path()); }))
        ++tries;
    CHECK(tries < 1000);
}

EFFECTS_IN_EVERY_WORLD("a task cancelled between two writes has done the first and not the second",
                       "[os][files][cancel]") {
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            os::write_text(folder + "/a", "x");
            g.cancel();
            os::write_text(folder + "/b", "x");
        });
    });
    CHECK(os::exists(folder + "/a"));
    CHECK_FALSE(os::exists(folder + "/b"));
}

TEST_CASE("simulated files and programs take turns, and no time", "[os][files][sim]") {
    sim::run(
        [] {
            prepare("");
            for (call const& c : every_call()) {
                INFO(c.name);
                auto const before = os::steady_now();
                int others = 0;
                async::task_group([&](async::group& g) {
                    g.spawn({.daemon = true}, [&] {
                        for (;;) {
                            async::yield();
                            ++others;
                        }
                    });
                    for (int i = 0; i < 100; ++i) {
                        try {
                            c.make("");
                        } catch (os::error const&) { // removed, renamed: it was gone already
                        }
                    }
                });
                CHECK(others > 0);
                CHECK(os::steady_now() == before);
            }
        },
        systems::simulated_programs());
}

TEST_CASE("files in memory are made without waiting, wherever that is", "[os][files][sim]") {
    sim::run([] {
        async::must_not_suspend const here;
        os::in_memory_files const files{{"/a/b", "x"}};
        CHECK(files.contents().at("/a/b") == "x");
    });
}

EFFECTS_IN_EVERY_WORLD("files that a body asks for while it is dropped are written before the body is gone",
                       "[os][files]") {
    struct ask {
        using result_type = int;
    };
    CHECK(effects::handle(
              [&]() -> int {
                  struct at_the_end {
                      std::string file;
                      ~at_the_end() { os::write_text(file, "x"); }
                  } const note{folder + "/left"};
                  return effects::perform(ask{});
              },
              effects::control<ask>([](ask, auto) { return 1; })) == 1);
    CHECK(os::read_text(folder + "/left") == "x");
}
