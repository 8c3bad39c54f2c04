// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sstream>
#include <string>

template <class Op>
std::string printed(Op const& op) {
    std::ostringstream out;
    out << op;
    return out.str();
}
