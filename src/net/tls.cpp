// SPDX-License-Identifier: BSL-1.0
// TLS as a transport over a stream. OpenSSL never sees the stream: its BIO copies from and to two buffers, so that no
// task is suspended inside an OpenSSL call (its error queue belongs to the thread, which other tasks use meanwhile).
#include <effects/net/tls.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <effects/detail/cast.hpp>

#include "openssl.hpp"

namespace effects::net::tls {
namespace {

constexpr std::size_t read_step = 32 * 1024;
constexpr std::size_t write_step = 64 * 1024;
constexpr std::size_t most_unasked = 16 * 1024;
constexpr std::size_t keep_capacity = 16 * 1024; // of the output's buffers, between writes

// What a certificate was refused for, written down in OpenSSL's callback, which may not throw.
struct refusal {
    int reason = X509_V_OK;
    std::string what;  // about the certificate at fault
    std::string names; // that the peer's own certificate has
};

class tls_transport final : public transport {
public:
    tls_transport(stream plain, std::shared_ptr<void const> context, SSL_CTX* settings)
        : inner_(std::move(plain)), context_(std::move(context)) {
        ERR_clear_error();
        ssl_.reset(SSL_new(settings));
        BIO* const buffers = ssl_ ? BIO_new(buffer_method()) : nullptr;
        if (!buffers) throw std::bad_alloc();
        BIO_set_data(buffers, this);
        BIO_set_init(buffers, 1);
        SSL_set_bio(ssl_.get(), buffers, buffers);
        SSL_set_app_data(ssl_.get(), this);
    }

    void shake_hands_as_client(std::string const& host, bool verify);
    void shake_hands_as_server();
    session agreed() const;

    std::size_t read_some(std::span<std::byte> to) override;
    std::size_t write_some(std::span<std::byte const> from) override;
    void shutdown_write() override;
    void close() noexcept override {
        closed_ = true;
        inner_.close();
    }
    bool stale() noexcept override;
    endpoint local() const override { return inner_.local(); }
    endpoint remote() const override { return inner_.remote(); }

private:
    static BIO_METHOD* buffer_method();
    static int take_input(BIO* from, char* to, int size);
    static int put_output(BIO* to, char const* from, int size);
    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
    static int judge(int ok, X509_STORE_CTX* chain);

    void shake_hands();
    bool fill();
    void flush();
    void flush_alert();
    void check_open() const;
    error handshake_failure();
    error read_failure();

