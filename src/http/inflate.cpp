// SPDX-License-Identifier: BSL-1.0
#include "inflate.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include <zlib.h>

#include <effects/http/error.hpp>

namespace effects::http {

struct inflater::state {
    z_stream z{};
    bool open = false;
    bool raw = false;
    bool ended = false;   // a member is complete
    bool started = false; // a byte has come
    int members = 0;

    state() = default;
    state(state const&) = delete;
    state& operator=(state const&) = delete;
    ~state() { close(); }

    void close() {
        if (open) inflateEnd(&z);
        open = false;
    }

    void start(int window_bits) {
        close();
        z = {};
        if (inflateInit2(&z, window_bits) != Z_OK) throw std::bad_alloc();
        open = true;
        ended = false;
    }
};

inflater::inflater() : state_(std::make_unique<state>()) { state_->start(MAX_WBITS + 32); } // gzip or zlib
inflater::~inflater() = default;
inflater::inflater(inflater&&) noexcept = default;
inflater& inflater::operator=(inflater&&) noexcept = default;

void inflater::put(std::string_view bytes, std::string& out, std::size_t limit) {
    constexpr std::size_t step = 64 * 1024;
    constexpr int max_members = 1024; // as aiohttp: each costs far more than its bytes
    auto& s = *state_;
    auto refuse = [](std::string const& why) { throw error(errc::bad_encoding, "compressed body: " + why); };

    // A first byte that begins neither gzip nor zlib begins raw deflate.
    if (!s.started && !bytes.empty()) {
        auto first = static_cast<unsigned char>(bytes.front());
        bool zlib = (first & 0x0fU) == Z_DEFLATED && (first >> 4) <= 7;
        if (first != 0x1f && !zlib) s.start(-MAX_WBITS), s.raw = true;
        s.started = true;
    }
    while (!bytes.empty()) {
        if (s.ended) {
            if (s.raw || static_cast<unsigned char>(bytes.front()) != 0x1f) return; // padding after the end
            if (++s.members >= max_members) refuse("too many gzip members");
            s.start(MAX_WBITS + 16);
        }
        auto const taken = std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max());
        s.z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        s.z.avail_in = static_cast<uInt>(taken);
        for (;;) {
            auto const before = out.size();
            // One byte more than allowed tells "just fits" from "too large".
            auto const left = limit - std::min(limit, before);
            auto const room = left < step ? left + 1 : step;
            out.resize(before + room);
            s.z.next_out = reinterpret_cast<Bytef*>(out.data() + before);
            s.z.avail_out = static_cast<uInt>(room);
            int result = inflate(&s.z, Z_NO_FLUSH);
            out.resize(before + room - s.z.avail_out);
            if (out.size() > limit)
                throw error(errc::body_too_large,
                            "compressed body unpacks to more than the limit of " + std::to_string(limit) + " bytes");
            if (result == Z_STREAM_END) s.ended = true;
            if (result == Z_NEED_DICT) refuse("needs a dictionary");
            if (result == Z_MEM_ERROR) throw std::bad_alloc();
            if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
                refuse(s.z.msg ? s.z.msg : "not gzip or deflate");
            if (s.ended || s.z.avail_out > 0) break;
        }
        bytes.remove_prefix(taken - s.z.avail_in);
    }
}

void inflater::finish() const {
    if (state_->started && !state_->ended)
        throw error(errc::body_truncated, "compressed body ends before its end mark");
}

} // namespace effects::http
