// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace async = effects::async;
using namespace std::chrono_literals;

namespace {

void let_others_run() {
    for (int i = 0; i < 50; ++i) async::yield();
}

} // namespace

EFFECTS_IN_BOTH_WORLDS("items come out of a channel in the order in which they went in, until it is closed",
                       "[async][channel]") {
    for (std::size_t capacity : {std::size_t{0}, std::size_t{1}, std::size_t{3}, async::unbounded}) {
        async::channel<int> c(capacity);
        std::vector<int> received;
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                for (int i = 0; i < 10; ++i) c.send(i);
                c.close();
            });
            for (int i : c) received.push_back(i);
        });
        CHECK(received == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    }
}

EFFECTS_IN_BOTH_WORLDS("a send waits while the channel is full", "[async][channel]") {
    async::channel<int> c(2);
    int sent = 0;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            for (int i = 0; i < 4; ++i) {
                c.send(i);
                ++sent;
            }
        });
        let_others_run();
        CHECK(sent == 2);
        CHECK(c.size() == 2);
        CHECK(c.receive() == 0);
        let_others_run();
        CHECK(sent == 3);
        CHECK(c.size() == 2);
        CHECK(c.receive() == 1);
        CHECK(c.receive() == 2);
        CHECK(c.receive() == 3);
    });
    CHECK(sent == 4);
}

EFFECTS_IN_BOTH_WORLDS("a channel of capacity 0 hands over: a send ends when its item is received",
                       "[async][channel]") {
    async::channel<std::string> c;
    bool sent = false;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            c.send("x");
            sent = true;
        });
        let_others_run();
        CHECK_FALSE(sent);
        CHECK(c.size() == 0);
        CHECK(c.receive() == "x");
        let_others_run();
        CHECK(sent);
    });
}

EFFECTS_IN_BOTH_WORLDS("who waited first is served first, senders and receivers", "[async][channel]") {
    async::channel<int> c;
    std::vector<int> received;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 5; ++i) g.spawn([&c, i] { c.send(i); });
        for (int i = 0; i < 5; ++i) received.push_back(*c.receive());
    });
    CHECK(received == std::vector{0, 1, 2, 3, 4});

    std::vector<int> by_receiver(5);
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 5; ++i) g.spawn([&, i] { by_receiver[static_cast<std::size_t>(i)] = *c.receive(); });
        for (int i = 0; i < 5; ++i) c.send(10 + i);
    });
    CHECK(by_receiver == std::vector{10, 11, 12, 13, 14});
}

EFFECTS_IN_BOTH_WORLDS("a closed channel gives what is left, then nothing", "[async][channel]") {
    async::channel<int> c(3);
    c.send(1);
    c.send(2);
    c.close();
    c.close();
    CHECK(c.closed());
    CHECK(c.receive() == 1);
    CHECK(c.try_receive() == 2);
    CHECK_FALSE(c.receive());
    CHECK_FALSE(c.try_receive());
    CHECK_THROWS_AS(c.send(3), async::channel_closed);
    CHECK_FALSE(c.try_send(3));
}

EFFECTS_IN_BOTH_WORLDS("closing wakes all who wait: receivers with nothing, senders with channel_closed",
                       "[async][channel]") {
    async::channel<int> c;
    int ended = 0;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 2; ++i)
            g.spawn([&] {
                CHECK_FALSE(c.receive());
                ++ended;
            });
        c.close();
    });
    CHECK(ended == 2);

    async::channel<int> full(1);
    full.send(0);
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 2; ++i)
            g.spawn([&] {
                try {
                    full.send(1);
                    FAIL("no exception");
                } catch (async::channel_closed const& e) {
                    CHECK(e.code() == std::errc::broken_pipe);
                    ++ended;
                }
            });
        full.close();
    });
    CHECK(ended == 4);
    CHECK(full.receive() == 0);
    CHECK_FALSE(full.receive());
}

EFFECTS_IN_BOTH_WORLDS("a cancelled receiver loses no item", "[async][channel][cancel]") {
    async::channel<int> c;
    std::vector<int> received;
    async::task_group([&](async::group& g) {
        auto receive = [&] {
            if (auto i = c.receive()) received.push_back(*i);
        };
        auto first = g.spawn(receive);
        auto second = g.spawn(receive);
        auto third = g.spawn(receive);
        CHECK(c.try_send(1)); // handed to the first
        first.cancel();       // too late
        second.cancel();      // it has not got anything
        first.wait();
        second.wait();
        CHECK(c.try_send(2));
        third.wait();
    });
    CHECK(received == std::vector{1, 2});
}

