// SPDX-License-Identifier: BSL-1.0
// What the tests of TLS share: a good client and server, their conversation in memory, a peer that is bare OpenSSL.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <catch2/catch.hpp>

#include <effects/net/tls.hpp>

#include <support/certificates.hpp>

#include "duplex.hpp"
#include "turns.hpp"

namespace effects::test_support {

namespace tls = effects::net::tls;

inline authority const& ca() {
    static authority const made;
    return made;
}

inline tls::server_context server_with(identity const& own) {
    return tls::server_context({.certificate_pem = own.certificate_pem, .private_key_pem = own.private_key_pem});
}

inline tls::server_context const& good_server() {
    static tls::server_context const made = server_with(ca().issue());
    return made;
}

inline tls::client_context const& good_client() {
    static tls::client_context const made({.ca_pem = ca().certificate_pem()});
    return made;
}

using side = std::function<void(net::stream&)>;

inline void nothing(net::stream&) {}
inline void say_hello(net::stream& peer) {
    peer.write("hello");
    peer.shutdown_write();
}
inline void hear_hello(net::stream& peer) { CHECK(peer.read_all() == "hello"); }

// A client and a server that shake hands in memory and then do as they are told. How each failed is kept.
struct conversation {
    turns scheduler;
    duplex wire{scheduler};
    std::string host = "localhost";
    std::optional<net::error> client_failed = {};
    std::optional<net::error> server_failed = {};

    void run(tls::client_context const& client, tls::server_context const& server, side at_client, side at_server) {
        scheduler.task("client", [&] {
            keep_failure(client_failed, [&] {
                net::stream peer = tls::connect(std::move(wire.client), host, client);
                at_client(peer);
            });
        });
        scheduler.task("server", [&] {
            keep_failure(server_failed, [&] {
                net::stream peer = tls::accept(std::move(wire.server), server);
                at_server(peer);
            });
        });
        scheduler.run();
    }
    template <class F>
    static void keep_failure(std::optional<net::error>& where, F f) {
        try {
            f();
        } catch (net::error const& e) {
            where = e;
        }
    }
    void both_are_well() const {
        if (client_failed) FAIL("the client failed: " << client_failed->what());
        if (server_failed) FAIL("the server failed: " << server_failed->what());
    }
};

#define CHECK_FAILED(failure, wanted_code, text)                                                                       \
    do {                                                                                                               \
        REQUIRE(failure);                                                                                              \
        CHECK((failure)->code() == (wanted_code));                                                                     \
        CHECK_THAT((failure)->what(), Catch::Contains(text));                                                          \
    } while (false)

inline std::string read_one(net::stream& from) {
    char byte = 0;
    std::size_t const count = from.read_some(std::as_writable_bytes(std::span(&byte, 1)));
    return std::string(count, byte);
}

inline std::string pattern(std::size_t size, unsigned seed) {
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>((seed = seed * 1664525u + 1013904223u) >> 24);
    return out;
}

// The other side, written against OpenSSL alone: for what ours never does.
class bare_peer {
public:
    bare_peer(net::stream& plain, bool is_server, int version, identity const& own = {}) : plain_(plain) {
        context_.reset(SSL_CTX_new(TLS_method()));
        SSL_CTX_set_min_proto_version(context_.get(), version);
        SSL_CTX_set_max_proto_version(context_.get(), version);
        if (!own.certificate_pem.empty()) {
            bio certificate(BIO_new_mem_buf(own.certificate_pem.data(), -1));
            bio key(BIO_new_mem_buf(own.private_key_pem.data(), -1));
            X509* const x = PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr);
            EVP_PKEY* const k = PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr);
            REQUIRE(SSL_CTX_use_certificate(context_.get(), x) == 1);
            REQUIRE(SSL_CTX_use_PrivateKey(context_.get(), k) == 1);
            X509_free(x);
            EVP_PKEY_free(k);
        }
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        is_server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
        until_done([&] { return SSL_do_handshake(ssl_.get()); });
    }
    SSL* get() { return ssl_.get(); }

    void write(std::string const& text) {
        until_done([&] { return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())); });
    }
    std::string read(std::size_t count) {
        std::string out(count, '?');
        for (std::size_t done = 0; done < count;)
            done += static_cast<std::size_t>(
                until_done([&] { return SSL_read(ssl_.get(), out.data() + done, static_cast<int>(count - done)); }));
        return out;
    }
    // Whether reading ends in close_notify.
    bool has_ended() {
        char byte = 0;
        int const result = until_done([&] {
            int const n = SSL_read(ssl_.get(), &byte, 1);
            return n <= 0 && SSL_get_error(ssl_.get(), n) == SSL_ERROR_ZERO_RETURN ? 1000 : n;
        });
        return result == 1000;
    }
    void send_pending() {
        char* bytes = nullptr;
        long const size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &bytes);
        std::string const out(bytes, static_cast<std::size_t>(size));
        (void)BIO_reset(SSL_get_wbio(ssl_.get()));
        if (!out.empty()) plain_.write(out);
    }

private:
    template <auto Free>
    struct freed_by {
        template <class T>
        void operator()(T* p) const noexcept {
            Free(p);
        }
    };
    using bio = std::unique_ptr<BIO, freed_by<BIO_free>>;

    int until_done(std::function<int()> step) {
        for (;;) {
            ERR_clear_error();
            int const result = step();
            int const why = result > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
            send_pending();
            if (why == SSL_ERROR_NONE) return result;
            if (why != SSL_ERROR_WANT_READ) {
                char const* const reason = ERR_reason_error_string(ERR_peek_error());
                throw std::runtime_error(reason ? reason : "the bare peer failed");
            }
            std::string in(4096, '?');
            in.resize(plain_.read_some(std::as_writable_bytes(std::span(in))));
            if (in.empty()) throw std::runtime_error("the bare peer's stream ended");
            BIO_write(SSL_get_rbio(ssl_.get()), in.data(), static_cast<int>(in.size()));
        }
    }

    net::stream& plain_;
    std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>> context_;
    std::unique_ptr<SSL, freed_by<SSL_free>> ssl_;
};

} // namespace effects::test_support
