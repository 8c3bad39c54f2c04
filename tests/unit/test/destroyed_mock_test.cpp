// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <csignal>
#include <stdexcept>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "shop.hpp"

namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace shop;

namespace {

// Collects what is reported while it lives.
class reports {
public:
    reports() : before_(test::report_failures_to(&note)) { told().clear(); }
    ~reports() { test::report_failures_to(before_); }
    reports(reports const&) = delete;
    reports& operator=(reports const&) = delete;

    static std::vector<test::failure>& told() {
        static std::vector<test::failure> all;
        return all;
    }

private:
    static void note(test::failure const& f) noexcept { told().push_back(f); }
    test::failure_reporter before_;
};

void swallow_unexpected() {
    try {
        perform(log_line{"y"});
    } catch (std::exception const&) {
    }
}

} // namespace

TEST_CASE("a mock that is destroyed without being verified reports what failed", "[test][destroyed]") {
    reports all;
    auto here = std::source_location::current();
    {
        test::mock world;
        world.expect(log_line{"x"}, here);
        handle(swallow_unexpected, world);
    }

    REQUIRE(all.told().size() == 2);
    CHECK_THAT(all.told()[0].text, Catch::StartsWith("unexpected operation shop::log_line"));
    CHECK_THAT(all.told()[1].text, Catch::StartsWith("expected once, came never"));
    CHECK(all.told()[1].where.line() == here.line());
}

TEST_CASE("a mock that was verified says nothing more when it is destroyed", "[test][destroyed]") {
    reports all;
    {
        test::mock world;
        world.expect(log_line{"x"});
        world.verify();
        CHECK(all.told().size() == 1);
    }

    CHECK(all.told().size() == 1);
}

TEST_CASE("a mock that was moved from says nothing", "[test][destroyed]") {
    reports all;
    {
        test::mock world;
        world.expect(log_line{"x"});
        test::mock moved = std::move(world);
        CHECK(all.told().empty());
    }

    CHECK(all.told().size() == 1);
}

TEST_CASE("when an exception ends the test, only what was unexpected is reported", "[test][destroyed]") {
    reports all;
    try {
        test::mock world;
        world.expect(log_line{"x"});
        handle(swallow_unexpected, world);
        throw std::runtime_error("a failed REQUIRE, say");
    } catch (std::runtime_error const&) {
    }

    REQUIRE(all.told().size() == 1);
    CHECK_THAT(all.told()[0].text, Catch::StartsWith("unexpected operation"));
}

TEST_CASE("with a reporter run reports and gives the body's answer", "[test][destroyed]") {
    reports all;
    test::mock world;
    world.expect(log_line{"x"});

    CHECK(test::run([] { return 5; }, world) == 5);
    CHECK(all.told().size() == 1);
}

TEST_CASE("with a reporter run throws what the body threw, but an unexpected operation as failed",
          "[test][destroyed]") {
    reports all;
    test::mock world;
    world.expect(log_line{"x"});

    CHECK_THROWS_AS(test::run([] { throw std::out_of_range("mine"); }, world), std::out_of_range);
    CHECK(thrown_by<test::failed>([&] { test::run([] { perform(log_line{"y"}); }, world); }) ==
          "1 expectation failed, as reported");
    CHECK(all.told().size() == 2);
}

TEST_CASE("without a reporter a mock that nobody verified prints what failed and ends the program",
          "[test][destroyed]") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        ::dup2(ends[1], STDERR_FILENO);
        {
            test::mock world;
            world.expect(log_line{"x"});
        }
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string printed;
    char buffer[512];
    for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        printed.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);

    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
    CHECK_THAT(printed,
               Catch::StartsWith("a test::mock ended with a failed expectation:\nexpected once, came never:\n") &&
                   Catch::Contains("call verify() on the mock"));
}
