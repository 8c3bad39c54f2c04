// SPDX-License-Identifier: BSL-1.0
#include "systems.hpp"

namespace os = effects::os;
namespace live = effects::live;
namespace sim = effects::sim;
namespace async = effects::async;
using systems::code_of;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

std::string every_byte() {
    std::string all;
    for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
    return all + all;
}

// As the main task of both worlds.
template <class F>
void in_both_worlds(F f) {
    SECTION("sim") { sim::run(f, systems::simulated_programs()); }
    SECTION("live") { live::run({.handle_signals = false}, f); }
    SECTION("live, with programs in memory") { live::run({.handle_signals = false}, f, systems::simulated_programs()); }
}

} // namespace

EFFECTS_ON_EVERY_SYSTEM("a program gives back what it is given, byte for byte", "[os][programs]") {
    auto const result = os::run({"cat"}, {.input = every_byte()});

    CHECK(result == os::completed{.out = every_byte(), .program = "cat"});
    CHECK(os::run({"cat"}).out == "");
}

EFFECTS_ON_EVERY_SYSTEM("a status other than 0 is a value, and an error on request", "[os][programs]") {
    CHECK(os::run({"true"}).ok());
    auto const broken = os::run({"false"});
    CHECK_FALSE(broken.ok());
    CHECK(broken.exit_code == 1);
    CHECK_THROWS_WITH(broken.raise_for_status(), "false exited with status 1");
    CHECK_THROWS_WITH(os::run({"sh", "-c", "echo out; echo first >&2; echo err >&2; exit 3"}).raise_for_status(),
                      "sh exited with status 3: err");
}

EFFECTS_ON_EVERY_SYSTEM("a program that a signal killed says which", "[os][programs]") {
    auto const killed = os::run({"sh", "-c", "kill -9 $$"});

    CHECK(killed.signal == 9);
    CHECK(killed.exit_code == 137);
    CHECK_FALSE(killed.ok());
    CHECK_THROWS_WITH(killed.raise_for_status(), "sh was killed by signal 9 (SIGKILL)");
}

EFFECTS_ON_EVERY_SYSTEM("output and errors are apart, or together on request", "[os][programs]") {
    std::vector<std::string> const words{"sh", "-c", "echo out; echo first >&2; echo err >&2; exit 3"};

    auto const apart = os::run(words);
    auto const together = os::run(words, {.merge_stderr = true});

    CHECK(apart.out == "out\n");
    CHECK(apart.err == "first\nerr\n");
    CHECK(together.out == "out\nfirst\nerr\n");
    CHECK(together.err == "");
    CHECK(together.exit_code == 3);
}

EFFECTS_ON_EVERY_SYSTEM("a program that is not there is an error, not a status", "[os][programs]") {
    try {
        os::run({"effects-no-such-program", "x"});
        FAIL("it was run");
    } catch (os::error const& e) {
        CHECK(e.what() == "cannot run effects-no-such-program: No such file or directory"s);
        CHECK(e.code() == std::errc::no_such_file_or_directory);
        CHECK(e.path() == "effects-no-such-program");
    }
    CHECK(code_of([] { os::run({"/no/such/program"}); }) == std::errc::no_such_file_or_directory);
    CHECK(code_of([] { os::run({""}); }) == std::errc::no_such_file_or_directory);
}

EFFECTS_ON_EVERY_SYSTEM("what no system takes is an invalid argument", "[os][programs]") {
    constexpr auto invalid = std::errc::invalid_argument;
    CHECK(code_of([] { os::run({}); }) == invalid);
    CHECK(code_of([] { os::run({"tr\0ue"s}); }) == invalid);
    CHECK(code_of([] { os::run({"true", "a\0b"s}); }) == invalid);
    CHECK(code_of([] { os::run({"true"}, {.env = {{"A=B", "1"}}}); }) == invalid);
    CHECK(code_of([] { os::run({"true"}, {.env = {{"", "1"}}}); }) == invalid);
    CHECK(code_of([] { os::run({"true"}, {.env = {{"A", "1\0"s}}}); }) == invalid);
    CHECK(code_of([] { os::run({"true"}, {.directory = "/\0x"s}); }) == invalid);
}

EFFECTS_ON_EVERY_SYSTEM("more output than allowed is an error that has what there was before", "[os][programs]") {
    std::string const input(100'000, 'x');
    CHECK(os::run({"cat"}, {.input = input, .max_output = 100'000}).out == input);
    try {
        os::run({"cat"}, {.input = input, .max_output = 99'999});
        FAIL("it was not stopped");
    } catch (os::program_error const& e) {
        CHECK(e.what() == "cat was stopped: it wrote more than 99999 bytes (max_output)"s);
        CHECK(e.code() == std::errc::no_buffer_space);
        CHECK(e.result().out == std::string(99'999, 'x'));
    }
    CHECK_THROWS_AS(os::run({"cat"}, {.input = "x", .max_output = 0}), os::program_error);
    CHECK(os::run({"true"}, {.max_output = 0}).ok());
}

TEST_CASE("a program that takes too long is stopped, and said to be", "[os][programs][live][sim]") {
    in_both_worlds([] {
        try {
            os::run({"sleep", "1000"}, {.timeout = 10ms});
            FAIL("it was not stopped");
        } catch (async::timed_out const& e) {
            CHECK(e.phase() == "running sleep");
            CHECK(e.limit() == 10ms);
            CHECK(e.elapsed() >= 10ms);
            CHECK(e.code() == std::errc::timed_out);
        }
        CHECK(os::run({"true"}, {.timeout = 1h}).ok());
    });
}

TEST_CASE("a time limit around a program counts as its own would", "[os][programs][live][sim]") {
    in_both_worlds([] {
        CHECK(async::try_timeout(10ms, [] { return os::run({"sleep", "1000"}, {.timeout = 1h}); }) == std::nullopt);
        CHECK_THROWS_WITH(async::timeout(10ms, "all of it",
                                         [] {
                                             os::run({"sleep", "1000"});
                                         }),
                          Catch::StartsWith("all of it: "));
    });
}

TEST_CASE("a program whose task is cancelled is stopped", "[os][programs][live][sim]") {
    in_both_worlds([] {
        auto const first = async::race(
            [] {
                os::run({"sleep", "1000"});
                return 1;
            },
            [] {
                async::yield();
                return 2;
            });
        CHECK(first == 2);
    });
}

TEST_CASE("many programs run at once", "[os][programs][live][sim]") {
    in_both_worlds([] {
        std::vector<int> numbers(50);
        for (int i = 0; i < 50; ++i) numbers[static_cast<std::size_t>(i)] = i;

        auto const outputs = async::map(numbers, {.limit = 50},
                                        [](int i) { return os::run({"cat"}, {.input = std::to_string(i)}).out; });

        for (std::size_t i = 0; i < 50; ++i) CHECK(outputs[i] == std::to_string(i));
    });
}

TEST_CASE("a simulated program sleeps in virtual time", "[os][programs][sim]") {
    sim::run(
        [] {
            auto const begun = async::now();
            os::run({"sleep", "3600"});
            CHECK(async::now() - begun == 1h);
            CHECK_THROWS_WITH(os::run({"sleep", "3600"}, {.timeout = 90s}), "running sleep: 90 s passed (limit 90 s)");
            CHECK(async::now() - begun == 1h + 90s);
        },
        systems::simulated_programs());
}

TEST_CASE("a simulated world has no programs but those that it is given", "[os][programs][sim]") {
    CHECK(sim::run([] { return code_of([] { os::run({"true"}); }); }) == std::errc::no_such_file_or_directory);
}
