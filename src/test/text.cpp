// SPDX-License-Identifier: BSL-1.0
#include <effects/test/text.hpp>

#include <regex>

#include <effects/test/describe.hpp>

namespace effects::test {

text_pattern text_pattern::equal_to(std::string text) {
    std::string description = detail::quoted(text);
    return {std::move(description), [text = std::move(text)](std::string_view actual) { return actual == text; }};
}

text_pattern equals(std::string text) { return text_pattern(std::move(text)); }

text_pattern starts_with(std::string prefix) {
    std::string description = "a text that starts with " + detail::quoted(prefix);
    return {std::move(description),
            [prefix = std::move(prefix)](std::string_view actual) { return actual.starts_with(prefix); }};
}

text_pattern ends_with(std::string suffix) {
    std::string description = "a text that ends with " + detail::quoted(suffix);
    return {std::move(description),
            [suffix = std::move(suffix)](std::string_view actual) { return actual.ends_with(suffix); }};
}

text_pattern contains(std::string part) {
    std::string description = "a text that contains " + detail::quoted(part);
    return {std::move(description),
            [part = std::move(part)](std::string_view actual) { return actual.find(part) != actual.npos; }};
}

namespace {

// libstdc++'s usual matcher recurses for each character, which a task's small stack does not bear; this one does not.
std::regex compile(std::string const& text) {
#ifdef __GLIBCXX__
    try {
        return std::regex(text, std::regex::ECMAScript | std::regex_constants::__polynomial);
    } catch (std::regex_error const&) { // it has no back-references
    }
#endif
    return std::regex(text);
}

} // namespace

text_pattern matches(std::string const& regex) {
    return {"a text that matches " + detail::quoted(regex), [expression = compile(regex)](std::string_view actual) {
                return std::regex_match(actual.begin(), actual.end(), expression);
            }};
}

} // namespace effects::test
