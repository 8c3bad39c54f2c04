// SPDX-License-Identifier: BSL-1.0
#include "connected.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <effects/async/sleep.hpp>
#include <effects/async/timeout.hpp>

namespace async = effects::async;
namespace net = effects::net;
using effects::perform;
using namespace std::chrono_literals;

namespace {

net::datagram_socket bound(net::datagram_options const& how = {}) {
    return perform(net::bind_datagram({"127.0.0.1", 0}, how));
}

// Whatever comes, until nothing has come for a while.
std::vector<std::string> all_of(net::datagram_socket& socket) {
    std::vector<std::string> all;
    while (auto got = async::try_timeout(30ms, [&] { return socket.receive(); })) all.push_back(got->bytes);
    std::sort(all.begin(), all.end());
    return all;
}

using texts = std::vector<std::string>;

} // namespace

EFFECTS_OVER_BOTH_NETWORKS("what one socket sends another receives, and can answer", "[net][datagram]") {
    net::datagram_socket server = bound();
    net::datagram_socket client = bound();
    client.send_to("ping", server.local());
    net::datagram const got = server.receive();
    CHECK(got == net::datagram{"ping", client.local(), false});
    server.send_to("pong", got.from);
    CHECK(client.receive() == net::datagram{"pong", server.local(), false});
}

EFFECTS_OVER_BOTH_NETWORKS("port 0 takes a free port each time, which stays known", "[net][datagram]") {
    net::datagram_socket a = bound();
    net::datagram_socket b = bound();
    net::endpoint const at = a.local();
    CHECK(at.host == "127.0.0.1");
    CHECK(at.port != 0);
    CHECK(at != b.local());
    CHECK_FALSE(a.remote());
    a.close();
    CHECK(a.local() == at);
    CHECK(perform(net::bind_datagram(at)).local() == at);
}

EFFECTS_OVER_BOTH_NETWORKS("binding where somebody is bound names the address", "[net][datagram][error]") {
    net::datagram_socket const first = bound();
    auto again = [&] { perform(net::bind_datagram(first.local())); };
    CHECK(code_of(again) == std::errc::address_in_use);
    CHECK(message_of(again) == "while binding to " + first.local().text() + ": address already in use");
    CHECK(code_of([&] { perform(net::bind_datagram(first.local(), {.reuse_port = true})); }) ==
          std::errc::address_in_use);
    CHECK(code_of([&] { perform(net::bind_datagram({"0.0.0.0", first.local().port})); }) == std::errc::address_in_use);
    net::listener const streams_have_ports_of_their_own = perform(net::listen(first.local()));
}

EFFECTS_OVER_BOTH_NETWORKS("datagrams stay apart, and may be empty", "[net][datagram]") {
    net::datagram_socket server = bound();
    net::datagram_socket client = bound();
    for (auto text : {"one", "", "three"}) client.send_to(text, server.local());
    CHECK(all_of(server) == texts{"", "one", "three"});
}

EFFECTS_OVER_BOTH_NETWORKS("a datagram that is longer than asked for says so, and its rest is lost",
                           "[net][datagram]") {
    net::datagram_socket server = bound();
    net::datagram_socket client = bound();
    std::string four(4, ' ');
    auto sent = [&](std::string const& text) { client.send_to(text, server.local()); };

    sent("whole or not");
    CHECK(server.receive(5) == net::datagram{"whole", client.local(), true});
    sent("four");
    CHECK(server.receive(4) == net::datagram{"four", client.local(), false});
    sent("again too long");
    CHECK(server.receive(bytes_of(four)) == net::received_datagram{4, client.local(), true});
    CHECK(four == "agai");
    sent("x");
    CHECK(server.receive(bytes_of(four)) == net::received_datagram{1, client.local(), false});
    CHECK(four == "xgai");
    sent("x");
    CHECK(server.receive(0) == net::datagram{"", client.local(), true});
    sent("");
    CHECK(server.receive(0) == net::datagram{"", client.local(), false});
}

