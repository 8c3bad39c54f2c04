// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <effects/multishot.hpp>

namespace async = effects::async;
using namespace std::chrono_literals;

namespace {

async::local<std::string> const request_id;
async::local<std::string> const tenant("nobody");
async::local<int> const depth(0);

} // namespace

EFFECTS_IN_BOTH_WORLDS("a local is in force for a body and what it calls; an inner binding hides an outer one",
                       "[async][local]") {
    CHECK(request_id.find() == nullptr);
    int value = request_id.with("outer", [] {
        CHECK(request_id.get() == "outer");
        request_id.with("inner", [] {
            async::yield();
            CHECK(request_id.get() == "inner");
        });
        CHECK(request_id.get() == "outer");
        return 4;
    });
    CHECK(value == 4);
    CHECK(request_id.find() == nullptr);
}

EFFECTS_IN_BOTH_WORLDS("a local without a value says what to do; one with its own gives that", "[async][local]") {
    CHECK_THROWS_AS(request_id.get(), std::logic_error);
    CHECK_THROWS_WITH(request_id.get(), Catch::Contains("async::local<std::") && Catch::Contains("with(value, body)"));
    CHECK(tenant.get() == "nobody");
    tenant.with("acme", [] { CHECK(tenant.get() == "acme"); });
    CHECK(*tenant.find() == "nobody");
}

EFFECTS_IN_BOTH_WORLDS("locals of one type do not mix", "[async][local]") {
    request_id.with("r1", [] {
        tenant.with("acme", [] {
            async::local<std::string> const third;
            third.with("x", [&] {
                CHECK(request_id.get() == "r1");
                CHECK(tenant.get() == "acme");
                CHECK(third.get() == "x");
            });
            CHECK(third.find() == nullptr);
            request_id.with("r2", [] {
                CHECK(request_id.get() == "r2");
                CHECK(tenant.get() == "acme");
            });
        });
        CHECK(tenant.get() == "nobody");
    });
}

EFFECTS_IN_BOTH_WORLDS("tasks inherit what is in force where their group is made, at any depth", "[async][local]") {
    request_id.with("r1", [] {
        async::task_group([](async::group& g) {
            g.spawn([] {
                async::yield();
                CHECK(request_id.get() == "r1");
                async::all([] { CHECK(request_id.get() == "r1"); },
                           [] {
                               request_id.with("r2", [] {
                                   async::yield();
                                   CHECK(async::map(std::vector{1, 2}, [](int) { return request_id.get(); }) ==
                                         std::vector<std::string>(2, "r2"));
                               });
                           });
                async::yield();
                CHECK(request_id.get() == "r1");
            });
            // Spawned in an inner binding, into the outer group: it may outlive the binding, so it does not see it.
            request_id.with("short", [&] {
                g.spawn([] {
                    CHECK(request_id.get() == "r1");
                    async::yield();
                    CHECK(request_id.get() == "r1");
                });
            });
        });
    });
}

EFFECTS_IN_BOTH_WORLDS("each of many tasks has its own binding over its suspensions", "[async][local]") {
    async::task_group([](async::group& g) {
        for (int i = 1; i <= 20; ++i)
            g.spawn([i] {
                depth.with(i, [i] {
                    for (int k = 0; k < 5; ++k) {
                        async::yield();
                        CHECK(depth.get() == i);
                    }
                });
            });
        async::yield();
        CHECK(depth.get() == 0);
    });
}

EFFECTS_IN_BOTH_WORLDS("a binding ends with its body, also by an exception or a cancellation", "[async][local]") {
    CHECK_THROWS_WITH(request_id.with("r1", []() -> int { throw std::runtime_error("no"); }), "no");
    CHECK(request_id.find() == nullptr);
    CHECK_FALSE(async::try_timeout(1ms, [] { request_id.with("r1", [] { async::event().wait(); }); }));
    CHECK(request_id.find() == nullptr);
}

EFFECTS_IN_BOTH_WORLDS("a local holds what cannot be copied, and stays where it is", "[async][local]") {
    async::local<std::unique_ptr<int>> const owned;
    owned.with(std::make_unique<int>(3), [&] {
        auto const* first = owned.find();
        async::yield();
        CHECK(owned.find() == first);
        CHECK(**first == 3);
    });
}

EFFECTS_IN_BOTH_WORLDS("bound_to is a handler as others, innermost first", "[async][local]") {
    struct ask {
        using result_type = std::string;
    };
    auto text = effects::handle([] { return effects::perform(ask{}); },
                                [](ask const&) { return request_id.get() + " of " + tenant.get(); },
                                effects::handlers(request_id.bound_to("r1"), tenant.bound_to("acme")));
    CHECK(text == "r1 of acme");
    // A clause runs under what is in force outside of its own: not under a binding further in.
    text = effects::handle([] { return request_id.with("inner", [] { return effects::perform(ask{}); }); },
                           [](ask const&) { return request_id.get(); }, request_id.bound_to("outer"));
    CHECK(text == "outer");
}

TEST_CASE("locals work outside of a world, and in a run's handlers", "[async][local]") {
    CHECK(depth.get() == 0);
    depth.with(3, [] { CHECK(depth.get() == 3); });
    effects::sim::run([] { async::all([] { CHECK(depth.get() == 7); }, [] { CHECK(tenant.get() == "acme"); }); },
                      depth.bound_to(7), tenant.bound_to("acme"));
}

TEST_CASE("a resumed body sees the bindings where it is resumed", "[async][local]") {
    struct pause {
        using result_type = void;
    };
    effects::resumption<pause, int> kept;
    effects::handle<int>(
        [] {
            effects::perform(pause{});
            return depth.get();
        },
        effects::control<pause>([&](pause, auto k) {
            kept = std::move(k);
            return 0;
        }));
    CHECK(depth.with(5, [&] { return std::move(kept).resume(); }) == 5);
}
