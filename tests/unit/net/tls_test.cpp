// SPDX-License-Identifier: BSL-1.0
#include <effects/net/tls.hpp>

#include <effects/handle.hpp>
#include <effects/net/connect.hpp>

#include <catch2/catch.hpp>

#include "tls_conversation.hpp"

namespace net = effects::net;
namespace tls = effects::net::tls;
using namespace effects::test_support;

TEST_CASE("what goes over the wire is not the plain text", "[net][tls]") {
    conversation c;
    std::string seen;
    c.wire.to_server->damage = [&](std::size_t, char byte) { return seen += byte, byte; };

    c.run(good_client(), good_server(), say_hello, hear_hello);

    c.both_are_well();
    CHECK(seen.size() > 100);
    CHECK(seen.find("hello") == seen.npos);
    CHECK(seen.find("localhost") != seen.npos); // the server name indication is plain
}

TEST_CASE("a peer that renegotiates is told no, and the session goes on", "[net][tls]") {
    turns both;
    duplex d(both);
    both.task("client", [&] {
        net::stream peer = tls::connect(std::move(d.client), "localhost", good_client());
        CHECK(peer.read_until("!", 100) == "before!");
        CHECK(peer.read_until("!", 100) == "after!");
    });
    both.task("server", [&] {
        bare_peer peer(d.server, true, TLS1_2_VERSION, ca().issue());
        peer.write("before!");
        REQUIRE(SSL_renegotiate(peer.get()) == 1);
        SSL_do_handshake(peer.get()); // puts out a hello request
        peer.send_pending();
        peer.write("after!");
    });

    both.run();
}

TEST_CASE("a peer that asks for renegotiation without end is cut off", "[net][tls]") {
    turns both;
    duplex d(both);
    both.task("client", [&] {
        net::stream peer = tls::connect(std::move(d.client), "localhost", good_client());
        CHECK_THROWS_MATCHES(peer.read_all(), net::error, Catch::Predicate<net::error>([](auto const& e) {
                                 return e.code() == net::errc::tls_failed &&
                                        std::string(e.what()).find("floods") != std::string::npos;
                             }));
        CHECK_THROWS_WITH(peer.write("x"), Catch::Contains("floods"));
    });
    both.task("server", [&] {
        bare_peer peer(d.server, true, TLS1_2_VERSION, ca().issue());
        try {
            for (int i = 0; i < 10'000; ++i) {
                SSL_renegotiate(peer.get());
                SSL_do_handshake(peer.get());
                peer.send_pending();
                peer.write("x");
            }
            FAIL("10,000 requests were taken");
        } catch (net::error const& e) {
            CHECK(e.code() == std::errc::connection_reset);
        }
    });

    both.run();
}

