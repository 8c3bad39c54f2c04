// SPDX-License-Identifier: BSL-1.0
#include <effects/net/stream.hpp>

#include <effects/handle.hpp>
#include <effects/net/connect.hpp>

#include <array>
#include <stdexcept>
#include <type_traits>

#include <catch2/catch.hpp>

#include "duplex.hpp"
#include "turns.hpp"

namespace net = effects::net;
using effects::test_support::duplex;
using effects::test_support::scripted;
using effects::test_support::turns;

namespace {

net::stream over(std::vector<std::string> chunks,
                 std::shared_ptr<scripted::log> log = std::make_shared<scripted::log>()) {
    return net::stream(std::make_unique<scripted>(std::move(chunks), std::move(log)));
}

std::vector<std::string> byte_by_byte(std::string const& text) {
    std::vector<std::string> out;
    for (char c : text) out.push_back(std::string(1, c));
    return out;
}

std::string read_some(net::stream& from, std::size_t at_most) {
    std::string out(at_most, '?');
    out.resize(from.read_some(std::as_writable_bytes(std::span(out))));
    return out;
}

std::string read_exactly(net::stream& from, std::size_t count) {
    std::string out(count, '?');
    from.read_exactly(std::as_writable_bytes(std::span(out)));
    return out;
}

auto fails_with(std::error_code code, std::string const& text) {
    return Catch::Matchers::Predicate<net::error>(
        [=](net::error const& e) { return e.code() == code && std::string(e.what()).find(text) != std::string::npos; },
        "fails with " + code.message() + ", saying \"" + text + '"');
}

std::error_code const too_long = std::make_error_code(std::errc::message_size);

} // namespace

static_assert(std::is_nothrow_move_constructible_v<net::stream> && !std::is_copy_constructible_v<net::stream>);

TEST_CASE("an empty stream refuses every use but close, stale and release", "[net][stream]") {
    net::stream none;
    std::array<std::byte, 4> bytes{};

    CHECK_FALSE(none);
    CHECK_THROWS_AS(none.read_some(bytes), std::logic_error);
    CHECK_THROWS_AS(none.write_some(bytes), std::logic_error);
    CHECK_THROWS_AS(none.read_exactly({}), std::logic_error);
    CHECK_THROWS_AS(none.read_until("\n", 10), std::logic_error);
    CHECK_THROWS_AS(none.read_all(), std::logic_error);
    CHECK_THROWS_AS(none.write(std::string_view()), std::logic_error);
    CHECK_THROWS_AS(none.shutdown_write(), std::logic_error);
    CHECK_THROWS_AS(none.local(), std::logic_error);
    CHECK_THROWS_AS(none.remote(), std::logic_error);
    CHECK_THROWS_WITH(none.far_side(), Catch::Contains("net::stream") && Catch::Contains("empty"));
    CHECK_NOTHROW(none.close());
    CHECK(none.stale());
    CHECK(none.release() == nullptr);
}

TEST_CASE("read_until gives the text up to and with the delimiter", "[net][stream]") {
    net::stream in = over({"one\ntwo\n", "three\n"});

    CHECK(in.read_until("\n", 100) == "one\n");
    CHECK(in.read_until("\n", 100) == "two\n");
    CHECK(in.read_until("\n", 100) == "three\n");
    CHECK_THROWS_MATCHES(in.read_until("\n", 100), net::error, fails_with(net::errc::end_of_stream, "after 0 bytes"));
}

