// SPDX-License-Identifier: BSL-1.0
// OpenSSL's objects as values that free themselves, and its errors as text. Private to src/net.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <effects/net/tls.hpp>

namespace effects::net::tls {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};

using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using x509_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using context_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;

struct client_context::state {
    context_ptr context;
    std::string server_name;
    bool verify = true;
};

struct server_context::state {
    context_ptr context;
    std::vector<unsigned char> protocols; // in ALPN's wire form, best first
};

/// The oldest error of this thread's queue, which is empty afterwards.
struct openssl_error {
    unsigned long code = 0;
    std::string text; // OpenSSL's reason; never data

    int library() const noexcept { return ERR_GET_LIB(code); }
    int reason() const noexcept { return ERR_GET_REASON(code); }
};
openssl_error take_openssl_error();

/// "CN = example.com": escaped, so that a certificate cannot forge lines of a log, and cut off at some length.
std::string name_text(X509_NAME const* name);
/// The names and addresses that a certificate is for: "example.com, 192.0.2.1".
std::string subject_alternative_names(X509 const* certificate);

} // namespace effects::net::tls
