// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

#include <nlohmann/json_fwd.hpp>

// Between JSON values and text. All that touches a JSON type is a template, instantiated where the user's own
// <nlohmann/json.hpp> is complete: nothing that is compiled here mentions one.
namespace effects::http::detail {

template <class Value>
concept dumps_itself = requires(Value const& value) {
    { value.dump() } -> std::convertible_to<std::string>;
};

template <class Json, class Value>
std::string to_text(Value const& value) {
    if constexpr (dumps_itself<Value>)
        return value.dump();
    else
        return Json(value).dump(); // a struct with to_json, a string, a map
}

/// Parses `text`; on failure calls `fail(offset, reason)`, which must throw.
template <class Json, class Fail>
Json from_text(std::string const& text, Fail&& fail) {
    std::size_t offset = 0;
    std::string reason;
    try {
        return Json::parse(text.begin(), text.end());
    } catch (typename Json::parse_error const& e) {
        offset = e.byte;
        reason = e.what();
    } catch (typename Json::out_of_range const& e) { // a number that no type holds
        reason = e.what();
    }
    std::forward<Fail>(fail)(offset, reason);
    return Json(); // not reached
}

} // namespace effects::http::detail
