// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <effects/net/stream.hpp>

namespace effects::net::tls {

/// How a client checks its server. The defaults are the safe ones.
struct client_options {
    bool verify = true;           ///< false accepts any certificate: for tests only
    std::string server_name = {}; ///< what the certificate must be for, and SNI; empty: the host that was connected to
    std::string ca_file = {};     ///< PEM file of the authorities to trust instead of the system's
    std::string ca_pem = {};      ///< the same as text; with both, either may vouch
    std::string certificate_pem = {}; ///< our own certificate, then its chain, where the server asks for one
    std::string private_key_pem = {}; ///< its key, unencrypted; appears in no message
    std::vector<std::string> protocols = {"http/1.1"}; ///< offered by ALPN, best first; empty: none
};

/// A server's certificate and key, as PEM text.
struct server_options {
    std::string certificate_pem = {}; ///< the certificate, then its chain
    std::string private_key_pem = {}; ///< its key, unencrypted; appears in no message
    std::string client_ca_pem = {};   ///< authorities of which each client must show a certificate; empty: none asked
    /// Taken by ALPN, best first. A client that offers only others is refused (RFC 7301); one that offers none is
    /// served.
    std::vector<std::string> protocols = {"http/1.1"};
};

/// The settings of many connections, made once: loading the authorities takes milliseconds. Copies share.
class client_context {
public:
    explicit client_context(
        client_options options = {}); ///< throws `net::error` that names the file or setting at fault
    struct state;
    std::shared_ptr<state const> const& shared() const noexcept { return state_; }

private:
    std::shared_ptr<state const> state_;
};

/// A server's settings, made once. Copies share.
class server_context {
public:
    explicit server_context(server_options options); ///< throws `net::error` that names the setting at fault
    struct state;
    std::shared_ptr<state const> const& shared() const noexcept { return state_; }

private:
    std::shared_ptr<state const> state_;
};

/// Shakes hands as a client over an open stream, TLS 1.2 or later; `host` is whom it was connected to: a name or an
/// address, which the certificate must list as a subject alternative name (a common name is not looked at, RFC 9525).
/// Throws `net::error` (`certificate_not_trusted`, `certificate_name_mismatch`, `tls_handshake_failed`) that says why.
///
///     net::stream safe = net::tls::connect(perform(net::connect({"example.com", 443})), "example.com", context);
///
/// The stream that it gives takes up to 64 KiB at a write and is itself a client of the plain one: its reads and writes
/// perform `net::read` and `net::write` on both. A peer that closes without saying so in TLS (`close_notify`) may have been
/// cut off by an attacker: reading throws `errc::end_of_stream` then. A write that is cancelled or fails leaves a
/// record half-sent: later writes throw `errc::closed`. `close()` sends no `close_notify`, `shutdown_write()` does.
stream connect(stream plain, std::string const& host, client_context const& context);

/// Shakes hands as a server.
stream accept(stream plain, server_context const& context);

/// What a handshake agreed on.
struct session {
    std::string version;  ///< "TLSv1.3"
    std::string cipher;   ///< "TLS_AES_256_GCM_SHA384"
    std::string protocol; ///< by ALPN: "http/1.1"; empty: none
};

/// Of a stream that `connect` or `accept` gave; nothing for any other.
std::optional<session> session_of(stream const& of);

} // namespace effects::net::tls
