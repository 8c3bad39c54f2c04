// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

#include <effects/http/request.hpp>
#include <effects/test/matching.hpp>

namespace effects::test {

/// `test::matching<http::request>().method("POST").url(test::starts_with("https://pay.example/")).header("Idempotency-Key", "k1")`
template <class Self>
struct matching_words<http::request, Self> {
    Self method(text_pattern wanted) const {
        return self().where_text(
            "method", [](http::request const& r) { return r.method(); }, std::move(wanted));
    }
    Self url(text_pattern wanted) const {
        return self().where_text(
            "url", [](http::request const& r) { return r.url(); }, std::move(wanted));
    }
    Self body(text_pattern wanted) const {
        return self().where_text(
            "body", [](http::request const& r) { return r.body(); }, std::move(wanted));
    }
    /// One of the header's values is so.
    Self header(std::string name, text_pattern wanted) const {
        std::string description =
            "header " + name + ": expected " + (http::is_secret_header(name) ? "another value" : wanted.description());
        return self().where(
            std::move(description),
            [name, wanted](http::request const& r) {
                for (std::string const& value : r.headers().all(name))
                    if (wanted(value)) return true;
                return false;
            },
            [name](http::request const& r) {
                std::string got;
                for (std::string const& value : r.headers().all(name)) {
                    if (http::is_secret_header(name)) return std::string("one that is not shown");
                    got.append(got.empty() ? "" : ", ").append(describe(value));
                }
                return got.empty() ? std::string("no such header") : got;
            });
    }

private:
    Self const& self() const { return static_cast<Self const&>(*this); }
};

} // namespace effects::test
