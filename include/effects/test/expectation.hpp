// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <effects/operation.hpp>
#include <effects/test/detail/reply.hpp>

namespace effects::test {

/// How often an operation has to be performed: a number, `at_least(n)`, `at_most(n)`, `between(least, most)`.
class how_often {
public:
    static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

    constexpr how_often(std::size_t exactly) noexcept : how_often(exactly, exactly) {}
    constexpr how_often(std::size_t least, std::size_t most) noexcept : least_(least), most_(most) {}

    constexpr std::size_t least() const noexcept { return least_; }
    constexpr std::size_t most() const noexcept { return most_; }

private:
    std::size_t least_;
    std::size_t most_;
};

constexpr how_often at_least(std::size_t n) noexcept { return {n, how_often::no_limit}; }
constexpr how_often at_most(std::size_t n) noexcept { return {0, n}; }
constexpr how_often between(std::size_t least, std::size_t most) noexcept { return {least, most}; }

template <operation Op>
class held;

/// What `mock::on` and `mock::expect` give: says how the operation is answered and how often it has to come. A name for
/// something in the mock: cheap to copy, of use as long as the mock lives.
///
///     world.on(http::get(url)).reply(http::ok());                                    // every time
///     world.expect(http::get(url)).fail(net::error(…)).reply(http::ok());             // one after the other, so twice
///     world.on(http::get(url)).reply([](http::request const& r) { return http::ok_text(r.url()); });
///
/// One reply is given every time. Several are given one after the other, once each; a call after the last is unexpected. (One that is added
/// after calls had the first is the next call's.)
template <operation Op>
class expectation {
public:
    using result = result_of<Op>;

    /// Replies: values of the operation's result (of which one that can't be copied is given once only), or functions
    /// of the operation, or of nothing, that give it. They run like a clause: what they perform goes to handlers outside the mock.
    template <detail::reply_for<Op> First, detail::reply_for<Op>... More>
    expectation reply(First&& first, More&&... more) const {
        add_reply(std::forward<First>(first));
        (add_reply(std::forward<More>(more)), ...);
        return *this;
    }
    /// The same for braces: `.reply({5})`.
    expectation reply(detail::object_or_unit<result> value) const requires(std::is_object_v<result>) {
        add_reply(std::move(value));
        return *this;
    }
    /// Of an operation without a result, and of `sql::begin`; what they do anyway where nothing is said.
    expectation reply() const requires(detail::has_plain_answer<Op>) {
        return add({.give = [](Op const&) { return result(); }});
    }

    /// `perform` throws: exceptions, or `std::exception_ptr`s, one after the other.
    template <class First, class... More>
    expectation fail(First&& first, More&&... more) const {
        add({.give = detail::failing_reply<Op>(std::forward<First>(first))});
        (add({.give = detail::failing_reply<Op>(std::forward<More>(more))}), ...);
        return *this;
    }

    /// The reply before it comes only after `d` of the world's time; where none is before it, each of those that follow.
    template <class Rep, class Period>
    expectation after(std::chrono::duration<Rep, Period> d) const {
        std::lock_guard lock(state_->owner.mutex());
        auto wait = std::chrono::ceil<std::chrono::nanoseconds>(d);
        if (state_->steps.empty())
            state_->delay = wait;
        else
            state_->steps.back().after = wait;
        return *this;
    }

    /// Never answers: the operation waits until its task is cancelled.
    expectation hang() const { return add({.hangs = true}); }

    /// Holds the reply before it back until the test lets it go; where none is before it, the test gives one then.
    held<Op> hold() const;

    /// How often it has to come: a number, or `at_least(n)`, `at_most(n)`, `between(a, b)`. Once, or as often as there are
    /// replies, where nothing is said. A stub of `on` becomes an expectation by it.
    expectation times(how_often n) const {
        std::lock_guard lock(state_->owner.mutex());
        if (n.least() > n.most()) throw std::invalid_argument("between(least, most): least is more than most");
        state_->stub = false;
        state_->counted = true;
        state_->given_least = n.least();
        state_->given_most = n.most();
        return *this;
    }
    expectation at_least(std::size_t n) const { return times(test::at_least(n)); }
    expectation at_most(std::size_t n) const { return times(test::at_most(n)); }

