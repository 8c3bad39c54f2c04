// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <deque>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <effects/async/detail/waiter.hpp>
#include <effects/error.hpp>

namespace effects::async {

namespace detail {
template <class T, class F>
class receive_case;
template <class T, class Held, class F>
class send_case;
} // namespace detail

/// A channel's capacity without a limit.
inline constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

/// Sent to a channel that is closed, or that was closed while the send waited: the item was not delivered.
/// `code()` is `std::errc::broken_pipe`.
class channel_closed : public error {
public:
    channel_closed();
    [[noreturn]] void throw_copy() const override { throw *this; }
};

/// Passes items from tasks to tasks, in order. `send` waits while it is full, `receive` while it is empty; who came first is
/// served first. With capacity 0, the default, a send waits for its receiver. For the tasks of one thread.
///
///     async::channel<job> jobs{16};
///     g.spawn([&] { for (auto& j : find_jobs()) jobs.send(j); jobs.close(); });
///     for (job& j : jobs) work(j);                  // until it is closed and empty
///
/// Cancelling a send or a receive that waits loses no item: it was handed over, and the call returns, or it was not.
template <class T>
class channel {
    static_assert(std::is_object_v<T> && std::is_move_constructible_v<T>, "a channel's items are moved through it");

public:
    explicit channel(std::size_t capacity = 0) noexcept : capacity_(capacity) {}
    channel(channel const&) = delete;
    channel& operator=(channel const&) = delete;

    /// Suspends until there is room, or a receiver. Throws `channel_closed`. Cancelling it while it waits sends nothing; `item` goes with the call.
    void send(T item);
    /// False where `send` would wait or throw; `item` is moved from only if it is true. Never suspends.
    [[nodiscard]] bool try_send(T&& item);
    [[nodiscard]] bool try_send(T const& item) requires std::is_copy_constructible_v<T> {
        return can_take() && try_send(T(item));
    }

    /// Suspends until there is an item; empty once the channel is closed and all items that were in it are taken. Cancelling takes none.
    [[nodiscard]] std::optional<T> receive();
    /// Empty where `receive` would wait, or for ever (`closed` tells). Never suspends.
    [[nodiscard]] std::optional<T> try_receive();

    /// No more items: sends that wait throw `channel_closed`; what lies in the channel can still be received. Again: nothing.
    void close() noexcept;
    bool closed() const noexcept { return closed_; }

    /// Items that lie in it (not those of waiting sends).
    std::size_t size() const noexcept { return items_.size(); }
    std::size_t capacity() const noexcept { return capacity_; }

    /// Receives as it goes; several tasks may iterate at once, each item goes to one of them. Cancelling a step takes none.
    class iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using reference = T&;
        iterator() = default;
        explicit iterator(channel& from) : from_(&from), item_(from.receive()) {}
        iterator(iterator&&) = default;
        iterator& operator=(iterator&& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
            from_ = other.from_;
            item_.reset();
            if (other.item_) item_.emplace(std::move(*other.item_));
            return *this;
        }
        T& operator*() const noexcept { return *item_; }
        T* operator->() const noexcept { return std::addressof(*item_); }
        iterator& operator++() {
            item_.reset();
            auto next = from_->receive();
            if (next) item_.emplace(std::move(*next));
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t) const noexcept { return !item_; }

    private:
        channel* from_ = nullptr;
        std::optional<T> mutable item_;
    };
    iterator begin() { return iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    template <class, class>
    friend class detail::receive_case;
    template <class, class, class>
    friend class detail::send_case;

    struct sender : detail::waiter {
        sender(channel& c, T& what, char const* in = "channel::send") noexcept : waiter(in, &c), item(what) {}
        T& item;
        bool taken = false;
    };
    struct receiver : detail::waiter {
        explicit receiver(channel& c, char const* in = "channel::receive") noexcept : waiter(in, &c) {}
        std::optional<T> item;
    };

    bool can_take() const noexcept { return !closed_ && (!receivers_.empty() || items_.size() < capacity_); }
    bool pass(T& item); // to a receiver, or into the buffer
    void take(std::optional<T>& into);

    std::size_t capacity_;
    bool closed_ = false;
    std::deque<T> items_;
    detail::waiter_list senders_;   // only while it is full
    detail::waiter_list receivers_; // only while it is empty; both at once: a `select` that sends or receives
};

template <class T>
bool channel<T>::pass(T& item) {
    if (detail::waiter* first = receivers_.front()) {
        auto& r = static_cast<receiver&>(*first);
        r.item.emplace(std::move(item));
        r.wake();
        return true;
    }
    if (items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    return true;
}

template <class T>
void channel<T>::send(T item) {
    detail::suspension_point("channel::send");
    if (closed_) throw channel_closed();
    if (pass(item)) return;
    sender s(*this, item);
    senders_.push_back(s);
    s.wait();
    if (!s.taken) throw channel_closed();
}

template <class T>
bool channel<T>::try_send(T&& item) {
    return can_take() && pass(item);
}

template <class T>
void channel<T>::take(std::optional<T>& into) {
    if (auto* s = static_cast<sender*>(senders_.front())) { // first the new one in, so that a throw loses none
        if (items_.empty()) {
            into.emplace(std::move(s->item));
        } else {
            items_.push_back(std::move(s->item));
        }
        s->taken = true;
        s->wake();
    }
    if (!into && !items_.empty()) {
        into.emplace(std::move(items_.front()));
        items_.pop_front();
    }
}

template <class T>
std::optional<T> channel<T>::receive() {
    detail::suspension_point("channel::receive");
    std::optional<T> item;
    take(item);
    if (item || closed_) return item;
    receiver r(*this);
    receivers_.push_back(r);
    r.wait();
    return std::move(r.item);
}

template <class T>
std::optional<T> channel<T>::try_receive() {
    std::optional<T> item;
    take(item);
    return item;
}

template <class T>
void channel<T>::close() noexcept {
    closed_ = true;
    senders_.wake_all();
    receivers_.wake_all();
}

} // namespace effects::async
