// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace async = effects::async;
using namespace std::chrono_literals;

namespace {

void let_others_run() {
    for (int i = 0; i < 50; ++i) async::yield();
}

// Takes nothing: what is only to wait.
auto ignore = [](auto&&...) {};

} // namespace

EFFECTS_IN_BOTH_WORLDS("select takes what is there, and gives what its function returns", "[async][select]") {
    async::channel<int> numbers(1);
    async::channel<std::string> words(1);
    words.send("x");

    auto got =
        async::select(async::receive_from(numbers, [](std::optional<int> n) { return "number " + std::to_string(*n); }),
                      async::receive_from(words, [](std::optional<std::string> w) { return "word " + *w; }));

    CHECK(got == "word x");
    CHECK(words.size() == 0);
    int there = 0;
    numbers.send(1);
    int& same = async::select(async::receive_from(numbers, [&](std::optional<int>) -> int& { return there; }));
    CHECK(&same == &there);
}

EFFECTS_IN_BOTH_WORLDS("select waits for the first that comes, and leaves the other channels alone",
                       "[async][select]") {
    for (std::size_t capacity : {0u, 1u, 5u}) {
        async::channel<int> a(capacity), b(capacity);
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] {
                return async::select(async::receive_from(a, [](std::optional<int> n) { return *n; }),
                                     async::receive_from(b, [](std::optional<int> n) { return 10 * *n; }));
            });
            let_others_run();
            CHECK_FALSE(t.done());
            b.send(2);
            CHECK(a.try_send(1) == (capacity != 0)); // nobody waits in it any more
            CHECK(t.get() == 20);
            CHECK(a.size() == (capacity ? 1u : 0u));
        });
    }
}

EFFECTS_IN_BOTH_WORLDS("select sends where there is room or a receiver", "[async][select]") {
    async::channel<int> full(1), meeting;
    full.send(0);
    std::vector<std::string> sent;
    auto one = [&] {
        async::select(async::send_to(full, 1, [&] { sent.push_back("full"); }),
                      async::send_to(meeting, 2, [&] { sent.push_back("meeting"); }));
    };
    async::task_group([&](async::group& g) {
        g.spawn(one);
        let_others_run();
        CHECK(sent.empty());
        CHECK(meeting.receive() == 2);
        let_others_run();
        CHECK(sent == std::vector<std::string>{"meeting"});
        CHECK_FALSE(meeting.try_receive());

        g.spawn(one);
        let_others_run();
        CHECK(full.receive() == 0);
        let_others_run();
        CHECK(sent.back() == "full");
        CHECK(full.receive() == 1);
        CHECK_FALSE(meeting.try_receive());
    });
    CHECK(sent.size() == 2);
}

EFFECTS_IN_BOTH_WORLDS("select moves an item only where it goes; what is not an rvalue is copied", "[async][select]") {
    async::channel<std::unique_ptr<int>> out(1);
    auto item = std::make_unique<int>(1);
    bool sent = async::select(async::send_to(out, std::move(item), [] { return true; }));
    CHECK(sent);
    CHECK_FALSE(item);

    item = std::make_unique<int>(2);
    sent = async::select(async::send_to(out, std::move(item), [] { return true; }),
                         async::otherwise([] { return false; }));
    CHECK_FALSE(sent);
    REQUIRE(item); // the channel is full
    CHECK(*item == 2);

    async::channel<std::string> words(2);
    std::string word = "kept";
    async::select(async::send_to(words, word, [] {}));
    async::select(async::send_to(words, "literal", [] {}));
    CHECK(word == "kept");
    CHECK(words.receive() == "kept");
    CHECK(words.receive() == "literal");
}

EFFECTS_IN_BOTH_WORLDS("otherwise goes where nothing else can, and only there", "[async][select]") {
    async::channel<int> c(1);
    auto poll = [&] {
        return async::select(async::receive_from(c, [](std::optional<int> n) { return *n; }),
                             async::otherwise([] { return -1; }));
    };
    CHECK(poll() == -1);
    c.send(3);
    CHECK(poll() == 3);
    CHECK(poll() == -1);
}

TEST_CASE("select that need not wait works outside of a world", "[async][select]") {
    async::channel<int> c(1);
    c.send(1);
    CHECK(async::select(async::receive_from(c, [](std::optional<int> n) { return *n; }),
                        async::otherwise([] { return -1; })) == 1);
    CHECK_THROWS_AS(async::select(async::receive_from(c, ignore)), std::logic_error);
}

