// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <source_location>
#include <string>

#include <effects/detail/frame.hpp>

namespace effects::detail {

// "shop.cpp:12"
std::string place(std::source_location where);

// A handler as a diagnosis shows it: "on shop::refund_card, made at main.cpp:7", "http::client: http::request". Empty
// for a frame that answers nothing and is nobody's handler.
std::string describe(frame const& f);

} // namespace effects::detail