EFFECTS_IN_BOTH_WORLDS("a cancelled sender has sent, or has not", "[async][channel][cancel]") {
    async::channel<int> c;
    int sent = 0;
    async::task_group([&](async::group& g) {
        auto send = [&](int i) {
            c.send(i);
            ++sent;
        };
        auto first = g.spawn(send, 1);
        auto second = g.spawn(send, 2);
        auto third = g.spawn(send, 3);
        second.cancel();
        second.wait();
        CHECK(c.try_receive() == 1);
        first.cancel(); // its item is gone, so it returns
        first.wait();
        CHECK(c.try_receive() == 3);
        CHECK_FALSE(c.try_receive());
    });
    CHECK(sent == 2);
}

EFFECTS_IN_BOTH_WORLDS("what comes for a task that is cancelled already goes to the next one",
                       "[async][channel][cancel]") {
    async::channel<int> c;
    async::condition changed;
    async::mutex m;
    int received = 0, notified = 0;
    async::task_group([&](async::group& g) {
        auto first = g.spawn([&] { (void)c.receive(); });
        auto second = g.spawn([&] { received = *c.receive(); });
        first.cancel();
        CHECK(c.try_send(7)); // before the first one has run again

        auto wait = [&] {
            auto held = m.lock();
            changed.wait(held);
            ++notified;
        };
        auto third = g.spawn(wait);
        auto fourth = g.spawn(wait);
        third.cancel();
        changed.notify_one();
        fourth.wait();
        second.wait();
    });
    CHECK(received == 7);
    CHECK(notified == 1);
}

EFFECTS_IN_BOTH_WORLDS("a receive that times out leaves the item for the next one", "[async][channel][timeout]") {
    async::channel<int> c;
    CHECK_FALSE(async::try_timeout(1ms, [&] { return c.receive(); }));
    async::task_group([&](async::group& g) {
        g.spawn([&] { c.send(5); });
        CHECK(c.receive() == 5);
    });
}

EFFECTS_IN_BOTH_WORLDS("try_send and try_receive never wait", "[async][channel]") {
    async::channel<std::unique_ptr<int>> c(1);
    auto item = std::make_unique<int>(1), second = std::make_unique<int>(2);
    CHECK(c.try_send(std::move(item)));
    CHECK_FALSE(c.try_send(std::move(second)));
    REQUIRE(second != nullptr); // what was not sent stays
    CHECK(**c.try_receive() == 1);
    CHECK_FALSE(c.try_receive());

    async::channel<int> handing;
    int const constant = 1;
    CHECK_FALSE(handing.try_send(constant)); // nobody there to take it
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] { return handing.receive(); });
        CHECK(handing.try_send(constant));
        CHECK(t.get() == 1);
        g.spawn([&] { handing.send(2); });
        CHECK(handing.try_receive() == 2);
    });
}

EFFECTS_IN_BOTH_WORLDS("several receivers share the items of several senders, none lost, none twice",
                       "[async][channel]") {
    async::channel<int> c(4);
    std::vector<int> seen;
    async::task_group([&](async::group& g) {
        auto senders = std::make_shared<int>(5);
        for (int s = 0; s < 5; ++s)
            g.spawn([&c, senders, s] {
                for (int i = 0; i < 20; ++i) {
                    c.send(s * 20 + i);
                    if (i % 3 == 0) async::yield();
                }
                if (--*senders == 0) c.close();
            });
        for (int r = 0; r < 3; ++r)
            g.spawn([&] {
                for (int i : c) {
                    seen.push_back(i);
                    if (i % 2 == 0) async::yield();
                }
            });
    });
    std::sort(seen.begin(), seen.end());
    std::vector<int> expected(100);
    std::iota(expected.begin(), expected.end(), 0);
    CHECK(seen == expected);
}

// ---- event ----

EFFECTS_IN_BOTH_WORLDS("an event wakes all who wait, and lets pass who comes later, until it is reset",
                       "[async][event]") {
    async::event e;
    int woken = 0;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 3; ++i)
            g.spawn([&] {
                e.wait();
                ++woken;
            });
        let_others_run();
        CHECK(woken == 0);
        e.set();
        CHECK(e.is_set());
        e.reset(); // those who waited are woken all the same
    });
    CHECK(woken == 3);
    CHECK_FALSE(e.is_set());
    CHECK_FALSE(async::try_timeout(1ms, [&] { e.wait(); }));
    e.set();
    e.wait();
}

// ---- semaphore ----

