// SPDX-License-Identifier: BSL-1.0
#include <effects/http/headers.hpp>

#include <algorithm>
#include <array>
#include <ostream>
#include <stdexcept>

#include "text.hpp"

namespace effects::http {
namespace {

void check(std::string const& name, std::string const& value) {
    if (!is_token(name))
        throw std::invalid_argument("header name " + quoted(name) +
                                    " is not a token (letters, digits, !#$%&'*+-.^_`|~)");
    auto bad = std::find_if(value.begin(), value.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    if (bad != value.end())
        // The value itself may be a secret: only its place is told.
        throw std::invalid_argument("value of header " + name + " has a line break or NUL at offset " +
                                    std::to_string(bad - value.begin()));
}

std::string stripped(std::string value) {
    auto inner = trimmed(value);
    return inner.size() == value.size() ? std::move(value) : std::string(inner);
}

} // namespace

headers::headers(std::initializer_list<field> fields) {
    fields_.reserve(fields.size());
    for (auto const& f : fields) add(f.name, f.value);
}

void headers::set(std::string name, std::string value) {
    check(name, value);
    auto same = [&](field const& f) { return equal_names(f.name, name); };
    auto first = std::find_if(fields_.begin(), fields_.end(), same);
    if (first == fields_.end()) {
        fields_.push_back({std::move(name), stripped(std::move(value))});
        return;
    }
    fields_.erase(std::remove_if(first + 1, fields_.end(), same), fields_.end());
    first->name = std::move(name);
    first->value = stripped(std::move(value));
}

void headers::add(std::string name, std::string value) {
    check(name, value);
    fields_.push_back({std::move(name), stripped(std::move(value))});
}

std::size_t headers::erase(std::string_view name) {
    return std::erase_if(fields_, [&](field const& f) { return equal_names(f.name, name); });
}

std::optional<std::string> headers::get(std::string_view name) const {
    auto const* value = lookup(name);
    return value ? std::optional(*value) : std::nullopt;
}

std::vector<std::string> headers::all(std::string_view name) const {
    std::vector<std::string> values;
    for (auto const& f : fields_)
        if (equal_names(f.name, name)) values.push_back(f.value);
    return values;
}

std::string const* headers::lookup(std::string_view name) const noexcept {
    for (auto const& f : fields_)
        if (equal_names(f.name, name)) return &f.value;
    return nullptr;
}

bool operator==(headers const& a, headers const& b) {
    if (a.size() != b.size()) return false;
    return std::all_of(a.begin(), a.end(), [&](field const& f) { return a.all(f.name) == b.all(f.name); });
}

std::ostream& operator<<(std::ostream& out, headers const& all) {
    for (auto const& f : all)
        out << f.name << ": " << (is_secret_header(f.name) ? std::string_view("***") : std::string_view(f.value))
            << '\n';
    return out;
}

bool equal_names(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_secret_header(std::string_view name) noexcept {
    constexpr std::array words{"auth",   "cookie", "token",      "secret",    "key", "session", "password",
                               "passwd", "pwd",    "credential", "signature", "jwt", "bearer",  "assertion"};
    constexpr std::array harmless{"idempotency-key",  "sec-websocket-key",
                                  "surrogate-key",    "access-control-allow-credentials",
                                  "www-authenticate", "proxy-authenticate"};
    if (std::any_of(harmless.begin(), harmless.end(), [&](char const* h) { return equal_names(h, name); }))
        return false;
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return std::search(name.begin(), name.end(), word.begin(), word.end(),
                           [](char a, char b) { return lower(a) == b; }) != name.end();
    });
}

} // namespace effects::http
