// SPDX-License-Identifier: BSL-1.0
// What only the machine's datagrams do. This program's own sendto stands in front of the C library's.
#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>

#include <effects/async/group.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/threads.hpp>
#include <effects/async/timeout.hpp>
#include <effects/live/run.hpp>
#include <effects/net.hpp>
#include <effects/perform.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/socket.h>

using effects::perform;
namespace async = effects::async;
namespace live = effects::live;
namespace net = effects::net;
using namespace std::chrono_literals;

namespace {

bool no_room = false; // calls of sendto would block

std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int fd = 0; fd < 4096; ++fd)
        if (::fcntl(fd, F_GETFD) >= 0) ++count;
    return count;
}

net::datagram_socket bound(net::datagram_options const& how = {}) {
    return perform(net::bind_datagram({"127.0.0.1", 0}, how));
}

template <class F>
std::string message_of(F f) {
    try {
        f();
    } catch (net::error const& e) {
        return e.what();
    }
    return {};
}

} // namespace

extern "C" ssize_t sendto(int fd, void const* bytes, size_t size, int flags, sockaddr const* to, socklen_t to_size) {
    using call = ssize_t (*)(int, void const*, size_t, int, sockaddr const*, socklen_t);
    static auto const real = reinterpret_cast<call>(::dlsym(RTLD_NEXT, "sendto"));
    if (no_room) {
        errno = EAGAIN;
        return -1;
    }
    return real(fd, bytes, size, flags, to, to_size);
}

TEST_CASE("a send waits where the system has no room for it", "[net][live][datagram]") {
    live::run([] {
        net::datagram_socket server = bound();
        net::datagram_socket client = bound();
        async::task_group([&](async::group& g) {
            no_room = true;
            auto sent = g.spawn([&] { client.send_to("waited", server.local()); });
            CHECK_FALSE(async::try_timeout(5ms, [&] { server.receive(); }));
            no_room = false;
            server.send_to("an event, after which it is looked at again", client.local());
            sent.get();
            CHECK(server.receive().bytes == "waited");
        });
    });
}

TEST_CASE("a send that was cancelled has sent nothing", "[net][live][datagram][cancel]") {
    live::run([] {
        net::datagram_socket server = bound();
        net::datagram_socket client = bound();
        no_room = true;
        CHECK_FALSE(async::try_timeout(5ms, [&] { client.send_to("never", server.local()); }));
        no_room = false;
        client.send_to("later", server.local());
        CHECK(server.receive().bytes == "later");
    });
}

TEST_CASE("closing a datagram socket ends its suspended send with `closed`", "[net][live][datagram]") {
    live::run([] {
        net::datagram_socket server = bound();
        net::datagram_socket client = bound();
        std::optional<std::error_code> got;
        async::task_group([&](async::group& g) {
            no_room = true;
            g.spawn([&] {
                try {
                    client.send_to("never", server.local());
                } catch (net::error const& e) {
                    got = e.code();
                }
            });
            client.close();
        });
        no_room = false;
        CHECK(got == net::errc::closed);
    });
}

TEST_CASE("an address that is not this machine's can't be bound to", "[net][live][datagram][error]") {
    live::run([] {
        CHECK(message_of([] {
                  perform(net::bind_datagram({"192.0.2.200", 0}));
              }) == "while binding to 192.0.2.200:0: cannot assign requested address");
        CHECK_THAT(message_of([] {
                       perform(net::bind_datagram({"does-not-exist.invalid", 0}));
                   }),
                   Catch::Matchers::StartsWith("while binding to does-not-exist.invalid:0: host not found"));
        CHECK(message_of([] { bound({.multicast_interface = "no-such0"}); }) ==
              "while binding to 127.0.0.1:0: while looking for the network interface no-such0: no such device");
        CHECK(message_of([] {
                  perform(net::connect_datagram({"127.0.0.1", 9}, {}, net::endpoint{"::1", 0}));
              }) == "while connecting to 127.0.0.1:9: address family not supported by protocol");
    });
}

TEST_CASE("a host without a name is no address to send to", "[net][live][datagram][error]") {
    live::run([] {
        CHECK_THAT(message_of([] { bound().send_to("x", {"", 0}); }), Catch::Matchers::Contains("host not found"));
    });
}

TEST_CASE("a sender that always has more does not keep other tasks from running", "[net][live][datagram]") {
    live::run([] {
        net::datagram_socket server = bound();
        net::datagram_socket client = bound();
        bool other_ran = false;
        int steps = 0;
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                async::yield();
                other_ran = true;
            });
            for (; !other_ran && steps < 100'000; ++steps) client.send_to("x", server.local());
            g.cancel();
        });
        CHECK(other_ran);
        CHECK(steps < 1000);
    });
}

TEST_CASE("datagram sockets that are left open close with their world", "[net][live][datagram]") {
    live::run([] {}); // the first world opens what signal handlers write to, for good
    std::size_t const before = open_descriptors();
    {
        net::datagram_socket kept = live::run([] { return bound(); });
        CHECK(open_descriptors() == before);
        kept.close();
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("a datagram socket is refused to another world's task", "[net][live][datagram]") {
    live::run([] {
        net::datagram_socket socket = bound();
        live::run({.handle_signals = false}, [&] {
            CHECK_THROWS_AS(socket.receive(), std::logic_error);
            CHECK_THROWS_AS(socket.send_to("x", socket.local()), std::logic_error);
        });
    });
}

TEST_CASE("the threads of a world share a port of datagrams", "[net][live][datagram][threads]") {
    int got[2] = {0, 0};
    std::atomic<int> ready{0};
    live::run({.threads = 2}, [&] {
        net::datagram_socket first = bound({.reuse_port = true});
        net::endpoint const at = first.local();
        net::datagram_socket client = bound();
        first.close();
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                async::on_each_thread([&] {
                    net::datagram_socket socket = perform(net::bind_datagram(at, {.reuse_port = true}));
                    ++ready;
                    for (;;) {
                        net::datagram const d = socket.receive();
                        ++got[async::thread()];
                        socket.send_to(d.bytes, d.from);
                    }
                });
            });
            while (ready != 2) async::sleep_for(1ms);
            for (int i = 0; i < 100; ++i) {
                net::datagram_socket each = perform(net::connect_datagram(at));
                each.send("x");
                each.receive();
            }
            g.cancel();
        });
    });
    CHECK(got[0] + got[1] == 100);
    CHECK(got[0] != 0);
    CHECK(got[1] != 0);
}
