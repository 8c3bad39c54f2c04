// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace effects {

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

    /// Puts "while `doing`: " before all that `what()` says so far.
    void add_context(std::string_view doing);

private:
    std::error_code code_;
    std::string message_;
    std::string what_;
};

/// Runs `f`; an `effects::error` that leaves it says what was being done: `doing` is a string, or a function that
/// makes one (called only on an error).
///
///     return effects::with_context([&] { return "loading " + path; }, [&] { return parse(read(path)); });
///
/// The exception that arrives is the one that was thrown, its dynamic type unchanged.
template <class Doing, class F>
decltype(auto) with_context(Doing&& doing, F&& f) {
    try {
        return std::forward<F>(f)();
    } catch (error& e) {
        if constexpr (std::is_invocable_v<Doing&>)
            e.add_context(doing());
        else
            e.add_context(doing);
        throw;
    }
}

} // namespace effects
