// SPDX-License-Identifier: BSL-1.0
#include <effects/error.hpp>

#include <typeinfo>

#include <cxxabi.h>

namespace effects {

error::error(std::error_code code, std::string message) : code_(code), message_(std::move(message)), what_(message_) {}

bool error::transient() const noexcept {
    for (std::errc c : {std::errc::timed_out, std::errc::connection_refused, std::errc::connection_reset,
                        std::errc::connection_aborted, std::errc::broken_pipe, std::errc::host_unreachable,
                        std::errc::network_unreachable, std::errc::network_down, std::errc::network_reset,
                        std::errc::resource_unavailable_try_again})
        if (code_ == c) return true;
    return false;
}

std::optional<std::chrono::nanoseconds> error::retry_after() const noexcept { return std::nullopt; }

void error::add_context(std::string_view doing) {
    std::string longer;
    longer.reserve(doing.size() + what_.size() + 8);
    longer.append("while ").append(doing).append(": ").append(what_);
    what_ = std::move(longer);
}

void error::add_note(std::string_view note) { what_.append(" (").append(note).append(")"); }

void error::throw_copy() const { throw *this; }

namespace detail {

void mark_shared(error& e, sharing how) noexcept {
    auto& mark = e.shared_.value;
    if (mark.load(std::memory_order_relaxed) < how) mark.store(how, std::memory_order_relaxed);
}

void mark_shared(std::exception_ptr const& e, sharing how) noexcept {
    if (!e) return;
    try {
        std::rethrow_exception(e);
    } catch (error& known) {
        mark_shared(known, how);
    } catch (...) { // not ours: nobody changes it
    }
}

sharing sharing_of(error const& e) noexcept { return e.shared_.value.load(std::memory_order_relaxed); }

namespace {

// Of the exception being handled, as it was thrown. typeid of the object asks its class's table of virtual functions, which names no
// type where -fno-rtti compiled that class.
std::type_info const& thrown_type() noexcept { return *abi::__cxa_current_exception_type(); }

template <class Change>
[[noreturn]] void rethrow_changed(error& e, Change change) {
    sharing const how = sharing_of(e);
    if (how == sharing::none) {
        change(e);
        throw;
    }
    std::type_info const& type = thrown_type();
    try {
        e.throw_copy();
    } catch (error& copy) {
        if (&copy != &e && thrown_type() == type) { // else its class does not say how to copy it
            change(copy);
            throw;
        }
    }
    if (how == sharing::by_tasks) change(e);
    throw;
}

} // namespace

void rethrow_with_context(error& e, std::string_view doing) {
    rethrow_changed(e, [&](error& mine) { mine.add_context(doing); });
}

void rethrow_with_note(error& e, std::string_view note) {
    rethrow_changed(e, [&](error& mine) { mine.add_note(note); });
}

} // namespace detail
} // namespace effects
