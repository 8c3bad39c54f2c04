// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <effects/http/headers.hpp>
#include <effects/net/stream.hpp>

#include "inflate.hpp"

namespace effects::http {

struct message_limits {
    std::size_t header_bytes;
    std::size_t body_bytes;
};

/// What both directions of HTTP/1.1 have in common: Beast's state machine, filling our own values as it goes. It is
/// stricter than Beast about what smugglers use: a Transfer-Encoding must end in chunked, once, without a
/// Content-Length; the header section is bounded as a whole, not field by field.
template <bool IsRequest>
class message_parser : public boost::beast::http::basic_parser<IsRequest> {
public:
    explicit message_parser(message_limits limits);

    http::headers headers;
    std::string body;
    int version = 11;

    /// Decode the body if its Content-Encoding is gzip or deflate (and drop that header).
    bool decode = false;

    message_limits const& limits() const noexcept { return limits_; }
    /// The Content-Length, if there is one.
    std::optional<std::uint64_t> promised() const noexcept { return promised_; }

protected:
    using error_code = boost::beast::error_code;
    using string_view = boost::beast::string_view;

    /// Adds to what the header section has used up.
    void account(std::size_t bytes, error_code& failure);

private:
    void on_field_impl(boost::beast::http::field name, string_view name_text, string_view value,
                       error_code& failure) override;
    void on_header_impl(error_code& failure) override;
    void on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code& failure) override;
    std::size_t on_body_impl(string_view bytes, error_code& failure) override;
    void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& failure) override;
    std::size_t on_chunk_body_impl(std::uint64_t remaining, string_view bytes, error_code& failure) override;
    void on_finish_impl(error_code& failure) override;

    message_limits limits_;
    std::size_t header_used_ = 0;
    std::optional<std::uint64_t> promised_;
    bool in_trailer_ = false;
    bool has_transfer_encoding_ = false;
    std::optional<inflater> inflater_;
};

extern template class message_parser<true>;
extern template class message_parser<false>;

class request_parser final : public message_parser<true> {
public:
    using message_parser::message_parser;
    std::string method;
    std::string target;
    bool head = false; ///< the method is HEAD

private:
    void on_request_impl(boost::beast::http::verb verb, string_view method_text, string_view target_text,
                         int version_number, error_code& failure) override;
    void on_response_impl(int, string_view, int, error_code&) override {}
};

class response_parser final : public message_parser<false> {
public:
    using message_parser::message_parser;
    int status = 0;
    std::string reason;

private:
    void on_response_impl(int code, string_view reason_text, int version_number, error_code& failure) override;
    void on_request_impl(boost::beast::http::verb, string_view, string_view, int, error_code&) override {}
};

/// The bytes that came over a connection and are not used yet: a small buffer for the many that idle (a server's), until a
/// body needs more.
class input_buffer {
public:
    explicit input_buffer(std::size_t limit) : bytes(limit) { bytes.reserve(idle_size); }
    /// Read in steps of 64 KiB from now on: Beast reads as much as fits, and small steps cost a factor of four.
    void widen() { bytes.reserve(read_size); }

    static constexpr std::size_t idle_size = 8 * 1024;
    static constexpr std::size_t read_size = 64 * 1024;
    boost::beast::flat_buffer bytes;
};

/// Reads up to the end of the header section; throws `http::error`, or what the stream throws. False when the stream
/// ended before the first byte.
template <bool IsRequest>
bool read_header(net::stream& from, input_buffer& buffer, message_parser<IsRequest>& parser);

/// Reads the rest of the message.
template <bool IsRequest>
void read_body(net::stream& from, input_buffer& buffer, message_parser<IsRequest>& parser);

} // namespace effects::http