EFFECTS_IN_BOTH_WORLDS("a closed channel gives an empty optional once it is empty; sending to it throws",
                       "[async][select]") {
    async::channel<int> c(1);
    c.send(1);
    c.close();
    auto take = [&] { return async::select(async::receive_from(c, [](std::optional<int> n) { return n; })); };
    CHECK(take() == std::optional(1));
    CHECK(take() == std::nullopt);
    CHECK_THROWS_AS(async::select(async::send_to(c, 2, [] { FAIL("it was sent"); })), async::channel_closed);

    // Closed while they wait.
    async::channel<int> later, other;
    async::task_group([&](async::group& g) {
        auto receives = g.spawn([&] {
            return async::select(async::receive_from(later, [](std::optional<int> n) { return n.has_value(); }),
                                 async::receive_from(other, [](std::optional<int>) { return true; }));
        });
        auto sends = g.spawn([&] {
            try {
                async::select(async::send_to(later, 1, [] {}), async::receive_from(other, ignore));
                return false;
            } catch (async::channel_closed const&) {
                return true;
            }
        });
        // The two would meet: one receives what the other sends.
        CHECK(receives.get());
        async::yield();
        later.close();
        CHECK_FALSE(sends.get());
    });
    async::channel<int> full(1);
    full.send(0);
    async::task_group([&](async::group& g) {
        auto refused = g.spawn([&] {
            try {
                async::select(async::send_to(full, 1, [] {}), async::receive_from(other, ignore));
                return false;
            } catch (async::channel_closed const&) {
                return true;
            }
        });
        let_others_run();
        full.close();
        CHECK(refused.get());
        CHECK(full.size() == 1);
    });
    CHECK_FALSE(other.try_send(1));
}

EFFECTS_IN_BOTH_WORLDS("two selects meet in a rendezvous; one that both sends and receives does not meet itself",
                       "[async][select]") {
    async::channel<int> c;
    std::vector<std::string> log;
    auto either = [&](int n) {
        async::select(
            async::send_to(c, n, [&, n] { log.push_back("sent " + std::to_string(n)); }),
            async::receive_from(c, [&](std::optional<int> m) { log.push_back("got " + std::to_string(*m)); }));
    };
    async::task_group([&](async::group& g) {
        g.spawn(either, 1);
        let_others_run();
        CHECK(log.empty());
        g.spawn(either, 2);
    });
    REQUIRE(log.size() == 2);
    std::sort(log.begin(), log.end());
    CHECK((log == std::vector<std::string>{"got 1", "sent 1"} || log == std::vector<std::string>{"got 2", "sent 2"}));
    CHECK_FALSE(c.try_receive());
}

EFFECTS_IN_BOTH_WORLDS("select starves none of several that can go", "[async][select]") {
    async::channel<int> a(async::unbounded), b(async::unbounded), c(async::unbounded);
    constexpr int rounds = 300;
    for (int i = 0; i < rounds; ++i) {
        a.send(i);
        b.send(i);
        c.send(i);
    }
    int of[3] = {};
    auto count = [&](int which) { return [&of, which](std::optional<int>) { ++of[which]; }; };
    for (int i = 0; i < rounds; ++i)
        async::select(async::receive_from(a, count(0)), async::receive_from(b, count(1)),
                      async::receive_from(c, count(2)));
    CHECK(of[0] + of[1] + of[2] == rounds);
    for (int n : of) CHECK(n > rounds / 6);
}

EFFECTS_IN_BOTH_WORLDS("selects that wait are served in the order in which they came, among receives",
                       "[async][select]") {
    async::channel<int> a, b;
    std::vector<std::string> order;
    async::task_group([&](async::group& g) {
        auto selects = [&](std::string who) {
            async::select(async::receive_from(a, [&](std::optional<int>) { order.push_back(who); }),
                          async::receive_from(b, [&](std::optional<int>) { order.push_back(who); }));
        };
        g.spawn(selects, "first");
        g.spawn([&] {
            (void)a.receive();
            order.push_back("second");
        });
        g.spawn(selects, "third");
        for (int i = 0; i < 3; ++i) {
            a.send(i);
            let_others_run();
        }
    });
    CHECK(order == std::vector<std::string>{"first", "second", "third"});
}

