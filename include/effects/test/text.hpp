// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <string_view>

namespace effects::test {

/// What a text has to be: `starts_with`, `ends_with`, `contains`, `matches`, or a string, which it has to equal.
///
///     world.on(test::matching<sql::query>().text(test::starts_with("insert into orders")))
class text_pattern {
public:
    template <std::convertible_to<std::string> Text>
    text_pattern(Text&& text) : text_pattern(equal_to(std::string(std::forward<Text>(text)))) {}
    text_pattern(std::string description, std::function<bool(std::string_view)> accepts)
        : description_(std::move(description)), accepts_(std::move(accepts)) {}

    bool operator()(std::string_view text) const { return accepts_(text); }
    /// `a text that starts with "insert"`, or the quoted text itself.
    std::string const& description() const noexcept { return description_; }

private:
    static text_pattern equal_to(std::string text);

    std::string description_;
    std::function<bool(std::string_view)> accepts_;
};

text_pattern equals(std::string text);
text_pattern starts_with(std::string prefix);
text_pattern ends_with(std::string suffix);
text_pattern contains(std::string part);
/// All of the text matches the ECMAScript regex. Throws `std::regex_error` for one that is none.
text_pattern matches(std::string const& regex);

} // namespace effects::test
