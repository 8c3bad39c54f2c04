// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/async/detail/scheduler.hpp>
#include <effects/async/group.hpp>
#include <effects/async/shield.hpp>
#include <effects/handle.hpp>

// What the worlds' `run` functions share: the main task, and the handlers that own resources.
namespace effects::async::detail {

template <class H>
concept starts = requires(H& h, group& g) {
    h.start(g);
};
template <class H>
concept stops = requires(H& h) {
    h.stop();
};

template <class... Pieces>
inline constexpr bool any_services = (... || (starts<std::remove_reference_t<Pieces>> ||
                                              stops<std::remove_reference_t<Pieces>>));

// Starts the handlers from the outermost inwards, runs the body, stops them from the innermost outwards, come what may.
template <std::size_t Left, class Result, class Body, class Pieces>
Result run_started(group& g, Body& body, Pieces& pieces) {
    if constexpr (Left == 0) {
        return body();
    } else {
        auto& h = std::get<Left - 1>(pieces);
        using plain = std::remove_reference_t<decltype(h)>;
        if constexpr (starts<plain>) h.start(g);
        if constexpr (!stops<plain>) {
            return run_started<Left - 1, Result>(g, body, pieces);
        } else {
            core::kept<Result> value;
            try {
                value.take_from([&]() -> Result { return run_started<Left - 1, Result>(g, body, pieces); });
            } catch (...) {
                auto first = std::current_exception();
                try {
                    shield([&] { h.stop(); });
                } catch (...) { // the first exception is the one to report
                }
                std::rethrow_exception(first);
            }
            shield([&] { h.stop(); });
            return value.take();
        }
    }
}

template <class Body, class... Pieces>
std::invoke_result_t<Body&> run_with_services(Body& body, std::tuple<Pieces...>& pieces) {
    using result = std::invoke_result_t<Body&>;
    if constexpr (!any_services<Pieces...>) {
        return body();
    } else {
        return task_group([&](group& services) -> result {
            core::kept<result> value;
            value.take_from([&]() -> result { return run_started<sizeof...(Pieces), result>(services, body, pieces); });
            services.cancel();
            return value.take();
        });
    }
}

template <class Result>
struct main_result {
    core::kept<Result> value;
    std::exception_ptr error;
    bool ended = false;
};

template <class F>
struct main_task final : task_base {
    using result = std::invoke_result_t<F&>;

    main_task(scheduler& home_, F& f_, main_result<result>& r) : task_base(home_, nullptr, nullptr), f(f_), into(r) {
        run = [](core::fiber* itself) noexcept {
            auto& self = *static_cast<main_task*>(itself);
            try {
                self.into.value.take_from([&]() -> result { return self.f(); });
            } catch (...) {
                self.into.error = std::current_exception();
            }
            self.into.ended = true;
            self.state = state_type::ended;
        };
        destroy = [](task_base* t) noexcept {
            auto* self = static_cast<main_task*>(t);
            core::stack block = core::take_stack(*self);
            std::destroy_at(self);
            core::release_stack(block);
        };
        top = core::this_thread()->top;
    }

    F& f;
    main_result<result>& into;
};

// What a run gives: what the body returns, as a `returns` among the handlers maps it.
template <class Body, class Handlers>
struct answer_under;
template <class Body, class... Pieces>
struct answer_under<Body, core::handler_stack<Pieces...>>
    : core::mapped_result<std::invoke_result_t<Body&>, Pieces...> {};

template <class Callable, class... Hs>
using run_answer =
    typename answer_under<std::remove_reference_t<Callable>, decltype(handlers(std::declval<Hs>()...))>::type;

// Runs `body` as the main task of `home`, under `hs…` and, outermost, `world`. `loop(task, ended)` runs the scheduler until `ended`.
template <class World, class Loop, class Body, class... Hs>
auto run_main(scheduler& home, World& world, Loop&& loop, Body& body, Hs&&... hs) ->
    typename answer_under<Body, decltype(handlers(std::forward<Hs>(hs)...))>::type {
    using result = std::invoke_result_t<Body&>;
    auto installed = handlers(std::forward<Hs>(hs)...);
    using answer = typename answer_under<Body, decltype(installed)>::type;
    auto whole = [&]() -> answer {
        return handle<answer>([&]() -> result { return run_with_services(body, installed.pieces); }, installed, world);
    };
    main_result<answer> outcome;
    using main = main_task<decltype(whole)>;
    auto* task = core::construct_on_stack<main>(core::acquire_stack(home.stack_size()), home, whole, outcome);
    loop(*task, outcome.ended);
    if (outcome.error) std::rethrow_exception(std::move(outcome.error));
    return outcome.value.take();
}

} // namespace effects::async::detail
