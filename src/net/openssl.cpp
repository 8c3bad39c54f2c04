// SPDX-License-Identifier: BSL-1.0
#include "openssl.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <arpa/inet.h>

namespace effects::net::tls {
namespace {

constexpr std::size_t longest = 200;

std::string printable(std::string_view text) {
    std::string out(text.substr(0, longest));
    std::replace_if(
        out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    return text.size() > longest ? out + "…" : out;
}

std::string address_text(ASN1_OCTET_STRING const* ip) {
    unsigned char const* const bytes = ASN1_STRING_get0_data(ip);
    int const size = ASN1_STRING_length(ip);
    char text[INET6_ADDRSTRLEN] = {};
    int const family = size == 4 ? AF_INET : size == 16 ? AF_INET6 : AF_UNSPEC;
    if (family == AF_UNSPEC || !inet_ntop(family, bytes, text, sizeof text)) return "(malformed address)";
    return text;
}

} // namespace

openssl_error take_openssl_error() {
    openssl_error out;
    out.code = ERR_get_error();
    ERR_clear_error();
    if (out.code == 0)
        out.text = "no reason given";
    else if (ERR_SYSTEM_ERROR(out.code))
        out.text = std::generic_category().message(ERR_GET_REASON(out.code));
    else if (char const* reason = ERR_reason_error_string(out.code))
        out.text = reason;
    else
        out.text = "unknown error";
    return out;
}

std::string name_text(X509_NAME const* name) {
    bio_ptr const out(BIO_new(BIO_s_mem()));
    if (!out || !name || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE) < 0) return "(unreadable)";
    char* bytes = nullptr;
    long const size = BIO_get_mem_data(out.get(), &bytes);
    return size > 0 ? printable({bytes, static_cast<std::size_t>(size)}) : "(no name)";
}

std::string subject_alternative_names(X509 const* certificate) {
    using names_ptr = std::unique_ptr<GENERAL_NAMES, freed_by<GENERAL_NAMES_free>>;
    names_ptr const names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    int const count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
    constexpr int most = 10;
    std::string out;
    for (int i = 0; i < count && i < most; ++i) {
        GENERAL_NAME const* const name = sk_GENERAL_NAME_value(names.get(), i);
        int type = 0;
        void* const value = GENERAL_NAME_get0_value(name, &type);
        std::string text;
        if (type == GEN_DNS || type == GEN_EMAIL || type == GEN_URI) {
            auto const* const ia5 = static_cast<ASN1_IA5STRING const*>(value);
            text = printable({reinterpret_cast<char const*>(ASN1_STRING_get0_data(ia5)),
                              static_cast<std::size_t>(ASN1_STRING_length(ia5))});
        } else if (type == GEN_IPADD) {
            text = address_text(static_cast<ASN1_OCTET_STRING const*>(value));
        } else {
            text = "(a name of another kind)";
        }
        out += (i == 0 ? "" : ", ") + text;
    }
    if (count > most) out += " and " + std::to_string(count - most) + " more";
    return count == 0 ? "no name at all" : out;
}

} // namespace effects::net::tls