    stream inner_;
    std::shared_ptr<void const> context_; // outlives ssl_, which points into it
    std::unique_ptr<std::byte[]> input_;  // read, not yet taken by OpenSSL: from input_taken_ to input_end_
    std::size_t input_taken_ = 0;
    std::size_t input_end_ = 0;
    std::vector<char> output_;  // made by OpenSSL, in order
    std::vector<char> sending_; // the part of it that the flusher is sending; nobody else touches it
    ssl_ptr ssl_;
    refusal refusal_;
    std::string wanted_;             // the name that the certificate must have; empty on a server
    std::optional<error> broken_by_; // the stream of records is broken: what each later call throws
    bool reading_ = false;
    bool flushing_ = false;
    bool half_sent_ = false; // a flush did not finish
    bool ended_ = false;     // our side, by shutdown_write
    bool closed_ = false;
};

struct while_set {
    bool& flag;
    explicit while_set(bool& f) : flag(f) { flag = true; }
    ~while_set() { flag = false; }
    while_set(while_set const&) = delete;
    while_set& operator=(while_set const&) = delete;
};

// ---- the buffers as a BIO -------------------------------------------------------------------------------------------

BIO_METHOD* tls_transport::buffer_method() {
    static BIO_METHOD* const method = [] { // never freed: streams may outlive static objects
        BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "effects stream");
        if (!made) throw std::bad_alloc();
        BIO_meth_set_read(made, take_input);
        BIO_meth_set_write(made, put_output);
        BIO_meth_set_ctrl(made, control);
        return made;
    }();
    return method;
}

int tls_transport::take_input(BIO* from, char* to, int size) {
    auto& self = *static_cast<tls_transport*>(BIO_get_data(from));
    BIO_clear_retry_flags(from);
    std::size_t const count =
        std::min(static_cast<std::size_t>(std::max(size, 0)), self.input_end_ - self.input_taken_);
    if (count == 0) {
        BIO_set_retry_read(from);
        return -1;
    }
    std::memcpy(to, self.input_.get() + self.input_taken_, count);
    self.input_taken_ += count;
    return static_cast<int>(count);
}

int tls_transport::put_output(BIO* to, char const* from, int size) {
    auto& self = *static_cast<tls_transport*>(BIO_get_data(to));
    BIO_clear_retry_flags(to);
    try {
        self.output_.insert(self.output_.end(), from, from + std::max(size, 0));
    } catch (...) { // bad_alloc, which must not pass through C
        return -1;
    }
    return size;
}

// ---- moving bytes -----------------------------------------------------------------------------------------------------

// OpenSSL asks for more only when it has taken all there was.
bool tls_transport::fill() {
    if (!input_) input_ = std::make_unique_for_overwrite<std::byte[]>(read_step);
    input_end_ = input_taken_ = 0;
    input_end_ = inner_.read_some({input_.get(), read_step});
    return input_end_ != 0;
}

// One flusher at a time; what is put out meanwhile (by the reader: an alert, an answer to a key update) goes behind what is
// being sent. So nobody has to wait for another task's flush, except that a second writer is refused.
void tls_transport::flush() {
    if (output_.empty()) return;
    while_set const flusher(flushing_);
    half_sent_ = true;
    while (!output_.empty()) {
        sending_.swap(output_);
        inner_.write(std::as_bytes(std::span(sending_)));
        sending_.clear();
    }
    half_sent_ = false;
    if (sending_.capacity() > keep_capacity) sending_ = {};
    if (output_.capacity() > keep_capacity) output_ = {};
}

// The connection is lost already: tell the peer why if it still listens.
void tls_transport::flush_alert() {
    if (flushing_ || half_sent_) return;
    try {
        flush();
    } catch (effects::error const&) {
    }
}

void tls_transport::check_open() const {
    if (closed_) throw error(errc::closed, "the TLS stream was closed on this side");
    if (broken_by_) throw *broken_by_;
}

std::size_t tls_transport::read_some(std::span<std::byte> to) {
    if (to.empty()) return 0;
    if (reading_) throw std::logic_error("net::tls: two tasks read from one stream at once");
    while_set const reader(reading_);
    std::size_t done = 0;
    for (;;) {
        check_open();
        ERR_clear_error();
        std::size_t count = 0;
        int const result = SSL_read_ex(ssl_.get(), to.data() + done, to.size() - done, &count);
        if (result == 1) {
            done += count;
            // A read gives one record: go on while more records are here.
            if (done < to.size() && input_taken_ != input_end_) continue;
            return done;
        }
        int const why = SSL_get_error(ssl_.get(), result);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_ZERO_RETURN) {
            broken_by_ = read_failure();
            flush_alert();
        }
        // What reading puts out waits for the next write. A peer that makes us put out without end is up to no good.
        if (!broken_by_ && output_.size() > most_unasked)
            broken_by_ = error(errc::tls_failed, "TLS failed: the peer floods the session with requests");
        if (done != 0) return done; // an error or an end is told by the next read
        if (why == SSL_ERROR_ZERO_RETURN) return 0;
        if (why == SSL_ERROR_WANT_READ && !broken_by_ && !fill())
            throw error(
                errc::end_of_stream,
                "the peer closed the connection without ending TLS (no close_notify): what came may be cut off");
    }
}

