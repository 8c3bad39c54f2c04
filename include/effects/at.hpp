// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>
#include <utility>

#include <effects/detail/tagged_layer.hpp>
#include <effects/handlers.hpp>
#include <effects/operation.hpp>
#include <effects/tagged.hpp>

namespace effects {

/// The type of `at<Tag>`, for functions that pass a tag on: `sql::transaction(effects::at<audit>, f)`.
template <class Tag>
struct tag {
    template <class Op>
        requires operation<std::remove_cvref_t<Op>>
    constexpr tagged<Tag, std::remove_cvref_t<Op>> operator()(Op&& op) const { return {std::forward<Op>(op)}; }

    template <handler H>
    auto operator()(H&& h) const {
        return detail::tag_pieces<Tag>(detail::pieces_of(std::forward<H>(h)));
    }
};

/// Names one of several handlers of one operation: what is performed at a tag is answered by the handlers at that tag, and by no other.
/// The tag is any type, which need not be complete.
///
///     struct audit;
///     perform(effects::at<audit>(sql::query("insert into trail …")));
///     live::run(body, postgres::pool{shop}, effects::at<audit>(postgres::pool{trail}));
///
/// An operation gives a `tagged<Tag, Op>`, another operation with the same result. A handler (a clause, an object, `handlers(…)`; an
/// lvalue is borrowed) gives a handler of the tagged operations, whose code is written for the plain ones. `returns` and `finally` stay
/// what they are.
///
/// Middlewares work inside a tag: what a clause of `on` or `aborts`, or an object, at the tag performs of the plain operations that are
/// handled there goes to the next handler at the tag further out, and only where there is none to a plain one. So
/// `at<audit>(handlers(retrying{3}, postgres::pool{trail}))` retries the audit's queries. In a `control` clause `perform` is what it is
/// elsewhere: name the tag there. At a price of a few nanoseconds more than a plain handler.
template <class Tag>
inline constexpr tag<Tag> at{};

} // namespace effects
