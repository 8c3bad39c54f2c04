// SPDX-License-Identifier: BSL-1.0
#include "connected.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <effects/async/must_not_suspend.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/timeout.hpp>

namespace async = effects::async;
namespace net = effects::net;
using effects::perform;
using namespace std::chrono_literals;

EFFECTS_OVER_BOTH_NETWORKS("port 0 takes a free port each time", "[net][listener]") {
    net::listener a = perform(net::listen({"127.0.0.1", 0}));
    net::listener b = perform(net::listen({"127.0.0.1", 0}));
    CHECK(a.local().port != 0);
    CHECK(b.local().port != 0);
    CHECK(a.local() != b.local());
}

EFFECTS_OVER_BOTH_NETWORKS("listening where somebody listens names the address", "[net][listener][error]") {
    net::listener const first = perform(net::listen({"127.0.0.1", 0}));
    CHECK(code_of([&] { perform(net::listen(first.local())); }) == std::errc::address_in_use);
    CHECK(message_of([&] { perform(net::listen(first.local())); }) ==
          "while listening at " + first.local().text() + ": address already in use");
}

EFFECTS_OVER_BOTH_NETWORKS("listeners that share an address share the connections", "[net][listener][reuse]") {
    net::listener a = perform(net::listen({"127.0.0.1", 0}, 1024, true));
    net::listener b = perform(net::listen(a.local(), 1024, true));
    CHECK(b.local() == a.local());
    CHECK(code_of([&] { perform(net::listen(a.local())); }) == std::errc::address_in_use);
    std::vector<net::stream> clients;
    for (int i = 0; i < 40; ++i) clients.push_back(perform(net::connect(a.local())));
    auto accepted = [](net::listener& door) {
        int count = 0;
        while (async::try_timeout(20ms, [&] { door.accept(); })) ++count;
        return count;
    };
    int const of_a = accepted(a);
    int const of_b = accepted(b);
    CHECK(of_a + of_b == 40);
    CHECK(of_a != 0);
    CHECK(of_b != 0);

    net::endpoint const at = a.local();
    a.close();
    net::stream const late = perform(net::connect(at));
    CHECK(b.accept().remote() == late.local());
    b.close();
    CHECK(code_of([&] { perform(net::connect(at)); }) == std::errc::connection_refused);
    CHECK(perform(net::listen(at)).local() == at);
}

EFFECTS_OVER_BOTH_NETWORKS("who does not share an address keeps it for itself", "[net][listener][reuse][error]") {
    net::listener const alone = perform(net::listen({"127.0.0.1", 0}));
    CHECK(code_of([&] { perform(net::listen(alone.local(), 1024, true)); }) == std::errc::address_in_use);
}

EFFECTS_OVER_BOTH_NETWORKS("a port can be listened at again right after a server went", "[net][listener]") {
    net::endpoint at;
    {
        net::listener door = perform(net::listen({"127.0.0.1", 0}));
        at = door.local();
        async::task_group([&](async::group& g) {
            g.spawn([&] { door.accept().close(); });
            net::stream s = perform(net::connect(at));
            CHECK(s.read_all().empty());
        });
    }
    CHECK(perform(net::listen(at)).local() == at);
}

EFFECTS_OVER_BOTH_NETWORKS("a port of one address is not free for all of them", "[net][listener][error]") {
    net::listener const one = perform(net::listen({"127.0.0.1", 0}));
    std::uint16_t const port = one.local().port;
    for (auto any : {"0.0.0.0", "::"}) {
        auto again = [&] { perform(net::listen({any, port})); };
        CHECK(code_of(again) == std::errc::address_in_use);
        CHECK(message_of(again) ==
              "while listening at " + net::endpoint{any, port}.text() + ": address already in use");
    }
    net::listener const all = perform(net::listen({"0.0.0.0", 0}));
    CHECK(code_of([&] { perform(net::listen({"127.0.0.1", all.local().port})); }) == std::errc::address_in_use);
    CHECK(code_of([&] { perform(net::listen({"::", all.local().port})); }) == std::errc::address_in_use);
    net::listener const six = perform(net::listen({"::1", all.local().port}));
    net::listener const shared = perform(net::listen({"127.0.0.1", 0}, 1024, true));
    CHECK(perform(net::listen({"0.0.0.0", shared.local().port}, 1024, true)).local().host == "0.0.0.0");
    net::datagram_socket const datagrams_have_ports_of_their_own =
        perform(net::bind_datagram({"127.0.0.1", all.local().port}));
}