std::size_t tls_transport::write_some(std::span<std::byte const> from) {
    if (from.empty()) return 0;
    check_open();
    if (half_sent_ && !flushing_)
        throw error(errc::closed, "an earlier write to the TLS stream did not finish, so a record is half-sent");
    if (flushing_) throw std::logic_error("net::tls: two tasks write to one stream at once");
    if (ended_) throw error(std::make_error_code(std::errc::broken_pipe), "write to a TLS stream after shutdown_write");
    ERR_clear_error();
    std::size_t count = 0;
    int const result = SSL_write_ex(ssl_.get(), from.data(), std::min(from.size(), write_step), &count);
    if (result != 1) {
        SSL_get_error(ssl_.get(), result);
        broken_by_ = error(errc::tls_failed, "a TLS record cannot be made: " + take_openssl_error().text);
        throw *broken_by_;
    }
    flush();
    if (ended_) inner_.shutdown_write(); // asked for by another task meanwhile
    return count;
}

void tls_transport::shutdown_write() {
    if (ended_) return;
    check_open();
    if (half_sent_ && !flushing_)
        throw error(errc::closed, "an earlier write to the TLS stream did not finish, so a record is half-sent");
    ended_ = true;
    ERR_clear_error();
    if (SSL_shutdown(ssl_.get()) < 0) ERR_clear_error(); // then no close_notify is there to send
    if (flushing_) return; // the flusher sends it behind its own bytes, and ends the inner stream
    flush();
    inner_.shutdown_write();
}

bool tls_transport::stale() noexcept {
    if (closed_ || broken_by_ || reading_ || flushing_ || half_sent_ || ended_) return true;
    // Takes in what has come without being data (session tickets), and finds data that nobody asked for.
    ERR_clear_error();
    char byte = 0;
    std::size_t count = 0;
    int const result = SSL_peek_ex(ssl_.get(), &byte, 1, &count);
    bool const quiet = result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return !quiet || inner_.stale();
}

// ---- shaking hands ------------------------------------------------------------------------------------------------------

void tls_transport::shake_hands() {
    for (;;) {
        ERR_clear_error();
        int const result = SSL_do_handshake(ssl_.get());
        if (result == 1) {
            // A server of TLS 1.3 has only session tickets left to send. They go with its first write: a client that
            // sends, ends and goes may not be there to take them, which is no failure.
            if (SSL_is_server(ssl_.get()) == 1 && SSL_version(ssl_.get()) == TLS1_3_VERSION) return;
            return flush();
        }
        if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
            error const failure = handshake_failure(); // before another task may touch the thread's error queue
            flush_alert();
            throw failure;
        }
        flush();
        if (!fill()) throw error(errc::tls_handshake_failed, "the peer hung up during the TLS handshake");
    }
}

void tls_transport::shake_hands_as_client(std::string const& host, bool verify) {
    std::string name = host;
    if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
    if (name.size() > 1 && name.back() == '.') name.pop_back(); // "example.com." is not what certificates say
    if (name.find('\0') != name.npos || name.size() > 253)
        throw std::invalid_argument("net::tls::connect: not a host's name: it has " + std::to_string(name.size()) +
                                    " bytes" + (name.size() > 253 ? "" : ", one of them zero"));
    if (verify && name.empty())
        throw std::invalid_argument("net::tls::connect: without a host's name the certificate cannot be verified");

    wanted_ = name;
    ERR_clear_error();
    X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl_.get());
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    bool const is_address = X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1;
    if (!is_address && !name.empty()) { // no SNI for addresses: RFC 6066
        // SSL_set_tlsext_host_name, a macro with C's casts in it.
        long const indicated =
            SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
        if (indicated != 1 || X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size()) != 1) throw std::bad_alloc();
    }
    SSL_set_verify(ssl_.get(), verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, verify ? judge : nullptr);
    SSL_set_connect_state(ssl_.get());
    shake_hands();
}

void tls_transport::shake_hands_as_server() {
    if (int const mode = SSL_get_verify_mode(ssl_.get()); mode != SSL_VERIFY_NONE)
        SSL_set_verify(ssl_.get(), mode, judge);
    SSL_set_accept_state(ssl_.get());
    shake_hands();
}

