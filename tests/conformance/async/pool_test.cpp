// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace async = effects::async;
using namespace std::chrono_literals;

namespace {

void let_others_run() {
    for (int i = 0; i < 50; ++i) async::yield();
}

struct tally {
    int made = 0;
    int alive = 0;
    int most = 0;
};

// A resource that can't be copied, numbered as it was made.
class resource {
public:
    explicit resource(tally& t) : number(++t.made), of_(&t) { t.most = std::max(t.most, ++t.alive); }
    resource(resource&& other) noexcept
        : number(other.number), good(other.good), of_(std::exchange(other.of_, nullptr)) {}
    resource& operator=(resource&&) = delete;
    ~resource() {
        if (of_) --of_->alive;
    }

    int number;
    bool good = true;

private:
    tally* of_;
};

} // namespace

EFFECTS_IN_BOTH_WORLDS("a pool makes resources when they are needed, and lends the last used first", "[async][pool]") {
    tally t;
    {
        async::pool<resource> p{{.create = [&] { return resource(t); }, .max = 3}};
        CHECK(t.made == 0);
        CHECK(p.max() == 3);
        {
            auto a = p.acquire();
            auto b = p.acquire();
            CHECK(a->number == 1);
            CHECK((*b).number == 2);
            CHECK(p.in_use() == 2);
            CHECK(p.idle() == 0);
            a.release();
            CHECK_FALSE(a);
            a.release();
            CHECK(p.idle() == 1);
        } // b last
        CHECK(p.acquire()->number == 2);
        CHECK(t.made == 2);
        CHECK(p.in_use() == 0);
        CHECK(p.idle() == 2);
    }
    CHECK(t.alive == 0);
}

EFFECTS_IN_BOTH_WORLDS("a pool lends no more than its max; who waits first is served first", "[async][pool]") {
    tally t;
    async::pool<resource> p{{.create =
                                 [&] {
                                     async::yield();
                                     return resource(t);
                                 },
                             .max = 2}};
    std::vector<int> order;
    async::task_group([&](async::group& g) {
        auto a = p.acquire();
        auto b = p.acquire();
        for (int i = 0; i < 6; ++i)
            g.spawn([&, i] {
                auto mine = p.acquire();
                order.push_back(i);
                async::yield();
            });
        let_others_run();
        CHECK(order.empty());
        a.release(); // and the other one stays: they come one after the other
        while (order.size() < 6) async::yield();
    });
    CHECK(order == std::vector{0, 1, 2, 3, 4, 5});
    CHECK(t.most == 2);
    CHECK(t.made == 2);
    CHECK(p.in_use() == 0);
}

EFFECTS_IN_BOTH_WORLDS("a lease moves; an empty one says so", "[async][pool]") {
    tally t;
    async::pool<resource> p{{.create = [&] { return resource(t); }, .max = 2}};
    auto a = p.acquire();
    async::lease<resource> b(std::move(a));
    CHECK_FALSE(a);
    CHECK(b->number == 1);
    CHECK_THROWS_AS(a->number, std::logic_error);
    CHECK_THROWS_AS(*async::lease<resource>(), std::logic_error);
    auto c = p.acquire();
    b = std::move(c); // gives the first one back
    CHECK(b->number == 2);
    CHECK(p.idle() == 1);
    CHECK(p.in_use() == 1);
    b = async::lease<resource>();
    CHECK(p.in_use() == 0);
    CHECK(p.idle() == 2);
}

EFFECTS_IN_BOTH_WORLDS("a resource that is discarded makes room for a new one", "[async][pool]") {
    tally t;
    async::pool<resource> p{{.create = [&] { return resource(t); }, .max = 1}};
    async::task_group([&](async::group& g) {
        auto a = p.acquire();
        auto next = g.spawn([&] { return p.acquire()->number; });
        let_others_run();
        a.discard();
        CHECK_FALSE(a);
        CHECK(t.alive == 0);
        CHECK(next.get() == 2);
    });
    CHECK(t.most == 1);
}

EFFECTS_IN_BOTH_WORLDS("an idle resource is validated before it is lent; bad ones are dropped", "[async][pool]") {
    tally t;
    int asked = 0;
    async::pool<resource> p{{.create = [&] { return resource(t); },
                             .max = 3,
                             .validate =
                                 [&](resource& r) {
                                     ++asked;
                                     async::yield();
                                     if (r.number == 2)
                                         throw effects::error(std::make_error_code(std::errc::connection_reset),
                                                              "gone");
                                     return r.good;
                                 }}};
    {
        auto a = p.acquire(), b = p.acquire(), c = p.acquire();
        CHECK(asked == 0); // new ones are good
        c->good = false;
        a.release();
        b.release();
    }
    auto one = p.acquire(); // 3 is bad, 2 throws
    CHECK(one->number == 1);
    CHECK(asked == 3);
    CHECK(t.alive == 1);
    CHECK(p.idle() == 0);
    one.release();
    one = p.acquire();
    CHECK(one->number == 1);
}

