// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include <effects/async/group.hpp>
#include <effects/live/run.hpp>
#include <effects/net/connect.hpp>
#include <effects/net/error.hpp>
#include <effects/net/listen.hpp>
#include <effects/perform.hpp>
#include <effects/sim/run.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "loopback.hpp"

using effects::perform;
namespace async = effects::async;
namespace fs = std::filesystem;
namespace live = effects::live;
namespace net = effects::net;
namespace sim = effects::sim;

namespace {

class folder {
public:
    folder() {
        std::string name = (fs::temp_directory_path() / "effects-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()));
        path_ = name;
    }
    ~folder() { fs::remove_all(path_); }
    net::endpoint socket(std::string const& name = "s") const {
        return net::endpoint::unix_socket((path_ / name).string());
    }

private:
    fs::path path_;
};

std::string exchanged(net::endpoint const& at) {
    net::listener door = perform(net::listen(at));
    std::string heard;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            net::stream peer = door.accept();
            std::string all(5, ' ');
            peer.read_exactly(effects::test_support::bytes_of(all));
            peer.write(all + " to you");
            peer.shutdown_write();
        });
        net::stream s = perform(net::connect(door.local()));
        CHECK(s.remote() == door.local());
        CHECK(s.local().is_unix_socket());
        s.write(std::string("hello"));
        heard = s.read_all();
    });
    return heard;
}

template <class F>
net::error error_of(F f) {
    try {
        f();
    } catch (net::error const& e) {
        return e;
    }
    FAIL("it threw nothing");
    throw;
}

} // namespace

TEST_CASE("a Unix domain socket carries bytes both ways, in both worlds", "[net][live][sim][unix]") {
    folder const at;
    CHECK(live::run([&] { return exchanged(at.socket()); }) == "hello to you");
    CHECK(live::run([&] { return exchanged(net::endpoint::unix_socket("@effects-" + std::to_string(::getpid()))); }) ==
          "hello to you");
    CHECK(sim::run([] { return exchanged(net::endpoint::unix_socket("/run/s")); }) == "hello to you");
}

TEST_CASE("a listener's file goes with it, and only its own", "[net][live][unix]") {
    folder const at;
    std::string const path(at.socket().path());
    live::run([&] {
        {
            net::listener door = perform(net::listen(at.socket()));
            CHECK(fs::is_socket(path));
        }
        CHECK_FALSE(fs::exists(path));

        net::listener door = perform(net::listen(at.socket()));
        fs::remove(path);
        net::listener other = perform(net::listen(at.socket()));
        door.close();
        CHECK(fs::is_socket(path));
        other.close();
        CHECK_FALSE(fs::exists(path));
    });
}

TEST_CASE("a listener takes the place of one that was killed, not of one that listens or of a file",
          "[net][live][unix]") {
    folder const at;
    std::string const path(at.socket().path());
    int const killed = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(killed, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(killed, 1) == 0);
    ::close(killed);

    live::run([&] {
        CHECK(error_of([&] { perform(net::connect(at.socket())); }).code() == std::errc::connection_refused);
        net::listener door = perform(net::listen(at.socket()));
        auto const e = error_of([&] { perform(net::listen(at.socket())); });
        CHECK(e.code() == std::errc::address_in_use);
        CHECK_THAT(e.what(), Catch::Matchers::Contains("listening at unix:" + path));

        std::string const file(at.socket("file").path());
        fs::create_directory(file);
        CHECK(error_of([&] { perform(net::listen(at.socket("file"))); }).code() == std::errc::address_in_use);
        CHECK(fs::exists(file));
    });
}

TEST_CASE("a Unix domain socket that is not there is an error that names it", "[net][live][sim][unix][error]") {
    folder const at;
    auto refused = [](net::endpoint const& to) {
        auto const e = error_of([&] { perform(net::connect(to)); });
        CHECK(e.code() == std::errc::no_such_file_or_directory);
        CHECK_THAT(e.what(),
                   Catch::Matchers::Contains("connecting to unix:") && Catch::Matchers::Contains("no such file"));
    };
    live::run([&] { refused(at.socket()); });
    sim::run([&] { refused(net::endpoint::unix_socket("/run/s")); });

    live::run([] {
        auto const long_path = net::endpoint::unix_socket("/" + std::string(200, 'x'));
        CHECK(error_of([&] { perform(net::connect(long_path)); }).code() == std::errc::filename_too_long);
        CHECK(error_of([&] { perform(net::listen(long_path)); }).code() == std::errc::filename_too_long);
        CHECK(error_of([&] { perform(net::listen(net::endpoint::unix_socket(""))); }).code() ==
              std::errc::invalid_argument);
        CHECK(error_of([&] { perform(net::connect(net::endpoint::unix_socket(std::string("/a\0b", 4)))); }).code() ==
              std::errc::invalid_argument);
    });
}

TEST_CASE("who connects to a Unix domain socket waits while its listener has no room", "[net][live][unix]") {
    folder const at;
    live::run([&] {
        net::listener door = perform(net::listen(at.socket(), 1));
        int served = 0;
        async::task_group([&](async::group& g) {
            for (int i = 0; i < 20; ++i)
                g.spawn([&] {
                    net::stream s = perform(net::connect(at.socket()));
                    s.read_all();
                    ++served;
                });
            for (int i = 0; i < 20; ++i) door.accept();
        });
        CHECK(served == 20);
    });
}