EFFECTS_OVER_BOTH_NETWORKS("the peers of an IPv6 socket have IPv6 addresses", "[net][listener][ipv6]") {
    auto ends = [](net::endpoint const& at, net::endpoint const& to) {
        net::listener door = perform(net::listen(at));
        net::stream client = perform(net::connect({to.host, door.local().port}));
        net::stream server = door.accept();
        CHECK(server.remote().port == client.local().port);
        return std::vector{client.local().host, client.remote().host, server.local().host, server.remote().host};
    };
    using hosts = std::vector<std::string>;
    CHECK(ends({"::1", 0}, {"::1", 0}) == hosts{"::1", "::1", "::1", "::1"});
    CHECK(ends({"::", 0}, {"::1", 0}) == hosts{"::1", "::1", "::1", "::1"});
    CHECK(ends({"::", 0}, {"127.0.0.1", 0}) == hosts{"127.0.0.1", "127.0.0.1", "::ffff:127.0.0.1", "::ffff:127.0.0.1"});
    CHECK(code_of([&] { ends({"0.0.0.0", 0}, {"::1", 0}); }) == std::errc::connection_refused);
}

EFFECTS_OVER_BOTH_NETWORKS("nobody listens at, or connects to, no name", "[net][listener][error]") {
    CHECK(code_of([] { perform(net::listen({"", 0})); }) == net::errc::host_not_found);
    CHECK_THAT(message_of([] {
                   perform(net::listen({"", 0}));
               }),
               Catch::Matchers::StartsWith("while listening at :0: host not found: \"\""));
    CHECK(code_of([] { perform(net::connect({"", 80})); }) == net::errc::host_not_found);
    CHECK_THAT(message_of([] {
                   perform(net::connect({"", 80}));
               }),
               Catch::Matchers::StartsWith("while connecting to :80: host not found: \"\""));
}

EFFECTS_OVER_BOTH_NETWORKS("a refused connection says who refused it", "[net][connect][error]") {
    net::endpoint const nobody = [] { return perform(net::listen({"127.0.0.1", 0})).local(); }();
    CHECK(code_of([&] { perform(net::connect(nobody)); }) == std::errc::connection_refused);
    CHECK(message_of([&] { perform(net::connect(nobody)); }) ==
          "while connecting to " + nobody.text() + ": connection refused");
}

EFFECTS_OVER_BOTH_NETWORKS("a name that nobody has does not resolve", "[net][resolve][error]") {
    net::endpoint const nowhere{"does-not-exist.invalid", 80};
    CHECK(code_of([&] { perform(net::resolve(nowhere.host, 80)); }) == net::errc::host_not_found);
    CHECK(code_of([&] { perform(net::connect(nowhere)); }) == net::errc::host_not_found);
    CHECK_THAT(message_of([&] { perform(net::connect(nowhere)); }),
               Catch::Matchers::Contains("while connecting to does-not-exist.invalid:80"));
}

EFFECTS_OVER_BOTH_NETWORKS("addresses resolve to themselves, localhost to this machine's", "[net][resolve]") {
    CHECK(perform(net::resolve("127.0.0.1", 80)) == std::vector<net::endpoint>{{"127.0.0.1", 80}});
    CHECK(perform(net::resolve("::1", 443)) == std::vector<net::endpoint>{{"::1", 443}});
    for (auto const& e : perform(net::resolve("localhost", 8080))) {
        CHECK((e.host == "127.0.0.1" || e.host == "::1"));
        CHECK(e.port == 8080);
    }
}