EFFECTS_IN_BOTH_WORLDS("a cancelled select loses no item and takes none", "[async][select][cancel]") {
    async::channel<int> a, b(1);
    b.send(0);
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            async::select(async::receive_from(a, [](std::optional<int>) { FAIL("it was cancelled before"); }),
                          async::send_to(b, 7, [] { FAIL("it was cancelled before"); }));
        });
        let_others_run();
        t.cancel();
        CHECK_FALSE(a.try_send(1)); // it waits no more, though it has not run yet
        CHECK(b.try_receive() == std::optional(0));
        CHECK(b.size() == 0);
        t.wait();
        CHECK(b.size() == 0);
        CHECK_FALSE(a.try_send(1));

        // Handed over first, cancelled then: it has it.
        std::optional<int> got;
        auto u = g.spawn([&] {
            async::select(async::receive_from(a, [&](std::optional<int> n) { got = n; }),
                          async::receive_from(b, [&](std::optional<int> n) { got = n; }));
            async::checkpoint();
            FAIL("it is cancelled");
        });
        let_others_run();
        CHECK(a.try_send(5));
        u.cancel();
        CHECK(b.try_send(6)); // into the buffer: it takes no second one
        u.wait();
        CHECK(got == std::optional(5));
        CHECK(b.try_receive() == std::optional(6));
    });
}

EFFECTS_IN_BOTH_WORLDS("a select in a cancelled task takes nothing, also where it could go at once",
                       "[async][select][cancel]") {
    async::channel<int> c(1);
    c.send(1);
    async::task_group([&](async::group& g) {
        g.cancel();
        g.spawn([&] { async::select(async::receive_from(c, ignore), async::otherwise(ignore)); });
    });
    CHECK(c.try_receive() == std::optional(1));
}

EFFECTS_IN_BOTH_WORLDS("a timeout around a select leaves the channels as they were", "[async][select][timeout]") {
    async::channel<int> a, b;
    CHECK_FALSE(
        async::try_timeout(2ms, [&] { async::select(async::receive_from(a, ignore), async::send_to(b, 1, [] {})); }));
    CHECK_FALSE(a.try_send(1));
    CHECK_FALSE(b.try_receive());
    CHECK_FALSE(async::try_timeout_at(async::now(), [&] { async::select(async::receive_from(a, ignore)); }));
    CHECK_FALSE(a.try_send(1));
}

EFFECTS_IN_BOTH_WORLDS("on_timeout goes when nothing came for so long; its function is under no limit",
                       "[async][select][timeout]") {
    async::channel<int> a;
    auto begin = async::now();
    bool idle =
        async::select(async::receive_from(a, [](std::optional<int>) { return false; }), async::on_timeout(3ms, [] {
                          CHECK(async::deadline() == async::never);
                          async::sleep_for(1ms);
                          return true;
                      }));
    CHECK(idle);
    CHECK(async::now() - begin >= 4ms);
    CHECK_FALSE(a.try_send(1));

    async::task_group([&](async::group& g) {
        g.spawn([&] { a.send(1); });
        CHECK_FALSE(async::select(async::receive_from(a, [](std::optional<int>) { return false; }),
                                  async::on_timeout(1h, [] { return true; })));
    });
    CHECK(async::select(async::on_timeout(0s, [] { return 1; }),
                        async::receive_from(a, [](std::optional<int>) { return 2; })) == 1);
}

TEST_CASE("on_timeout goes at its very instant, in sim", "[async][select][sim]") {
    worlds::in_sim([] {
        auto begin = async::now();
        async::channel<int> a;
        async::select(async::receive_from(a, ignore),
                      async::on_timeout(7min, [&] { CHECK(async::now() == begin + 7min); }));
        CHECK(async::now() == begin + 7min);
    });
}

