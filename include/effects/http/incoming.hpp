// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <concepts>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <effects/http/detail/json.hpp>
#include <effects/http/headers.hpp>
#include <effects/net/endpoint.hpp>

namespace effects::http {

/// A request as a server's handler gets it.
///
///     routes.put("/orders/{id}", [](http::incoming const& in) {
///         return http::ok(store(in.param<long>("id"), in.json().at("qty").get<int>()));
///     });
///
/// What the client got wrong (a parameter that is no number, a body that is no JSON) throws `http::request_error`,
/// which the router answers with 400 and the reason.
class incoming {
public:
    incoming(std::string method, std::string target, http::headers headers = {}, std::string body = {},
             net::endpoint remote = {});

    std::string const& method() const& noexcept { return method_; }
    /// Path and query, as they came.
    std::string const& target() const& noexcept { return target_; }
    /// The path, its escapes as they came.
    std::string path() const;
    http::headers const& headers() const& noexcept { return headers_; }
    std::optional<std::string> header(std::string_view name) const { return headers_.get(name); }
    std::string const& body() const& noexcept { return body_; }
    std::string const& text() const& noexcept { return body_; }
    /// Who sent it; empty when it came from the same process.
    net::endpoint const& remote() const& noexcept { return remote_; }

    /// A part of the path that the route names: "id" of "/orders/{id}", decoded. A name that the route does not have
    /// is a `std::logic_error`. As a number: text that is none throws `request_error` (400).
    std::string const& param(std::string_view name) const&;
    template <class Value>
    Value param(std::string_view name) const {
        return converted<Value>("path parameter", name, param(name));
    }
    /// The first parameter of that name in the query, decoded.
    std::optional<std::string> query(std::string_view name) const;
    template <class Value>
    std::optional<Value> query(std::string_view name) const {
        auto text = query(name);
        return text ? std::optional<Value>(converted<Value>("query parameter", name, *text)) : std::nullopt;
    }
    /// The whole query, decoded, in order.
    std::vector<field> query() const;
    /// The first cookie of that name.
    std::optional<std::string> cookie(std::string_view name) const;
    /// The body as an HTML form.
    std::vector<field> form() const;
    /// The body as JSON; a malformed one throws `request_error` (400) that says where.
    template <class Json = nlohmann::json>
    Json json() const {
        return detail::from_text<Json>(body_, [&](std::size_t at, std::string const& why) { bad_json(at, why); });
    }

    bool operator==(incoming const&) const = default;
    friend std::ostream& operator<<(std::ostream&, incoming const&);

private:
    friend class router;

    template <class Value>
    static Value converted(std::string_view kind, std::string_view name, std::string const& text) {
        if constexpr (std::same_as<Value, std::string>) {
            return text;
        } else if constexpr (std::same_as<Value, bool>) {
            if (text != "true" && text != "false" && text != "1" && text != "0")
                bad_value(kind, name, text, "true or false");
            return text == "true" || text == "1";
        } else {
            static_assert(std::integral<Value> || std::floating_point<Value>,
                          "a parameter converts to std::string, bool, an integer or a floating-point number");
            Value value{};
            auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (failure != std::errc{} || end != text.data() + text.size())
                bad_value(kind, name, text, std::integral<Value> ? "an integer in range" : "a number");
            return value;
        }
    }
    [[noreturn]] static void bad_value(std::string_view kind, std::string_view name, std::string const& text,
                                       std::string_view wanted);
    [[noreturn]] void bad_json(std::size_t offset, std::string const& reason) const;

    std::string method_;
    std::string target_;
    http::headers headers_;
    std::string body_;
    net::endpoint remote_;
    std::vector<field> parameters_;
};

} // namespace effects::http
