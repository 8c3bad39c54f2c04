// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>

#include <effects/detail/type_name.hpp>

namespace effects {

/// An operation is a plain struct that says what is asked for, and by `result_type` what answers it:
///
///     struct charge_card { using result_type = receipt; std::string token; long cents; };
///     struct log_line    { using result_type = void;    std::string text; };
///
/// It may carry `static result_type default_answer(Op const&)`, which answers where no handler does.
template <class Op>
concept operation = std::is_class_v<Op> && requires {
    typename Op::result_type;
};

/// What performing `Op` gives.
template <class Op>
using result_of = typename std::remove_cvref_t<Op>::result_type;

/// The operations that a handler object answers: `using operations = effects::operations<charge_card, refund_card>;`
template <operation... Ops>
struct operations {};

/// In place of that list, for a handler that can answer operations of every type, known only while it runs, such as `test::mock`:
/// `using operations = effects::any_operation;`. It counts as a handler of everything where a `can<…>` is checked. Such a handler
/// brings its own `effects::detail::layer_of`.
struct any_operation {};

/// What a computation gives that has no value, where a value is needed: `async::all(f, g)` of two voids is two units.
struct unit {
    bool operator==(unit const&) const = default;
};

namespace detail {

struct operation_info {
    std::string_view name;
    std::uint32_t hash;
};

// One object a type, in the whole process: its address is the operation's identity.
template <class Op>
struct [[gnu::visibility("default")]] operation_id {
    static constexpr operation_info info{type_name<Op>(), hash_of(type_name<Op>())};
};

template <class Op>
concept has_default_answer = requires(Op const& op) {
    Op::default_answer(op);
};

// Where a reference is wanted: is what is given an object of that type (or of a derived one) that lasts, and not a temporary?
template <class Wanted, class Given>
inline constexpr bool refers_to_what_lasts = true;
template <class Wanted, class Given>
inline constexpr bool refers_to_what_lasts<Wanted&, Given> =
    std::is_lvalue_reference_v<Given>&& std::is_convertible_v<std::remove_reference_t<Given>*, Wanted*>;
template <class Wanted, class Given>
inline constexpr bool refers_to_what_lasts<Wanted&&, Given> =
    std::is_reference_v<Given>&& std::is_convertible_v<std::remove_reference_t<Given>*, Wanted*>;

} // namespace detail
} // namespace effects
