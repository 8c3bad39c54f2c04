// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <effects/async/detail/waiter.hpp>
#include <effects/async/outcome.hpp>

namespace effects::async {

/// What a `once` keeps of a run that fails.
struct once_options {
    bool remember_failures = false; ///< every later call throws the first failure, and nothing is run again
};

namespace detail {

class task_report;

// Who runs, who waits for it, and what came of it; the value is the typed part's.
class single_flight {
public:
    explicit single_flight(once_options how) noexcept : how_(how) {}
    single_flight(single_flight const&) = delete;
    single_flight& operator=(single_flight const&) = delete;

    // True: the caller is to run, and then to call one of the three below. False: the value is there.
    bool begin();
    void succeed() noexcept;
    void fail(std::exception_ptr e) noexcept;
    void hand_over() noexcept; // to the first that waits
    bool done() const noexcept { return state_ == state::done; }

private:
    friend class task_report;
    enum class state : unsigned char { idle, running, done, failed };
    struct caller;
    void tell(state what, std::exception_ptr const& e) noexcept;

    once_options how_;
    state state_ = state::idle;
    std::uint64_t runner_ = 0; // its `serial`; 0 outside tasks
    std::exception_ptr error_; // remembered
    waiter_list waiting_;
};

} // namespace detail

/// Runs something once, however many ask for it: who comes while it runs waits for that run, who comes later gets its value. For the tasks of
/// one thread.
///
///     async::once<config> loaded;
///     config const& c = loaded.call([&] { return load_config(); });       // in every task that needs it
///
/// It runs in the task that came first. What it throws, all who wait for it throw, too; then the next call runs anew, unless
/// `once<T> o{{.remember_failures = true}}`. Where the task that runs it is cancelled (or the body that it runs in is given up), the others are
/// not: the first of those that wait runs *its* function in turn. So the functions should mean the same, and may be begun again.
template <class T>
class once {
    static_assert(!std::is_reference_v<T>, "a once keeps a value; give it a pointer or a std::reference_wrapper");

public:
    once() noexcept : once(once_options{}) {}
    explicit once(once_options how) noexcept : flight_(how) {}

    /// The value, which stays where it is as long as the `once` does. Suspends while another task runs; cancelling the caller leaves that run
    /// as it is. A run that calls it again gets a `std::logic_error`: it would wait for itself.
    template <class F>
        requires std::is_invocable_r_v<T, F&> std::add_lvalue_reference_t<T const> call(F&& f) {
            if (flight_.begin()) run(f);
            if constexpr (!std::is_void_v<T>) return *value_;
        }
    /// The value if it is there; null else. Of a `once<void>`: a `unit`. Never suspends.
    detail::or_unit<T> const* find() const noexcept { return value_ ? std::addressof(*value_) : nullptr; }

private:
    template <class F>
    void run(F& f) {
        struct guard {
            detail::single_flight& flight;
            bool settled = false;
            ~guard() {
                if (!settled) flight.hand_over();
            }
        } left{flight_};
        std::exception_ptr error = detail::error_of([&] {
            if constexpr (std::is_void_v<T>) {
                f();
                value_.emplace();
            } else {
                value_.emplace(f());
            }
        });
        left.settled = true;
        if (!error) return flight_.succeed();
        flight_.fail(error);
        std::rethrow_exception(std::move(error));
    }

    detail::single_flight flight_;
    std::optional<detail::or_unit<T>> value_;
};

} // namespace effects::async
