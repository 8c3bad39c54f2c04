// SPDX-License-Identifier: BSL-1.0
#include "program.hpp"

#include <ostream>
#include <string>

namespace property {

char const* text(step_kind kind) noexcept {
    static constexpr char const* names[step_kinds] = {
        "sleep",  "yield", "send",         "receive", "try_send", "try_receive", "close",   "acquire",
        "lock",   "set",   "reset",        "wait",    "spawn",    "group",       "timeout", "shield",
        "cancel", "join",  "cancel_group", "fail",    "attempt",  "swallow"};
    return names[static_cast<int>(kind)];
}

bool has_body(step_kind kind) noexcept {
    switch (kind) {
    case step_kind::acquire:
    case step_kind::lock:
    case step_kind::spawn:
    case step_kind::group:
    case step_kind::timeout:
    case step_kind::shield:
    case step_kind::attempt:
    case step_kind::swallow:
        return true;
    default:
        return false;
    }
}

std::size_t size(block const& b) noexcept {
    std::size_t n = b.size();
    for (step const& s : b) n += size(s.body);
    return n;
}

namespace {

void print(std::ostream& out, block const& b, std::size_t indent) {
    for (step const& s : b) {
        out << std::string(indent, ' ') << text(s.kind) << ' ' << s.at << ' ' << s.value << '\n';
        print(out, s.body, indent + 4);
    }
}

} // namespace

std::ostream& operator<<(std::ostream& out, program const& p) {
    out << "in a world of seed " << p.seed << ":\n";
    print(out, p.body, 4);
    return out;
}

} // namespace property
