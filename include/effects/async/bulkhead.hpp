// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

#include <effects/async/detail/line.hpp>
#include <effects/async/time.hpp>
#include <effects/error.hpp>

namespace effects::async {

/// How many calls a `bulkhead` has at a time, and what becomes of more.
struct bulkhead_options {
    std::size_t limit = 10;
    std::size_t max_waiting = 0;         ///< so many tasks wait for a place, and more are refused (`bulkhead_full`)
    duration max_wait = duration::max(); ///< who has waited so long is refused
    std::string name = {};               ///< in errors
};

/// Thrown instead of making the call: no place, and none to wait for one. Transient.
///
///     bulkhead "reports" is full: 10 calls run, and 20 wait, the most that may
class bulkhead_full : public error {
public:
    bulkhead_full(std::string bulkhead, std::string message);

    std::string const& bulkhead() const noexcept { return bulkhead_; }
    bool transient() const noexcept override { return true; }
    [[noreturn]] void throw_copy() const override { throw *this; }

private:
    std::string bulkhead_;
};

/// Keeps one slow service from taking all there is: so many calls at a time, a bounded number of tasks that wait their turn, in the order in
/// which they came, and the others refused at once. (Where all may wait, a `semaphore` does.)
///
///     async::bulkhead reports{{.limit = 10, .max_waiting = 20}};
///     auto sheet = reports.run([&] { return render(report); });                        // around any code
///     effects::handle(body, async::guarding<render_report>(reports), printer);         // around an operation
///
/// A waiter that is cancelled takes no place. Any number of tasks and threads may use one at once. It outlives its calls.
class bulkhead {
public:
    /// A `limit` of 0 is a `std::invalid_argument`.
    explicit bulkhead(bulkhead_options how = {});
    bulkhead(bulkhead const&) = delete;
    bulkhead& operator=(bulkhead const&) = delete;

    /// What `acquire` gives: one place, given back when it goes. Moves.
    class [[nodiscard]] slot {
    public:
        slot() noexcept = default;
        slot(slot&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
        slot& operator=(slot&& other) noexcept {
            slot old(std::move(*this));
            of_ = std::exchange(other.of_, nullptr);
            return *this;
        }
        ~slot() { release(); }

        /// Gives it back now; an empty one does nothing.
        void release() noexcept {
            if (bulkhead* of = std::exchange(of_, nullptr)) of->give_back();
        }
        explicit operator bool() const noexcept { return of_ != nullptr; }

    private:
        friend class bulkhead;
        explicit slot(bulkhead* of) noexcept : of_(of) {}
        bulkhead* of_ = nullptr;
    };

    /// Suspends until there is a place and nobody is before it, or throws `bulkhead_full`. Cancelling takes none.
    slot acquire();
    /// An empty slot where `acquire` would wait or throw. Never suspends.
    slot try_acquire() noexcept;

    /// `f`, in a place of its own, which it gives back also when it is cancelled.
    template <class F>
    std::invoke_result_t<F&> run(F&& f) {
        slot mine = acquire();
        return f();
    }

    std::size_t running() const noexcept;
    std::size_t waiting() const noexcept;
    std::string const& name() const noexcept { return how_.name; }

    static constexpr bool calls_once = true; ///< what it runs; for `guarding`

private:
    void give_back() noexcept;
    [[noreturn]] void refuse(char const* what, std::string const& why) const;

    bulkhead_options how_;
    std::mutex mutable mutex_;
    std::size_t running_ = 0;
    detail::line waiting_;
};

} // namespace effects::async
