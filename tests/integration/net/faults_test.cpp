// SPDX-License-Identifier: BSL-1.0
// The system's calls, as they are on bad days: a resolver that hangs, a name with an address that swallows packets, an epoll set
// that is full. This program's own getaddrinfo and epoll_ctl stand in front of the C library's.
#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <string>
#include <vector>

#include <effects/async/group.hpp>
#include <effects/async/timeout.hpp>
#include <effects/live/run.hpp>
#include <effects/net/connect.hpp>
#include <effects/net/error.hpp>
#include <effects/net/listen.hpp>
#include <effects/perform.hpp>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

using effects::perform;
namespace async = effects::async;
namespace live = effects::live;
namespace net = effects::net;
using namespace std::chrono_literals;

namespace {

std::shared_future<void> until; // a lookup of "hangs.test" lasts
std::promise<void> began;       // and this is when it begins
std::atomic<int> lookups{0};    // of "counted.test", which is 127.0.0.1, and of "fails.test"
std::atomic<int> refused{0};    // descriptors that the epoll set will not take

using lookup = int (*)(char const*, char const*, addrinfo const*, addrinfo**);
lookup real_lookup() { return reinterpret_cast<lookup>(::dlsym(RTLD_NEXT, "getaddrinfo")); }

sockaddr_in ipv4(char const* text, std::uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    ::inet_pton(AF_INET, text, &a.sin_addr);
    return a;
}

// An address of this machine that neither answers nor refuses: its queue of connections is full.
class black_hole {
public:
    explicit black_hole(std::uint16_t port) {
        auto const at = ipv4("127.0.0.2", port);
        auto const* where = reinterpret_cast<sockaddr const*>(&at);
        sockets_.push_back(::socket(AF_INET, SOCK_STREAM, 0));
        REQUIRE(::bind(sockets_[0], where, sizeof at) == 0);
        REQUIRE(::listen(sockets_[0], 0) == 0);
        for (int i = 0; i < 4; ++i) {
            sockets_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
            ::connect(sockets_.back(), where, sizeof at);
        }
    }
    ~black_hole() {
        for (int s : sockets_) ::close(s);
    }

private:
    std::vector<int> sockets_;
};

} // namespace

extern "C" int getaddrinfo(char const* host, char const* port, addrinfo const* wanted, addrinfo** found) {
    bool const numeric = wanted && (wanted->ai_flags & AI_NUMERICHOST) != 0;
    if (!numeric && host && std::strcmp(host, "hangs.test") == 0) {
        auto const end = until;
        began.set_value();
        end.wait();
        return EAI_NONAME;
    }
    if (!numeric && host && std::strcmp(host, "counted.test") == 0) {
        ++lookups;
        return real_lookup()("127.0.0.1", port, wanted, found);
    }
    if (!numeric && host && std::strcmp(host, "fails.test") == 0) {
        ++lookups;
        return EAI_AGAIN;
    }
    if (!numeric && host && std::strcmp(host, "mixed.test") == 0) {
        addrinfo** next = found;
        for (char const* a : {"::1", "::2", "::3", "127.0.0.1", "127.0.0.2"}) {
            if (int const failure = real_lookup()(a, port, wanted, next)) return failure;
            while (*next) next = &(*next)->ai_next;
        }
        return 0;
    }
    if (!numeric && host && std::strcmp(host, "twofold.test") == 0) {
        addrinfo* second = nullptr;
        if (int const failure = real_lookup()("127.0.0.2", port, wanted, found)) return failure;
        if (int const failure = real_lookup()("127.0.0.1", port, wanted, &second)) return failure;
        (*found)->ai_next = second;
        return 0;
    }
    return real_lookup()(host, port, wanted, found);
}

extern "C" int epoll_ctl(int set, int what, int fd, epoll_event* event) noexcept {
    static auto const real = reinterpret_cast<int (*)(int, int, int, epoll_event*)>(::dlsym(RTLD_NEXT, "epoll_ctl"));
    if (what == EPOLL_CTL_ADD && refused > 0) {
        --refused;
        errno = ENOSPC; // as beyond /proc/sys/fs/epoll/max_user_watches
        return -1;
    }
    return real(set, what, fd, event);
}

TEST_CASE("live::run returns while the resolver still looks for a name that nobody wants any more",
          "[net][live][resolve]") {
    std::promise<void> answer;
    until = answer.get_future().share();

    live::run([&] {
        async::task_group([&](async::group& g) {
            g.spawn([] { perform(net::connect({"hangs.test", 80})); });
            began.get_future().wait(); // this thread, so that the lookup has begun
            g.cancel();
        });
    });

    answer.set_value(); // would have been waited for
}

