// SPDX-License-Identifier: BSL-1.0
// What is made once for many connections: authorities, certificates, keys.
#include <effects/net/tls.hpp>

#include <string_view>

#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "openssl.hpp"

namespace effects::net::tls {
namespace {

[[noreturn]] void bad_setting(std::string const& what) {
    throw error(std::make_error_code(std::errc::invalid_argument), "TLS settings: " + what);
}

// Wipes a private key's text when it is no longer needed.
struct wiped {
    std::string& text;
    ~wiped() { OPENSSL_cleanse(text.data(), text.size()); }
};

// OpenSSL would ask on the terminal.
int no_password(char*, int, int, void* asked) {
    if (asked) *static_cast<bool*>(asked) = true;
    return -1;
}

bio_ptr reading(std::string const& text) {
    bio_ptr out(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!out) throw std::bad_alloc();
    return out;
}

// Calls `take(certificate)` for each one; `source` is the option or file to name.
template <class Take>
void each_certificate(BIO* from, std::string const& source, Take take) {
    for (int number = 1;; ++number) {
        ERR_clear_error();
        x509_ptr certificate(PEM_read_bio_X509(from, nullptr, no_password, nullptr));
        if (!certificate) {
            openssl_error const why = take_openssl_error();
            bool const at_end = why.library() == ERR_LIB_PEM && why.reason() == PEM_R_NO_START_LINE;
            if (!at_end)
                bad_setting(source + ": certificate " + std::to_string(number) + " cannot be read: " + why.text);
            if (number == 1) bad_setting(source + " holds no PEM certificate");
            return;
        }
        take(std::move(certificate), number);
    }
}

// False on success would lose the reason, so: throws, naming the source.
void trust(SSL_CTX* context, BIO* from, std::string const& source) {
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    each_certificate(from, source, [&](x509_ptr certificate, int number) {
        if (X509_STORE_add_cert(store, certificate.get()) != 1)
            bad_setting(source + ": certificate " + std::to_string(number) +
                        " cannot be used: " + take_openssl_error().text);
    });
    // An intermediate or a server's own certificate may be trusted too, without the root above it.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
}

void trust_file(SSL_CTX* context, std::string const& path) {
    ERR_clear_error();
    bio_ptr const file(BIO_new_file(path.c_str(), "r"));
    if (!file) {
        unsigned long const code = ERR_peek_error();
        int const number = ERR_SYSTEM_ERROR(code) ? ERR_GET_REASON(code) : ENOENT;
        throw error({number, std::generic_category()},
                    "TLS settings: ca_file " + path + " cannot be opened: " + take_openssl_error().text);
    }
    trust(context, file.get(), "ca_file " + path);
}

void use_certificate(SSL_CTX* context, std::string const& pem) {
    bio_ptr const from = reading(pem);
    each_certificate(from.get(), "certificate_pem", [&](x509_ptr certificate, int number) {
        bool const done = number == 1 ? SSL_CTX_use_certificate(context, certificate.get()) == 1
                                      : SSL_CTX_add1_chain_cert(context, certificate.get()) == 1;
        if (!done)
            bad_setting("certificate_pem: certificate " + std::to_string(number) +
                        " cannot be used: " + take_openssl_error().text);
    });
}

void use_private_key(SSL_CTX* context, std::string const& pem) {
    bio_ptr const from = reading(pem);
    bool is_encrypted = false;
    ERR_clear_error();
    key_ptr const key(PEM_read_bio_PrivateKey(from.get(), nullptr, no_password, &is_encrypted));
    if (!key) {
        ERR_clear_error(); // its texts say nothing that helps here
        bad_setting(is_encrypted ? "private_key_pem is encrypted; give it without a pass phrase"
                                 : "private_key_pem holds no PEM private key that can be read");
    }
    if (SSL_CTX_use_PrivateKey(context, key.get()) == 1 && SSL_CTX_check_private_key(context) == 1) return;
    openssl_error const why = take_openssl_error();
    if (why.library() == ERR_LIB_X509 &&
        (why.reason() == X509_R_KEY_VALUES_MISMATCH || why.reason() == X509_R_KEY_TYPE_MISMATCH))
        bad_setting("private_key_pem does not belong to certificate_pem");
    bad_setting("private_key_pem cannot be used: " + why.text);
}

void use_identity(SSL_CTX* context, std::string const& certificate, std::string const& key) {
    if (certificate.empty()) bad_setting("private_key_pem is given, certificate_pem is missing");
    if (key.empty()) bad_setting("certificate_pem is given, private_key_pem is missing");
    use_certificate(context, certificate);
    use_private_key(context, key);
}

std::vector<unsigned char> wire_form(std::vector<std::string> const& protocols) {
    std::vector<unsigned char> out;
    for (std::string const& name : protocols) {
        if (name.empty() || name.size() > 255) bad_setting("a name in protocols must have 1 to 255 bytes");
        out.push_back(static_cast<unsigned char>(name.size()));
        out.insert(out.end(), name.begin(), name.end());
    }
    return out;
}

context_ptr new_context(SSL_METHOD const* method) {
    ERR_clear_error();
    context_ptr out(SSL_CTX_new(method));
    if (!out) throw error(errc::tls_handshake_failed, "OpenSSL cannot make a context: " + take_openssl_error().text);
    SSL_CTX_set_min_proto_version(out.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(out.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // Idle connections give OpenSSL's two record buffers (34 KiB) back.
    SSL_CTX_set_mode(out.get(), SSL_MODE_RELEASE_BUFFERS);
    return out;
}

int select_protocol(SSL*, unsigned char const** out, unsigned char* size, unsigned char const* offered,
                    unsigned int offered_size, void* ours) {
    auto const& list = *static_cast<std::vector<unsigned char> const*>(ours);
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, size, list.data(), static_cast<unsigned int>(list.size()), offered,
                              offered_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

} // namespace

client_context::client_context(client_options options) {
    wiped const no_trace{options.private_key_pem};
    auto made = std::make_shared<state>();
    made->context = new_context(TLS_client_method());
    made->server_name = options.server_name;
    made->verify = options.verify;
    SSL_CTX* const context = made->context.get();

    if (!options.ca_file.empty()) trust_file(context, options.ca_file);
    if (!options.ca_pem.empty()) trust(context, reading(options.ca_pem).get(), "ca_pem");
    if (options.verify && options.ca_file.empty() && options.ca_pem.empty() &&
        SSL_CTX_set_default_verify_paths(context) != 1)
        bad_setting("the system's authorities cannot be loaded: " + take_openssl_error().text);
    if (!options.certificate_pem.empty() || !options.private_key_pem.empty())
        use_identity(context, options.certificate_pem, options.private_key_pem);
    // SSL_CTX_set_alpn_protos answers 0 on success.
    auto const protocols = wire_form(options.protocols);
    if (!protocols.empty() &&
        SSL_CTX_set_alpn_protos(context, protocols.data(), static_cast<unsigned int>(protocols.size())) != 0)
        bad_setting("protocols cannot be used: " + take_openssl_error().text);
    state_ = std::move(made);
}

server_context::server_context(server_options options) {
    wiped const no_trace{options.private_key_pem};
    auto made = std::make_shared<state>();
    made->context = new_context(TLS_server_method());
    SSL_CTX* const context = made->context.get();

    if (options.certificate_pem.empty()) bad_setting("a server needs certificate_pem");
    use_identity(context, options.certificate_pem, options.private_key_pem);
    // Resumed sessions are accepted for this context only.
    static constexpr unsigned char session_context[] = "effects";
    SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
    if (!options.client_ca_pem.empty()) {
        trust(context, reading(options.client_ca_pem).get(), "client_ca_pem");
        each_certificate(reading(options.client_ca_pem).get(), "client_ca_pem",
                         [&](x509_ptr certificate, int) { SSL_CTX_add_client_CA(context, certificate.get()); });
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    made->protocols = wire_form(options.protocols);
    if (!made->protocols.empty()) SSL_CTX_set_alpn_select_cb(context, select_protocol, &made->protocols);
    state_ = std::move(made);
}

} // namespace effects::net::tls
