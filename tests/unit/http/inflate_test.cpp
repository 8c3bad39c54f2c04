// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <limits>

#include <effects/http/error.hpp>

#include "deflated.hpp"
#include "http/inflate.hpp"

namespace http = effects::http;

namespace {

std::string unpacked(std::string const& bytes, std::size_t piece, std::size_t limit = 1 << 20) {
    http::inflater all;
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += piece) all.put(std::string_view(bytes).substr(i, piece), out, limit);
    all.finish();
    return out;
}

bool fails_with(http::errc code, std::string const& bytes, std::size_t limit = 1 << 20) {
    try {
        unpacked(bytes, bytes.size() + 1, limit);
    } catch (http::error const& e) {
        return e.code() == code;
    }
    return false;
}

std::string const text = [] {
    std::string s;
    for (int i = 0; i < 5000; ++i) s += std::to_string(i * i) + ",";
    return s;
}();

} // namespace

TEST_CASE("gzip, zlib and raw deflate are decoded, in pieces of any size", "[http][inflate]") {
    for (auto format : {deflate_format::gzip, deflate_format::zlib, deflate_format::raw}) {
        auto packed = deflated(text, format);
        for (std::size_t piece : {std::size_t{1}, std::size_t{7}, packed.size()}) {
            CAPTURE(static_cast<int>(format), piece);
            CHECK(unpacked(packed, piece) == text);
        }
    }
}

TEST_CASE("gzip members one after the other are one body", "[http][inflate]") {
    CHECK(unpacked(deflated("one ", deflate_format::gzip) + deflated("two", deflate_format::gzip), 5) == "one two");
}

TEST_CASE("a small body that unpacks to a huge one is stopped at the limit", "[http][inflate][limits]") {
    auto bomb = deflated(std::string(50'000'000, '\0'), deflate_format::gzip);
    REQUIRE(bomb.size() < 100'000);

    http::inflater one;
    std::string out;
    CHECK_THROWS_MATCHES(one.put(bomb, out, 100'000), http::error,
                         Catch::Predicate<http::error>([](auto& e) { return e.code() == http::errc::body_too_large; }));
    CHECK(out.capacity() < 1'000'000);
    CHECK(unpacked(deflated(std::string(1000, 'x'), deflate_format::gzip), 9, 1000).size() == 1000);
    CHECK(fails_with(http::errc::body_too_large, deflated(std::string(1001, 'x'), deflate_format::gzip), 1000));
}

TEST_CASE("compressed bytes that end early or are damaged are errors", "[http][inflate]") {
    auto packed = deflated(text, deflate_format::gzip);

    CHECK(fails_with(http::errc::body_truncated, packed.substr(0, packed.size() / 2)));
    auto damaged = packed;
    damaged[damaged.size() / 2] = static_cast<char>(~damaged[damaged.size() / 2]);
    CHECK((fails_with(http::errc::bad_encoding, damaged)));
    CHECK(fails_with(http::errc::bad_encoding, "\xff this is no compressed text"));
}

TEST_CASE("thousands of tiny gzip members are refused", "[http][inflate][limits]") {
    std::string many;
    auto empty = deflated("", deflate_format::gzip);
    for (int i = 0; i < 2000; ++i) many += empty;

    CHECK(fails_with(http::errc::bad_encoding, many));
}

TEST_CASE("a limit of all that a size can say is none, and does not hang", "[http][inflate]") {
    CHECK(unpacked(deflated(text, deflate_format::gzip), 1 << 20, std::numeric_limits<std::size_t>::max()) == text);
    CHECK(unpacked(deflated(text, deflate_format::gzip), 100, std::numeric_limits<std::size_t>::max() - 1) == text);
}
