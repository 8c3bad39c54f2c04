// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

namespace effects::test {

/// Thrown out of `perform` where a mock knows the operation's type, but no expectation wants it. The test fails even
/// if the logic swallows it. `what()` shows the operation and where it was performed, the nearest expectation with what differs, and the
/// calls before.
class unexpected_operation : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// Thrown by `test::run` and `mock::verify` when expectations failed: `what()` lists them all. With a reporter (the one for
/// Catch2, say) the list has gone there, and this is thrown only where an `unexpected_operation`, or an operation that nobody handles, ended the test's body.
class failed : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// One thing that a mock complains about, and the source line that it is about.
struct failure {
    std::string text;
    std::source_location where;
};

/// Where failed expectations go instead of into an exception: a test framework's "fail and go on". It may be called from a
/// destructor, so it must not throw.
using failure_reporter = void (*)(failure const&) noexcept;

/// Sets the process' reporter, gives the one before; null: none. <effects/test/catch2.hpp> does it for Catch2.
failure_reporter report_failures_to(failure_reporter reporter) noexcept;

} // namespace effects::test