    /// How often it has come so far.
    std::size_t count() const {
        std::lock_guard lock(state_->owner.mutex());
        return state_->used;
    }

    explicit expectation(std::shared_ptr<detail::expectation_of<Op>> state) noexcept : state_(std::move(state)) {}
    detail::expectation_base& state() const noexcept { return *state_; }

private:
    template <class Reply>
    void add_reply(Reply&& reply) const {
        bool once = false;
        detail::reply_step<Op> step;
        if constexpr (detail::replies_by_function<Op, Reply>)
            step.give = detail::function_reply<Op>(std::forward<Reply>(reply));
        else
            step.give = detail::value_reply<Op>(std::forward<Reply>(reply), once);
        add(std::move(step), once);
    }
    expectation add(detail::reply_step<Op> step, bool once = false) const {
        std::lock_guard lock(state_->owner.mutex());
        step.after = state_->delay;
        state_->steps.push_back(std::move(step));
        state_->count_reply(once);
        return *this;
    }

    std::shared_ptr<detail::expectation_of<Op>> state_;
};

/// An operation that the test holds back: lets a test look at what is true while it is under way.
///
///     auto charge = world.expect(http::post(url)).hold();
///     test::run([&] {
///         async::task_group([&](async::group& g) {
///             g.spawn(place_order, cart);
///             charge.wait();                              // until it was performed
///             CHECK(world.calls<sql::query>().size() == 1);
///             charge.reply(http::created());              // lets it go
///         });
///     }, world);
///
/// Call it from tasks of the world that the mock is in, or outside any.
template <operation Op>
class held {
public:
    using result = result_of<Op>;

    /// Suspends until the operation has been performed.
    void wait() const { held_->arrived.wait("held::wait"); }
    /// It has been performed.
    bool arrived() const noexcept { return held_->arrived.is_open(); }

    /// Lets it go, and those that come later, with the reply that was given before `hold`.
    void release() const {
        if (!has_reply_)
            throw std::logic_error("held::release: no reply was given before hold(); use .reply(…) or .fail(…)");
        held_->let_go.open();
    }
    /// Lets it go, and those that come later, with this reply: a value or a function, as for `expectation::reply`.
    template <detail::reply_for<Op> Reply>
    void reply(Reply&& r) const {
        bool once = false;
        if constexpr (detail::replies_by_function<Op, Reply>)
            held_->reply = detail::function_reply<Op>(std::forward<Reply>(r));
        else
            held_->reply = detail::value_reply<Op>(std::forward<Reply>(r), once);
        held_->let_go.open();
    }
    void reply() const requires(detail::has_plain_answer<Op>) { held_->let_go.open(); }
    /// Lets it go; `perform` throws.
    template <class E>
    void fail(E&& e) const {
        held_->reply = detail::failing_reply<Op>(std::forward<E>(e));
        held_->let_go.open();
    }

    held(std::shared_ptr<detail::held_state<Op>> state, bool has_reply) noexcept
        : held_(std::move(state)), has_reply_(has_reply) {}

private:
    std::shared_ptr<detail::held_state<Op>> held_;
    bool has_reply_;
};

template <operation Op>
held<Op> expectation<Op>::hold() const {
    std::lock_guard lock(state_->owner.mutex());
    if (state_->steps.empty()) add({});
    auto& step = state_->steps.back();
    step.hold = std::make_shared<detail::held_state<Op>>();
    return {step.hold, step.give || detail::has_plain_answer<Op>};
}

/// These have to come in this order, each as often as it is expected before the next one; other operations may come in
/// between. All of one mock.
///
///     test::in_order(world.expect(sql::begin{}), world.expect(http::post(url)).reply(http::ok()), world.expect(sql::commit{}));
template <operation... Ops>
void in_order(expectation<Ops> const&... expectations) {
    detail::put_in_order({&expectations.state()...});
}

} // namespace effects::test
