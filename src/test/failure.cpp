// SPDX-License-Identifier: BSL-1.0
#include <effects/test/failure.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <effects/test/detail/report.hpp>
#include <effects/unhandled_operation.hpp>

namespace effects::test {

namespace {

// A test framework has one current test, so there is one reporter.
constinit std::atomic<failure_reporter> reporter{nullptr};

std::string heading(std::size_t count) {
    return count == 1 ? "1 expectation failed" : std::to_string(count) + " expectations failed";
}

std::string all_text(std::vector<failure> const& failures) {
    std::string text = heading(failures.size());
    for (auto const& f : failures) text.append("\n\n").append(f.text);
    return text;
}

// What ended the test's body is one of the failures.
bool is_among(std::vector<failure> const& failures, std::exception_ptr const& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (unexpected_operation const&) {
        return true;
    } catch (unhandled_operation const& e) {
        for (auto const& f : failures)
            if (f.where.line() == e.where().line() && f.where.column() == e.where().column() &&
                std::string_view(f.where.file_name()) == e.where().file_name())
                return true;
        return false;
    } catch (...) {
        return false;
    }
}

std::string thrown_after(std::exception_ptr const& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (std::exception const& e) {
        return std::string("\n\nthe test's body threw: ") + e.what();
    } catch (...) {
        return "\n\nthe test's body threw something that is no std::exception";
    }
}

} // namespace

failure_reporter report_failures_to(failure_reporter r) noexcept { return reporter.exchange(r); }

namespace detail {

void conclude(std::vector<failure> const& failures, std::exception_ptr thrown) {
    failure_reporter report = reporter.load();
    if (failures.empty()) {
        if (thrown) std::rethrow_exception(std::move(thrown));
    } else if (!report) {
        std::string text = all_text(failures);
        if (thrown && !is_among(failures, thrown)) text += thrown_after(thrown);
        throw failed(text);
    } else {
        for (auto const& f : failures) report(f);
        if (thrown && is_among(failures, thrown)) throw failed(heading(failures.size()) + ", as reported");
        if (thrown) std::rethrow_exception(std::move(thrown));
    }
}

void report_late(std::vector<failure> const& failures, bool may_abort) noexcept {
    if (failures.empty()) return;
    if (failure_reporter report = reporter.load()) {
        for (auto const& f : failures) report(f);
        return;
    }
    for (auto const& f : failures)
        std::fprintf(stderr, "a test::mock ended with a failed expectation:\n%s\n", f.text.c_str());
    if (!may_abort) return;
    std::fputs("nobody was told of it before the mock was destroyed, so the program ends here: run the test with "
               "test::run, call "
               "verify() on the mock, or include <effects/test/catch2.hpp>\n",
               stderr);
    std::abort();
}

} // namespace detail
} // namespace effects::test
