// SPDX-License-Identifier: BSL-1.0
#include <effects/test/pattern.hpp>

#include <effects/test/matching.hpp>

namespace effects::test::detail {

namespace {

std::vector<std::string> lines_of(std::string const& text) {
    std::vector<std::string> lines;
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1)
        lines.push_back(text.substr(begin, end - begin));
    if (begin < text.size()) lines.push_back(text.substr(begin));
    return lines;
}

} // namespace

std::string expectation_text(std::string_view of, std::string_view expected) {
    std::string text;
    if (!of.empty()) text.append(of).append(": ");
    return text.append("expected ").append(expected.empty() ? "nothing" : expected);
}

std::string difference(std::string_view of, std::string_view expected, std::string_view got) {
    return expectation_text(of, expected).append(", got ").append(got.empty() ? "nothing" : got);
}

std::vector<std::string> text_differences(std::string const& pattern, std::string const& actual) {
    if (pattern == actual) return {};
    auto expected = lines_of(pattern);
    auto got = lines_of(actual);
    if (expected.size() <= 1 || expected.size() != got.size()) return {difference({}, pattern, actual)};
    std::vector<std::string> found;
    for (std::size_t i = 0; i < expected.size(); ++i)
        if (expected[i] != got[i]) found.push_back(difference("line " + describe(i + 1), expected[i], got[i]));
    return found;
}

std::string thrown_text(std::exception const& e) { return std::string("threw: ") + e.what(); }

} // namespace effects::test::detail
