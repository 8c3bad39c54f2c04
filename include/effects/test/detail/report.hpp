// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <vector>

#include <effects/test/failure.hpp>

namespace effects::test::detail {

// The end of a test: reports or throws what failed; else throws on what ended the body, if anything did.
void conclude(std::vector<failure> const& failures, std::exception_ptr thrown);

// From a destructor: to the reporter; without one to stderr, and then the program ends.
void report_late(std::vector<failure> const& failures, bool may_abort) noexcept;

} // namespace effects::test::detail
