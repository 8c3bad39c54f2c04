// SPDX-License-Identifier: BSL-1.0
#include <effects/error.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <catch2/catch.hpp>

using effects::error;
using effects::with_context;

namespace {

std::error_code refused() { return std::make_error_code(std::errc::connection_refused); }

struct special : error {
    using error::error;
    int extra = 7;
};

template <class F>
std::string what(F&& f) {
    try {
        f();
    } catch (std::exception const& e) {
        return e.what();
    }
    return "(nothing thrown)";
}

// What knows better than its code.
struct busy : error {
    busy() : error(std::make_error_code(std::errc::permission_denied), "busy") {}
    bool transient() const noexcept override { return true; }
    std::optional<std::chrono::nanoseconds> retry_after() const noexcept override { return std::chrono::seconds(3); }
    [[noreturn]] void throw_copy() const override { throw *this; }
};

} // namespace

TEST_CASE("errors that may go away by themselves are transient, by their code", "[core][error]") {
    for (auto code : {std::errc::timed_out, std::errc::connection_refused, std::errc::connection_reset,
                      std::errc::connection_aborted, std::errc::broken_pipe, std::errc::host_unreachable,
                      std::errc::network_unreachable, std::errc::network_down, std::errc::network_reset,
                      std::errc::resource_unavailable_try_again}) {
        CHECK(error(std::make_error_code(code), "x").transient());
        CHECK(error(std::error_code(static_cast<int>(code), std::system_category()), "x").transient());
    }
    for (auto code : {std::errc::permission_denied, std::errc::no_such_file_or_directory, std::errc::address_in_use,
                      std::errc::operation_canceled, std::errc::no_space_on_device, std::errc::invalid_argument})
        CHECK_FALSE(error(std::make_error_code(code), "x").transient());
    CHECK_FALSE(error(std::error_code(), "x").transient());
    CHECK(error(refused(), "x").retry_after() == std::nullopt);
}

TEST_CASE("an error's class may know better whether it is transient, also in a copy with context", "[core][error]") {
    std::exception_ptr shared = std::make_exception_ptr(busy());
    effects::detail::mark_shared(shared, effects::detail::sharing::by_threads);
    try {
        with_context("asking", [&] { std::rethrow_exception(shared); });
        FAIL("it should have thrown");
    } catch (error const& e) {
        CHECK(std::string(e.what()) == "while asking: busy");
        CHECK(e.transient());
        CHECK(e.retry_after() == std::chrono::seconds(3));
    }
}

TEST_CASE("an error has a code and a message", "[core][error]") {
    error e(refused(), "connection refused");

    CHECK(e.code() == std::errc::connection_refused);
    CHECK(e.message() == "connection refused");
    CHECK(std::string(e.what()) == "connection refused");
}

TEST_CASE("each layer's context stands before those inside it", "[core][error]") {
    auto text = what([] {
        with_context("GET https://bank/rates", [] {
            with_context(std::string("connecting to bank:443"), [] { throw error(refused(), "connection refused"); });
        });
    });

    CHECK(text == "while GET https://bank/rates: while connecting to bank:443: connection refused");
}

TEST_CASE("context does not change the message, the code or the type", "[core][error]") {
    try {
        with_context("outside", [] { throw special(refused(), "refused"); });
        FAIL("it should have thrown");
    } catch (special const& e) {
        CHECK(e.extra == 7);
        CHECK(e.message() == "refused");
        CHECK(e.code() == std::errc::connection_refused);
        CHECK(std::string(e.what()) == "while outside: refused");
    }
}

TEST_CASE("context that is a function is made only on an error", "[core][error]") {
    int made = 0;
    auto doing = [&] { return ++made, "loading " + std::to_string(made); };

    CHECK(with_context(doing, [] { return 3; }) == 3);
    CHECK(made == 0);
    CHECK(what([&] { with_context(doing, [] { throw error(refused(), "x"); }); }) == "while loading 1: x");
}

TEST_CASE("context passes values, references and other exceptions through", "[core][error]") {
    int there = 1;

    CHECK(&with_context("x", [&]() -> int& { return there; }) == &there);
    CHECK(*with_context("x", [] { return std::make_unique<int>(4); }) == 4);
    CHECK_THROWS_AS(with_context("x", [] { throw 5; }), int);
    CHECK(what([] { with_context("x", [] { throw std::runtime_error("as it was"); }); }) == "as it was");
}

TEST_CASE("an error keeps its text when it is copied", "[core][error]") {
    error e(refused(), "refused");
    e.add_context("a");
    error copy = e;
    e.add_context("b");

    CHECK(std::string(copy.what()) == "while a: refused");
    CHECK(std::string(e.what()) == "while b: while a: refused");
}

TEST_CASE("context of a rethrown pointer is seen by all who hold it only as far as it came", "[core][error]") {
    std::exception_ptr kept;
    try {
        with_context("inner", [] { throw error(refused(), "refused"); });
    } catch (...) {
        kept = std::current_exception();
    }

    CHECK(what([&] { std::rethrow_exception(kept); }) == "while inner: refused");
}

TEST_CASE("a note stands behind all that is said, whatever context comes later", "[core][error]") {
    error e(refused(), "refused");
    e.add_context("a");
    e.add_note("and more");
    e.add_context("b");

    CHECK(std::string(e.what()) == "while b: while a: refused (and more)");
    CHECK(e.message() == "refused");
}

TEST_CASE("an error that others hold too is copied before it gets context", "[core][error]") {
    std::exception_ptr kept = std::make_exception_ptr(error(refused(), "refused"));
    effects::detail::mark_shared(kept, effects::detail::sharing::by_threads);

    for (int i = 0; i < 2; ++i)
        CHECK(what([&] {
                  with_context("outer", [&] { with_context("inner", [&] { std::rethrow_exception(kept); }); });
              }) == "while outer: while inner: refused");
    CHECK(what([&] { std::rethrow_exception(kept); }) == "refused");
}

TEST_CASE("an error that others hold and whose class does not say how to copy it keeps its class", "[core][error]") {
    for (auto how : {effects::detail::sharing::by_tasks, effects::detail::sharing::by_threads}) {
        std::exception_ptr kept = std::make_exception_ptr(special(refused(), "refused"));
        effects::detail::mark_shared(kept, how);
        try {
            with_context("outside", [&] { std::rethrow_exception(kept); });
            FAIL("it should have thrown");
        } catch (special const& e) {
            CHECK(e.extra == 7);
            CHECK(std::string(e.what()) ==
                  (how == effects::detail::sharing::by_tasks ? "while outside: refused" : "refused"));
        }
    }
}
