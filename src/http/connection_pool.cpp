// SPDX-License-Identifier: BSL-1.0
#include "connection_pool.hpp"

#include <algorithm>

#include <effects/async/sleep.hpp>

#include "world.hpp"

namespace effects::http {

struct connection_pool::waiter {
    async::event turn;
    bool granted = false;
};

connection_pool::lease connection_pool::acquire(origin const& to, bool fresh) {
    key k{std::this_thread::get_id(), to};
    auto const now = steady_now();
    std::vector<std::unique_ptr<connection>> dropped; // closed after the lock is gone
    waiter self;
    {
        std::lock_guard lock(mutex_);
        drop_expired(k.first, now, dropped);
        auto& h = hosts_[k];
        if (limits_.per_host != 0 && h.in_use >= limits_.per_host) {
            h.waiting.push_back(&self);
        } else {
            ++h.in_use;
            self.granted = true;
        }
    }
    if (!self.granted) {
        try {
            self.turn.wait();
        } catch (...) {
            std::unique_lock lock(mutex_);
            if (!self.granted) {
                std::erase(hosts_[k].waiting, &self);
            } else {
                lock.unlock();
                give_back(k, nullptr); // for the next in line
            }
            throw;
        }
    }

    std::unique_ptr<connection> found;
    std::lock_guard lock(mutex_);
    auto& kept = hosts_[k].kept;
    if (fresh) std::move(kept.begin(), kept.end(), std::back_inserter(dropped)), kept.clear();
    while (!found && !kept.empty()) {
        auto last = std::move(kept.back());
        kept.pop_back();
        // A server may have hung up meanwhile; what it sent unasked is no answer to anything.
        if (last->stream.stale() || last->idle_since + limits_.idle <= steady_now())
            dropped.push_back(std::move(last));
        else
            found = std::move(last);
    }
    return {*this, std::move(k), std::move(found)};
}

void connection_pool::drop_expired(std::thread::id thread, async::time_point now,
                                   std::vector<std::unique_ptr<connection>>& dropped) {
    // Every host is looked at now and then, so that a connection to one that is never asked again closes too.
    auto [last, first_time] = swept_.try_emplace(thread, now);
    if (first_time || now < last->second + limits_.idle) return;
    last->second = now;
    for (auto at = hosts_.begin(); at != hosts_.end();) {
        auto& [k, h] = *at;
        if (k.first == thread) {
            auto alive = std::find_if(h.kept.begin(), h.kept.end(),
                                      [&](auto const& c) { return c->idle_since + limits_.idle > now; });
            std::move(h.kept.begin(), alive, std::back_inserter(dropped));
            h.kept.erase(h.kept.begin(), alive);
        }
        bool unused = h.kept.empty() && h.in_use == 0 && h.waiting.empty();
        at = unused ? hosts_.erase(at) : std::next(at);
    }
}

async::time_point connection_pool::first_to_expire() const {
    auto const here = std::this_thread::get_id();
    auto first = async::never;
    std::lock_guard lock(mutex_);
    for (auto const& [k, h] : hosts_) // the first one kept is the oldest
        if (k.first == here && !h.kept.empty())
            first = std::min(first, async::after(h.kept.front()->idle_since, limits_.idle));
    return first;
}

void connection_pool::sweep() {
    auto const here = std::this_thread::get_id();
    async::event kept;
    struct presence {
        connection_pool& pool;
        std::thread::id here;
        ~presence() {
            std::lock_guard lock(pool.mutex_);
            pool.sweepers_.erase(here);
        }
    } const while_it_sweeps{*this, here};
    {
        std::lock_guard lock(mutex_);
        sweepers_[here] = &kept;
    }
    for (;;) {
        kept.reset();
        auto const next = first_to_expire();
        if (next == async::never) {
            kept.wait();
            continue;
        }
        async::sleep_until(next);
        std::vector<std::unique_ptr<connection>> dropped;
        std::lock_guard lock(mutex_);
        swept_[here] = {};
        drop_expired(here, steady_now(), dropped);
    }
}

void connection_pool::give_back(key const& k, std::unique_ptr<connection> kept) noexcept {
    waiter* next = nullptr;
    {
        std::lock_guard lock(mutex_);
        auto& h = hosts_[k];
        if (kept) {
            h.kept.push_back(std::move(kept));
            if (auto sweeper = sweepers_.find(k.first); sweeper != sweepers_.end()) sweeper->second->set();
        }
        if (h.waiting.empty()) {
            --h.in_use;
        } else {
            next = h.waiting.front();
            h.waiting.pop_front();
            next->granted = true;
        }
    }
    if (next) next->turn.set(); // it waits on this very thread, and cannot go before it runs
}

void connection_pool::clear() noexcept {
    auto const here = std::this_thread::get_id();
    for (;;) {                                            // one host at a time, so that no memory is needed
        std::vector<std::unique_ptr<connection>> dropped; // closed when the lock is gone
        std::lock_guard lock(mutex_);
        auto at = std::find_if(hosts_.begin(), hosts_.end(), [&](auto const& entry) {
            return entry.first.first == here && !entry.second.kept.empty();
        });
        if (at == hosts_.end()) return;
        dropped.swap(at->second.kept);
    }
}

std::size_t connection_pool::idle() const {
    std::lock_guard lock(mutex_);
    std::size_t n = 0;
    for (auto const& [k, h] : hosts_) n += h.kept.size();
    return n;
}

connection_pool::lease::~lease() {
    if (!pool_) return;
    if (!keep_) connection_.reset();
    pool_->give_back(key_, std::move(connection_));
}

void connection_pool::lease::keep(async::time_point now) noexcept {
    if (pool_->limits_.idle <= std::chrono::nanoseconds::zero()) return;
    connection_->reused = true;
    connection_->idle_since = now;
    keep_ = true;
}

} // namespace effects::http
