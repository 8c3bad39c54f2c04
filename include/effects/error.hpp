// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <effects/detail/requirements.hpp>

namespace effects {

class error;

namespace detail {

// Who else holds an exception object, and may rethrow it: a task's handle, a promise. Of a copy nobody does.
enum class sharing : unsigned char { none, by_tasks, by_threads };
struct sharing_mark {
    sharing_mark() = default;
    sharing_mark(sharing_mark const&) noexcept {}
    sharing_mark& operator=(sharing_mark const&) noexcept { return *this; }
    std::atomic<sharing> value{sharing::none};
};

void mark_shared(error& e, sharing how) noexcept;
sharing sharing_of(error const& e) noexcept;
void mark_shared(std::exception_ptr const& e, sharing how) noexcept;

// In a handler of `e`: throws it with more said; a copy of it, where others hold it too.
[[noreturn]] void rethrow_with_context(error& e, std::string_view doing);
[[noreturn]] void rethrow_with_note(error& e, std::string_view note);

} // namespace detail

/// The world did not do as it was asked: a refused connection, a full disk, a constraint violated. Base of every
/// such exception in this library; a bug in the program is a `std::logic_error` instead, and an outcome that the
/// caller must expect (a 404, a missing row) is a value.
///
///     try { place_order(cart); }
///     catch (effects::error const& e) { log(e.code(), e.what()); }
///     // what(): "while GET https://bank/rates: while connecting to bank:443: connection refused"
///
/// `message()` says what happened; each layer that the error passed added its context, outermost first in `what()`.
/// No message holds a secret (passwords of a DSN, Authorization, cookies).
class error : public std::exception {
public:
    error(std::error_code code, std::string message);

    /// What happened, as a code to compare: `e.code() == std::errc::connection_refused`.
    std::error_code const& code() const noexcept { return code_; }
    /// What happened, without the contexts.
    std::string const& message() const noexcept { return message_; }
    /// The contexts, outermost first, then the message: "while A: while B: message".
    char const* what() const noexcept override { return what_.c_str(); }

    /// Whether the same, tried again with nothing else changed, may succeed: the one question that `async::retry` asks, whoever threw. It does not
    /// say that nothing has happened: a request whose answer was lost may have done its work, so repeat only what may happen twice.
    ///
    /// Here: refused, reset, aborted and broken connections, unreachable hosts and networks, what timed out, "try again". A class of yours
    /// that knows better overrides it.
    virtual bool transient() const noexcept;
    /// How long the other side asks to be left alone before that (HTTP's Retry-After); empty: it does not say.
    virtual std::optional<std::chrono::nanoseconds> retry_after() const noexcept;

    /// Puts "while `doing`: " before all that `what()` says so far.
    void add_context(std::string_view doing);
    /// Puts " (`note`)" after all that `what()` says so far.
    void add_note(std::string_view note);

    /// Throws a copy of this error, of its own class. An exception that several may rethrow (what `promise::get`, `task::get` and mocks throw)
    /// is copied before context is added, so that none of them sees the others' context. A class of yours says
    ///
    ///     [[noreturn]] void throw_copy() const override { throw *this; }
    ///
    /// and one that does not say it is never copied: then all who share it on one thread see the context, and between threads there is none.
    [[noreturn]] virtual void throw_copy() const;

private:
    friend void detail::mark_shared(error& e, detail::sharing how) noexcept;
    friend detail::sharing detail::sharing_of(error const& e) noexcept;

    std::error_code code_;
    std::string message_;
    std::string what_;
    detail::sharing_mark shared_;
};

/// Runs `f`; an `effects::error` that leaves it says what was being done: `doing` is a string, or a function that
/// makes one (called only on an error).
///
///     return effects::with_context([&] { return "loading " + path; }, [&] { return parse(read(path)); });
///
/// The exception that arrives is the one that was thrown, or a copy where others hold it too (see `error::throw_copy`), its dynamic
/// type unchanged.
template <class Doing, class F>
decltype(auto) with_context(Doing&& doing, F&& f) {
    try {
        return std::forward<F>(f)();
    } catch (error& e) {
        if constexpr (std::is_invocable_v<Doing&>)
            detail::rethrow_with_context(e, doing());
        else
            detail::rethrow_with_context(e, doing);
    }
}

} // namespace effects
