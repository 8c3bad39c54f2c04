// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/handlers.hpp>
#include <effects/sim/run.hpp>
#include <effects/test/mock.hpp>

namespace effects::test {

namespace detail {

// Outermost: knows no operation, but hears of those that nobody handles.
std::shared_ptr<mock_state> strict_state();

// The mocks of one run, and what came of them.
class verdict {
public:
    template <class Handler>
    void watch(Handler const& h) {
        if constexpr (std::is_same_v<Handler, mock>)
            watch(h.state());
        else if constexpr (effects::detail::is_handler_stack<Handler>)
            std::apply([this](auto const&... piece) { (static_cast<void>(this), ..., this->watch(piece)); }, h.pieces);
    }
    void watch(std::shared_ptr<mock_state> state) {
        state->watched(true);
        mocks_.push_back(std::move(state));
    }

    template <class F>
    std::invoke_result_t<F> of(F&& f) {
        using result = std::invoke_result_t<F>;
        bool ended = false;
        try {
            if constexpr (std::is_void_v<result>) {
                std::forward<F>(f)();
                ended = true;
                conclude_all(nullptr);
                return;
            } else {
                result answer = std::forward<F>(f)();
                ended = true;
                conclude_all(nullptr);
                return static_cast<result&&>(answer);
            }
        } catch (...) {
            if (ended) throw; // a verdict
            conclude_all(std::current_exception());
        }
        std::terminate(); // not reached: what was thrown, or a verdict, has left
    }

private:
    void conclude_all(std::exception_ptr thrown);

    std::vector<std::shared_ptr<mock_state>> mocks_;
};

} // namespace detail

/// Runs a test's body in a simulated world with these handlers in force, innermost first, then verifies the mocks among
/// them, and gives what the body returned, as a `returns` among the handlers maps it. `how` sets the world up: `test::run({.seed = 7}, body, world)`.
///
///     CHECK(test::run([] { return place_order({"A1", 2, 900}); }, world).qty == 2);
///
/// A body that takes a `can<…>` gets it, of what the handlers and the world answer; a mock answers everything.
///
/// Throws what the body threw, or `test::failed` where expectations failed (with a reporter, such as the one of
/// <effects/test/catch2.hpp>, they are reported instead). An operation that nobody handles fails the test too, even if
/// the logic swallows the `unhandled_operation`.
template <class Body, handler... Handlers>
    requires effects::detail::body_under<Body&, sim::detail::world_offer, Handlers...>
auto run(sim::options const& how, Body&& body, Handlers&&... handlers)
    -> async::detail::run_answer<effects::detail::callable_under<Body&, sim::detail::world_offer, Handlers...>,
                                 Handlers...> {
    static_assert(effects::detail::performs_checked<sim::detail::world_offer, effects::detail::pieces_in<Handlers...>>);
    effects::detail::callable_under<Body&, sim::detail::world_offer, Handlers...> callable{body};
    detail::verdict verdict;
    (verdict.watch(std::as_const(handlers)), ...);
    mock strict(detail::strict_state());
    verdict.watch(strict.state());
    return verdict.of(
        [&]() -> async::detail::run_answer<
                  effects::detail::callable_under<Body&, sim::detail::world_offer, Handlers...>, Handlers...> {
            return sim::run(
                how, [&]() -> decltype(callable()) { return callable(); }, std::forward<Handlers>(handlers)..., strict);
        });
}
template <class Body, handler... Handlers>
    requires effects::detail::body_under<Body&, sim::detail::world_offer, Handlers...>
auto run(Body&& body, Handlers&&... handlers)
    -> async::detail::run_answer<effects::detail::callable_under<Body&, sim::detail::world_offer, Handlers...>,
                                 Handlers...> {
    return test::run(sim::options{}, body, std::forward<Handlers>(handlers)...);
}

} // namespace effects::test
