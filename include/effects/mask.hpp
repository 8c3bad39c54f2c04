// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/detail/handled.hpp>
#include <effects/operation.hpp>

namespace effects {

namespace detail {

template <class... Ops>
struct masked {
    std::source_location made;
};

// Answers nothing: `search` skips a handler for it.
template <class... Ops>
struct mask_layer : layer_frame {
    explicit mask_layer(masked<Ops...>&& piece) noexcept : layer_frame(&table_of, piece.made) { self = this; }
    void share(void*) noexcept {}

    inline static const clause_entry entries[] = {{&operation_id<Ops>::info, nullptr, clause_kind::mask}...};
    inline static const frame_table table_of{entries, sizeof...(Ops), {}};
};

template <class Answer, class Piece, class... Ops>
struct layer_of<Answer, Piece, masked<Ops...>> {
    using type = mask_layer<Ops...>;
};

} // namespace detail

/// Runs `body`, in which an `Op` that is performed skips its innermost handler, of whichever kind, and goes to the next one out; masks
/// inside masks add up. For a library's body that must not see the handler that the library itself installed around it.
///
///     effects::handle([&] { return effects::mask<ask>([&] { return users_function(); }) + effects::perform(ask{}); },
///                     [](ask const&) { return 1; });
///
/// Handlers that are installed inside the body are not skipped. Where none is left, `default_answer` or `unhandled_operation` follows. What leaves a
/// body of `multishot::handle` is recorded at its edge, masked or not, and performed once for all runs.
/// Costs a few stores, and nothing when the operation is performed (in a multishot body a search, where it leaves that).
template <operation... Ops, class Body>
    requires(sizeof...(Ops) != 0 && std::is_invocable_v<Body>)
decltype(auto) mask(Body&& body, std::source_location made = std::source_location::current()) {
    return detail::handle_pieces<detail::deduced>(std::forward<Body>(body),
                                                  std::tuple<detail::masked<Ops...>>(detail::masked<Ops...>{made}));
}

} // namespace effects
