// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <utility>

#include <effects/async/timeout.hpp>

namespace effects::async::detail {

// A deadline behind the interface of a module that does not know this one: `Interface` has `void throw_if_passed() const`.
template <class Interface>
class expiry final : public Interface {
public:
    expiry(duration limit, std::string phase) : phase_(std::move(phase)), deadline_(limit) {}

    void throw_if_passed() const override {
        try {
            throw;
        } catch (cancelled const&) {
            deadline_.pass_on_others();
        } catch (...) {
            return;
        }
        deadline_.throw_timed_out(phase_);
    }

private:
    std::string phase_;
    deadline_scope deadline_;
};

} // namespace effects::async::detail
