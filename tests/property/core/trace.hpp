// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace property {

enum class event_kind : unsigned char {
    performs,  // operation, value
    answered,  // value: a step has its result
    clause,    // entered, value of the operation
    returns,   // value that is mapped
    leaves,    // finally
    throws,    // value
    caught,    // what
    destroyed, // std::uncaught_exceptions
    sees,      // std::uncaught_exceptions, what std::current_exception is
    kept,      // slot
    dropped,   // source
    lost,      // the clause or body that runs has been destroyed
    ended,     // value, or
    escaped,   // what
};

// What an exception is: a number for boom{number}, else one of these.
inline constexpr int nothing = -1;
inline constexpr int already_used = -2;
inline constexpr int the_unwinding = -3;
inline constexpr int unhandled = -10; // less the operation

struct event {
    event_kind kind;
    int name; // of the step or clause
    int a = 0;
    int b = 0;
    bool operator==(event const&) const = default;
};

using trace = std::vector<event>;

std::string text(event const& e);

} // namespace property