EFFECTS_OVER_BOTH_NETWORKS("the longest datagram arrives whole, a longer one is refused", "[net][datagram][error]") {
    net::datagram_socket server = bound();
    net::datagram_socket client = bound();
    std::string const longest(65'507, 'x');
    client.send_to(longest, server.local());
    CHECK((server.receive().bytes == longest));
    auto longer = [&] { client.send_to(longest + 'x', server.local()); };
    CHECK(code_of(longer) == std::errc::message_size);
    CHECK(message_of(longer) == "while sending 65508 bytes to " + server.local().text() + ": message too long");
    client.send_to("short", server.local());
    CHECK(all_of(server) == texts{"short"});
}

EFFECTS_OVER_BOTH_NETWORKS("nothing is sent to port 0", "[net][datagram][error]") {
    for (auto host : {"0.0.0.0", "::"}) {
        net::datagram_socket client = perform(net::bind_datagram({host, 0}));
        auto send = [&] { client.send_to("x", {"127.0.0.1", 0}); };
        CHECK(code_of(send) == std::errc::invalid_argument);
        CHECK(message_of(send) == "while sending 1 bytes to 127.0.0.1:0: invalid argument");
    }
}

EFFECTS_OVER_BOTH_NETWORKS("a socket with a peer hears nobody else", "[net][datagram]") {
    net::datagram_socket server = bound();
    net::datagram_socket stranger = bound();
    net::datagram_socket client = perform(net::connect_datagram(server.local()));
    CHECK(client.remote() == server.local());
    CHECK(client.local().host == "127.0.0.1");
    CHECK(client.local().port != 0);
    client.send("ping");
    CHECK(server.receive() == net::datagram{"ping", client.local(), false});
    stranger.send_to("spam", client.local());
    server.send_to("pong", client.local());
    CHECK(client.receive() == net::datagram{"pong", server.local(), false});
    CHECK(all_of(client).empty());
}

EFFECTS_OVER_BOTH_NETWORKS("the local address of a socket with a peer can be chosen", "[net][datagram]") {
    net::datagram_socket server = bound();
    net::endpoint const at = bound().local();
    net::datagram_socket client = perform(net::connect_datagram(server.local(), {}, at));
    CHECK(client.local() == at);
    client.send("from there");
    CHECK(server.receive().from == at);
    CHECK(code_of([&] { perform(net::connect_datagram(server.local(), {}, at)); }) == std::errc::address_in_use);
}

EFFECTS_OVER_BOTH_NETWORKS("who has a peer learns that nobody is there from the next call", "[net][datagram][error]") {
    net::endpoint const nobody = bound().local();
    net::datagram_socket client = perform(net::connect_datagram(nobody));
    client.send("anybody?");
    CHECK(code_of([&] { client.receive(); }) == std::errc::connection_refused);
    client.send("anybody?");
    CHECK(message_of([&] { client.receive(); }) == "while receiving from " + nobody.text() + ": connection refused");
    client.send("anybody?");
    async::sleep_for(20ms);
    CHECK(message_of([&] { client.send("anybody?"); }) ==
          "while sending 8 bytes to " + nobody.text() + ": connection refused");
    CHECK_FALSE(async::try_timeout(20ms, [&] { client.receive(); })); // it is told once

    net::datagram_socket somebody = perform(net::bind_datagram(nobody));
    client.send("now?");
    CHECK(somebody.receive().bytes == "now?");
}

EFFECTS_OVER_BOTH_NETWORKS("a receiver that waits is told that nobody is there", "[net][datagram][error]") {
    net::datagram_socket client = perform(net::connect_datagram(bound().local()));
    std::optional<std::error_code> got;
    async::task_group([&](async::group& g) {
        g.spawn([&] { got = code_of([&] { client.receive(); }); });
        async::sleep_for(1ms);
        client.send("anybody?");
    });
    CHECK(got == std::errc::connection_refused);
}

EFFECTS_OVER_BOTH_NETWORKS("who has no peer is not told that nobody is there", "[net][datagram]") {
    net::endpoint const nobody = bound().local();
    net::datagram_socket client = bound();
    client.send_to("lost", nobody);
    client.send_to("lost", nobody);
    CHECK(all_of(client).empty());
}

EFFECTS_OVER_BOTH_NETWORKS("a receive that timed out has taken nothing, and can be made again",
                           "[net][datagram][cancel]") {
    net::datagram_socket server = bound();
    net::datagram_socket client = bound();
    for (int i = 0; i < 3; ++i) CHECK_FALSE(async::try_timeout(200us, [&] { server.receive(); }));
    client.send_to("abc", server.local());
    CHECK(server.receive().bytes == "abc");
}

EFFECTS_OVER_BOTH_NETWORKS("receives that are cancelled while datagrams come lose none", "[net][datagram][cancel]") {
    constexpr int count = 100;
    net::datagram_socket server = bound();
    net::datagram_socket client = bound();
    std::set<std::string> got;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            for (int i = 0; i < count; ++i) {
                client.send_to(std::to_string(i), server.local());
                async::sleep_for(50us);
            }
        });
        for (int idle = 0; idle < 500 && got.size() < count; ++idle)
            if (auto d = async::try_timeout(70us, [&] { return server.receive(); })) {
                got.insert(d->bytes);
                idle = 0;
            }
    });
    CHECK(got.size() == count);
}