EFFECTS_OVER_BOTH_NETWORKS("a listener can be reached by the name of its host", "[net][connect]") {
    net::listener door = perform(net::listen({"127.0.0.1", 0}));
    async::task_group([&](async::group& g) {
        g.spawn([&] { door.accept().write("found"); });
        net::stream s = perform(net::connect({"localhost", door.local().port}));
        CHECK(s.read_all() == "found");
    });
}

EFFECTS_OVER_BOTH_NETWORKS("many connections are accepted, each once", "[net][listener]") {
    net::listener door = perform(net::listen({"127.0.0.1", 0}));
    constexpr int count = 50;
    std::string heard;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < count; ++i)
            g.spawn([&] {
                net::stream s = perform(net::connect(door.local()));
                s.write("x");
                s.shutdown_write();
                CHECK(s.read_all() == "x");
            });
        for (int i = 0; i < count; ++i)
            g.spawn([&heard, s = door.accept()]() mutable {
                std::string const got = s.read_all();
                s.write(got);
                heard += got;
            });
    });
    CHECK(heard == std::string(count, 'x'));
}

EFFECTS_OVER_BOTH_NETWORKS("connections that came before accept wait for it, in order", "[net][listener]") {
    net::listener door = perform(net::listen({"127.0.0.1", 0}));
    net::stream first = perform(net::connect(door.local()));
    net::stream second = perform(net::connect(door.local()));
    first.write("1");
    second.write("2");
    first.shutdown_write();
    second.shutdown_write();
    CHECK(door.accept().read_all() == "1");
    CHECK(door.accept().read_all() == "2");
}

EFFECTS_OVER_BOTH_NETWORKS("closing a listener ends its suspended accept with `closed`", "[net][listener]") {
    net::listener door = perform(net::listen({"127.0.0.1", 0}));
    std::optional<std::error_code> got;
    async::task_group([&](async::group& g) {
        g.spawn([&] { got = code_of([&] { door.accept(); }); });
        async::yield();
        door.close();
        door.close();
    });
    CHECK(got == net::errc::closed);
    CHECK(message_of([&] { door.accept(); }) ==
          "while accepting at " + door.local().text() + ": the listener was closed on this side");
    CHECK(door.local().port != 0);
}

EFFECTS_OVER_BOTH_NETWORKS("an accept that timed out loses no connection", "[net][listener][cancel]") {
    net::listener door = perform(net::listen({"127.0.0.1", 0}));
    CHECK_FALSE(async::try_timeout(200us, [&] { door.accept(); }));
    net::stream const peer = perform(net::connect(door.local()));
    CHECK(door.accept().remote() == peer.local());
}

EFFECTS_OVER_BOTH_NETWORKS("who is not accepted when the listener closes is reset or refused",
                           "[net][listener][error]") {
    net::listener door = perform(net::listen({"127.0.0.1", 0}));
    net::stream peer = perform(net::connect(door.local()));
    door.close();
    CHECK(code_of([&] { peer.read_all(); }) == std::errc::connection_reset);
}

EFFECTS_OVER_BOTH_NETWORKS("a task that was cancelled connects to nobody", "[net][connect][cancel]") {
    net::listener door = perform(net::listen({"127.0.0.1", 0}));
    async::task_group([&](async::group& g) {
        g.cancel();
        CHECK_THROWS_AS(perform(net::connect(door.local())), async::cancelled);
    });
    CHECK_FALSE(async::try_timeout(2ms, [&] { door.accept(); }));
}

