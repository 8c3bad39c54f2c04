// SPDX-License-Identifier: BSL-1.0
// Awaits operations of Boost.Asio in tasks. Needs Boost.Asio, the version that effects::live was built with; the library's other
// headers don't, and none of them includes this one: for code that must have Asio itself.
#pragma once

#if !__has_include(<boost/asio/io_context.hpp>)
#error "effects/live/asio.hpp needs Boost.Asio, 1.81 or later (on Debian: apt-get install libboost1.81-dev)"
#endif

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/require.hpp>

#include <effects/async/detail/waiter.hpp>

namespace effects::live {

namespace detail {
class event_loop;
} // namespace detail

/// `use_task[ec]`.
struct use_task_with_error {
    boost::system::error_code* error;
};

/// The type of `use_task`.
struct use_task_t {
    constexpr use_task_t() = default;
    /// Writes the error there instead of throwing it.
    use_task_with_error operator[](boost::system::error_code& error) const noexcept { return {&error}; }

    /// An executor whose objects take `use_task` where no token is given.
    template <class Executor>
    struct executor_with_default : Executor {
        using default_completion_token_type = use_task_t;
        template <class From>
            requires(!std::is_same_v<From, executor_with_default> && std::is_convertible_v<From const&, Executor>)
        executor_with_default(From const& from)
        noexcept : Executor(from) {}
    };
    template <class T>
    using as_default_on_t =
        typename T::template rebind_executor<executor_with_default<typename T::executor_type>>::other;
    template <class T>
    static as_default_on_t<std::decay_t<T>> as_default_on(T&& object) {
        return as_default_on_t<std::decay_t<T>>(std::forward<T>(object));
    }
};

/// The completion token for any of Asio's operations: suspends the task until the operation has completed, and gives what it
/// gives (several values: a tuple). In live worlds only (`std::logic_error`), on each of their threads.
///
///     asio::steady_timer timer(live::executor(), 20ms);
///     timer.async_wait(live::use_task);
///     std::size_t n = socket.async_read_some(buffer, live::use_task);          // throws boost::system::system_error
///     std::size_t m = socket.async_read_some(buffer, live::use_task[ec]);      // or says it in `ec`
///
/// `asio::as_tuple(live::use_task)` works, too, and so do `asio::deferred` and `asio::co_spawn(…, live::use_task)`. An exception_ptr
/// that comes first is rethrown. `live::use_task_t::as_default_on(std::move(socket))` makes it the default.
///
/// Cancelling the task emits the operation's cancellation signal (terminal), waits until the operation has completed, so that what it
/// refers to may lie on the stack, and throws `async::cancelled`. An operation that succeeds all the same gives its value, and
/// the next suspension point throws. What a composed one had moved before it was cancelled (`asio::async_read`'s first bytes, say) is not
/// told, so such a stream is best closed. One that hears no signal is waited for. `asio::redirect_error` hides the error from all
/// this: take `use_task[ec]`.
///
/// The handler's executor is that of the task's loop, where the steps of a composed operation run. Objects of other contexts and their
/// threads will do; bind no other executor to the token. If the handler is destroyed without having been called, a
/// `system_error` with `operation_aborted` is thrown.
inline constexpr use_task_t use_task{};

/// The executor of this thread's loop, to make Asio's objects with; its `context()` is the `io_context`. `std::logic_error` outside live
/// worlds. Objects must go before the world does: handlers let go of theirs in `stop`. What other code hands to the loop must
/// neither throw nor wait, and gets no handlers.
///
///     asio::ip::tcp::socket socket(live::executor());
boost::asio::io_context::executor_type executor();

namespace detail {

// The way into a loop from the threads of other contexts. May outlive the loop.
struct asio_door {
    explicit asio_door(boost::asio::io_context& c) noexcept : io(c), thread(std::this_thread::get_id()) {}

    boost::asio::io_context& io;
    std::thread::id const thread;
    std::size_t awaited = 0; // the loop's own count of operations
    bool open = true;        // changed by the loop's thread, under the mutex
    std::mutex mutex;
};

// Asio's own executor would have to be told, by other threads, what it need not know after the loop's end.
class loop_executor {
public:
    explicit loop_executor(std::shared_ptr<asio_door> door) noexcept : door_(std::move(door)) {}

    boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept { return door_->io; }
    boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) const noexcept {
        if (never_) return boost::asio::execution::blocking.never;
        return boost::asio::execution::blocking.possibly;
    }
    loop_executor require(boost::asio::execution::blocking_t::never_t) const noexcept { return {door_, true}; }
    loop_executor require(boost::asio::execution::blocking_t::possibly_t) const noexcept { return {door_, false}; }

    template <class F>
    void execute(F f) const {
        auto const here = door_->io.get_executor();
        if (std::this_thread::get_id() != door_->thread) {
            std::lock_guard const lock(door_->mutex);
            if (door_->open) boost::asio::require(here, boost::asio::execution::blocking.never).execute(std::move(f));
        } else if (door_->open) {
            if (never_)
                boost::asio::require(here, boost::asio::execution::blocking.never).execute(std::move(f));
            else
                here.execute(std::move(f));
        }
    }

    friend bool operator==(loop_executor const&, loop_executor const&) noexcept = default;

private:
    loop_executor(std::shared_ptr<asio_door> door, bool never) noexcept : door_(std::move(door)), never_(never) {}

    std::shared_ptr<asio_door> door_;
    bool never_ = false;
};

// An operation that the running task waits for, without its results. On the task's stack.
class asio_wait {
public:
    // Throws where the task must not, or can't, wait.
    explicit asio_wait(int boost_version = BOOST_VERSION);
    asio_wait(asio_wait const&) = delete;
    asio_wait& operator=(asio_wait const&) = delete;
    ~asio_wait();

