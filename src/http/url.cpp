// SPDX-License-Identifier: BSL-1.0
#include <effects/http/url.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <effects/http/error.hpp>

#include "text.hpp"
#include "url_parts.hpp"

namespace effects::http {
namespace {

constexpr std::string_view upper_digits = "0123456789ABCDEF";

constexpr bool unreserved(char c) noexcept {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

constexpr int hex_value(char c) noexcept {
    if (is_digit(c)) return c - '0';
    char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/// The byte that `text` escapes at `at`, or -1.
constexpr int escaped_byte(std::string_view text, std::size_t at) noexcept {
    if (at + 2 >= text.size()) return -1;
    int high = hex_value(text[at + 1]);
    int low = hex_value(text[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void append_encoded(std::string& out, std::string_view text, bool form) {
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (unreserved(c))
            out += c;
        else if (form && c == ' ')
            out += '+';
        else
            (out += '%') += {upper_digits[byte >> 4], upper_digits[byte & 15]};
    }
}

std::string form_decoded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        int byte = text[i] == '%' ? escaped_byte(text, i) : -1;
        if (byte >= 0) i += 2;
        out += byte >= 0 ? static_cast<char>(byte) : text[i] == '+' ? ' ' : text[i];
    }
    return out;
}

/// The first byte that no URL may have.
std::size_t first_bad_byte(std::string_view url) {
    for (std::size_t i = 0; i < url.size(); ++i) {
        auto byte = static_cast<unsigned char>(url[i]);
        if (byte <= 0x20 || byte >= 0x7f || std::string_view("\"<>\\^`{|}").find(url[i]) != std::string_view::npos)
            return i;
        if (byte == '%' && escaped_byte(url, i) < 0) return i;
    }
    return std::string_view::npos;
}

[[noreturn]] void refuse(std::string_view url) {
    std::string message = "malformed URL " + quoted(redacted_url(url));
    if (auto at = first_bad_byte(url); at != std::string_view::npos)
        message += ": " + quoted(url.substr(at, 1)) + " at offset " + std::to_string(at) + " has to be percent-encoded";
    throw std::invalid_argument(message);
}

boost::urls::url_view parse(std::string_view url) {
    auto parsed = boost::urls::parse_uri_reference(boost::core::string_view(url.data(), url.size()));
    if (!parsed) refuse(url);
    // Boost.URL ends a port at its first non-digit, and takes the rest for a path: "http://host:808O/" (RFC 3986, section 3.3).
    if (parsed->has_authority() && !parsed->encoded_path().empty() && !parsed->encoded_path().starts_with('/'))
        refuse(url);
    return *parsed;
}

constexpr std::array<bool, 256> marked(std::string_view extra) {
    std::array<bool, 256> table{};
    for (int c = 0; c < 128; ++c) table[static_cast<std::size_t>(c)] = unreserved(static_cast<char>(c));
    for (char c : extra) table[static_cast<unsigned char>(c)] = true;
    return table;
}
constexpr auto in_path = marked("!$&'()*+,;=:@/");
constexpr auto in_query = marked("!$&'()*+,;=:@/?");

constexpr std::size_t skip(std::string_view text, std::size_t at, std::array<bool, 256> const& allowed) noexcept {
    while (at < text.size() && allowed[static_cast<unsigned char>(text[at])]) ++at;
    return at;
}

/// An absolute URL as nearly all are: http or https, a host in lower case, no userinfo, no escapes, no fragment.
struct plain_url {
    bool secure;
    std::uint16_t port;
    std::string_view host;
    std::string_view path;  ///< may be empty
    std::string_view query; ///< with its question mark
};

/// Takes those apart without the whole grammar, which costs more than all else that a request is made of.
std::optional<plain_url> as_plain(std::string_view url) noexcept {
    plain_url parts{};
    parts.secure = url.starts_with("https://");
    if (!parts.secure && !url.starts_with("http://")) return std::nullopt;
    std::size_t const host = parts.secure ? 8 : 7;
    std::size_t at = host;
    while (at < url.size() &&
           ((url[at] >= 'a' && url[at] <= 'z') || is_digit(url[at]) || url[at] == '.' || url[at] == '-'))
        ++at;
    if (at == host) return std::nullopt;
    parts.host = url.substr(host, at - host);
    parts.port = parts.secure ? 443 : 80;
    if (at < url.size() && url[at] == ':') {
        auto const [end, failure] = std::from_chars(url.data() + at + 1, url.data() + url.size(), parts.port);
        if (failure != std::errc{} || parts.port == 0) return std::nullopt;
        at = static_cast<std::size_t>(end - url.data());
    }
    std::size_t const path = at;
    if (at < url.size() && url[at] == '/') at = skip(url, at, in_path);
    parts.path = url.substr(path, at - path);
    std::size_t const query = at;
    if (at < url.size() && url[at] == '?') at = skip(url, at + 1, in_query);
    parts.query = url.substr(query, at - query);
    if (at != url.size()) return std::nullopt;
    return parts;
}

std::string text_of(boost::core::string_view view) { return {view.data(), view.size()}; }

/// RFC 3986, section 5.2.4, for a path that begins with a slash or is empty.
std::string without_dot_segments(std::string_view path) {
    std::string out;
    if (path.empty()) return out;
    for (;;) {
        auto end = path.find('/', 1);
        bool last = end == std::string_view::npos;
        auto segment = path.substr(0, end); // with its slash in front
        bool dots = segment == "/." || segment == "/..";
        if (segment == "/..") out.resize(out.empty() ? 0 : out.rfind('/'));
        if (!dots) out.append(segment);
        if (last) return dots || out.empty() ? out + '/' : out;
        path.remove_prefix(end);
    }
}

/// "host:80x": more than a host and a port, or less.
bool has_bad_port(std::string_view authority) {
    auto const colon = authority.rfind(':');
    if (colon == std::string_view::npos || authority.ends_with(']')) return false;
    auto const port = authority.substr(colon + 1);
    return !std::all_of(port.begin(), port.end(), is_digit);
}

bool is_secret_parameter(std::string_view name) {
    auto plain = lowered(name);
    constexpr std::array parts{"token",  "secret",  "password", "passwd",     "signature",
                               "apikey", "api_key", "api-key",  "credential", "session"};
    for (auto const* part : parts)
        if (plain.find(part) != std::string::npos) return true;
    return plain == "key" || plain == "sig" || plain == "auth" || plain == "code" || plain == "pwd";
}

} // namespace

std::string percent_encode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    append_encoded(out, text, false);
    return out;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        int byte = escaped_byte(text, i);
        if (byte < 0)
            throw std::invalid_argument("'%' at offset " + std::to_string(i) +
                                        " is not followed by two hexadecimal digits");
        out += static_cast<char>(byte);
        i += 2;
    }
    return out;
}

std::string encode_form(std::vector<field> const& fields) {
    std::string out;
    for (auto const& f : fields) {
        if (!out.empty()) out += '&';
        append_encoded(out, f.name, true);
        out += '=';
        append_encoded(out, f.value, true);
    }
    return out;
}

std::vector<field> decode_form(std::string_view text) {
    std::vector<field> fields;
    while (!text.empty()) {
        auto [pair, rest] = cut(text, '&');
        auto [name, value] = cut(pair, '=');
        if (!pair.empty()) fields.push_back({form_decoded(name), form_decoded(value)});
        text = rest;
    }
    return fields;
}

std::string join_url(std::string const& base, std::string const& reference) {
    auto from = parse(base);
    if (!from.has_scheme()) throw std::invalid_argument("not an absolute URL: " + quoted(redacted_url(base)));
    auto to = parse(reference);
    // Resolving removes dot segments; an absolute reference stays as it was given to the last byte.
    if (to.has_scheme()) return reference;
    // By hand and not by Boost.URL's resolve, which normalises escapes: a signed URL would no longer fit its signature.
    auto path = text_of(to.encoded_path());
    auto query = to.has_query() ? "?" + text_of(to.encoded_query()) : std::string{};
    if (!to.has_authority() && path.empty()) {
        path = text_of(from.encoded_path());
        if (!to.has_query() && from.has_query()) query = "?" + text_of(from.encoded_query());
    } else if (to.has_authority() || path.starts_with('/')) {
        path = without_dot_segments(path);
    } else {
        auto above = text_of(from.encoded_path());
        above.resize(above.rfind('/') + 1); // npos + 1 is 0
        path = without_dot_segments((above.empty() ? "/" : above) + path);
    }
    auto const& authority = to.has_authority() ? to : from;
    auto joined = text_of(from.scheme()) + ":";
    if (authority.has_authority()) joined += "//" + text_of(authority.encoded_authority());
    joined += path + query;
    if (to.has_fragment()) joined += "#" + text_of(to.encoded_fragment());
    return joined;
}

std::string redacted_url(std::string_view url) {
    // A password may hold "/", "?" and "#", unescaped: the URL is not what it looks like, then, and the user's part ends at
    // the last '@' there is.
    auto const slashes = url.find("//");
    auto const start = slashes == std::string_view::npos ? 0 : slashes + 2;
    auto const authority = url.substr(start, std::min(url.find_first_of("/?#", start), url.size()) - start);
    bool const cut_short = slashes != std::string_view::npos && has_bad_port(authority);
    auto const user_end = cut_short || authority.find('@') != std::string_view::npos ? url.rfind('@') : url.npos;
    std::string shown(url);
    if (user_end != url.npos) shown.replace(start, user_end - start, "***");

    // The parameters one by one; those of a fragment can be secrets as well (RFC 6749, section 4.2.2).
    std::string_view rest = shown;
    std::string out(rest.substr(0, std::min(rest.find_first_of("?#"), rest.size())));
    rest.remove_prefix(out.size());
    while (!rest.empty()) {
        auto const parameter = rest.substr(0, std::min(rest.find_first_of("?#&;", 1), rest.size()));
        auto const equals = parameter.find('=');
        bool const secret =
            equals != parameter.npos && is_secret_parameter(form_decoded(parameter.substr(1, equals - 1)));
        out.append(secret ? parameter.substr(0, equals + 1) : parameter).append(secret ? "***" : "");
        rest.remove_prefix(parameter.size());
    }
    return out;
}

std::string origin::authority() const {
    std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != (secure ? 443 : 80)) text += ":" + std::to_string(port);
    return text;
}

