// SPDX-License-Identifier: BSL-1.0
#include "message_parser.hpp"

#include <algorithm>
#include <charconv>

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>

#include <effects/http/error.hpp>

#include "beast_stream.hpp"
#include "text.hpp"

namespace effects::http {
namespace {

namespace beast = boost::beast;
using beast_errc = beast::http::error;

// Never trust a promise: a body grows as it comes, this much is set aside at once.
constexpr std::uint64_t max_reserve = 1024 * 1024;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

template <bool IsRequest>
[[noreturn]] void fail(message_parser<IsRequest> const& parser, message_limits limits, beast::error_code code) {
    auto const* what = IsRequest ? "request" : "response";
    bool in_body = parser.is_header_done();
    auto limit = [](std::size_t n) { return " than the limit of " + std::to_string(n) + " bytes"; };
    if (code == beast_errc::header_limit || (code == beast_errc::buffer_overflow && !in_body))
        throw error(errc::header_too_large,
                    std::string("header section of the ") + what + " is larger" + limit(limits.header_bytes));
    if (code == beast_errc::body_limit) {
        auto message = std::string("body of the ") + what + " is larger" + limit(limits.body_bytes);
        if (auto promised = parser.promised(); promised && *promised > limits.body_bytes)
            message += " (Content-Length: " + std::to_string(*promised) + ")";
        throw error(errc::body_too_large, message);
    }
    if (code == beast_errc::partial_message || code == beast_errc::end_of_stream) {
        if (!in_body)
            throw error(errc::malformed_message,
                        std::string("connection closed in the middle of the header section of the ") + what);
        auto message = std::string("connection closed in the middle of the body of the ") + what + ": " +
                       std::to_string(parser.body.size()) + " bytes came";
        if (auto promised = parser.promised()) message += " of " + std::to_string(*promised);
        throw error(errc::body_truncated, message);
    }
    throw error(errc::malformed_message, std::string("malformed ") + what + ": " + code.message());
}

} // namespace

template <bool IsRequest>
message_parser<IsRequest>::message_parser(message_limits limits) : limits_(limits) {
    this->header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits.header_bytes, 1U << 30)));
    this->body_limit(limits.body_bytes);
}

template <bool IsRequest>
void message_parser<IsRequest>::account(std::size_t bytes, error_code& failure) {
    header_used_ += bytes;
    if (header_used_ > limits_.header_bytes) failure = beast_errc::header_limit;
}

template <bool IsRequest>
void message_parser<IsRequest>::on_field_impl(beast::http::field name, string_view name_text, string_view value,
                                              error_code& failure) {
    account(name_text.size() + value.size() + 4, failure);
    if (failure || in_trailer_) return; // trailers end here: merged, they could forge what was checked
    if (name == beast::http::field::transfer_encoding) {
        has_transfer_encoding_ = true;
        if (version < 11) failure = beast_errc::bad_transfer_encoding;
    }
    if (failure) return;
    if (name == beast::http::field::content_length) {
        std::uint64_t length = 0; // Beast has checked it already, lists and repetitions included
        if (std::from_chars(value.data(), value.data() + value.size(), length).ec == std::errc{}) promised_ = length;
    }
    headers.add(std::string(view(name_text)), std::string(view(value)));
}

template <bool IsRequest>
void message_parser<IsRequest>::on_header_impl(error_code& failure) {
    in_trailer_ = true;
    // Anything but chunked at the end leaves the length of the message open to interpretation (RFC 9112, section 6.3).
    if (has_transfer_encoding_ && !this->chunked()) failure = beast_errc::bad_transfer_encoding;
    if (has_transfer_encoding_)
        for (auto const& coding : headers.all("Transfer-Encoding"))
            if (!equal_names(trimmed(coding), "chunked")) failure = beast_errc::bad_transfer_encoding;
}

template <bool IsRequest>
void message_parser<IsRequest>::on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code&) {
    if (decode) {
        auto const* encoding = headers.find("Content-Encoding");
        auto name = encoding ? lowered(*encoding) : std::string{};
        if (name == "gzip" || name == "x-gzip" || name == "deflate") {
            inflater_.emplace();
            headers.erase("Content-Encoding");
            headers.erase("Content-Length");
        }
    }
    if (length && !inflater_) body.reserve(static_cast<std::size_t>(std::min(*length, max_reserve)));
}

template <bool IsRequest>
std::size_t message_parser<IsRequest>::on_body_impl(string_view bytes, error_code&) {
    if (inflater_)
        inflater_->put(view(bytes), body, limits_.body_bytes);
    else
        body.append(bytes.data(), bytes.size());
    return bytes.size();
}

template <bool IsRequest>
void message_parser<IsRequest>::on_chunk_header_impl(std::uint64_t, string_view, error_code&) {}

template <bool IsRequest>
std::size_t message_parser<IsRequest>::on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& failure) {
    return on_body_impl(bytes, failure);
}

template <bool IsRequest>
void message_parser<IsRequest>::on_finish_impl(error_code&) {
    if (inflater_) inflater_->finish();
}

template class message_parser<true>;
template class message_parser<false>;

void request_parser::on_request_impl(beast::http::verb, string_view method_text, string_view target_text,
                                     int version_number, error_code& failure) {
    method.assign(method_text.data(), method_text.size());
    target.assign(target_text.data(), target_text.size());
    head = method == "HEAD";
    version = version_number;
    account(method.size() + target.size() + 12, failure);
}

void response_parser::on_response_impl(int code, string_view reason_text, int version_number, error_code& failure) {
    status = code;
    reason.assign(reason_text.data(), reason_text.size());
    version = version_number;
    account(reason.size() + 15, failure);
    if (code < 100) failure = beast_errc::bad_status;
}

template <bool IsRequest>
bool read_header(net::stream& from, input_buffer& buffer, message_parser<IsRequest>& parser) {
    beast_stream stream(from);
    beast::error_code failure;
    beast::http::read_header(stream, buffer.bytes, parser, failure);
    if (failure == beast_errc::end_of_stream && !parser.got_some()) return false;
    if (failure) fail(parser, parser.limits(), failure);
    return true;
}

template <bool IsRequest>
void read_body(net::stream& from, input_buffer& buffer, message_parser<IsRequest>& parser) {
    if (parser.is_done()) return;
    if (parser.promised().value_or(input_buffer::read_size) > buffer.bytes.size()) buffer.widen();
    beast_stream stream(from);
    beast::error_code failure;
    beast::http::read(stream, buffer.bytes, parser, failure);
    if (failure) fail(parser, parser.limits(), failure);
}

template bool read_header(net::stream&, input_buffer&, message_parser<true>&);
template bool read_header(net::stream&, input_buffer&, message_parser<false>&);
template void read_body(net::stream&, input_buffer&, message_parser<true>&);
template void read_body(net::stream&, input_buffer&, message_parser<false>&);

} // namespace effects::http
