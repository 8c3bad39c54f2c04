// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdio>

#include <catch2/catch.hpp>

#include <effects/test/failure.hpp>

/// Include it, in one source of a test program or in all: what mocks complain about fails the running Catch2 test, with the
/// operation and the nearest expectation, and the test goes on. For Catch2 2.13, on the thread that the test runs on.
namespace effects::test::detail {

inline void report_to_catch2(failure const& f) noexcept {
    try {
        if (Catch::getCurrentContext().getResultCapture() == nullptr) throw failed("no Catch2 test is running");
        Catch::AssertionHandler assertion("test::mock", Catch::SourceLineInfo(f.where.file_name(), f.where.line()),
                                          Catch::StringRef(), Catch::ResultDisposition::ContinueOnFailure);
        assertion.handleMessage(Catch::ResultWas::ExplicitFailure, f.text);
        assertion.complete();
    } catch (...) {
        std::fprintf(stderr, "%s\n", f.text.c_str());
        std::terminate();
    }
}

inline failure_reporter const before_catch2 = report_failures_to(&report_to_catch2);

} // namespace effects::test::detail
