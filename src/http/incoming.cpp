// SPDX-License-Identifier: BSL-1.0
#include <effects/http/incoming.hpp>

#include <ostream>
#include <stdexcept>

#include <effects/http/error.hpp>
#include <effects/http/url.hpp>

#include "json.hpp"
#include "text.hpp"

namespace effects::http {
namespace {

std::string_view without_fragment(std::string_view target) { return target.substr(0, target.find('#')); }

/// Where it begins; npos in another form than "scheme://…" (RFC 3986, section 3.1).
std::size_t authority_of_absolute_form(std::string_view target) {
    if (target.empty() || !is_alpha(target.front())) return target.npos;
    std::size_t i = 1;
    while (i < target.size() && (is_alpha(target[i]) || is_digit(target[i]) ||
                                 std::string_view("+-.").find(target[i]) != std::string_view::npos))
        ++i;
    return target.substr(i).starts_with("://") ? i + 3 : target.npos;
}

std::optional<std::string> first(std::vector<field> fields, std::string_view name) {
    for (auto& f : fields)
        if (f.name == name) return std::move(f.value);
    return std::nullopt;
}

} // namespace

incoming::incoming(std::string method, std::string target, http::headers headers, std::string body,
                   net::endpoint remote)
    : method_(std::move(method)), target_(std::move(target)), headers_(std::move(headers)), body_(std::move(body)),
      remote_(std::move(remote)) {
    // The absolute form, which a client of a proxy sends (RFC 9112, section 3.2.2), says no more here than the origin form.
    if (auto authority = authority_of_absolute_form(target_); authority != std::string::npos) {
        auto start = target_.find_first_of("/?", authority);
        target_ = start == std::string::npos ? "/" : target_.substr(start);
        if (target_.front() == '?') target_.insert(0, "/");
    }
}

std::string incoming::path() const { return std::string(cut(without_fragment(target_), '?').first); }

std::string const& incoming::param(std::string_view name) const& {
    for (auto const& f : parameters_)
        if (f.name == name) return f.value;
    throw std::logic_error("the route of " + method_ + " " + path() + " has no parameter {" + std::string(name) + "}");
}

std::vector<field> incoming::query() const { return decode_form(cut(without_fragment(target_), '?').second); }

std::optional<std::string> incoming::query(std::string_view name) const { return first(query(), name); }

std::optional<std::string> incoming::cookie(std::string_view name) const {
    std::optional<std::string> found;
    for (auto const& f : headers_) {
        if (!equal_names(f.name, "Cookie")) continue;
        split(f.value, ';', [&](std::string_view pair) {
            auto [key, value] = cut(pair, '=');
            if (!found && trimmed(key) == name) found = trimmed(value);
        });
    }
    return found;
}

std::vector<field> incoming::form() const { return decode_form(body_); }

std::ostream& operator<<(std::ostream& out, incoming const& in) {
    out << in.method_ << ' ' << redacted_url(in.target_) << '\n' << in.headers_;
    if (!in.body_.empty()) out << '\n' << in.body_.substr(0, 1024) << (in.body_.size() > 1024 ? "…" : "");
    return out;
}

void incoming::bad_value(std::string_view kind, std::string_view name, std::string const& text,
                         std::string_view wanted) {
    throw request_error(400, std::string(kind) + " " + std::string(name) + ": expected " + std::string(wanted) +
                                 ", got " + quoted(text));
}

void incoming::bad_json(std::size_t offset, std::string const& reason) const {
    throw request_error(400, describe_bad_json(body_, offset, reason), errc::bad_json);
}

} // namespace effects::http