EFFECTS_IN_BOTH_WORLDS("what validate and create throw leaves acquire; the turn goes on to the next", "[async][pool]") {
    tally t;
    bool broken = false;
    bool refuses = false;
    async::pool<resource> p{{.create =
                                 [&] {
                                     async::yield();
                                     if (std::exchange(refuses, false)) throw std::runtime_error("refused");
                                     return resource(t);
                                 },
                             .max = 1,
                             .validate =
                                 [&](resource&) {
                                     if (std::exchange(broken, false)) throw std::runtime_error("a bug in validate");
                                     return true;
                                 }}};
    { auto a = p.acquire(); }
    broken = true;
    CHECK_THROWS_WITH(p.acquire(), "a bug in validate");
    CHECK(t.alive == 0);
    CHECK(p.in_use() == 0);

    refuses = true;
    async::task_group([&](async::group& g) {
        auto first = g.spawn([&] { CHECK_THROWS_WITH(p.acquire(), "refused"); });
        auto second = g.spawn([&] { return p.acquire()->number; });
        first.wait();
        CHECK(second.get() == 2);
    });
    CHECK(p.in_use() == 0);
}

EFFECTS_IN_BOTH_WORLDS("a cancelled waiter loses no turn and no resource", "[async][pool][cancel]") {
    tally t;
    async::pool<resource> p{{.create = [&] { return resource(t); }, .max = 1}};
    async::task_group([&](async::group& g) {
        auto held = p.acquire();
        auto first = g.spawn([&] { auto mine = p.acquire(); });
        int got = 0;
        auto second = g.spawn([&] { got = p.acquire()->number; });
        let_others_run();
        first.cancel();
        held.release();
        second.wait();
        CHECK(got == 1);

        // It has its turn, and is cancelled before it has run: it gives back what it was lent.
        held = p.acquire();
        auto third = g.spawn([&] {
            auto mine = p.acquire();
            async::checkpoint();
            got = -1;
        });
        let_others_run();
        held.release();
        third.cancel();
        third.wait();
        CHECK(got == 1);
        CHECK(p.acquire()->number == 1);
    });
    CHECK(p.in_use() == 0);
    CHECK(t.made == 1);
}

EFFECTS_IN_BOTH_WORLDS("cancelling in the midst of create or validate lets the next one in", "[async][pool][cancel]") {
    tally t;
    bool hangs = true;
    auto hang = [&] {
        if (std::exchange(hangs, false)) async::event().wait();
    };
    async::pool<resource> p{{.create =
                                 [&] {
                                     hang();
                                     return resource(t);
                                 },
                             .max = 1,
                             .validate =
                                 [&](resource&) {
                                     hang();
                                     return true;
                                 }}};
    async::task_group([&](async::group& g) {
        auto creates = g.spawn([&] { auto mine = p.acquire(); });
        auto waits = g.spawn([&] { return p.acquire()->number; });
        creates.cancel();
        CHECK(waits.get() == 1);

        hangs = true;
        auto validates = g.spawn([&] { auto mine = p.acquire(); });
        auto after_it = g.spawn([&] { return p.acquire()->number; });
        validates.cancel();
        CHECK(after_it.get() == 2); // nobody knows what state the first one was left in
    });
    CHECK(t.alive == 1);
    CHECK(p.in_use() == 0);
}

TEST_CASE("what was idle for longer than the limit is dropped, in sim", "[async][pool][sim]") {
    worlds::in_sim([] {
        tally t;
        async::pool<resource> p{{.create = [&] { return resource(t); }, .max = 3, .idle_limit = 1min}};
        {
            auto a = p.acquire(), b = p.acquire();
            async::sleep_for(1h); // in use, not idle
        }
        async::sleep_for(1min);
        CHECK(p.acquire()->number == 1); // a went last; just within the limit
        CHECK(t.alive == 2);
        async::sleep_for(1ns);
        p.drop_expired(); // b
        CHECK(t.alive == 1);
        CHECK(p.idle() == 1);
        async::sleep_for(2min);
        CHECK(p.acquire()->number == 3);
        CHECK(t.alive == 1);
        p.drop_idle();
        CHECK(t.alive == 0);
    });
}

EFFECTS_IN_BOTH_WORLDS("many tasks share a pool, some cancelled, some discarding, and none is lost",
                       "[async][pool][cancel]") {
    tally t;
    int served = 0;
    {
        async::pool<resource> p{{.create =
                                     [&] {
                                         async::yield();
                                         return resource(t);
                                     },
                                 .max = 3,
                                 .validate =
                                     [&](resource& r) {
                                         async::yield();
                                         return r.good;
                                     }}};
        async::task_group([&](async::group& g) {
            std::vector<async::task<void>> all;
            for (int i = 0; i < 60; ++i) {
                all.push_back(g.spawn([&, i] {
                    auto mine = p.acquire();
                    ++served;
                    async::yield();
                    mine->good = i % 5 != 0;
                    if (i % 7 == 0) mine.discard();
                }));
                if (i % 4 == 3) {
                    async::yield();
                    all[static_cast<std::size_t>(i - i % 3)].cancel();
                }
            }
        });
        CHECK(p.in_use() == 0);
        CHECK(p.idle() <= 3);
        CHECK(t.alive == static_cast<int>(p.idle()));
    }
    CHECK(served >= 45);
    CHECK(t.most <= 3);
    CHECK(t.alive == 0);
}

TEST_CASE("a pool that could never lend is refused; one that need not wait works outside of a world", "[async][pool]") {
    CHECK_THROWS_AS(async::pool<int>({.create = [] { return 1; }, .max = 0}), std::invalid_argument);
    CHECK_THROWS_AS(async::pool<int>({}), std::invalid_argument);
    async::pool<int> p{{.create = [] { return 1; }}};
    CHECK(*p.acquire() == 1);
    CHECK(p.idle() == 1);
}
