// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/operation.hpp>

namespace effects {

/// An operation for the handlers at one tag: what `effects::at<Tag>(op)` gives. Its result and default answer are those of `op`; equal
/// where `op` is.
template <class Tag, operation Op>
struct tagged {
    using result_type = typename Op::result_type;

    Op op;

    static result_type default_answer(tagged const& t) requires detail::has_default_answer<Op> {
        return Op::default_answer(t.op);
    }
    friend bool operator==(tagged const&, tagged const&) = default;
};

} // namespace effects
