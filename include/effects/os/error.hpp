// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include <effects/error.hpp>

namespace effects::os {

/// The operating system refused. `code()` compares with `std::errc`, and is the same whichever handler answered:
///
///     try { motd = os::read_text("/etc/motd"); }
///     catch (os::error const& e) { if (e.code() != std::errc::no_such_file_or_directory) throw; }
///     // what(): "cannot read /etc/motd: No such file or directory"
class error : public effects::error {
public:
    /// "cannot `verb` `path`: …", or "cannot `verb` `path` to `to`: …"; what is not printable in the paths is escaped.
    error(std::errc code, std::string_view verb, std::string path, std::string_view to = {});
    /// In words of one's own.
    error(std::error_code code, std::string message, std::string path);

    /// The path it is about, byte for byte as it was given; empty where it is about none.
    std::string const& path() const noexcept { return path_; }
    [[noreturn]] void throw_copy() const override { throw *this; }

private:
    std::string path_;
};

} // namespace effects::os
