// SPDX-License-Identifier: BSL-1.0
#include "json.hpp"

#include <nlohmann/json.hpp>

#include "text.hpp"

namespace effects::http {

std::string error_json(std::string_view message) {
    return nlohmann::json{{"error", message}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool equal_json(std::string_view a, std::string_view b) {
    auto left = nlohmann::json::parse(a, nullptr, false);
    auto right = nlohmann::json::parse(b, nullptr, false);
    return !left.is_discarded() && !right.is_discarded() && left == right;
}

std::string describe_bad_json(std::string_view text, std::size_t offset, std::string_view reason) {
    if (text.empty()) return "malformed JSON: the body is empty";
    constexpr std::size_t before = 20;
    constexpr std::size_t shown = 40;
    auto at = std::min(offset > 0 ? offset - 1 : 0, text.size());
    auto from = at > before ? at - before : 0;
    std::string message = "malformed JSON at byte " + std::to_string(at) + " of " + std::to_string(text.size()) +
                          ", near " + quoted(text.substr(from, shown));
    // "[json.exception.parse_error.101] parse error at line 1, column 2: …": the last part says why.
    if (auto column = reason.find("column "); column != std::string_view::npos)
        if (auto colon = reason.find(": ", column); colon != std::string_view::npos) reason.remove_prefix(colon + 2);
    if (auto read = reason.find("; last read:"); read != std::string_view::npos) reason = reason.substr(0, read);
    return message.append(": ").append(reason);
}

} // namespace effects::http
