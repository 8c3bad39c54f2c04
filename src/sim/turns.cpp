// SPDX-License-Identifier: BSL-1.0
#include <effects/sim/detail/turns.hpp>

#include <effects/async/detail/turn.hpp>

namespace effects::sim::detail {

void turns::operator()(async::run_blocking const& op) const {
    async::detail::take_turn("async::blocking");
    op.work();
}

void turns::operator()(os::detail::wait_turn const& op) const { async::detail::take_turn(op.what); }

} // namespace effects::sim::detail
