// SPDX-License-Identifier: BSL-1.0
#include <support/certificates.hpp>

#include <stdexcept>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

namespace effects::test_support {
namespace {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;

void must(bool done, char const* what) {
    if (done) return;
    char text[256] = {};
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    throw std::runtime_error(std::string("making a test certificate: ") + what + ": " + text);
}

key_ptr new_key() {
    key_ptr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    must(key != nullptr, "key");
    return key;
}

std::string text_of(BIO* from) {
    char* bytes = nullptr;
    long const size = BIO_get_mem_data(from, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
    bio_ptr const out(BIO_new(BIO_s_mem()));
    must(out && PEM_write_bio_X509(out.get(), certificate) == 1, "writing");
    return text_of(out.get());
}

std::string pem_of(EVP_PKEY* key) {
    bio_ptr const out(BIO_new(BIO_s_mem()));
    must(out && PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "writing");
    return text_of(out.get());
}

bool is_address(std::string const& name) {
    unsigned char bytes[sizeof(in6_addr)];
    return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

void extend(X509* certificate, X509* issuer, int nid, std::string const& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    must(extension && X509_add_ext(certificate, extension, -1) == 1, value.c_str());
    X509_EXTENSION_free(extension);
}

// Issued by itself where there is no issuer.
x509_ptr make(certificate_options const& options, bool is_authority, EVP_PKEY* key, X509* issuer,
              EVP_PKEY* issuer_key) {
    x509_ptr out(X509_new());
    must(out != nullptr, "certificate");
    X509_set_version(out.get(), X509_VERSION_3);
    std::uint64_t serial = 0;
    must(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "serial");
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(out.get()), serial >> 1);
    X509_gmtime_adj(X509_getm_notBefore(out.get()), 86400L * options.valid_from_days);
    X509_gmtime_adj(X509_getm_notAfter(out.get()), 86400L * options.valid_to_days);
    X509_set_pubkey(out.get(), key);

    X509_NAME* const subject = X509_get_subject_name(out.get());
    must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<unsigned char const*>(options.common_name.c_str()), -1, -1,
                                    0) == 1,
         "name");
    X509_set_issuer_name(out.get(), issuer ? X509_get_subject_name(issuer) : subject);

    X509* const signer = issuer ? issuer : out.get();
    extend(out.get(), signer, NID_subject_key_identifier, "hash");
    if (issuer) extend(out.get(), signer, NID_authority_key_identifier, "keyid");
    extend(out.get(), signer, NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (is_authority) extend(out.get(), signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    std::string names;
    for (std::string const& name : options.names)
        names += (names.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
    if (!names.empty()) extend(out.get(), signer, NID_subject_alt_name, names);

    must(X509_sign(out.get(), issuer_key ? issuer_key : key, EVP_sha256()) > 0, "signing");
    return out;
}

} // namespace

struct authority::state {
    key_ptr key;
    x509_ptr certificate;
    std::string chain; // sent behind what it issues
};

authority::authority(std::unique_ptr<state> made) noexcept : state_(std::move(made)) {}
authority::~authority() = default;
authority::authority(authority&&) noexcept = default;

authority::authority(std::string name) : state_(std::make_unique<state>()) {
    state_->key = new_key();
    state_->certificate =
        make({.names = {}, .common_name = std::move(name), .valid_from_days = -3650, .valid_to_days = 3650}, true,
             state_->key.get(), nullptr, nullptr);
}

std::string authority::certificate_pem() const { return pem_of(state_->certificate.get()); }

identity authority::issue(certificate_options options) const {
    key_ptr const key = new_key();
    x509_ptr const made = make(options, false, key.get(), state_->certificate.get(), state_->key.get());
    return {pem_of(made.get()) + state_->chain, pem_of(key.get())};
}

authority authority::intermediate(std::string name) const {
    auto made = std::make_unique<state>();
    made->key = new_key();
    made->certificate = make({.names = {}, .common_name = std::move(name)}, true, made->key.get(),
                             state_->certificate.get(), state_->key.get());
    made->chain = pem_of(made->certificate.get()) + state_->chain;
    return authority(std::move(made));
}

identity self_signed(certificate_options options) {
    key_ptr const key = new_key();
    x509_ptr const made = make(options, false, key.get(), nullptr, nullptr);
    return {pem_of(made.get()), pem_of(key.get())};
}

std::string encrypted(std::string const& private_key_pem, std::string const& pass_phrase) {
    bio_ptr const in(BIO_new_mem_buf(private_key_pem.data(), static_cast<int>(private_key_pem.size())));
    key_ptr const key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
    must(key != nullptr, "reading");
    bio_ptr const out(BIO_new(BIO_s_mem()));
    must(PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_256_cbc(), pass_phrase.data(),
                                       static_cast<int>(pass_phrase.size()), nullptr, nullptr) == 1,
         "encrypting");
    return text_of(out.get());
}

} // namespace effects::test_support
