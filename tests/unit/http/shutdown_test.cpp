// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/async/cancelled.hpp>
#include <effects/async/event.hpp>
#include <effects/async/timeout.hpp>
#include <effects/http/client.hpp>
#include <effects/http/error.hpp>
#include <effects/net/listen.hpp>
#include <effects/sim/network.hpp>

#include "far_end.hpp"
#include "sample_server.hpp"

namespace async = effects::async;
namespace http = effects::http;
namespace net = effects::net;
namespace sim = effects::sim;
using effects::perform;
using namespace std::chrono_literals;

namespace {

/// Serves until `stop` is set; then cancels with `why`. Gives how serve ended.
struct serving {
    async::event stop = {};
    std::string ended = "not at all";

    void run(async::reason why, http::server_options options = {}) {
        try {
            async::task_group([&](async::group& g) {
                g.spawn([&, o = std::move(options)] {
                    try {
                        http::serve("server:80", sample(), o);
                        ended = "returned";
                    } catch (async::cancelled const&) {
                        ended = "cancelled";
                        throw;
                    }
                });
                stop.wait();
                g.cancel(why);
            });
        } catch (async::cancelled const&) {
        }
    }
};

} // namespace

TEST_CASE("a server that is shut down finishes its requests, closes what idles, and returns",
          "[http][server][shutdown]") {
    sim::run([] {
        serving s;
        async::task_group([&](async::group& g) {
            g.spawn([&] { s.run(async::reason::shutdown); });
            auto idle = dial();
            idle.write("GET /hello HTTP/1.1\r\nHost: s\r\n\r\n");
            idle.read_until("hello", 1000);
            auto silent = dial();
            auto slow = dial();
            slow.write("GET /slow/5 HTTP/1.1\r\nHost: s\r\n\r\n");
            async::sleep_for(1s);

            auto begun = async::now();
            s.stop.set();

            CHECK(idle.read_all().empty());
            CHECK(silent.read_all().empty());
            CHECK(async::now() == begun);
            CHECK_THROWS_AS(dial(), net::error);
            CHECK_THAT(slow.read_all(), Catch::StartsWith("HTTP/1.1 200 OK") && Catch::Contains("Connection: close") &&
                                            Catch::EndsWith("slow"));
            CHECK(async::now() - begun == 4s);
        });
        CHECK(s.ended == "returned");
    });
}

TEST_CASE("a request that outlives the grace is cancelled", "[http][server][shutdown]") {
    sim::run([] {
        serving s;
        http::server_options o;
        o.grace = 2s;
        async::task_group([&](async::group& g) {
            g.spawn([&] { s.run(async::reason::shutdown, o); });
            auto slow = dial();
            slow.write("GET /slow/100 HTTP/1.1\r\nHost: s\r\n\r\n");
            async::sleep_for(1s);
            auto begun = async::now();
            s.stop.set();

            CHECK(failure_of([&] { CHECK(slow.read_all().empty()); }).what.find("HTTP/1.1") == std::string::npos);
            CHECK(async::now() - begun == 2s);
        });
        CHECK(s.ended == "returned");
    });
}

TEST_CASE("any other cancellation goes on after the server has ended", "[http][server][shutdown]") {
    sim::run([] {
        serving s;
        async::task_group([&](async::group& g) {
            g.spawn([&] { s.run(async::reason::requested); });
            async::yield();
            s.stop.set();
        });
        CHECK(s.ended == "cancelled");
        CHECK_THROWS_AS(async::timeout(1s, [] { http::serve("server:80", sample()); }), async::timed_out);
        auto again = perform(net::listen({"server", 80})); // the address is free
    });
}
