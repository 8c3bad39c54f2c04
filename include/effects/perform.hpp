// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include <effects/detail/lookup.hpp>
#include <effects/operation.hpp>
#include <effects/unhandled_operation.hpp>

namespace effects {

/// Asks the innermost handler of `op`'s type and gives its answer.
///
///     receipt r = effects::perform(charge_card{.token = "tok_1", .cents = 500});
///
/// What the clause throws, this throws. Without a handler: the operation's `default_answer`, else
/// `unhandled_operation`. The operation is not copied; a clause that takes it by value gets it moved when it was performed
/// as an rvalue. Any thread; costs about a virtual call for a clause of `on`, however many handlers lie between.
template <class Op>
    requires operation<std::remove_cvref_t<Op>>
[[gnu::always_inline]] inline result_of<Op> perform(Op&& op,
                                                    std::source_location where = std::source_location::current()) {
    using plain = std::remove_cvref_t<Op>;
    constexpr bool movable = !std::is_lvalue_reference_v<Op> && !std::is_const_v<Op>;
    constexpr detail::operation_info const& info = detail::operation_id<plain>::info;

    detail::frame* top = detail::this_thread()->top;
    detail::lookup_slot const* slot = &top->cache[info.hash % detail::lookup_slots];
    detail::lookup_slot found;
    if (slot->operation != &info) [[unlikely]] {
        found = detail::look_up<plain>(*top, where, std::addressof(op));
        slot = &found;
    }
    auto answer = reinterpret_cast<detail::answer_function<plain>>(slot->answer);
    return answer(slot->home, std::addressof(op), movable);
}

} // namespace effects