TEST_CASE("read_until finds a delimiter that comes in pieces", "[net][stream]") {
    net::stream in = over(byte_by_byte("GET / HTTP/1.1\r\nHost: a\r\n\r\nbody"));

    CHECK(in.read_until("\r\n\r\n", 100) == "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(in.read_all() == "body");
}

TEST_CASE("read_until is not misled by half a delimiter", "[net][stream]") {
    net::stream in = over({"aab", "aa", "baabab", "c"});

    CHECK(in.read_until("ababc", 100) == "aabaabaababc");
}

TEST_CASE("what read_until read too much is given to whichever read follows", "[net][stream]") {
    SECTION("read_some, without waiting for more") {
        net::stream in = over({"line\nrest", "later"});
        CHECK(in.read_until("\n", 100) == "line\n");
        CHECK(read_some(in, 100) == "rest");
        CHECK(read_some(in, 100) == "later");
        CHECK(read_some(in, 100).empty());
    }
    SECTION("read_some in small steps") {
        net::stream in = over({"line\nrest"});
        CHECK(in.read_until("\n", 100) == "line\n");
        CHECK(read_some(in, 1) == "r");
        CHECK(read_some(in, 2) == "es");
        CHECK(read_some(in, 100) == "t");
    }
    SECTION("read_exactly, across the border") {
        net::stream in = over({"line\nre", "st and more"});
        CHECK(in.read_until("\n", 100) == "line\n");
        CHECK(read_exactly(in, 4) == "rest");
        CHECK(read_some(in, 100) == " and more");
    }
    SECTION("read_all") {
        net::stream in = over({"line\nre", "st"});
        CHECK(in.read_until("\n", 100) == "line\n");
        CHECK(in.read_all() == "rest");
    }
    SECTION("a stream that it was moved to") {
        net::stream in = over({"line\nrest"});
        CHECK(in.read_until("\n", 100) == "line\n");
        net::stream moved = std::move(in);
        CHECK(read_some(moved, 100) == "rest");
    }
}

TEST_CASE("read_until's limit counts the delimiter", "[net][stream]") {
    CHECK(over({"1234\n"}).read_until("\n", 5) == "1234\n");
    net::stream in = over({"1234\n"});

    CHECK_THROWS_MATCHES(in.read_until("\n", 4), net::error, fails_with(too_long, "4 bytes"));
    CHECK(in.read_until("\n", 5) == "1234\n"); // nothing was lost
}

TEST_CASE("read_until stops reading at its limit", "[net][stream]") {
    auto const log = std::make_shared<scripted::log>();
    net::stream in(std::make_unique<scripted>(std::vector<std::string>(1000, std::string(1000, 'x')), log));

    CHECK_THROWS_MATCHES(in.read_until("\n", 2500), net::error, fails_with(too_long, "2500"));
    CHECK(log->read_sizes.size() == 3);
}

TEST_CASE("read_until keeps what it read before the stream ended", "[net][stream]") {
    net::stream in = over({"ha", "lf"});

    CHECK_THROWS_MATCHES(in.read_until("\n", 100), net::error, fails_with(net::errc::end_of_stream, "after 4 bytes"));
    CHECK(in.read_all() == "half");
}

TEST_CASE("read_until keeps what it read when it is cancelled", "[net][stream]") {
    struct cancelled {};
    auto far_side = std::make_unique<scripted>(std::vector<std::string>{"ha", "lf\nrest"});
    bool cancel = true;
    far_side->before_read = [&](std::size_t reads) {
        if (reads == 1 && std::exchange(cancel, false)) throw cancelled{};
    };
    net::stream in(std::move(far_side));

    CHECK_THROWS_AS(in.read_until("\n", 100), cancelled);
    CHECK(in.read_until("\n", 100) == "half\n");
    CHECK(in.read_all() == "rest");
}

TEST_CASE("read_until refuses an empty delimiter", "[net][stream]") {
    CHECK_THROWS_AS(over({"text"}).read_until("", 100), std::invalid_argument);
}

TEST_CASE("read_exactly collects short reads", "[net][stream]") {
    net::stream in = over(byte_by_byte("0123456789"));

    CHECK(read_exactly(in, 7) == "0123456");
    CHECK(read_exactly(in, 0).empty());
    CHECK(read_exactly(in, 3) == "789");
}

TEST_CASE("read_exactly says how much came of how much", "[net][stream]") {
    net::stream in = over({"012", "34"});

    CHECK_THROWS_MATCHES(read_exactly(in, 7), net::error, fails_with(net::errc::end_of_stream, "5 of 7 bytes"));
}

TEST_CASE("read_all gives everything up to the end, and no more than its limit", "[net][stream]") {
    CHECK(over({}).read_all().empty());
    CHECK(over({"one ", "two ", "three"}).read_all() == "one two three");
    CHECK(over({"12345"}).read_all(5) == "12345");
    CHECK(over({}).read_all(0).empty());
    CHECK(over({"12345"}).read_all(std::numeric_limits<std::size_t>::max()) == "12345");
    CHECK_THROWS_MATCHES(over({"123", "456"}).read_all(5), net::error, fails_with(too_long, "more than 5 bytes"));
    CHECK_THROWS_MATCHES(over({"1"}).read_all(0), net::error, fails_with(too_long, "more than 0 bytes"));

    std::string const big(1 << 20, 'x');
    CHECK(over({big, big}).read_all() == big + big);
}

TEST_CASE("read_all does not read far beyond its limit", "[net][stream]") {
    auto const log = std::make_shared<scripted::log>();
    net::stream in(std::make_unique<scripted>(std::vector<std::string>(1000, std::string(1000, 'x')), log));

    CHECK_THROWS_AS(in.read_all(2500), net::error);
    CHECK(log->read_sizes.size() == 3);
    CHECK(log->read_sizes.back() == 501);
}

TEST_CASE("write goes on until all is taken", "[net][stream]") {
    auto const log = std::make_shared<scripted::log>();
    auto far_side = std::make_unique<scripted>(std::vector<std::string>{}, log);
    far_side->write_step = 3;
    net::stream out(std::move(far_side));

    out.write("0123456789");
    out.write(std::as_bytes(std::span("ab", 2)));
    out.write("");

    CHECK(log->written == "0123456789ab");
}

TEST_CASE("reading or writing nothing does not touch the far side", "[net][stream]") {
    auto const log = std::make_shared<scripted::log>();
    net::stream both = over({"text"}, log);

    CHECK(both.read_some({}) == 0);
    CHECK(both.write_some({}) == 0);
    CHECK(log->read_sizes.empty());
}

TEST_CASE("a far side that takes no bytes is a bug, not an endless loop", "[net][stream]") {
    auto far_side = std::make_unique<scripted>(std::vector<std::string>{});
    far_side->write_step = 0;
    net::stream out(std::move(far_side));

    CHECK_THROWS_AS(out.write("text"), std::logic_error);
}

TEST_CASE("a stream with bytes read ahead is stale", "[net][stream]") {
    net::stream in = over({"line\nrest"});
    CHECK_FALSE(in.stale());

    in.read_until("\n", 100);

    CHECK(in.stale());
    read_exactly(in, 4);
    CHECK_FALSE(in.stale());
}

TEST_CASE("closing drops what was read ahead", "[net][stream]") {
    auto const log = std::make_shared<scripted::log>();
    net::stream in = over({"line\nrest"}, log);
    in.read_until("\n", 100);

    in.close();

    CHECK(log->closes == 1);
    CHECK(read_some(in, 100).empty());
}

TEST_CASE("released bytes that were read ahead go with the far side", "[net][stream]") {
    auto const log = std::make_shared<scripted::log>();
    net::stream in = over({"line\nrest", "later"}, log);
    in.read_until("\n", 100);

    net::stream wrapped(in.release());

    CHECK_FALSE(in);
    CHECK(in.stale());
    CHECK(wrapped.stale());
    CHECK(wrapped.remote() == net::endpoint{"10.0.0.2", 2});
    CHECK(wrapped.local() == net::endpoint{"10.0.0.1", 1});
    CHECK(read_some(wrapped, 2) == "re");
    CHECK(read_some(wrapped, 100) == "st");
    CHECK_FALSE(wrapped.stale());
    CHECK(read_some(wrapped, 100) == "later");
    wrapped.write("out");
    wrapped.shutdown_write();
    wrapped.close();
    CHECK(log->written == "out");
    CHECK(log->ended);
    CHECK(log->closes == 1);
}

TEST_CASE("release gives the far side itself where nothing was read ahead", "[net][stream]") {
    net::stream in = over({"text"});
    net::transport const* const far_side = &in.far_side();

    CHECK(in.release().get() == far_side);
    CHECK_THROWS_AS(in.far_side(), std::logic_error);
}

TEST_CASE("a stream that is closed while another task reads ahead from it ends that read", "[net][stream]") {
    turns both;
    duplex d(both);
    bool reading = false;
    both.task("reader", [&] {
        d.server.write("first\nhalf");
        CHECK(d.client.read_until("\n", 100) == "first\n");
        reading = true;
        CHECK_THROWS_MATCHES(d.client.read_until("\n", 100), net::error, fails_with(net::errc::closed, "closed"));
    });
    both.task("closer", [&] {
        both.wait_until("a read", [&] { return reading; });
        d.client.close();
    });

    both.run();

    CHECK(d.client.stale());
}

TEST_CASE("a handler of net::read may shorten, answer and fail what a stream reads", "[net][stream]") {
    net::stream in = over({"one two\n", "unread"});
    std::size_t reads = 0;

    SECTION("shorten") {
        effects::handle([&] { CHECK(in.read_until("\n", 100) == "one two\n"); },
                        [&](net::read const& op) {
                            ++reads;
                            return net::read::default_answer({op.from, op.to.first(1)});
                        });
        CHECK(reads == 8);
    }
    SECTION("answer") {
        effects::handle([&] { CHECK(read_some(in, 100) == "***"); },
                        [&](net::read const& op) -> std::size_t {
                            std::fill_n(op.to.begin(), 3, std::byte{'*'});
                            return 3;
                        });
        CHECK(in.read_all() == "one two\nunread"); // nothing was taken from the far side
    }
    SECTION("fail") {
        effects::handle(
            [&] {
                CHECK_THROWS_MATCHES(in.read_all(), net::error,
                                     fails_with(std::make_error_code(std::errc::connection_reset), "injected"));
            },
            [&](net::read const& op) -> std::size_t {
                if (++reads == 2) throw net::error(std::make_error_code(std::errc::connection_reset), "injected");
                return net::read::default_answer(op);
            });
        CHECK(in.read_all() == "one two\nunread");
    }
    SECTION("but not claim more than was asked for") {
        effects::handle([&] { CHECK_THROWS_AS(read_some(in, 10), std::logic_error); },
                        [](net::read const&) -> std::size_t { return 11; });
    }
}

TEST_CASE("a handler of net::write may shorten and swallow what a stream writes", "[net][stream]") {
    auto const log = std::make_shared<scripted::log>();
    net::stream out = over({}, log);

    SECTION("shorten") {
        std::size_t writes = 0;
        effects::handle([&] { out.write("abcdef"); },
                        [&](net::write const& op) {
                            ++writes;
                            return net::write::default_answer({op.to, op.from.first(1)});
                        });
        CHECK(writes == 6);
        CHECK(log->written == "abcdef");
    }
    SECTION("swallow") {
        effects::handle([&] { out.write("abcdef"); }, [](net::write const& op) { return op.from.size(); });
        CHECK(log->written.empty());
    }
    SECTION("but not claim more, or nothing") {
        effects::handle([&] { CHECK_THROWS_AS(out.write("abc"), std::logic_error); },
                        [](net::write const&) -> std::size_t { return 4; });
        effects::handle([&] { CHECK_THROWS_AS(out.write("abc"), std::logic_error); },
                        [](net::write const&) -> std::size_t { return 0; });
    }
}