EFFECTS_IN_BOTH_WORLDS("a semaphore lets so many in, in the order in which they came", "[async][semaphore]") {
    async::semaphore s(2);
    int inside = 0, most = 0;
    std::vector<int> order;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 6; ++i)
            g.spawn([&, i] {
                auto p = s.acquire();
                order.push_back(i);
                most = std::max(most, ++inside);
                async::yield();
                --inside;
            });
    });
    CHECK(most == 2);
    REQUIRE(order.size() == 6);
    CHECK(order[0] == 0);
    CHECK(order[1] == 1);
    CHECK(s.available() == 2);
}

EFFECTS_IN_BOTH_WORLDS("a permit moves, is given back once, and early if told to", "[async][semaphore]") {
    async::semaphore s(2);
    auto a = s.acquire();
    auto b = std::move(a);
    CHECK_FALSE(a);
    CHECK(s.available() == 1);
    b.release();
    b.release();
    CHECK(s.available() == 2);
    b = s.acquire(2);
    CHECK(s.available() == 0);
    CHECK_FALSE(s.try_acquire());
    b = {};
    CHECK(s.try_acquire(2));
    CHECK(s.available() == 2);
    CHECK(s.total() == 2);
}

EFFECTS_IN_BOTH_WORLDS("a large demand is not overtaken by small ones", "[async][semaphore]") {
    async::semaphore s(3);
    std::string order;
    async::task_group([&](async::group& g) {
        auto held = s.acquire(1);
        g.spawn([&] {
            auto p = s.acquire(3);
            order += 'L';
        });
        g.spawn([&] {
            auto p = s.acquire(1);
            order += 's';
        });
        CHECK_FALSE(s.try_acquire(1));
        let_others_run();
        CHECK(order.empty());
        held.release();
    });
    CHECK(order == "Ls");
}

EFFECTS_IN_BOTH_WORLDS("a demand that is cancelled takes no permit and lets those behind it go on",
                       "[async][semaphore][cancel]") {
    async::semaphore s(2);
    bool second = false;
    async::task_group([&](async::group& g) {
        auto held = s.acquire(1);
        auto large = g.spawn([&] { auto p = s.acquire(2); });
        auto small = g.spawn([&] {
            auto p = s.acquire(1);
            second = true;
        });
        large.cancel();
        small.wait();
        CHECK(second);
        CHECK(s.available() == 1);
    });
    CHECK(s.available() == 2);
}

EFFECTS_IN_BOTH_WORLDS("a permit that was handed over and cancelled at once is not lost",
                       "[async][semaphore][cancel]") {
    async::semaphore s(1);
    async::task_group([&](async::group& g) {
        auto held = s.acquire();
        auto t = g.spawn([&] { auto p = s.acquire(); });
        held.release();
        t.cancel();
    });
    CHECK(s.available() == 1);
}

EFFECTS_IN_BOTH_WORLDS("a demand for more permits than there are is refused", "[async][semaphore]") {
    async::semaphore s(2);
    CHECK_THROWS_AS(s.acquire(3), std::logic_error);
    CHECK_FALSE(s.try_acquire(3));
}

// ---- mutex, condition ----

EFFECTS_IN_BOTH_WORLDS("a mutex keeps others out over suspensions, and serves them in order", "[async][mutex]") {
    async::mutex m;
    std::string order;
    async::task_group([&](async::group& g) {
        for (char c : std::string("abc"))
            g.spawn([&, c] {
                auto held = m.lock();
                order += c;
                let_others_run();
                order += c;
            });
    });
    CHECK(order == "aabbcc");
    CHECK_FALSE(m.is_locked());
}

EFFECTS_IN_BOTH_WORLDS("a mutex: try_lock, early unlock, and locking it twice", "[async][mutex]") {
    async::mutex m;
    auto held = m.lock();
    CHECK(m.is_locked());
    CHECK_FALSE(m.try_lock());
    CHECK_THROWS_AS(m.lock(), std::logic_error);
    held.unlock();
    CHECK_FALSE(held);
    held.unlock();
    CHECK(m.try_lock());
    CHECK_FALSE(m.is_locked());
}

EFFECTS_IN_BOTH_WORLDS("who is cancelled while it waits for a mutex leaves the queue", "[async][mutex][cancel]") {
    async::mutex m;
    std::string order;
    async::task_group([&](async::group& g) {
        auto held = m.lock();
        auto a = g.spawn([&] {
            auto mine = m.lock();
            order += 'a';
        });
        auto b = g.spawn([&] {
            auto mine = m.lock();
            order += 'b';
        });
        a.cancel();
        held.unlock();
        b.wait();
    });
    CHECK(order == "b");
    CHECK_FALSE(m.is_locked());
}

