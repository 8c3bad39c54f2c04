// SPDX-License-Identifier: BSL-1.0
// Certificates made on the spot, for tests of TLS.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace effects::test_support {

/// A certificate (with its chain, where there is one) and its private key, as PEM text.
struct identity {
    std::string certificate_pem;
    std::string private_key_pem;
};

/// What a certificate says. Days are counted from now.
struct certificate_options {
    std::vector<std::string> names = {"localhost", "127.0.0.1"}; ///< subject alternative names: hosts, IPv4, IPv6
    std::string common_name = "effects test";
    int valid_from_days = -1;
    int valid_to_days = 30;
};

/// Signs certificates (P-256, made in well under a millisecond).
///
///     authority const ca;
///     net::tls::server_context server{{…ca.issue()…}};
///     net::tls::client_context client{{.ca_pem = ca.certificate_pem()}};
class authority {
public:
    explicit authority(std::string name = "effects test authority");
    ~authority();
    authority(authority&&) noexcept;

    /// What a client must trust.
    std::string certificate_pem() const;
    identity issue(certificate_options options = {}) const;
    /// A second authority, whose certificate this one signed. What it issues carries its certificate as chain.
    authority intermediate(std::string name) const;

private:
    struct state;
    explicit authority(std::unique_ptr<state>) noexcept;
    std::unique_ptr<state> state_;
};

identity self_signed(certificate_options options = {});

/// The key alone, encrypted with a pass phrase.
std::string encrypted(std::string const& private_key_pem, std::string const& pass_phrase);

} // namespace effects::test_support