TEST_CASE("a peer may change its keys at any time, and ask us to", "[net][tls]") {
    turns both;
    duplex d(both);
    both.task("client", [&] {
        net::stream peer = tls::connect(std::move(d.client), "localhost", good_client());
        for (int i = 0; i < 20; ++i) {
            CHECK(peer.read_until("!", 100) == "round!");
            peer.write("reply!");
        }
    });
    both.task("server", [&] {
        bare_peer peer(d.server, true, TLS1_3_VERSION, ca().issue());
        for (int i = 0; i < 20; ++i) {
            REQUIRE(SSL_key_update(peer.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
            peer.write("round!");
            CHECK(peer.read(6) == "reply!");
        }
    });

    both.run();
}

TEST_CASE("a megabyte goes each way at once over one session", "[net][tls]") {
    turns all;
    duplex d(all);
    d.to_client->capacity = d.to_server->capacity = 10'000; // so that writers wait in the midst of records
    d.to_client->step = 7'001;
    net::stream client, server;
    std::string const up = pattern(1 << 20, 2), down = pattern(1 << 20, 3);
    std::string got_up, got_down;
    all.task("client", [&] { client = tls::connect(std::move(d.client), "localhost", good_client()); });
    all.task("server", [&] { server = tls::accept(std::move(d.server), good_server()); });
    auto const when_ready = [&](net::stream& of, std::function<void()> f) {
        return [&, f] {
            all.wait_until("the handshake", [&] { return bool(of); });
            f();
        };
    };
    all.task("client writes", when_ready(client, [&] { client.write(up), client.shutdown_write(); }));
    all.task("client reads", when_ready(client, [&] { got_down = client.read_all(); }));
    all.task("server writes", when_ready(server, [&] { server.write(down), server.shutdown_write(); }));
    all.task("server reads", when_ready(server, [&] { got_up = server.read_all(); }));

    all.run();

    CHECK((got_up == up));
    CHECK((got_down == down));
}

TEST_CASE("keys change while both sides send at once", "[net][tls]") {
    turns all;
    duplex d(all);
    d.to_client->capacity = 3'000;
    d.to_server->capacity = 3'000;
    net::stream client;
    std::string const text = pattern(200'000, 4);
    std::string got;
    all.task("client", [&] {
        client = tls::connect(std::move(d.client), "localhost", good_client());
        client.write(text);
        client.shutdown_write();
    });
    all.task("client reads", [&] {
        all.wait_until("the handshake", [&] { return bool(client); });
        got = client.read_all();
    });
    all.task("server", [&] {
        bare_peer peer(d.server, true, TLS1_3_VERSION, ca().issue());
        for (std::size_t at = 0; at < text.size(); at += 10'000) {
            REQUIRE(SSL_key_update(peer.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
            peer.write(text.substr(at, 2'000)); // fits the wire, so that nobody waits for nobody
            CHECK((peer.read(10'000) == text.substr(at, 10'000)));
        }
        SSL_shutdown(peer.get());
        peer.send_pending();
    });

    all.run();

    std::string expected;
    for (std::size_t at = 0; at < text.size(); at += 10'000) expected += text.substr(at, 2'000);
    CHECK((got == expected));
}

TEST_CASE("what the reader puts out while the writer sends goes out behind it, in order", "[net][tls]") {
    turns all;
    duplex d(all);
    d.to_server->capacity = 1'000; // the writer waits in the midst of its records
    net::stream client;
    all.task("client", [&] {
        client = tls::connect(std::move(d.client), "localhost", good_client());
        CHECK_THROWS_AS(client.write(std::string(300'000, 'x')), net::error); // the server goes
    });
    all.task("client reads", [&] {
        all.wait_until("the handshake", [&] { return bool(client); });
        CHECK(client.read_until("!", 100) == "renegotiate!"); // put out: an alert that declines
        CHECK_THROWS_AS(client.read_all(), net::error);
    });
    all.task("server", [&] {
        bare_peer peer(d.server, true, TLS1_2_VERSION, ca().issue());
        CHECK(peer.read(1'000) == std::string(1'000, 'x'));
        REQUIRE(SSL_renegotiate(peer.get()) == 1);
        SSL_do_handshake(peer.get());
        peer.send_pending();
        peer.write("renegotiate!");
        // OpenSSL ends a session whose peer declined: that it gets there shows that each record was in its place.
        CHECK_THROWS_WITH(peer.read(299'000), Catch::Contains("no renegotiation"));
        d.server.close();
    });

    all.run();
}

TEST_CASE("an alert of the reader waits for the write that is under way", "[net][tls]") {
    turns all;
    duplex d(all);
    d.to_server->capacity = 1'000;
    net::stream client;
    bool sending = false, refused = false;
    all.task("client", [&] {
        client = tls::connect(std::move(d.client), "localhost", good_client());
        sending = true;
        client.write(std::string(60'000, 'x')); // one write, more than the wire holds
        CHECK(refused);
        CHECK_THROWS_WITH(client.write("more"), Catch::Contains("bad record mac"));
    });
    all.task("client reads", [&] {
        all.wait_until("the handshake", [&] { return sending; });
        CHECK_THROWS_WITH(client.read_all(), Catch::Contains("bad record mac"));
        refused = true;
    });
    all.task("server", [&] {
        net::stream peer = tls::accept(std::move(d.server), good_server());
        peer.write("tickets and this!");
        std::size_t const damaged = d.to_client->passed + 8; // behind the next record's header
        d.to_client->damage = [damaged](std::size_t at, char byte) {
            return at == damaged ? static_cast<char>(byte ^ 1) : byte;
        };
        peer.write("to be damaged");
        std::string got(60'000, '?');
        peer.read_exactly(std::as_writable_bytes(std::span(got)));
        CHECK((got == std::string(60'000, 'x')));
        CHECK_THROWS_WITH(peer.read_all(), Catch::Contains("the peer sent an alert"));
    });

    all.run();
}

TEST_CASE("another task's shutdown_write goes out behind the write that is under way", "[net][tls]") {
    turns all;
    duplex d(all);
    d.to_server->capacity = 1'000;
    net::stream client;
    bool sending = false, sent = false;
    all.task("client", [&] {
        client = tls::connect(std::move(d.client), "localhost", good_client());
        sending = true;
        client.write(std::string(60'000, 'x'));
        sent = true;
        CHECK(d.to_server->ended); // the inner stream's side too
    });
    all.task("another", [&] {
        all.wait_until("the write", [&] { return sending; });
        CHECK_FALSE(sent);
        client.shutdown_write();
        CHECK_FALSE(sent);
        CHECK_FALSE(d.to_server->ended);
    });
    all.task("server", [&] {
        net::stream peer = tls::accept(std::move(d.server), good_server());
        CHECK((peer.read_all() == std::string(60'000, 'x')));
    });

    all.run();
}

TEST_CASE("one read gives the data of all records that are here", "[net][tls]") {
    conversation c;
    bool written = false;

    c.run(
        good_client(), good_server(),
        [&](net::stream& peer) {
            c.scheduler.wait_until("the records", [&] { return written; });
            std::string got(20'000, '?');
            CHECK(peer.read_some(std::as_writable_bytes(std::span(got))) == 10'000);
        },
        [&](net::stream& peer) {
            for (int i = 0; i < 100; ++i) peer.write(std::string(100, 'x'));
            written = true;
        });

    c.both_are_well();
}

TEST_CASE("closing without close_notify is not an end of stream", "[net][tls]") {
    conversation c;

    c.run(
        good_client(), good_server(), [](net::stream& peer) { peer.write("half of it"); }, // and closes
        [](net::stream& peer) {
            CHECK(peer.read_until("it", 100) == "half of it");
            for (int i = 0; i < 2; ++i) // also when asked again
                CHECK_THROWS_WITH(read_one(peer), Catch::Contains("no close_notify"));
            peer.read_all();
        });

    CHECK_FAILED(c.server_failed, net::errc::end_of_stream, "may be cut off");
}

TEST_CASE("an end of the inner stream in the midst of a record is not an end of stream", "[net][tls]") {
    conversation c;
    std::size_t limit = std::numeric_limits<std::size_t>::max();

    c.run(
        good_client(), good_server(),
        [&](net::stream& peer) {
            CHECK(peer.read_until("!", 100) == "ready!");
            limit = c.wire.to_server->passed + 500;
            c.wire.to_server->capacity = 100;
            c.wire.to_server->before_write = [&] {
                if (c.wire.to_server->passed >= limit) throw net::error(net::errc::closed, "cut");
            };
            peer.write(std::string(10'000, 'x'));
        },
        [](net::stream& peer) {
            peer.write("ready!");
            peer.read_all();
        });

    CHECK_FAILED(c.client_failed, net::errc::closed, "cut");
    CHECK_FAILED(c.server_failed, net::errc::end_of_stream, "may be cut off");
}

TEST_CASE("after close_notify reading gives the end, as often as asked, and writing goes on", "[net][tls]") {
    conversation c;

    c.run(
        good_client(), good_server(),
        [](net::stream& peer) {
            say_hello(peer);
            peer.shutdown_write(); // twice is fine
            CHECK(peer.read_all() == "and to you");
            CHECK_THROWS_MATCHES(peer.write("more"), net::error, Catch::Predicate<net::error>([](auto const& e) {
                                     return e.code() == std::errc::broken_pipe;
                                 }));
        },
        [](net::stream& peer) {
            CHECK(peer.read_all() == "hello");
            CHECK(peer.read_all().empty());
            peer.write("and to you");
            peer.shutdown_write();
        });

    c.both_are_well();
}

TEST_CASE("a record that was damaged on the way is an error, not data", "[net][tls]") {
    conversation c;
    std::size_t damaged = std::numeric_limits<std::size_t>::max();
    c.wire.to_server->damage = [&](std::size_t at, char byte) {
        return at == damaged ? static_cast<char>(byte ^ 1) : byte;
    };
    bool server_was_stale = false;

    c.run(
        good_client(), good_server(),
        [&](net::stream& peer) {
            CHECK(peer.read_until("!", 100) == "ready!");
            damaged = c.wire.to_server->passed + 50;
            peer.write(std::string(100, 'x'));
            peer.read_all();
        },
        [&](net::stream& peer) {
            peer.write("ready!");
            c.keep_failure(c.server_failed, [&] { peer.read_all(); });
            server_was_stale = peer.stale();
            CHECK_THROWS_WITH(peer.write("more"), Catch::Contains("bad record mac"));
            CHECK_THROWS_WITH(peer.read_all(), Catch::Contains("bad record mac"));
        });

    CHECK_FAILED(c.server_failed, net::errc::tls_failed, "bad record mac");
    CHECK_FAILED(c.client_failed, net::errc::tls_failed, "the peer sent an alert");
    CHECK(server_was_stale);
}

TEST_CASE("a write that is cancelled half-way leaves the stream unusable for writing, not corrupt", "[net][tls]") {
    struct cancelled {};
    conversation c;
    std::string heard;

    c.run(
        good_client(), good_server(),
        [&](net::stream& peer) {
            CHECK(peer.read_until("!", 100) == "ready!");
            auto& out = *c.wire.to_server;
            std::size_t const limit = out.passed + 20'000;
            out.capacity = 1'000;
            out.before_write = [&out, limit] {
                if (out.passed >= limit) throw cancelled{};
            };
            CHECK_THROWS_AS(peer.write(std::string(40'000, 'x')), cancelled);
            out.before_write = nullptr;
            CHECK_THROWS_WITH(peer.write("more"), Catch::Contains("half-sent"));
            CHECK_THROWS_WITH(peer.shutdown_write(), Catch::Contains("half-sent"));
            CHECK(peer.stale());
            CHECK(peer.read_until("!", 100) == "still here!"); // reading is not touched
        },
        [&](net::stream& peer) {
            peer.write("ready!");
            peer.write("still here!");
            std::string part(16'384, '?');
            peer.read_exactly(std::as_writable_bytes(std::span(part)));
            heard = part;
            peer.read_all();
        });

    CHECK(heard == std::string(16'384, 'x')); // the record that was sent whole
    CHECK_FALSE(c.client_failed);
    CHECK_FAILED(c.server_failed, net::errc::end_of_stream, "may be cut off");
}

TEST_CASE("a read that is cancelled loses nothing", "[net][tls]") {
    struct cancelled {};
    // The client's inner transport, cancelled before every other read.
    class fickle final : public net::transport {
    public:
        explicit fickle(net::stream inner) : inner_(std::move(inner)) {}
        std::size_t read_some(std::span<std::byte> to) override {
            if (active && (++reads % 2) == 1) throw cancelled{};
            return inner_.read_some(to);
        }
        std::size_t write_some(std::span<std::byte const> from) override { return inner_.write_some(from); }
        void shutdown_write() override { inner_.shutdown_write(); }
        void close() noexcept override { inner_.close(); }
        bool stale() noexcept override { return inner_.stale(); }
        net::endpoint local() const override { return inner_.local(); }
        net::endpoint remote() const override { return inner_.remote(); }
        bool active = false;
        int reads = 0;

    private:
        net::stream inner_;
    };
    conversation c;
    auto owned = std::make_unique<fickle>(std::move(c.wire.client));
    fickle& inner = *owned;
    c.wire.client = net::stream(std::move(owned));
    c.wire.to_client->step = 11;
    std::string const text = pattern(500, 5);
    int cancellations = 0;

    c.run(
        good_client(), good_server(),
        [&](net::stream& peer) {
            inner.active = true;
            for (;;) try {
                    std::string const got = peer.read_all();
                    CHECK((got == text));
                    break;
                } catch (cancelled const&) {
                    ++cancellations;
                }
        },
        [&](net::stream& peer) {
            peer.write(text);
            peer.shutdown_write();
        });

    c.both_are_well();
    CHECK(cancellations > 10);
}

TEST_CASE("closing ends another task's read, and later calls say closed", "[net][tls]") {
    turns all;
    duplex d(all);
    net::stream client, server;
    bool reading = false;
    all.task("client", [&] {
        client = tls::connect(std::move(d.client), "localhost", good_client());
        reading = true;
        CHECK_THROWS_WITH(client.read_all(), Catch::Contains("closed"));
    });
    all.task("server", [&] { server = tls::accept(std::move(d.server), good_server()); });
    all.task("closer", [&] {
        all.wait_until("a read", [&] { return reading && bool(server); });
        client.close();
    });

    all.run();

    CHECK_THROWS_WITH(client.write("x"), Catch::Contains("closed on this side"));
    CHECK_THROWS_WITH(client.read_all(), Catch::Contains("closed on this side"));
    CHECK_THROWS_WITH(client.shutdown_write(), Catch::Contains("closed on this side"));
    CHECK(client.stale());
    client.close();
}

TEST_CASE("two tasks that read, or write, at once are told that they must not", "[net][tls]") {
    turns all;
    duplex d(all);
    net::stream client, server;
    bool reading = false;
    all.task("client", [&] {
        client = tls::connect(std::move(d.client), "localhost", good_client());
        reading = true;
        CHECK_THROWS_AS(read_one(client), net::error); // waits, until it is closed
    });
    all.task("server", [&] {
        server = tls::accept(std::move(d.server), good_server());
        all.wait_until("the client's read", [&] { return reading; });
        CHECK_THROWS_AS(client.read_all(), std::logic_error);
        CHECK(client.stale());
        d.to_client->before_write = [&] {
            CHECK_THROWS_AS(server.write("from a clause, or another task"), std::logic_error);
            CHECK(server.stale());
            throw net::error(net::errc::closed, "enough");
        };
        CHECK_THROWS_WITH(server.write("x"), Catch::Contains("enough"));
        client.close();
    });

    all.run();
}

TEST_CASE("an idle session is not stale for its tickets, but for data, an end and a close", "[net][tls]") {
    auto const stale_when_the_server = [](side does) {
        conversation c;
        bool done = false, looked = false, before = true, after = false;
        c.run(
            good_client(), good_server(),
            [&](net::stream& peer) {
                CHECK(peer.read_until("!", 100) == "ready!"); // the tickets came with it
                before = peer.stale();
                peer.write("go!");
                c.scheduler.wait_until("the server", [&] { return done; });
                after = peer.stale();
                looked = true;
            },
            [&](net::stream& peer) {
                peer.write("ready!");
                CHECK(peer.read_until("!", 100) == "go!");
                does(peer);
                done = true;
                c.scheduler.wait_until("the client", [&] { return looked; });
            });
        c.both_are_well();
        CHECK_FALSE(before);
        return after;
    };

    CHECK_FALSE(stale_when_the_server(nothing));
    CHECK(stale_when_the_server([](net::stream& peer) { peer.write("unasked"); }));
    CHECK(stale_when_the_server([](net::stream& peer) { peer.shutdown_write(); }));
    CHECK(stale_when_the_server([](net::stream& peer) { peer.close(); }));
}

TEST_CASE("a client may send, end and go without ever reading", "[net][tls]") {
    conversation c; // the server's tickets have nobody to take them

    c.run(
        good_client(), good_server(), [](net::stream& peer) { say_hello(peer); },
        [&](net::stream& peer) {
            c.scheduler.wait_until("the client to go", [&] { return c.wire.to_client->broken; });
            hear_hello(peer);
        });

    c.both_are_well();
}

TEST_CASE("a session with decrypted data that nobody has read yet is stale", "[net][tls]") {
    conversation c;

    c.run(
        good_client(), good_server(),
        [](net::stream& peer) {
            CHECK(read_one(peer) == "t");
            CHECK(peer.stale());
            CHECK(peer.read_until("!", 100) == "wo!");
            CHECK_FALSE(peer.stale());
        },
        [](net::stream& peer) {
            peer.write("two!");
            read_one(peer);
        });

    CHECK_FAILED(c.server_failed, net::errc::end_of_stream, "close_notify");
    CHECK_FALSE(c.client_failed);
}

TEST_CASE("errors that other code left in the thread's OpenSSL queue are not ours", "[net][tls]") {
    conversation c;
    auto const litter = [] { ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH); };
    c.wire.to_client->before_write = litter;
    c.wire.to_server->before_write = litter;

    c.run(
        good_client(), good_server(),
        [&](net::stream& peer) {
            litter();
            say_hello(peer);
            litter();
            CHECK(peer.read_all() == "hello");
        },
        [&](net::stream& peer) {
            litter();
            hear_hello(peer);
            litter();
            say_hello(peer);
        });
    ERR_clear_error();

    c.both_are_well();
}

TEST_CASE("TLS takes up what was read ahead of the handshake", "[net][tls]") {
    conversation c;

    c.scheduler.task("client", [&] {
        c.wire.client.write("STARTTLS\n");
        net::stream peer = tls::connect(std::move(c.wire.client), "localhost", good_client());
        say_hello(peer);
    });
    c.scheduler.task("server", [&] {
        // The client does not wait for an answer, so its hello comes with the line.
        CHECK(c.wire.server.read_until("\n", 100) == "STARTTLS\n");
        net::stream peer = tls::accept(std::move(c.wire.server), good_server());
        hear_hello(peer);
    });
    c.scheduler.run();
}

TEST_CASE("TLS runs over TLS", "[net][tls]") {
    conversation c;

    c.run(
        good_client(), good_server(),
        [](net::stream& outer) {
            net::stream inner = tls::connect(std::move(outer), "localhost", good_client());
            say_hello(inner);
        },
        [](net::stream& outer) {
            net::stream inner = tls::accept(std::move(outer), good_server());
            hear_hello(inner);
        });

    c.both_are_well();
}

TEST_CASE("a handler of net::write sees the data above TLS, one outside it the records below", "[net][tls]") {
    conversation c;
    std::string above;
    std::size_t below = 0;

    c.run(
        good_client(), good_server(),
        [&](net::stream& peer) {
            effects::handle([&] { peer.write("hello"); },
                            [&](net::write const& op) {
                                above.append(reinterpret_cast<char const*>(op.from.data()), op.from.size());
                                return net::write::default_answer(op);
                            },
                            [&](net::write const& op) {
                                below += op.from.size();
                                return net::write::default_answer(op);
                            });
            peer.shutdown_write();
        },
        hear_hello);

    c.both_are_well();
    CHECK(above == "hello");
    CHECK(below > above.size() + 16); // a header and a tag
}