TEST_CASE("a name's addresses take turns between the families", "[net][live][resolve]") {
    live::run([] {
        std::vector<std::string> hosts;
        for (auto const& e : perform(net::resolve("mixed.test", 80))) hosts.push_back(e.host);
        CHECK(hosts == std::vector<std::string>{"::1", "127.0.0.1", "::2", "127.0.0.2", "::3"});
    });
}

TEST_CASE("a name is looked up once for all who ask, and its addresses are kept", "[net][live][resolve]") {
    lookups = 0;
    live::run([] {
        async::task_group([](async::group& g) {
            for (int i = 0; i < 20; ++i) g.spawn([] { CHECK(perform(net::resolve("counted.test", 1)).size() == 1); });
        });
        CHECK(lookups == 1);
        perform(net::resolve("counted.test", 1));
        CHECK(lookups == 1);
        CHECK(perform(net::resolve("counted.test", 2)).front().port == 2);
    });
    int const in_the_first_world = lookups;
    live::run([] { perform(net::resolve("counted.test", 1)); });
    CHECK(lookups == in_the_first_world + 1);
}

TEST_CASE("a lookup goes on for those who still wait for it", "[net][live][resolve][cancel]") {
    std::promise<void> answer;
    until = answer.get_future().share();
    began = {};

    live::run([&] {
        async::task_group([&](async::group& g) {
            auto first = g.spawn([] { perform(net::resolve("hangs.test", 1)); });
            began.get_future().wait();
            auto second = g.spawn([] { CHECK_THROWS_AS(perform(net::resolve("hangs.test", 1)), net::error); });
            first.cancel();
            first.wait();
            CHECK_FALSE(second.done());
            answer.set_value();
            second.wait();
        });
    });
}

TEST_CASE("whoever asks after all have given up gets a lookup of their own", "[net][live][resolve][cancel]") {
    std::promise<void> answer;
    until = answer.get_future().share();
    began = {};

    live::run([&] {
        async::task_group([&](async::group& g) {
            auto first = g.spawn([] { perform(net::resolve("hangs.test", 1)); });
            began.get_future().wait();
            first.cancel();
            first.wait();
            began = {};
            auto second = g.spawn([] { CHECK_THROWS_AS(perform(net::resolve("hangs.test", 1)), net::error); });
            began.get_future().wait(); // the second one's
            answer.set_value();
            second.wait();
        });
    });
}

TEST_CASE("with a dns_ttl of zero each asks anew", "[net][live][resolve]") {
    lookups = 0;
    live::run({.dns_ttl = 0s}, [] {
        perform(net::resolve("counted.test", 1));
        perform(net::resolve("counted.test", 1));
    });
    CHECK(lookups == 2);
}

TEST_CASE("a failed lookup is not kept", "[net][live][resolve][error]") {
    lookups = 0;
    live::run([] {
        CHECK_THROWS_AS(perform(net::resolve("fails.test", 1)), net::error);
        CHECK_THROWS_AS(perform(net::resolve("fails.test", 1)), net::error);
    });
    CHECK(lookups == 2);
}

TEST_CASE("addresses that nobody could connect to are looked up again", "[net][live][resolve][error]") {
    lookups = 0;
    live::run([] {
        std::uint16_t const closed = [] { return perform(net::listen({"127.0.0.1", 0})).local().port; }();
        CHECK_THROWS_AS(perform(net::connect({"counted.test", closed})), net::error);
        CHECK_THROWS_AS(perform(net::connect({"counted.test", closed})), net::error);
    });
    CHECK(lookups == 2);
}

TEST_CASE("an address that swallows packets does not use up the time of the next one", "[net][live][connect]") {
    live::run([] {
        net::listener door = perform(net::listen({"127.0.0.1", 0}));
        black_hole const hole(door.local().port);
        async::timeout(20s, [&] {
            auto peer = perform(net::connect({"twofold.test", door.local().port}));
            CHECK(peer.remote().host == "127.0.0.1");
        });
    });
}

TEST_CASE("a connection that can't be watched is a net::error, and the next address is tried", "[net][live][error]") {
    live::run([] {
        net::listener door = perform(net::listen({"127.0.0.1", 0}));
        refused = 1;
        CHECK_THROWS_AS(perform(net::connect(door.local())), net::error);
        CHECK(refused == 0);

        refused = 1;
        async::task_group([&](async::group& g) {
            auto accepted = g.spawn([&] { CHECK_THROWS_AS(door.accept(), net::error); });
            int const peer = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            auto const at = ipv4("127.0.0.1", door.local().port);
            ::connect(peer, reinterpret_cast<sockaddr const*>(&at), sizeof at);
            accepted.wait();
            ::close(peer);
        });
    });
}