EFFECTS_IN_BOTH_WORLDS("a condition waits with its mutex unlocked, and has it locked again", "[async][condition]") {
    async::mutex m;
    async::condition changed;
    int value = 0;
    std::string order;
    async::task_group([&](async::group& g) {
        for (int wanted : {1, 2})
            g.spawn([&, wanted] {
                auto held = m.lock();
                changed.wait(held, [&] { return value >= wanted; });
                CHECK(m.is_locked());
                order += static_cast<char>('0' + wanted);
            });
        for (int i = 0; i < 2; ++i) {
            let_others_run();
            auto held = m.lock();
            ++value;
            changed.notify_all();
        }
    });
    CHECK(order == "12");
}

EFFECTS_IN_BOTH_WORLDS("a condition that is cancelled locks before it throws", "[async][condition][cancel]") {
    async::mutex m;
    async::condition changed;
    bool locked = false;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            auto held = m.lock();
            try {
                changed.wait(held);
            } catch (async::cancelled const&) {
                locked = static_cast<bool>(held) && m.is_locked();
                throw;
            }
        });
        CHECK_FALSE(m.is_locked());
        t.cancel();
        t.wait();
        auto empty = m.lock();
        empty.unlock();
        CHECK_THROWS_AS(changed.wait(empty), std::logic_error);
    });
    CHECK(locked);
    CHECK_FALSE(m.is_locked());
}

// ---- barrier ----

EFFECTS_IN_BOTH_WORLDS("a barrier lets all go when the last has come, again and again", "[async][barrier]") {
    async::barrier b(3);
    std::string order;
    int last = 0;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 3; ++i)
            g.spawn([&] {
                for (char round : {'a', 'b'}) {
                    order += round;
                    last += b.arrive_and_wait();
                }
            });
    });
    CHECK(order == "aaabbb");
    CHECK(last == 2);
    CHECK(b.waiting() == 0);
    CHECK_THROWS_AS(async::barrier(0), std::invalid_argument);
}

EFFECTS_IN_BOTH_WORLDS("who is cancelled in a barrier has not arrived", "[async][barrier][cancel]") {
    async::barrier b(2);
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] { b.arrive_and_wait(); });
        CHECK(b.waiting() == 1);
        t.cancel();
        t.wait();
        CHECK(b.waiting() == 0);
        g.spawn([&] { CHECK_FALSE(b.arrive_and_wait()); });
        CHECK(b.arrive_and_wait());
    });
}

// ---- promise ----

EFFECTS_IN_BOTH_WORLDS("a promise gives its value to all who wait, and to those who come later", "[async][promise]") {
    async::promise<std::string> p;
    int got = 0;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 3; ++i)
            g.spawn([&got, p] {
                CHECK(p.get() == "value");
                ++got;
            });
        CHECK_FALSE(p.done());
        p.set_value("value");
        CHECK(p.done());
        CHECK(p.get() == "value");
    });
    CHECK(got == 3);
}

EFFECTS_IN_BOTH_WORLDS("a promise gives its exception to all who wait", "[async][promise]") {
    async::promise<void> p;
    p.set_exception(std::runtime_error("no"));
    CHECK_THROWS_WITH(p.get(), "no");
    CHECK_THROWS_WITH(p.take(), "no");
    p.wait();
    async::promise<int> q;
    CHECK_THROWS_AS(q.set_exception(std::exception_ptr()), std::invalid_argument);
    q.set_exception(std::make_exception_ptr(3));
    CHECK_THROWS_AS(q.get(), int);
}

EFFECTS_IN_BOTH_WORLDS("a promise is set once", "[async][promise]") {
    async::promise<int> p;
    CHECK(p.try_set_value(1));
    CHECK_FALSE(p.try_set_value(2));
    CHECK_FALSE(p.try_set_exception(std::runtime_error("x")));
    CHECK_THROWS_AS(p.set_value(3), std::logic_error);
    CHECK_THROWS_AS(p.set_exception(std::runtime_error("x")), std::logic_error);
    CHECK(p.get() == 1);
}

EFFECTS_IN_BOTH_WORLDS("take moves the value of a promise out, once", "[async][promise]") {
    async::promise<std::unique_ptr<int>> p;
    p.set_value(std::make_unique<int>(5));
    CHECK(*p.take() == 5);
    CHECK_THROWS_AS(p.take(), std::logic_error);
}

EFFECTS_IN_BOTH_WORLDS("who is cancelled while it waits for a promise leaves nothing behind",
                       "[async][promise][cancel]") {
    async::promise<int> p;
    async::task_group([&](async::group& g) {
        auto first = g.spawn([p] { return p.get(); });
        auto second = g.spawn([p] { return p.get(); });
        first.cancel();
        first.wait();
        p.set_value(4);
        CHECK(second.get() == 4);
        CHECK_THROWS_AS(first.get(), async::task_cancelled);
    });
}