    loop_executor executor() const noexcept { return loop_executor(door_); }
    boost::asio::cancellation_slot slot() noexcept { return stop_.slot(); }
    // From any thread, once: the handler was called, or is gone.
    void settle() noexcept;
    // Until that has happened, even if the task is cancelled.
    void wait() noexcept;
    // The task was cancelled meanwhile, and the operation has failed.
    void tell_of_cancellation() const;
    [[noreturn]] static void throw_given_up();

private:
    event_loop& loop_;
    std::shared_ptr<asio_door> door_;
    boost::asio::cancellation_signal stop_;
    async::detail::waiter done_;
    bool stopped_ = false;
};

// What an operation gives that completes with `Args`.
template <class... Values>
struct awaited_values {
    using type = std::tuple<std::decay_t<Values>...>;
    static type from(std::tuple<std::decay_t<Values>...>&& all) { return std::move(all); }
};
template <class Value>
struct awaited_values<Value> {
    using type = std::decay_t<Value>;
    static type from(std::tuple<type>&& all) { return std::get<0>(std::move(all)); }
};
template <>
struct awaited_values<> {
    using type = void;
    static void from(std::tuple<>&&) noexcept {}
};

template <class T>
inline constexpr bool is_disposition =
    std::is_same_v<T, boost::system::error_code> || std::is_same_v<T, std::exception_ptr>;

template <class... Args>
struct awaited_result : awaited_values<Args...> {
    static constexpr bool may_fail = false;
};
template <class First, class... Rest>
    requires is_disposition<std::decay_t<First>>
struct awaited_result<First, Rest...> : awaited_values<Rest...> {
    static constexpr bool may_fail = true;
};

// Of results: do they tell of a failure? `asio::as_tuple` gives them in one more tuple.
template <class T>
bool tells_of_failure(T const& value) noexcept {
    if constexpr (is_disposition<T>)
        return static_cast<bool>(value);
    else
        return false;
}
template <class First, class... Rest>
bool tells_of_failure(std::tuple<First, Rest...> const& values) noexcept {
    return tells_of_failure(std::get<0>(values));
}

template <class... Args>
class asio_operation : public asio_wait {
public:
    using result = awaited_result<Args...>;

    void complete(Args&&... args) noexcept {
        try {
            values_.emplace(std::forward<Args>(args)...);
        } catch (...) {
            failure_ = std::current_exception();
        }
        settle();
    }

    typename result::type take(boost::system::error_code* error) {
        if (failure_) std::rethrow_exception(failure_);
        if (!values_ || tells_of_failure(*values_)) tell_of_cancellation();
        if (!values_) throw_given_up();
        if constexpr (result::may_fail)
            return std::apply(
                [&](auto& problem, auto&... rest) -> typename result::type {
                    using values = std::tuple<std::remove_reference_t<decltype(rest)>...>;
                    tell(problem, error);
                    return result::from(values(std::move(rest)...));
                },
                *values_);
        else {
            if (error) error->clear();
            return result::from(std::move(*values_));
        }
    }

private:
    static void tell(boost::system::error_code const& problem, boost::system::error_code* to) {
        if (to)
            *to = problem;
        else if (problem)
            throw boost::system::system_error(problem);
    }
    static void tell(std::exception_ptr& problem, boost::system::error_code* to) {
        if (to) to->clear();
        if (problem) std::rethrow_exception(std::exchange(problem, nullptr));
    }

    std::optional<std::tuple<std::decay_t<Args>...>> values_;
    std::exception_ptr failure_;
};

template <class... Args>
class asio_handler {
public:
    using executor_type = loop_executor;
    using cancellation_slot_type = boost::asio::cancellation_slot;

    explicit asio_handler(asio_operation<Args...>& of) noexcept : of_(&of) {}
    asio_handler(asio_handler&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    asio_handler& operator=(asio_handler&&) = delete;
    ~asio_handler() {
        if (of_) of_->settle();
    }

    void operator()(Args... args) noexcept { std::exchange(of_, nullptr)->complete(std::forward<Args>(args)...); }
    executor_type get_executor() const noexcept { return of_->executor(); }
    cancellation_slot_type get_cancellation_slot() const noexcept { return of_->slot(); }

private:
    asio_operation<Args...>* of_;
};

template <class... Args>
struct awaits {
    using return_type = typename awaited_result<Args...>::type;

    template <class Initiation, class... Given>
    static return_type start(boost::system::error_code* error, Initiation&& initiation, Given&&... given) {
        asio_operation<Args...> operation;
        try {
            std::forward<Initiation>(initiation)(asio_handler<Args...>(operation), std::forward<Given>(given)...);
        } catch (...) {
            operation.wait(); // for what it may have begun
            throw;
        }
        operation.wait();
        return operation.take(error);
    }
};

} // namespace detail

} // namespace effects::live

template <class R, class... Args>
class boost::asio::async_result<effects::live::use_task_t, R(Args...)> : effects::live::detail::awaits<Args...> {
public:
    using typename effects::live::detail::awaits<Args...>::return_type;

    template <class Initiation, class Token, class... Given>
    static return_type initiate(Initiation&& initiation, Token&&, Given&&... given) {
        return async_result::start(nullptr, std::forward<Initiation>(initiation), std::forward<Given>(given)...);
    }
};

template <class R, class... Args>
class boost::asio::async_result<effects::live::use_task_with_error, R(Args...)>
    : effects::live::detail::awaits<Args...> {
public:
    using typename effects::live::detail::awaits<Args...>::return_type;

    template <class Initiation, class... Given>
    static return_type initiate(Initiation&& initiation, effects::live::use_task_with_error token, Given&&... given) {
        return async_result::start(token.error, std::forward<Initiation>(initiation), std::forward<Given>(given)...);
    }
};
