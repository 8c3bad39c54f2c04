// SPDX-License-Identifier: BSL-1.0
#include "connected.hpp"

#include <optional>
#include <sstream>
#include <string>

#include <effects/async/debug.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/timeout.hpp>

namespace async = effects::async;
namespace net = effects::net;
using effects::perform;
using namespace std::chrono_literals;

EFFECTS_OVER_BOTH_NETWORKS("what one end writes the other reads, both ways", "[net][stream]") {
    auto [client, server] = connect_both();
    std::string four(4, ' ');
    client.write("ping");
    server.read_exactly(bytes_of(four));
    CHECK(four == "ping");
    server.write("pong");
    client.read_exactly(bytes_of(four));
    CHECK(four == "pong");
}

EFFECTS_OVER_BOTH_NETWORKS("the ends of a connection know each other's addresses", "[net][stream]") {
    auto [client, server] = connect_both();
    CHECK(client.remote() == server.local());
    CHECK(server.remote() == client.local());
    CHECK(client.local().host == "127.0.0.1");
    CHECK(client.local().port != 0);
}

EFFECTS_OVER_BOTH_NETWORKS("an empty read or write is nothing", "[net][stream]") {
    auto [client, server] = connect_both();
    CHECK(client.read_some({}) == 0);
    CHECK(client.write_some({}) == 0);
    client.write("");
    client.shutdown_write();
    CHECK(server.read_all().empty());
}

EFFECTS_OVER_BOTH_NETWORKS("large transfers in both directions at once arrive whole", "[net][stream]") {
    std::string up(1'000'000, '\0');
    for (std::size_t i = 0; i < up.size(); ++i) up[i] = static_cast<char>(i * 7 + (i >> 9));
    std::string const down(up.rbegin(), up.rend());
    auto both = connect_both();
    std::string got_up(up.size(), '\0');
    std::string got_down(down.size(), '\0');
    async::task_group([&](async::group& g) {
        g.spawn([&] { both.client.write(up); });
        g.spawn([&] { both.server.write(down); });
        g.spawn([&] { both.server.read_exactly(bytes_of(got_up)); });
        both.client.read_exactly(bytes_of(got_down));
    });
    CHECK((got_up == up));
    CHECK((got_down == down));
}

EFFECTS_OVER_BOTH_NETWORKS("a half-closed connection goes on in the other direction", "[net][stream]") {
    auto both = connect_both();
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            std::string const all = both.server.read_all();
            both.server.write("got " + all);
            both.server.shutdown_write();
        });
        both.client.write("everything");
        both.client.shutdown_write();
        CHECK(both.client.read_all() == "got everything");
    });
    CHECK_THROWS_AS(both.client.write("more"), net::error);
}

EFFECTS_OVER_BOTH_NETWORKS("the end of the peer's stream is read again and again", "[net][stream]") {
    auto [client, server] = connect_both();
    std::string buffer(100, '\0');
    server.write("last words");
    server.close();
    CHECK(client.read_all() == "last words");
    CHECK(client.read_some(bytes_of(buffer)) == 0);
    CHECK(client.read_some(bytes_of(buffer)) == 0);
    CHECK(code_of([&, &c = client] { c.read_exactly(bytes_of(buffer)); }) == net::errc::end_of_stream);
}

EFFECTS_OVER_BOTH_NETWORKS("a delimiter is found wherever the pieces end, and what is behind it is kept",
                           "[net][stream]") {
    auto [client, server] = connect_both();
    client.write("first\r\nsecond\r\nrest");
    client.shutdown_write();
    CHECK(server.read_until("\r\n", 100) == "first\r\n");
    CHECK(server.read_until("\r\n", 100) == "second\r\n");
    CHECK(code_of([&s = server] { s.read_until("\r\n", 100); }) == net::errc::end_of_stream);
    CHECK(server.read_all() == "rest");
}

EFFECTS_OVER_BOTH_NETWORKS("a line that is too long is an error that loses nothing", "[net][stream]") {
    auto [client, server] = connect_both();
    client.write(std::string(200, 'a') + "\n");
    client.shutdown_write();
    CHECK(code_of([&s = server] { s.read_until("\n", 100); }) == std::errc::message_size);
    CHECK(server.read_all() == std::string(200, 'a') + "\n");
}

