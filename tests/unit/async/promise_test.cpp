// SPDX-License-Identifier: BSL-1.0
#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "thread_world.hpp"

namespace async = effects::async;
using namespace std::chrono_literals;

namespace {

class joined {
public:
    template <class F>
    explicit joined(F f) : thread_(std::move(f)) {}
    joined(joined const&) = delete;
    joined& operator=(joined const&) = delete;
    ~joined() { thread_.join(); }

private:
    std::thread thread_;
};

} // namespace

TEST_CASE("a promise that another thread sets wakes the tasks that wait for it", "[async][promise][threads]") {
    for (int round = 0; round < 50; ++round) {
        async::promise<std::string> p;
        joined setter([p, round] {
            if (round % 2) std::this_thread::yield();
            p.set_value("from there");
        });
        int got = thread_world::run([&] {
            int count = 0;
            async::task_group([&](async::group& g) {
                for (int i = 0; i < 3; ++i) g.spawn([&] { count += p.get() == "from there"; });
            });
            return count;
        });
        CHECK(got == 3);
    }
}

TEST_CASE("a promise that another thread fails throws where it is waited for", "[async][promise][threads]") {
    async::promise<void> p;
    joined setter([p] { p.set_exception(std::runtime_error("there")); });
    thread_world::run([&] { CHECK_THROWS_WITH(p.get(), "there"); });
}

TEST_CASE("a wait for a promise that is cancelled while another thread sets it ends one way or the other",
          "[async][promise][threads]") {
    int values = 0, cancelled = 0;
    for (int round = 0; round < 200; ++round) {
        async::promise<int> p;
        std::atomic<bool> go{false};
        joined setter([p, &go] {
            while (!go) {
            }
            p.set_value(1);
        });
        thread_world::run([&] {
            async::task_group([&](async::group& g) {
                auto t = g.spawn([p] { return p.get(); });
                go = true;
                for (int i = 0; i < round % 20; ++i) async::yield();
                t.cancel();
                t.wait();
                try {
                    values += t.get();
                } catch (async::task_cancelled const&) {
                    ++cancelled;
                }
            });
            CHECK(p.get() == 1);
        });
    }
    CHECK(values + cancelled == 200);
}

TEST_CASE("a promise is waited for by tasks of several worlds at once", "[async][promise][threads]") {
    async::promise<int> question, answer;
    std::atomic<int> sum{0};
    {
        std::deque<joined> worlds;
        for (int i = 0; i < 3; ++i)
            worlds.emplace_back([&] {
                thread_world::run([&] {
                    int n = answer.get();
                    sum += n;
                });
            });
        worlds.emplace_back([&] { thread_world::run([&] { answer.set_value(question.get() * 2); }); });
        question.set_value(5);
    }
    CHECK(sum == 30);
}

TEST_CASE("of many threads that set a promise one is the first", "[async][promise][threads]") {
    async::promise<int> p;
    std::atomic<int> first{0};
    {
        std::deque<joined> threads;
        for (int i = 0; i < 4; ++i) threads.emplace_back([&, i] { first += p.try_set_value(i); });
    }
    CHECK(first == 1);
    CHECK(p.done());
}

TEST_CASE("a promise may be destroyed as soon as the wait for it has returned", "[async][promise][threads]") {
    for (int round = 0; round < 200; ++round) {
        auto p = std::make_unique<async::promise<int>>();
        std::atomic<bool> go{false};
        joined setter([&go, p = p.get()] {
            while (!go) {
            }
            p->set_value(1);
        });
        thread_world::run([&] {
            go = true;
            for (int i = 0; i < round % 10; ++i) async::yield();
            p->wait();
            p.reset();
        });
    }
}

TEST_CASE("several threads add context to one promise's error, each for itself", "[async][promise][threads]") {
    async::promise<int> p;
    p.set_exception(effects::error(std::make_error_code(std::errc::io_error), "disk"));
    std::atomic<int> right{0};
    {
        std::deque<joined> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (int round = 0; round < 50; ++round) try {
                        effects::with_context("reading", [&] { return p.get(); });
                    } catch (effects::error const& e) {
                        right += std::string_view(e.what()) == "while reading: disk";
                    }
            });
    }
    CHECK(right == 200);
}

TEST_CASE("functions posted from other threads run on the scheduler's", "[async][threads]") {
    thread_world::run([] {
        auto& home = *async::detail::current_task().home;
        auto here = std::this_thread::get_id();
        std::vector<bool> ran_here;
        async::event all;
        joined poster([&] {
            for (int i = 0; i < 100; ++i)
                home.post([&] {
                    ran_here.push_back(std::this_thread::get_id() == here);
                    if (ran_here.size() == 100) all.set();
                });
        });
        all.wait();
        CHECK(ran_here == std::vector<bool>(100, true));
    });
}