// Called by OpenSSL for each certificate, and for each thing that is wrong with one.
int tls_transport::judge(int ok, X509_STORE_CTX* chain) {
    if (ok == 1) return 1;
    try {
        auto const* const ssl =
            static_cast<SSL const*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
        auto& self = *static_cast<tls_transport*>(SSL_get_app_data(ssl));
        self.refusal_.reason = X509_STORE_CTX_get_error(chain);
        if (X509 const* const at_fault = X509_STORE_CTX_get_current_cert(chain))
            self.refusal_.what =
                name_text(X509_get_subject_name(at_fault)) + ", issued by " + name_text(X509_get_issuer_name(at_fault));
        if (X509 const* const own = X509_STORE_CTX_get0_cert(chain))
            self.refusal_.names = subject_alternative_names(own);
    } catch (...) { // bad_alloc: the handshake fails without its details
    }
    return 0;
}

bool is_alert(openssl_error const& e) { return e.library() == ERR_LIB_SSL && e.reason() >= SSL_AD_REASON_OFFSET; }

std::string explained(openssl_error const& e) {
    if (is_alert(e)) return "the peer sent an alert: " + e.text;
    if (e.library() != ERR_LIB_SSL) return e.text;
    switch (e.reason()) {
    case SSL_R_WRONG_VERSION_NUMBER:
        return e.text + " (the peer does not seem to speak TLS at this port)";
    case SSL_R_HTTP_REQUEST:
        return e.text + " (the peer speaks plain HTTP, without TLS)";
    case SSL_R_UNSUPPORTED_PROTOCOL:
        return e.text + " (the peer speaks only versions before TLS 1.2, which are not safe)";
    default:
        return e.text;
    }
}

error tls_transport::handshake_failure() {
    openssl_error const why = take_openssl_error();
    std::string const whose = wanted_.empty() ? "the client" : wanted_;
    switch (refusal_.reason) {
    case X509_V_OK:
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return error(errc::certificate_name_mismatch,
                     "the certificate is for " + refusal_.names + ", not for " + wanted_);
    default:
        return error(errc::certificate_not_trusted, "the certificate of " + whose + " is not trusted: " +
                                                        X509_verify_cert_error_string(refusal_.reason) +
                                                        (refusal_.what.empty() ? "" : " (" + refusal_.what + ")"));
    }
    return error(errc::tls_handshake_failed, "the TLS handshake failed: " + explained(why));
}

error tls_transport::read_failure() {
    openssl_error const why = take_openssl_error();
    // In TLS 1.3 a server may refuse a client's certificate only after the client has finished its handshake.
    int const alert = is_alert(why) ? why.reason() - SSL_AD_REASON_OFFSET : -1;
    bool const refused = alert == SSL_AD_CERTIFICATE_REQUIRED || alert == SSL_AD_ACCESS_DENIED ||
                         (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_UNKNOWN_CA);
    return error(refused ? errc::tls_handshake_failed : errc::tls_failed,
                 (refused ? "the peer refused our certificate: " : "TLS failed: ") + explained(why));
}

session tls_transport::agreed() const {
    session out;
    out.version = SSL_get_version(ssl_.get());
    out.cipher = SSL_get_cipher_name(ssl_.get());
    unsigned char const* protocol = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
    if (size != 0) out.protocol.assign(reinterpret_cast<char const*>(protocol), size);
    return out;
}

} // namespace

stream connect(stream plain, std::string const& host, client_context const& context) {
    plain.far_side(); // or it is empty
    auto const& settings = *context.shared();
    std::string const& name = settings.server_name.empty() ? host : settings.server_name;
    auto made = std::make_unique<tls_transport>(std::move(plain), context.shared(), settings.context.get());
    with_context([&] { return "shaking hands (TLS) with " + name; },
                 [&] { made->shake_hands_as_client(name, settings.verify); });
    return stream(std::move(made));
}

stream accept(stream plain, server_context const& context) {
    plain.far_side();
    auto made = std::make_unique<tls_transport>(std::move(plain), context.shared(), context.shared()->context.get());
    with_context("shaking hands (TLS) with a client", [&] { made->shake_hands_as_server(); });
    return stream(std::move(made));
}

std::optional<session> session_of(stream const& of) {
    if (!of) return std::nullopt;
    auto const* const found = effects::detail::cast_to<tls_transport const>(&of.far_side());
    return found ? std::optional(found->agreed()) : std::nullopt;
}

} // namespace effects::net::tls