EFFECTS_OVER_BOTH_NETWORKS("a task that was cancelled neither sends nor receives any more", "[net][datagram][cancel]") {
    net::datagram_socket server = bound();
    net::datagram_socket client = bound();
    server.send_to("kept", client.local());
    async::sleep_for(10ms);
    async::task_group([&](async::group& g) {
        g.cancel();
        CHECK_THROWS_AS(client.receive(), async::cancelled);
        CHECK_THROWS_AS(client.send_to("x", server.local()), async::cancelled);
        CHECK_THROWS_AS(bound(), async::cancelled);
        CHECK_THROWS_AS(perform(net::connect_datagram(server.local())), async::cancelled);
    });
    CHECK(all_of(server).empty());
    CHECK(client.receive().bytes == "kept");
}

EFFECTS_OVER_BOTH_NETWORKS("two receivers of one socket at once are a mistake that is told", "[net][datagram][error]") {
    net::datagram_socket server = bound();
    net::datagram_socket client = bound();
    async::task_group([&](async::group& g) {
        auto first = g.spawn([&] { return server.receive().bytes; });
        async::yield();
        CHECK_THROWS_AS(server.receive(), std::logic_error);
        client.send_to("for the first", server.local());
        CHECK(first.get() == "for the first");
    });
}

EFFECTS_OVER_BOTH_NETWORKS("any number of tasks send by one socket, while one receives", "[net][datagram]") {
    net::datagram_socket server = bound();
    net::datagram_socket client = bound();
    std::multiset<std::string> got;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            for (int i = 0; i < 50; ++i) {
                net::datagram const d = server.receive();
                server.send_to(d.bytes + "!", d.from);
            }
        });
        for (int i = 0; i < 50; ++i) g.spawn([&, i] { client.send_to(std::to_string(i), server.local()); });
        for (int i = 0; i < 50; ++i) got.insert(client.receive().bytes);
    });
    CHECK(got.size() == 50);
    for (int i = 0; i < 50; ++i) CHECK(got.count(std::to_string(i) + "!") == 1);
}

EFFECTS_OVER_BOTH_NETWORKS("closing a datagram socket ends its suspended receive with `closed`",
                           "[net][datagram][error]") {
    net::datagram_socket socket = bound();
    net::endpoint const at = socket.local();
    std::optional<std::error_code> got;
    async::task_group([&](async::group& g) {
        g.spawn([&] { got = code_of([&] { socket.receive(); }); });
        async::yield();
        socket.close();
        socket.close();
    });
    CHECK(got == net::errc::closed);
    CHECK(code_of([&] { socket.receive(); }) == net::errc::closed);
    CHECK(message_of([&] { socket.send_to("x", at); }) == "the datagram socket was closed on this side");
    CHECK(code_of([&] { socket.join("239.1.2.3"); }) == net::errc::closed);
    CHECK(socket.local() == at);
}

EFFECTS_OVER_BOTH_NETWORKS("what was not received when a socket closed is gone", "[net][datagram]") {
    net::datagram_socket client = bound();
    net::endpoint at;
    {
        net::datagram_socket server = bound();
        at = server.local();
        client.send_to("unread", at);
        async::sleep_for(10ms);
    }
    net::datagram_socket server = perform(net::bind_datagram(at));
    CHECK(all_of(server).empty());
}

EFFECTS_OVER_BOTH_NETWORKS("a socket moves with its address", "[net][datagram]") {
    net::datagram_socket a = bound();
    net::datagram_socket client = bound();
    net::endpoint const at = a.local();
    net::datagram_socket b = std::move(a);
    CHECK(b);
    CHECK_FALSE(a); // NOLINT(bugprone-use-after-move): it says what it leaves
    client.send_to("moved", at);
    CHECK(b.receive().bytes == "moved");
}

EFFECTS_OVER_BOTH_NETWORKS("an empty datagram socket is refused in words, and closing it is fine",
                           "[net][datagram][error]") {
    net::datagram_socket none;
    CHECK_THROWS_AS(none.receive(), std::logic_error);
    CHECK_THROWS_AS(none.send_to("x", {"127.0.0.1", 9}), std::logic_error);
    CHECK_THROWS_AS(none.send("x"), std::logic_error);
    CHECK_THROWS_AS(none.local(), std::logic_error);
    none.close();
}

