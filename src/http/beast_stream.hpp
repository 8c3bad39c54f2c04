// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/error.hpp>

#include <effects/net/stream.hpp>

namespace effects::http {

/// A `net::stream` as Boost.Beast's synchronous algorithms want it: a SyncReadStream and SyncWriteStream. The end of
/// the stream is `asio::error::eof`; every other failure, and a cancellation, passes through Beast as the
/// exception that it is.
class beast_stream {
public:
    explicit beast_stream(net::stream& underneath) noexcept : stream_(&underneath) {}

    template <class Buffers>
    std::size_t read_some(Buffers const& to) {
        boost::beast::error_code failure;
        auto n = read_some(to, failure);
        if (failure) throw boost::beast::system_error(failure);
        return n;
    }

    template <class Buffers>
    std::size_t read_some(Buffers const& to, boost::beast::error_code& failure) {
        failure = {};
        for (boost::asio::mutable_buffer part : boost::beast::buffers_range_ref(to)) {
            if (part.size() == 0) continue;
            auto n = stream_->read_some({static_cast<std::byte*>(part.data()), part.size()});
            if (n == 0) failure = boost::asio::error::eof;
            return n;
        }
        return 0;
    }

    template <class Buffers>
    std::size_t write_some(Buffers const& from) {
        for (boost::asio::const_buffer part : boost::beast::buffers_range_ref(from))
            if (part.size() != 0) return stream_->write_some({static_cast<std::byte const*>(part.data()), part.size()});
        return 0;
    }

    template <class Buffers>
    std::size_t write_some(Buffers const& from, boost::beast::error_code& failure) {
        failure = {};
        return write_some(from);
    }

private:
    net::stream* stream_;
};

} // namespace effects::http
