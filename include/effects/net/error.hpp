// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/error.hpp>

namespace effects::net {

/// A network operation failed. `code()` is the operating system's (`std::errc::connection_refused`,
/// `connection_reset`, `host_unreachable`, …) or one of `net::errc`.
class error : public effects::error {
public:
    using effects::error::error;
    /// As every error of the operating system, and `errc::end_of_stream`: the peer went away in the midst of it.
    bool transient() const noexcept override;
    [[noreturn]] void throw_copy() const override { throw *this; }
};

/// What can go wrong on a network that the operating system has no number for.
enum class errc {
    host_not_found = 1,        ///< the name does not resolve
    end_of_stream,             ///< the peer closed before all that was promised had come
    tls_handshake_failed,      ///< no common version or cipher, or the peer hung up in the handshake
    certificate_not_trusted,   ///< no chain to a trusted authority, expired, self-signed
    certificate_name_mismatch, ///< the certificate is for another name
    closed,                    ///< the stream or listener was closed on this side
    tls_failed,                ///< after the handshake: a record that was forged or damaged, an alert from the peer
};

std::error_category const& category() noexcept;
inline std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

} // namespace effects::net

template <>
struct std::is_error_code_enum<effects::net::errc> : std::true_type {};
