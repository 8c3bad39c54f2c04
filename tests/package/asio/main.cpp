// SPDX-License-Identifier: BSL-1.0
// A user of the live world who awaits an operation of Boost.Asio's.
#include <effects/live.hpp>
#include <effects/live/asio.hpp>

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdio>

int main() {
    int const answer = effects::live::run([] {
        boost::asio::steady_timer timer(effects::live::executor(), std::chrono::milliseconds(1));
        timer.async_wait(effects::live::use_task);
        return 42;
    });
    std::printf("after Asio's timer: %d\n", answer);
    return answer == 42 ? 0 : 1;
}
