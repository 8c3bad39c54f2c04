// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <chrono>
#include <string>

#include <effects/async/group.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/timeout.hpp>
#include <effects/live/run.hpp>
#include <effects/net/connect.hpp>
#include <effects/net/error.hpp>
#include <effects/net/listen.hpp>
#include <effects/perform.hpp>

using effects::perform;
namespace async = effects::async;
namespace live = effects::live;
namespace net = effects::net;
using namespace std::chrono_literals;

TEST_CASE("addresses resolve to themselves", "[net][live][resolve]") {
    live::run([] {
        CHECK(perform(net::resolve("127.0.0.1", 80)) == std::vector<net::endpoint>{{"127.0.0.1", 80}});
        CHECK(perform(net::resolve("::1", 443)) == std::vector<net::endpoint>{{"::1", 443}});
    });
}

TEST_CASE("localhost resolves to addresses of this machine", "[net][live][resolve]") {
    live::run([] {
        auto const found = perform(net::resolve("localhost", 8080));
        REQUIRE_FALSE(found.empty());
        for (auto const& e : found) {
            CHECK((e.host == "127.0.0.1" || e.host == "::1"));
            CHECK(e.port == 8080);
        }
    });
}

TEST_CASE("a name that does not resolve is an error that names it", "[net][live][resolve][error]") {
    live::run([] {
        try {
            perform(net::resolve("does-not-exist.invalid", 80));
            FAIL("it must not resolve");
        } catch (net::error const& e) {
            CHECK(e.code() == net::errc::host_not_found);
            CHECK_THAT(e.what(), Catch::Matchers::Contains("does-not-exist.invalid"));
        }
        try {
            perform(net::connect({"does-not-exist.invalid", 80}));
            FAIL("it must not connect");
        } catch (net::error const& e) {
            CHECK(e.code() == net::errc::host_not_found);
            CHECK_THAT(e.what(), Catch::Matchers::Contains("while connecting to does-not-exist.invalid:80"));
        }
        CHECK_THROWS_AS(perform(net::listen({"does-not-exist.invalid", 0})), net::error);
    });
}

TEST_CASE("what cannot be a host's name is not found", "[net][live][resolve][error]") {
    std::string const host = GENERATE(std::string(), std::string("127.0.0.1\0.example", 18), std::string(5000, 'a'),
                                      std::string("a b"), std::string("::1::"));
    live::run([&] {
        try {
            perform(net::resolve(host, 80));
            FAIL("it must not resolve");
        } catch (net::error const& e) {
            CHECK(e.code() == net::errc::host_not_found);
            CHECK(std::string(e.what()).size() < 400);
        }
    });
}

TEST_CASE("names resolve side by side", "[net][live][resolve][threads]") {
    live::run([] {
        int found = 0;
        async::task_group([&](async::group& g) {
            for (int i = 0; i < 50; ++i)
                g.spawn([&] {
                    if (!perform(net::resolve("localhost", 1)).empty()) ++found;
                });
        });
        CHECK(found == 50);
    });
}

TEST_CASE("a task that is cancelled does not wait for the resolver", "[net][live][resolve][cancel][threads]") {
    live::run([] {
        async::task_group([&](async::group& g) {
            std::vector<async::task<void>> tasks;
            for (int i = 0; i < 20; ++i) tasks.push_back(g.spawn([] { perform(net::resolve("localhost", 1)); }));
            for (auto& t : tasks) t.cancel();
            async::yield();
            for (auto& t : tasks) CHECK(t.done()); // by now; the workers may still be at it
        });
    });
}
