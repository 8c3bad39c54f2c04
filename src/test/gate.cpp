// SPDX-License-Identifier: BSL-1.0
#include <effects/test/detail/gate.hpp>

#include <exception>

#include <effects/async/sleep.hpp>

namespace effects::test::detail {

void wait_for(std::chrono::nanoseconds d) { async::sleep_for(d); }

void wait_for_ever(std::string const& what) {
    async::detail::waiter never_woken(what.c_str(), nullptr);
    never_woken.wait();
    std::terminate(); // nobody knows of it, so nobody wakes it
}

void gate::wait(std::string const& what) {
    if (open_) return;
    async::detail::waiter here(what.c_str(), this);
    waiting_.push_back(here);
    here.wait();
}

} // namespace effects::test::detail