EFFECTS_OVER_BOTH_NETWORKS("more than was to be read is an error that loses nothing", "[net][stream]") {
    auto [client, server] = connect_both();
    client.write("ten bytes!");
    client.shutdown_write();
    CHECK(code_of([&s = server] { s.read_all(9); }) == std::errc::message_size);
    CHECK(server.read_all() == "ten bytes!");
}

EFFECTS_OVER_BOTH_NETWORKS("writing to a peer that has closed fails in the end and says where",
                           "[net][stream][error]") {
    auto both = connect_both();
    both.server.close();
    std::error_code code;
    std::string what;
    try {
        for (;;) {
            both.client.write(std::string(10'000, 'x'));
            async::sleep_for(1ms);
        }
    } catch (net::error const& e) {
        code = e.code();
        what = e.what();
    }
    CHECK((code == std::errc::broken_pipe || code == std::errc::connection_reset));
    CHECK_THAT(what, Catch::Matchers::Contains("writing to " + both.client.remote().text()));
}

EFFECTS_OVER_BOTH_NETWORKS("closing with bytes unread resets the peer", "[net][stream][error]") {
    auto both = connect_both();
    both.client.write("nobody reads this");
    while (!both.server.stale()) async::sleep_for(1ms); // it is here
    both.server.close();
    std::string buffer(10, ' ');
    CHECK(code_of([&] { both.client.read_some(bytes_of(buffer)); }) == std::errc::connection_reset);
    CHECK(both.client.stale());
}

EFFECTS_OVER_BOTH_NETWORKS("closing a stream ends its suspended reader and writer with `closed`", "[net][stream]") {
    auto both = connect_both();
    std::optional<std::error_code> read;
    std::optional<std::error_code> written;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            std::string buffer(10, '\0');
            read = code_of([&] { both.client.read_some(bytes_of(buffer)); });
        });
        g.spawn([&] {
            written = code_of([&] {
                for (;;) both.client.write(std::string(1 << 20, 'x')); // until the buffers are full
            });
        });
        for (int i = 0; i < 100; ++i) async::yield();
        both.client.close();
        both.client.close();
    });
    CHECK(read == net::errc::closed);
    CHECK(written == net::errc::closed);
    CHECK_THROWS_AS(both.client.write("x"), net::error);
    CHECK_THROWS_AS(both.client.shutdown_write(), net::error);
    CHECK(both.client.stale());
    CHECK(both.client.remote().host == "127.0.0.1");
}

EFFECTS_OVER_BOTH_NETWORKS("a stream that was closed knows its addresses, and its errors name the peer",
                           "[net][stream][error]") {
    auto [client, server] = connect_both();
    net::endpoint const here = client.local();
    std::string const peer = client.remote().text();
    client.close();
    client.close();
    CHECK(client.local() == here);
    CHECK(client.remote().text() == peer);
    std::string one(1, ' ');
    auto failed = [&, &c = client](char const* doing, auto call) {
        CHECK(message_of([&] { call(c); }) == "while " + (doing + peer) + ": the stream was closed on this side");
    };
    failed("reading from ", [&](net::stream& c) { c.read_some(bytes_of(one)); });
    failed("writing to ", [](net::stream& c) { c.write("x"); });
    failed("ending ", [](net::stream& c) { c.shutdown_write(); });
}

EFFECTS_OVER_BOTH_NETWORKS("a dump says which call a task waits in, by the operation's name", "[net][dump]") {
    auto both = connect_both();
    net::listener door = perform(net::listen({"127.0.0.1", 0}));
    net::datagram_socket socket = perform(net::bind_datagram({"127.0.0.1", 0}));
    std::ostringstream out;
    async::task_group([&](async::group& g) {
        std::string one(1, ' ');
        g.spawn({.name = "reader"}, [&] { both.client.read_some(bytes_of(one)); });
        g.spawn({.name = "writer"}, [&] {
            for (;;) both.client.write(std::string(1 << 20, 'x')); // until the buffers are full
        });
        g.spawn({.name = "acceptor"}, [&] { door.accept(); });
        g.spawn({.name = "receiver"}, [&] { socket.receive(); });
        async::sleep_for(20ms);
        async::dump(out);
        g.cancel();
    });
    for (std::string waits : {"net::read", "net::write", "net::accept", "net::receive_datagram"})
        CHECK_THAT(out.str(), Catch::Matchers::Contains(waits));
    CHECK_THAT(out.str(), !Catch::Matchers::Contains("net::stream"));
}

