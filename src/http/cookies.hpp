// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "date.hpp"
#include "url_parts.hpp"

namespace effects::http {

/// A cookie as a jar keeps it (RFC 6265, section 5.3).
struct cookie {
    std::string name;
    std::string value;
    std::string domain; ///< lower case, no leading dot
    std::string path;
    bool host_only = true;
    bool secure = false;
    std::optional<date> expires; ///< empty: as long as the jar lives

    bool operator==(cookie const&) const = default;
};

/// What a Set-Cookie value means when it comes from `from` for `path`: nothing, when it is to be ignored. A cookie that
/// is expired already (to delete one) is returned as such.
std::optional<cookie> parse_set_cookie(std::string_view value, origin const& from, std::string_view path, date now);

/// The cookies that servers set. Pure: time is an argument; not for two threads at once.
///
/// IP addresses take part, with host-only cookies. There is no public-suffix list; a domain without a dot is refused.
class cookie_jar {
public:
    /// Takes what a Set-Cookie field of a response says: stores, replaces or deletes.
    void store(std::string_view set_cookie, origin const& from, std::string_view path, date now);
    /// The Cookie field of a request (RFC 6265, section 5.4), longest path first; empty when there is none.
    std::string header_for(origin const& to, std::string_view path, date now);

    std::size_t size() const noexcept { return cookies_.size(); }
    void clear() noexcept { cookies_.clear(); }

private:
    std::vector<cookie> cookies_; // oldest first
};

} // namespace effects::http
