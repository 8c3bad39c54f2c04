// SPDX-License-Identifier: BSL-1.0
#include "name_cache.hpp"

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <new>
#include <utility>

#include <effects/async/detail/waiter.hpp>
#include <effects/live/detail/event_loop.hpp>

#include "worker_pool.hpp"

namespace effects::live::detail {
namespace {

constexpr std::size_t most_names = 1024; // a crawler asks for each once

} // namespace

// The resolver cannot be told to stop: tasks that are cancelled go their way, their world may end, and the answer goes nowhere.
class name_cache::lookup final : public job, public std::enable_shared_from_this<lookup> {
public:
    lookup(name_cache& cache, net::endpoint const& of) : name(of), cache_(cache), loop_(cache.loop_), search_(of, 0) {}

    // With a reference of the caller's own: it may be out of the cache when it returns.
    std::vector<address> wait() {
        async::detail::waiter w("net::resolve", this);
        struct counted {
            lookup& l;
            explicit counted(lookup& in) : l(in) { l.count(1); }
            ~counted() {
                if (l.count(-1) == 0 && !l.over_) l.cache_.finished(l);
            }
        } const here{*this};
        if (!std::exchange(begun_, true)) submit_detached(shared_from_this());
        waiting_.push_back(w);
        w.wait();
        return search_.result();
    }

    void run() noexcept override {
        if (!is_waited_for()) return;
        search_.run();
        std::lock_guard lock(mutex_); // as long as somebody waits, the loop is there
        if (callers_ != 0) loop_.post([self = shared_from_this()] { self->tell(); });
    }

    net::endpoint const name;

private:
    int count(int change) {
        std::lock_guard lock(mutex_);
        return callers_ += change;
    }
    bool is_waited_for() {
        std::lock_guard lock(mutex_);
        return callers_ != 0;
    }
    void tell() {
        if (over_) return; // all who waited have gone in between
        over_ = true;
        try {
            if (search_.found()) cache_.keep(name, search_.result());
        } catch (std::bad_alloc const&) { // not kept, then
        }
        cache_.finished(*this);
        waiting_.wake_all();
    }

    // The loop's thread's:
    name_cache& cache_;
    event_loop& loop_;
    bool begun_ = false;
    bool over_ = false;
    async::detail::waiter_list waiting_;
    // The worker's, until it has posted:
    address_search search_;

    std::mutex mutex_;
    int callers_ = 0;
};

name_cache::name_cache(event_loop& loop, async::duration keep) noexcept : loop_(loop), keep_(keep) {}
name_cache::~name_cache() = default;

std::vector<address> name_cache::find(net::endpoint const& of) {
    async::detail::suspension_point("net::resolve");
    address_search numeric(of, AI_NUMERICHOST);
    numeric.run();
    if (!numeric.not_numeric() || of.host.empty()) return numeric.result();
    async::detail::refuse_what_waits(async::detail::current_task(), "net::resolve"); // whether or not the name is known
    if (auto known = known_.find(of); known != known_.end()) {
        if (loop_.now() < known->second.until) return known->second.addresses;
        known_.erase(known);
    }
    auto& under_way = under_way_[of];
    if (!under_way) under_way = std::make_shared<lookup>(*this, of);
    auto const mine = under_way;
    return mine->wait();
}

void name_cache::keep(net::endpoint const& name, std::vector<address> addresses) {
    if (keep_ <= async::duration::zero()) return;
    auto const now = loop_.now();
    if (known_.size() >= most_names) std::erase_if(known_, [&](auto const& e) { return e.second.until <= now; });
    if (known_.size() >= most_names)
        known_.erase(std::min_element(known_.begin(), known_.end(),
                                      [](auto const& a, auto const& b) { return a.second.until < b.second.until; }));
    known_.insert_or_assign(name, entry{std::move(addresses), async::after(now, keep_)});
}

void name_cache::finished(lookup& l) noexcept {
    auto const here = under_way_.find(l.name);
    if (here != under_way_.end() && here->second.get() == &l) under_way_.erase(here);
}

} // namespace effects::live::detail
