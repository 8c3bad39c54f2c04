// SPDX-License-Identifier: BSL-1.0
#include "turns.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

namespace effects::test_support {

struct turns::state {
    struct one {
        std::string name;
        std::function<void()> body;
        std::string waits_for = {};
        std::function<bool()> ready = {};
        bool ended = false;
        bool stuck = false;
    };

    std::mutex mutex;
    std::condition_variable turned;
    std::vector<one> tasks;
    std::size_t turn = 0;
    std::exception_ptr failure;

    std::string who_waits() const {
        std::string text;
        for (one const& t : tasks)
            if (!t.ended) text += (text.empty() ? "" : "; ") + t.name + " waits for " + t.waits_for;
        return text;
    }

    // Called by the task whose turn it is, with the lock held.
    void pass_on() {
        for (std::size_t i = 1; i <= tasks.size(); ++i) {
            std::size_t const next = (turn + i) % tasks.size();
            one& t = tasks[next];
            if (t.ended || (t.ready && !t.stuck && !t.ready())) continue;
            turn = next;
            turned.notify_all();
            return;
        }
        for (std::size_t i = 0; i < tasks.size(); ++i)
            if (!tasks[i].ended) {
                tasks[i].stuck = true;
                turn = i;
                turned.notify_all();
                return;
            }
        turn = tasks.size();
    }
};

turns::turns() : state_(std::make_unique<state>()) {}
turns::~turns() = default;

void turns::task(std::string name, std::function<void()> body) {
    state_->tasks.push_back({std::move(name), std::move(body)});
}

void turns::run() {
    state& s = *state_;
    s.turn = s.tasks.size();
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < s.tasks.size(); ++i)
        threads.emplace_back([&s, i] {
            std::unique_lock lock(s.mutex);
            s.turned.wait(lock, [&] { return s.turn == i; });
            lock.unlock();
            std::exception_ptr failure;
            try {
                s.tasks[i].body();
            } catch (...) {
                failure = std::current_exception();
            }
            s.tasks[i].body = {}; // what it owns goes while it has its turn: others may wait for that
            lock.lock();
            if (failure && !s.failure) s.failure = failure;
            s.tasks[i].ended = true;
            s.pass_on();
        });
    {
        std::lock_guard const lock(s.mutex);
        s.turn = 0;
    }
    s.turned.notify_all();
    for (std::thread& t : threads) t.join();
    if (s.failure) std::rethrow_exception(s.failure);
}

void turns::wait_until(std::string const& what, std::function<bool()> ready) {
    state& s = *state_;
    if (ready()) return;
    std::unique_lock lock(s.mutex);
    std::size_t const me = s.turn;
    auto& self = s.tasks[me];
    self.waits_for = what;
    self.ready = std::move(ready);
    s.pass_on();
    s.turned.wait(lock, [&] { return s.turn == me; });
    self.ready = {};
    if (self.stuck) {
        std::string const text = s.who_waits();
        self.stuck = false;
        throw std::runtime_error("stuck: " + text);
    }
}

} // namespace effects::test_support