EFFECTS_OVER_BOTH_NETWORKS("a read that timed out has taken nothing, and can be made again", "[net][stream][cancel]") {
    auto both = connect_both();
    std::string buffer(3, '\0');
    for (int i = 0; i < 3; ++i)
        CHECK_FALSE(async::try_timeout(200us, [&] { both.client.read_some(bytes_of(buffer)); }));
    both.server.write("abc");
    both.client.read_exactly(bytes_of(buffer));
    CHECK(buffer == "abc");
}

EFFECTS_OVER_BOTH_NETWORKS("read_until that was cancelled gives what it read to the next", "[net][stream][cancel]") {
    auto both = connect_both();
    both.server.write("half a li");
    CHECK_FALSE(async::try_timeout(20ms, [&] { both.client.read_until("\n", 100); }));
    both.server.write("ne\n");
    CHECK(both.client.read_until("\n", 100) == "half a line\n");
}

EFFECTS_OVER_BOTH_NETWORKS("read_exactly that was cancelled gives what it read to the next", "[net][stream][cancel]") {
    auto both = connect_both();
    std::string four(4, ' ');
    both.server.write("ab");
    CHECK_FALSE(async::try_timeout(20ms, [&] { both.client.read_exactly(bytes_of(four)); }));
    CHECK_FALSE(async::try_timeout(1ms, [&] { both.client.read_exactly(bytes_of(four)); }));
    both.server.write("cdef\ngh");
    both.client.read_exactly(bytes_of(four));
    CHECK(four == "abcd");
    CHECK(both.client.read_until("\n", 100) == "ef\n"); // "gh" may be read ahead
    CHECK_FALSE(async::try_timeout(20ms, [&] { both.client.read_exactly(bytes_of(four)); }));
    both.server.write("i");
    both.server.shutdown_write();
    CHECK(code_of([&] { both.client.read_exactly(bytes_of(four)); }) == net::errc::end_of_stream);
    CHECK(both.client.read_all() == "ghi");
}

EFFECTS_OVER_BOTH_NETWORKS("a task that was cancelled neither reads nor writes any more", "[net][stream][cancel]") {
    auto both = connect_both();
    std::string buffer(10, ' ');
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            for (;;) {
                try {
                    both.client.read_some(bytes_of(buffer));
                } catch (async::cancelled const&) {
                    CHECK_THROWS_AS(both.client.write("x"), async::cancelled);
                    throw;
                }
            }
        });
        t.cancel();
    });
    both.client.shutdown_write();
    CHECK(both.server.read_all().empty());
}

EFFECTS_OVER_BOTH_NETWORKS("two readers of one stream at once are a mistake that is told", "[net][stream][error]") {
    auto both = connect_both();
    std::string one(1, ' ');
    async::task_group([&](async::group& g) {
        auto first = g.spawn([&] { both.client.read_exactly(bytes_of(one)); });
        async::yield();
        std::string other(1, ' ');
        CHECK_THROWS_AS(both.client.read_some(bytes_of(other)), std::logic_error);
        both.server.write("x");
        first.get();
    });
    CHECK(one == "x");
}

EFFECTS_OVER_BOTH_NETWORKS("an idle connection is stale once its peer has written or closed", "[net][stream]") {
    auto [client, server] = connect_both();
    CHECK_FALSE(client.stale());
    CHECK_FALSE(server.stale());
    client.write("x");
    while (!server.stale()) async::sleep_for(1ms);
    server.close();
    while (!client.stale()) async::sleep_for(1ms);
}

EFFECTS_OVER_BOTH_NETWORKS("an empty stream is refused in words, and closing it is fine", "[net][stream][error]") {
    net::stream none;
    std::string buffer(1, ' ');
    CHECK_THROWS_AS(none.read_some(bytes_of(buffer)), std::logic_error);
    CHECK_THROWS_AS(none.write("x"), std::logic_error);
    CHECK(none.stale());
    none.close();
}
