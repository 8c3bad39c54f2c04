// SPDX-License-Identifier: BSL-1.0
#include <effects/async/channel.hpp>

namespace effects::async {

channel_closed::channel_closed()
    : error(std::make_error_code(std::errc::broken_pipe), "the channel is closed: the item was not delivered") {}

} // namespace effects::async
