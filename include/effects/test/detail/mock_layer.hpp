// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <utility>

#include <effects/detail/layer.hpp>
#include <effects/test/detail/mock_state.hpp>
#include <effects/test/detail/reply.hpp>
#include <effects/test/matching.hpp>

namespace effects::test::detail {

// A mock installed: a frame whose table belongs to the mock, and grows as the mock hears of more operations.
template <class Held>
struct mock_layer : effects::detail::layer_frame {
    explicit mock_layer(Held&& mock)
        : layer_frame(mock.state()->table(), mock.state()->made()), held(std::forward<Held>(mock)) {
        self = held.state().get();
    }
    void share(void*) noexcept {}

    Held held;
};

template <class Pattern>
struct operation_of_pattern {
    using type = Pattern;
};
template <class Op>
struct operation_of_pattern<matcher<Op>> {
    using type = Op;
};

// Succeeds where nothing is said of it and nobody further out answers.
template <class Op>
void answer_by_default(mock_state& state) {
    constexpr operation_info const& info = effects::detail::operation_id<Op>::info;
    if (state.find(info)) return;
    state.add(std::make_unique<book<Op>>(info),
              reinterpret_cast<effects::detail::any_function>(&answer_mocked_or_default<Op>));
}

// What a mock that hears of `Op` answers by default besides; nothing, unless specialized.
template <class Op>
struct companions {
    static void join(mock_state&) {}
};

template <class Op>
book<Op>& book_for(mock_state& state) {
    constexpr operation_info const& info = effects::detail::operation_id<Op>::info;
    if (book_base* known = state.find(info)) return static_cast<book<Op>&>(*known);
    state.add(std::make_unique<book<Op>>(info), reinterpret_cast<effects::detail::any_function>(&answer_mocked<Op>));
    return static_cast<book<Op>&>(*state.find(info));
}

} // namespace effects::test::detail
