// SPDX-License-Identifier: BSL-1.0
#include <effects/test/sql.hpp>

#include <algorithm>

namespace effects::test {

bool pattern_traits<sql::query>::matches(sql::query const& pattern, sql::query const& actual) {
    return pattern.text() == actual.text() &&
           (pattern.parameters().empty() || pattern.parameters() == actual.parameters());
}

std::vector<std::string> pattern_traits<sql::query>::differences(sql::query const& pattern, sql::query const& actual) {
    std::vector<std::string> found;
    if (pattern.text() != actual.text())
        found.push_back(detail::difference("text", describe(pattern.text()), describe(actual.text())));
    auto const& expected = pattern.parameters();
    auto const& got = actual.parameters();
    if (expected.empty()) return found;
    for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i)
        if (i >= got.size())
            found.push_back(detail::difference("$" + describe(i + 1), describe(expected[i]), "no parameter"));
        else if (i >= expected.size())
            found.push_back(detail::difference("$" + describe(i + 1), "no parameter", describe(got[i])));
        else if (expected[i] != got[i])
            found.push_back(detail::difference("$" + describe(i + 1), describe(expected[i]), describe(got[i])));
    return found;
}

} // namespace effects::test
