// SPDX-License-Identifier: BSL-1.0
#include <effects/live/system.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include <effects/os/detail/log_line.hpp>

#include "file_io.hpp"

namespace effects::live {

using namespace file_io;

os::system_time system_clock::operator()(os::operations::system_now const&) const noexcept {
    return std::chrono::system_clock::now();
}

os::steady_time system_clock::operator()(os::operations::steady_now const&) const noexcept {
    return std::chrono::steady_clock::now();
}

std::uint64_t system_random::operator()(os::operations::random_bits const&) const {
    std::uint64_t bits;
    draw(&bits, sizeof bits);
    return bits;
}

std::optional<std::string> system_env::operator()(os::operations::variable const& op) const {
    if (op.name.find('\0') != std::string::npos || op.name.find('=') != std::string::npos) return std::nullopt;
    char const* value = std::getenv(op.name.c_str());
    if (!value) return std::nullopt;
    return value;
}

std::vector<std::string> system_env::operator()(os::operations::arguments const&) const {
    std::string const path = "/proc/self/cmdline"; // at hand for a library that does not see `main`
    hurry never;
    std::string const all = read_whole({"read", path}, never);
    std::vector<std::string> arguments;
    for (std::string_view rest = all; !rest.empty();) {
        std::size_t const end = std::min(rest.find('\0'), rest.size());
        arguments.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return arguments;
}

os::log_format log_format_for(int descriptor) noexcept {
    auto variable = [](char const* name) { return std::string_view(std::getenv(name) ? std::getenv(name) : ""); };
    int const before = errno;
    bool const terminal = ::isatty(descriptor) == 1;
    errno = before;
    if (!terminal) return os::log_format::json;
    std::string_view const kind = variable("TERM");
    bool const plain = !variable("NO_COLOR").empty() || kind.empty() || kind == "dumb";
    return plain ? os::log_format::text : os::log_format::coloured;
}

stderr_log::stderr_log(os::level least) noexcept : stderr_log(least, log_format_for(STDERR_FILENO)) {}

void stderr_log::operator()(os::operations::log const& line) const {
    if (line.level < least_) return;
    int const before = errno; // a log line between a call and its errno should not matter
    std::string const text = os::detail::log_line(format_, std::chrono::system_clock::now(), line);
    write_all(STDERR_FILENO, text);
    errno = before;
}

} // namespace effects::live
