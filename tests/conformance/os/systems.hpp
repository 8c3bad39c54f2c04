// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/live.hpp>
#include <effects/os.hpp>
#include <effects/sim.hpp>

// EFFECTS_ON_EVERY_SYSTEM("a sentence", "[tags]") { body using `folder` }: one body, four test cases: with the pure handlers, with the
// real ones, and as the main task of each world. `folder` is an empty folder. EFFECTS_IN_EVERY_WORLD: the last two only.

namespace systems {

using body = void (*)(std::string const& folder);

// What stands for the machine's programs where there is no machine: `sh` knows two scripts.
inline effects::os::in_memory_programs simulated_programs() {
    using effects::os::completed;
    using run = effects::os::operations::run;
    return {{"true", [](run const&) { return completed{}; }},
            {"false", [](run const&) { return completed{.exit_code = 1}; }},
            {"cat", [](run const& op) { return completed{.out = op.options.input}; }},
            {"sleep",
             [](run const& op) {
                 effects::async::sleep_for(std::chrono::seconds(std::stoi(op.words.at(1))));
                 return completed{};
             }},
            {"sh", [](run const& op) {
                 if (op.words.at(2) == "kill -9 $$") return completed{.signal = 9};
                 return completed{.exit_code = 3, .out = "out\n", .err = "first\nerr\n"};
             }}};
}

class temporary_folder {
public:
    temporary_folder() {
        auto pattern = (std::filesystem::temp_directory_path() / "effects-test-XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
        path_ = pattern;
    }
    temporary_folder(temporary_folder const&) = delete;
    temporary_folder& operator=(temporary_folder const&) = delete;
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string const& path() const noexcept { return path_; }

private:
    std::string path_;
};

inline void with_pure_handlers(body run) {
    effects::handle(
        [&] {
            effects::os::make_directories("/tmp/x");
            run("/tmp/x");
        },
        effects::os::in_memory_files{}, effects::os::seeded{1}, effects::os::manual_clock{},
        effects::os::in_memory_env{{{"PATH", "/bin"}}, {"program"}}, simulated_programs());
}

inline void with_real_handlers(body run) {
    namespace live = effects::live;
    temporary_folder folder;
    effects::handle([&] { run(folder.path()); }, live::system_files{}, live::system_random{}, live::system_clock{},
                    live::system_env{}, live::system_programs{});
}

inline void in_sim(body run) {
    for (std::uint64_t seed = 1; seed <= EFFECTS_CONFORMANCE_SEEDS; ++seed) {
        INFO("seed " << seed);
        effects::sim::run(
            {.seed = seed},
            [&] {
                effects::os::make_directories("/tmp/x");
                run("/tmp/x");
            },
            effects::os::in_memory_env{{{"PATH", "/bin"}}, {"program"}}, simulated_programs());
    }
}

inline void in_live(body run) {
    temporary_folder folder;
    effects::live::run({.handle_signals = false}, [&] { run(folder.path()); });
}

template <class F>
std::errc code_of(F f) {
    try {
        f();
    } catch (effects::os::error const& e) {
        return static_cast<std::errc>(e.code().value());
    }
    return {};
}

} // namespace systems

#define EFFECTS_TEST_JOINED_(a, b) a##b
#define EFFECTS_TEST_JOINED(a, b) EFFECTS_TEST_JOINED_(a, b)
#define EFFECTS_TEST_ON_EVERY(name, tags, body)                                                                        \
    static void body(std::string const& folder);                                                                       \
    TEST_CASE(name ", pure", tags) { systems::with_pure_handlers(&body); }                                             \
    TEST_CASE(name ", real", tags) { systems::with_real_handlers(&body); }                                             \
    TEST_CASE(name ", in sim", tags "[sim]") { systems::in_sim(&body); }                                               \
    TEST_CASE(name ", in live", tags "[live]") { systems::in_live(&body); }                                            \
    static void body([[maybe_unused]] std::string const& folder)
#define EFFECTS_ON_EVERY_SYSTEM(name, tags)                                                                            \
    EFFECTS_TEST_ON_EVERY(name, tags, EFFECTS_TEST_JOINED(body_at_line_, __LINE__))
#define EFFECTS_TEST_IN_EVERY(name, tags, body)                                                                        \
    static void body(std::string const& folder);                                                                       \
    TEST_CASE(name ", in sim", tags "[sim]") { systems::in_sim(&body); }                                               \
    TEST_CASE(name ", in live", tags "[live]") { systems::in_live(&body); }                                            \
    static void body([[maybe_unused]] std::string const& folder)
#define EFFECTS_IN_EVERY_WORLD(name, tags)                                                                             \
    EFFECTS_TEST_IN_EVERY(name, tags, EFFECTS_TEST_JOINED(body_at_line_, __LINE__))
