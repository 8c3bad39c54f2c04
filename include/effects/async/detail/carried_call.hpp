// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include <effects/detail/kept.hpp>

namespace effects::async::detail {

// A call that is made on another thread while its caller waits, and what came of it.
template <class F>
class carried_call {
public:
    using result = std::invoke_result_t<F&>;

    explicit carried_call(F& f) noexcept : f_(f) {}

    void run() noexcept {
        try {
            value_.take_from([&]() -> result { return f_(); });
        } catch (...) {
            error_ = std::current_exception();
        }
    }
    result take() {
        if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
        return value_.take();
    }

private:
    F& f_;
    effects::detail::kept<result> value_;
    std::exception_ptr error_;
};

} // namespace effects::async::detail
