// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace effects::http {

/// Decodes `Content-Encoding: gzip` (also of several members) and `deflate` (with the zlib wrapper, or without, as some
/// servers have it), piece by piece.
class inflater {
public:
    inflater();
    ~inflater();
    inflater(inflater&&) noexcept;
    inflater& operator=(inflater&&) noexcept;

    /// Appends what `bytes` decode to. Throws `http::error`: `bad_encoding`, or `body_too_large` once `out` would pass
    /// `limit`: a small body that unpacks to a huge one is stopped at the limit.
    void put(std::string_view bytes, std::string& out, std::size_t limit);
    /// Throws `body_truncated` when more had to come.
    void finish() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace effects::http
