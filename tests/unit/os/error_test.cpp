// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/os/error.hpp>

namespace os = effects::os;
using namespace std::string_literals;

TEST_CASE("an error says what could not be done to which path, and why", "[os][error]") {
    os::error const e(std::errc::permission_denied, "read", "/etc/shadow");

    CHECK(e.what() == "cannot read /etc/shadow: Permission denied"s);
    CHECK(e.code() == std::errc::permission_denied);
    CHECK(e.path() == "/etc/shadow");
}

TEST_CASE("an error about two paths names both", "[os][error]") {
    os::error const e(std::errc::cross_device_link, "rename", "/a", "/mnt/b");

    CHECK(e.what() == "cannot rename /a to /mnt/b: Invalid cross-device link"s);
    CHECK(e.path() == "/a");
}

TEST_CASE("an error's message escapes what is not printable, its path does not", "[os][error]") {
    std::string const path = "/caf\xC3\xA9/\xFF\x1B[2J\n\0x"s;
    os::error const e(std::errc::invalid_argument, "read", path);

    CHECK(e.what() == "cannot read /caf\xC3\xA9/\\xff\\x1b[2J\\x0a\\x00x: Invalid argument"s);
    CHECK(e.path() == path);
}

TEST_CASE("UTF-8 that is cut off, overlong or a surrogate is not printable", "[os][error]") {
    auto shown = [](std::string path) { return os::error(std::errc{}, "read", std::move(path)).message(); };

    CHECK_THAT(shown("\xE2\x82\xAC"), Catch::Contains("\xE2\x82\xAC"));
    CHECK_THAT(shown("\xF0\x9F\x8D\x8E"), Catch::Contains("\xF0\x9F\x8D\x8E"));
    CHECK_THAT(shown("\xE2\x82"), Catch::Contains("\\xe2\\x82"));
    CHECK_THAT(shown("\xC0\xAF"), Catch::Contains("\\xc0\\xaf"));
    CHECK_THAT(shown("\xED\xA0\x80"), Catch::Contains("\\xed\\xa0\\x80"));
    CHECK_THAT(shown("\xF4\x90\x80\x80"), Catch::Contains("\\xf4\\x90\\x80\\x80"));
}
