// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace effects::http {

/// A name and its value: a header field, a field of a form, a query parameter.
struct field {
    std::string name;
    std::string value;

    bool operator==(field const&) const = default;
};

/// The header fields of a message: a list in the order given, whose names compare without regard to case (RFC 9110,
/// section 5) and may repeat.
///
///     http::headers h{{"Accept", "text/html"}, {"X-Tag", "a"}};
///     h.add("x-tag", "b");      h.all("X-Tag") == std::vector<std::string>{"a", "b"};
///     h.set("X-TAG", "c");      h.get("x-tag") == "c";
///
/// A name that is not a token, or a value with CR, LF or NUL, throws `std::invalid_argument`. Printing shows no
/// credentials (Authorization, cookies, API keys).
class headers {
public:
    headers() = default;
    headers(std::initializer_list<field> fields);

    /// Replaces every field of that name by this one, where the first of them was.
    void set(std::string name, std::string value);
    /// Appends a field, whatever is there already.
    void add(std::string name, std::string value);
    /// Removes every field of that name; how many there were.
    std::size_t erase(std::string_view name);

    /// The first value of that name.
    std::optional<std::string> get(std::string_view name) const;
    /// Every value of that name, in order.
    std::vector<std::string> all(std::string_view name) const;
    bool contains(std::string_view name) const noexcept { return lookup(name) != nullptr; }
    /// The first value of that name, in place; null where there is none. Valid until the headers change.
    std::string const* find(std::string_view name) const& noexcept { return lookup(name); }
    std::string const* find(std::string_view name) const&& = delete; // would point into what has gone

    std::size_t size() const noexcept { return fields_.size(); }
    bool empty() const noexcept { return fields_.empty(); }
    auto begin() const noexcept { return fields_.begin(); }
    auto end() const noexcept { return fields_.end(); }

    /// The same values under the same names; the order of different names is no matter.
    friend bool operator==(headers const&, headers const&);
    friend std::ostream& operator<<(std::ostream&, headers const&);

private:
    std::string const* lookup(std::string_view name) const noexcept;

    std::vector<field> fields_;
};

/// True when the two differ in the case of ASCII letters at most.
bool equal_names(std::string_view a, std::string_view b) noexcept;

/// True for header fields whose values look like secrets, by their names: what has "auth", "token", "key", "secret", "session",
/// "cookie", "password" and the like in it (but for Idempotency-Key and a few more). Such values are not shown in messages, and
/// don't follow a redirect to another origin.
bool is_secret_header(std::string_view name) noexcept;

} // namespace effects::http