EFFECTS_OVER_BOTH_NETWORKS("sending without saying to whom, or to whom else, is a mistake that is told",
                           "[net][datagram][error]") {
    net::datagram_socket server = bound();
    net::datagram_socket client = perform(net::connect_datagram(server.local()));
    CHECK_THROWS_AS(server.send("x"), std::logic_error);
    CHECK_THROWS_AS(client.send_to("x", server.local()), std::logic_error);
}

EFFECTS_OVER_BOTH_NETWORKS("datagrams go to names, too", "[net][datagram][resolve]") {
    net::datagram_socket server = bound();
    net::datagram_socket client = bound();
    client.send_to("by name", {"localhost", server.local().port});
    CHECK(server.receive().bytes == "by name");
    net::endpoint const nowhere{"does-not-exist.invalid", 9};
    CHECK(code_of([&] { client.send_to("x", nowhere); }) == net::errc::host_not_found);
    CHECK_THAT(message_of([&] { client.send_to("x", nowhere); }),
               Catch::Matchers::StartsWith("while sending 1 bytes to does-not-exist.invalid:9: "));
    CHECK_THAT(message_of([&] { perform(net::connect_datagram(nowhere)); }),
               Catch::Matchers::StartsWith("while connecting to does-not-exist.invalid:9: "));
}

EFFECTS_OVER_BOTH_NETWORKS("IPv6 has datagrams of its own", "[net][datagram][ipv6]") {
    net::datagram_socket server = perform(net::bind_datagram({"::1", 0}));
    net::datagram_socket client = perform(net::connect_datagram(server.local()));
    CHECK(client.local().host == "::1");
    client.send("six");
    CHECK(server.receive() == net::datagram{"six", client.local(), false});
    CHECK(code_of([&] { bound().send_to("x", server.local()); }) == std::errc::address_family_not_supported);
}

EFFECTS_OVER_BOTH_NETWORKS("a socket at :: talks to both families", "[net][datagram][ipv6]") {
    net::datagram_socket server = perform(net::bind_datagram({"::", 0}));
    net::datagram_socket four = perform(net::connect_datagram({"127.0.0.1", server.local().port}));
    net::datagram_socket six = perform(net::connect_datagram({"::1", server.local().port}));
    four.send("four");
    net::datagram const got = server.receive();
    CHECK(got.from == net::endpoint{"::ffff:127.0.0.1", four.local().port});
    server.send_to("answered", got.from);
    CHECK(four.receive().bytes == "answered");
    server.send_to("and unasked", four.local());
    CHECK(four.receive().bytes == "and unasked");
    six.send("six");
    CHECK(server.receive().from == six.local());
}

EFFECTS_OVER_BOTH_NETWORKS("Unix domain sockets carry no datagrams, in words", "[net][datagram][unix][error]") {
    auto const at = net::endpoint::unix_socket("@effects-datagrams");
    CHECK(code_of([&] { perform(net::bind_datagram(at)); }) == std::errc::address_family_not_supported);
    CHECK(code_of([&] { perform(net::connect_datagram(at)); }) == std::errc::address_family_not_supported);
    CHECK(code_of([&] { bound().send_to("x", at); }) == std::errc::address_family_not_supported);
}

EFFECTS_OVER_BOTH_NETWORKS("more than the receive buffer holds is dropped, and what is there is whole",
                           "[net][datagram]") {
    net::datagram_socket server = bound({.receive_buffer = 8192});
    net::datagram_socket client = bound();
    constexpr int sent = 200;
    for (int i = 0; i < sent; ++i) client.send_to(std::string(500, 'x'), server.local());
    async::sleep_for(20ms); // nobody receives meanwhile
    auto const got = all_of(server);
    CHECK(got.size() > 1);
    CHECK(got.size() < sent);
    for (auto& text : got) CHECK(text.size() == 500);
    client.send_to("room again", server.local());
    CHECK(server.receive().bytes == "room again");
}