EFFECTS_IN_BOTH_WORLDS("a case whose condition does not hold takes no part", "[async][select]") {
    async::channel<int> a(1), b(1);
    a.send(1);
    b.send(2);
    auto take = [&](bool from_a, bool from_b) {
        return async::select(async::when(from_a, async::receive_from(a, [](std::optional<int> n) { return *n; })),
                             async::when(from_b, async::receive_from(b, [](std::optional<int> n) { return *n; })));
    };
    CHECK_THROWS_WITH(take(false, false), Catch::Contains("none of its cases takes part"));
    CHECK(take(false, true) == 2);
    CHECK(take(true, false) == 1);
    CHECK(async::select(async::when(false, async::send_to(a, 1, [] { return 1; })),
                        async::on_timeout(1ms, [] { return 2; })) == 2);
    CHECK(async::select(async::when(false, async::send_to(a, 1, [] { return 1; })),
                        async::otherwise([] { return 3; })) == 3);
    CHECK(a.size() == 0);
    CHECK(async::select(async::when(true, async::send_to(a, 1, [] { return 1; })),
                        async::otherwise([] { return 3; })) == 1);
}

EFFECTS_IN_BOTH_WORLDS("what a select's function throws leaves it; the item was taken", "[async][select]") {
    async::channel<int> a(1);
    a.send(1);
    CHECK_THROWS_WITH(async::select(async::receive_from(a, [](std::optional<int>) { throw std::runtime_error("no"); })),
                      "no");
    CHECK(a.size() == 0);
}

// ---- receive_any ----

EFFECTS_IN_BOTH_WORLDS("receive_any merges channels until all are closed, and says where from", "[async][select]") {
    std::deque<async::channel<int>> inboxes(3);
    std::vector<int> sum(3);
    async::task_group([&](async::group& g) {
        for (std::size_t i = 0; i < 3; ++i)
            g.spawn([&, i] {
                for (int n = 1; n <= 10; ++n) {
                    inboxes[i].send(n);
                    if (i == 1) async::yield();
                }
                inboxes[i].close();
            });
        while (auto got = async::receive_any(inboxes)) sum[got->index] += got->item;
    });
    CHECK(sum == std::vector{55, 55, 55});
    CHECK_FALSE(async::receive_any(inboxes));
    CHECK_FALSE(async::receive_any(std::vector<async::channel<int>*>{}));
}

EFFECTS_IN_BOTH_WORLDS("receive_any takes pointers, what cannot be copied, and what lies in closed channels",
                       "[async][select]") {
    async::channel<std::unique_ptr<int>> a(1), b(1);
    b.send(std::make_unique<int>(4));
    b.close();
    std::vector all{&a, &b};
    auto got = async::receive_any(all);
    REQUIRE(got);
    CHECK(got->index == 1);
    CHECK(*got->item == 4);
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] { return !async::receive_any(all); });
        let_others_run();
        CHECK_FALSE(t.done());
        a.close();
        CHECK(t.get());
    });
}

EFFECTS_IN_BOTH_WORLDS("a cancelled receive_any waits in no channel", "[async][select][cancel]") {
    std::deque<async::channel<int>> inboxes(3);
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] { (void)async::receive_any(inboxes); });
        let_others_run();
        t.cancel();
        for (auto& c : inboxes) CHECK_FALSE(c.try_send(1));
    });
}

EFFECTS_IN_BOTH_WORLDS("random selects, sends, receives and cancellations lose no item", "[async][select][cancel]") {
    async::channel<int> a, b(2);
    int sent = 0, taken = 0;
    constexpr int tasks = 40;
    async::task_group([&](async::group& g) {
        std::vector<async::task<void>> all;
        for (int i = 0; i < tasks; ++i) {
            all.push_back(g.spawn([&, i] {
                for (int n = 0; n < 5; ++n) {
                    switch ((i + n) % 4) {
                    case 0:
                        async::select(async::send_to(a, 1, [&] { ++sent; }), async::send_to(b, 1, [&] { ++sent; }));
                        break;
                    case 1:
                        async::select(async::receive_from(a, [&](std::optional<int> x) { taken += x ? 1 : 0; }),
                                      async::receive_from(b, [&](std::optional<int> x) { taken += x ? 1 : 0; }));
                        break;
                    case 2:
                        async::select(async::send_to(b, 1, [&] { ++sent; }),
                                      async::receive_from(a, [&](std::optional<int> x) { taken += x ? 1 : 0; }));
                        break;
                    default:
                        if (a.receive()) ++taken;
                    }
                }
            }));
            if (i % 3 == 2) all[static_cast<std::size_t>(i / 2)].cancel();
        }
        let_others_run();
        for (auto& t : all) t.cancel();
    });
    CHECK(a.size() == 0);
    CHECK(sent > 0);
    CHECK(sent == taken + static_cast<int>(b.size()));
}
