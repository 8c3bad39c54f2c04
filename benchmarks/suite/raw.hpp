// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>

#include <boost/context/detail/fcontext.hpp>

namespace suite {

namespace fcontext = boost::context::detail;

// A stack for one function on bare fcontext: no handlers, no exceptions, no clean-up. What the programs beside it are compared with.
class raw_stack {
public:
    fcontext::fcontext_t start(void (*function)(fcontext::transfer_t)) {
        return fcontext::make_fcontext(memory_.get() + size, size, function);
    }

private:
    static constexpr std::size_t size = 256 * 1024;
    std::unique_ptr<std::byte[]> memory_ = std::make_unique<std::byte[]>(size);
};

} // namespace suite