url_parts split_url(std::string const& url) {
    url_parts parts;
    if (auto const plain = as_plain(url)) {
        parts.origin = {plain->secure, std::string(plain->host), plain->port};
        parts.path = plain->path.empty() ? "/" : plain->path;
        parts.target.reserve(parts.path.size() + plain->query.size());
        parts.target.append(parts.path).append(plain->query);
        return parts;
    }
    auto view = parse(url);
    if (!view.has_scheme())
        throw std::invalid_argument("not an absolute URL (and the client has no base_url): " +
                                    quoted(redacted_url(url)));
    auto scheme = lowered(text_of(view.scheme()));
    if (scheme != "http" && scheme != "https")
        throw error(errc::unsupported_scheme, "unsupported URL scheme " + quoted(scheme) + " (not http or https)");

    parts.origin.secure = scheme == "https";
    parts.origin.host = lowered(view.host_type() == boost::urls::host_type::ipv6 ? text_of(view.encoded_host_address())
                                                                                 : text_of(view.encoded_host()));
    // An escape in a host could decode to what ends a header line; no host name needs one.
    if (parts.origin.host.empty() || parts.origin.host.find('%') != std::string::npos)
        throw std::invalid_argument("URL without a usable host: " + quoted(redacted_url(url)));
    parts.origin.port = parts.origin.secure ? 443 : 80;
    if (view.has_port() && !view.port().empty()) {
        auto digits = text_of(view.port());
        auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), parts.origin.port);
        if (failure != std::errc{} || end != digits.data() + digits.size() || parts.origin.port == 0)
            throw std::invalid_argument("port out of range in URL " + quoted(redacted_url(url)));
    }
    parts.path = text_of(view.encoded_path());
    if (parts.path.empty()) parts.path = "/";
    parts.target = parts.path;
    if (view.has_query()) parts.target += "?" + text_of(view.encoded_query());
    parts.has_userinfo = view.has_userinfo();
    parts.user = percent_decode(text_of(view.encoded_user()));
    parts.password = percent_decode(text_of(view.encoded_password()));
    return parts;
}

void check_url(std::string_view url) {
    if (url.empty()) throw std::invalid_argument("empty URL");
    if (!as_plain(url)) parse(url);
}

} // namespace effects::http