EFFECTS_OVER_BOTH_NETWORKS("sockets that share an address share the senders", "[net][datagram][reuse]") {
    net::datagram_socket a = bound({.reuse_port = true});
    net::datagram_socket b = perform(net::bind_datagram(a.local(), {.reuse_port = true}));
    CHECK(code_of([&] { perform(net::bind_datagram(a.local())); }) == std::errc::address_in_use);
    int of_a = 0, of_b = 0;
    for (int i = 0; i < 60; ++i) {
        net::datagram_socket client = bound();
        for (auto text : {"1", "2", "3"}) client.send_to(text, a.local());
        auto const at_a = all_of(a).size();
        auto const at_b = all_of(b).size();
        CHECK(at_a + at_b == 3);
        CHECK((at_a == 0 || at_b == 0)); // one sender's go to one of them
        of_a += at_a != 0;
        of_b += at_b != 0;
        if (of_a != 0 && of_b != 0) break;
    }
    CHECK(of_a != 0);
    CHECK(of_b != 0);
}

EFFECTS_OVER_BOTH_NETWORKS("a broadcast reaches all at its port, of who may send one", "[net][datagram][broadcast]") {
    net::datagram_socket a = perform(net::bind_datagram({"0.0.0.0", 0}, {.reuse_port = true}));
    net::datagram_socket b = perform(net::bind_datagram(a.local(), {.reuse_port = true}));
    net::datagram_socket other = perform(net::bind_datagram({"0.0.0.0", 0}));
    net::endpoint const all{"127.255.255.255", a.local().port};
    CHECK(code_of([&] { bound().send_to("x", all); }) == std::errc::permission_denied);
    net::datagram_socket client = bound({.broadcast = true});
    client.send_to("all", all);
    CHECK(a.receive() == net::datagram{"all", client.local(), false});
    CHECK(b.receive() == net::datagram{"all", client.local(), false});
    CHECK(all_of(other).empty());
}

EFFECTS_OVER_BOTH_NETWORKS("a group's datagrams reach who has joined it", "[net][datagram][multicast]") {
    net::datagram_options const how{.reuse_port = true, .multicast_hops = 2, .multicast_interface = "lo"};
    net::datagram_socket a = perform(net::bind_datagram({"0.0.0.0", 0}, how));
    net::datagram_socket b = perform(net::bind_datagram(a.local(), how));
    net::datagram_socket not_joined = perform(net::bind_datagram(a.local(), how));
    net::datagram_socket client = perform(net::bind_datagram({"127.0.0.1", 0}, how));
    net::endpoint const group{"239.1.2.3", a.local().port};
    a.join(group.host);
    b.join(group.host);
    b.join("239.1.2.4");
    client.send_to("all", group);
    CHECK(a.receive() == net::datagram{"all", client.local(), false});
    CHECK(b.receive() == net::datagram{"all", client.local(), false});
    client.send_to("some", {"239.1.2.4", group.port});
    CHECK(b.receive().bytes == "some");
    b.leave(group.host);
    client.send_to("the rest", group);
    CHECK(a.receive().bytes == "the rest");
    CHECK(all_of(a).empty());
    CHECK(all_of(b).empty());
    CHECK(all_of(not_joined).empty());
}

EFFECTS_OVER_BOTH_NETWORKS("groups of IPv6 are joined as well", "[net][datagram][multicast][ipv6]") {
    net::datagram_options const how{.multicast_interface = "lo"};
    net::datagram_socket member = perform(net::bind_datagram({"::", 0}, how));
    net::datagram_socket client = perform(net::bind_datagram({"::1", 0}, how));
    member.join("ff02::4711");
    CHECK(code_of([&] { member.join("239.1.2.3"); }) == std::errc::address_family_not_supported);
    try {
        client.send_to("six", {"ff02::4711", member.local().port});
    } catch (net::error const& e) {
        CHECK(e.code() == std::errc::network_unreachable); // as most loopbacks have no way to such a group
        return;
    }
    CHECK(member.receive() == net::datagram{"six", client.local(), false});
}

EFFECTS_OVER_BOTH_NETWORKS("joining and leaving say what is wrong", "[net][datagram][multicast][error]") {
    net::datagram_socket socket = perform(net::bind_datagram({"0.0.0.0", 0}, {.multicast_interface = "lo"}));
    socket.join("239.1.2.3");
    CHECK(code_of([&] { socket.join("239.1.2.3"); }) == std::errc::address_in_use);
    CHECK(message_of([&] { socket.join("239.1.2.3"); }) == "while joining the group 239.1.2.3: address already in use");
    CHECK(code_of([&] { socket.join("127.0.0.1"); }) == std::errc::invalid_argument);
    CHECK(code_of([&] { socket.leave("239.1.2.4"); }) == std::errc::address_not_available);
}