EFFECTS_OVER_BOTH_NETWORKS("a task that was cancelled listens, accepts and resolves no more",
                           "[net][listener][resolve][cancel]") {
    net::listener door = perform(net::listen({"127.0.0.1", 0}));
    net::stream const waiting = perform(net::connect(door.local()));
    async::sleep_for(10ms);
    async::task_group([&](async::group& g) {
        g.cancel();
        CHECK_THROWS_AS(perform(net::listen({"127.0.0.1", 0})), async::cancelled);
        CHECK_THROWS_AS(perform(net::listen({"localhost", 0})), async::cancelled);
        CHECK_THROWS_AS(perform(net::listen(net::endpoint::unix_socket("@effects-cancelled"))), async::cancelled);
        CHECK_THROWS_AS(door.accept(), async::cancelled);
        for (auto host : {"127.0.0.1", "localhost", "does-not-exist.invalid"}) {
            CHECK_THROWS_AS(perform(net::resolve(host, 80)), async::cancelled);
            CHECK_THROWS_AS(perform(net::connect({host, 80})), async::cancelled);
        }
    });
    CHECK(door.accept().remote() == waiting.local());
}

EFFECTS_OVER_BOTH_NETWORKS("what waits for a name or a connection is refused under must_not_suspend, always",
                           "[net][listener][resolve][must_not_suspend]") {
    net::listener const door = perform(net::listen({"127.0.0.1", 0}));
    perform(net::resolve("localhost", 80)); // it is known from now on
    async::must_not_suspend const here("the thread's");
    CHECK_THROWS_AS(perform(net::resolve("localhost", 80)), std::logic_error);
    CHECK_THROWS_AS(perform(net::listen({"localhost", 0})), std::logic_error);
    CHECK_THROWS_AS(perform(net::bind_datagram({"localhost", 0})), std::logic_error);
    CHECK_THROWS_AS(perform(net::connect_datagram({"localhost", 80})), std::logic_error);
    CHECK_THROWS_AS(perform(net::connect(door.local())), std::logic_error);
    CHECK(perform(net::resolve("127.0.0.1", 80)).size() == 1);
    CHECK(perform(net::listen({"127.0.0.1", 0})).local().port != 0);
    net::datagram_socket socket = perform(net::bind_datagram({"127.0.0.1", 0}));
    CHECK_THROWS_AS(socket.send_to("x", {"localhost", socket.local().port}), std::logic_error);
    CHECK_NOTHROW(socket.send_to("x", socket.local()));
}

EFFECTS_OVER_BOTH_NETWORKS("a path that no Unix domain socket can have is refused", "[net][unix][error]") {
    auto of = [](std::string const& path) {
        auto const at = net::endpoint::unix_socket(path);
        auto const code = code_of([&] { perform(net::listen(at)); });
        CHECK(code_of([&] { perform(net::connect(at)); }) == code);
        return code;
    };
    CHECK(of("") == std::errc::invalid_argument);
    CHECK(of(std::string("/tmp/a\0b", 8)) == std::errc::invalid_argument);
    CHECK(of("/tmp/" + std::string(103, 'x')) == std::errc::filename_too_long);
    CHECK(of("@" + std::string(108, 'x')) == std::errc::filename_too_long);
    auto const longest = net::endpoint::unix_socket("@effects-" + std::string(99, 'x'));
    net::listener const door = perform(net::listen(longest));
    CHECK(perform(net::connect(longest)).remote() == longest);
}

EFFECTS_OVER_BOTH_NETWORKS("Unix domain sockets carry bytes and go with their listener", "[net][unix]") {
    auto const at = net::endpoint::unix_socket("@effects-conformance");
    {
        net::listener door = perform(net::listen(at));
        CHECK(door.local() == at);
        CHECK(code_of([&] { perform(net::listen(at)); }) == std::errc::address_in_use);
        async::task_group([&](async::group& g) {
            g.spawn([&] { door.accept().write("hello"); });
            CHECK(perform(net::connect(at)).read_all() == "hello");
        });
    }
    CHECK_THROWS_AS(perform(net::connect(at)), net::error);
}
