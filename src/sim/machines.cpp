// SPDX-License-Identifier: BSL-1.0
#include <effects/sim/detail/machines.hpp>

#include <limits>
#include <utility>

namespace effects::sim::detail {

namespace {

async::duration drifted(async::duration passed, std::int64_t parts_per_million) noexcept {
    constexpr std::int64_t million = 1'000'000;
    std::int64_t const n = passed.count();
    std::int64_t const part = parts_per_million % million; // of which the products fit
    return async::duration(saturated_sum(saturated_product(n, parts_per_million / million),
                                         n / million * part + n % million * part / million));
}

} // namespace

std::int64_t saturated_sum(std::int64_t a, std::int64_t b) noexcept {
    using limits = std::numeric_limits<std::int64_t>;
    if (b > 0) return a > limits::max() - b ? limits::max() : a + b;
    return a < limits::min() - b ? limits::min() : a + b;
}

std::int64_t saturated_product(std::int64_t a, std::int64_t b) noexcept {
    using limits = std::numeric_limits<std::int64_t>;
    if (a == 0 || b == 0) return 0;
    bool const negative = (a < 0) != (b < 0);
    auto const size = [](std::int64_t n) {
        return n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
    };
    if (size(a) > static_cast<std::uint64_t>(limits::max()) / size(b)) return negative ? limits::min() : limits::max();
    return a * b;
}

async::duration skewed_clock::error(async::time_point now) const noexcept {
    return async::duration(saturated_sum(offset_.count(), drifted(now - since_, parts_per_million_).count()));
}

void skewed_clock::jump(async::duration by) noexcept {
    offset_ = async::duration(saturated_sum(offset_.count(), by.count()));
}

void skewed_clock::drift(std::int64_t parts_per_million, async::time_point now) noexcept {
    offset_ = error(now);
    since_ = now;
    parts_per_million_ = parts_per_million;
}

machine* machines::find(std::string const& name) const noexcept {
    auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second.get();
}

void machines::add(std::shared_ptr<machine> m) {
    std::string const& name = m->name;
    by_name_[name] = std::move(m);
}

void machines::began(std::shared_ptr<life> l) {
    l->main = &async::detail::current_task();
    by_main_task_[l->main] = std::move(l);
}

void machines::ended(life& l) noexcept {
    by_main_task_.erase(std::exchange(l.main, nullptr));
    l.gone.set();
}

std::shared_ptr<life> machines::of(async::detail::task_base const& task) const noexcept {
    if (by_main_task_.empty()) return nullptr;
    async::detail::task_base const* last = nullptr;
    for (async::detail::scope const* s = task.innermost; s; s = s->parent()) {
        if (s->owner() == last) continue;
        last = s->owner();
        if (auto found = by_main_task_.find(last); found != by_main_task_.end()) return found->second;
    }
    return nullptr;
}

std::shared_ptr<life> machines::running() const noexcept {
    auto* task = async::detail::current_task_or_null();
    return task ? of(*task) : nullptr;
}

} // namespace effects::sim::detail
