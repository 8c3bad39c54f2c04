// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace effects::async {

/// How much a `retry_budget` allows.
struct retry_budget_options {
    std::size_t tokens = 100; ///< so many further attempts at once, and to begin with; at most a million
    double per_success =
        0.1; ///< of a token, for each call that succeeds: one further attempt for every ten of them; 0 to 1000
};

/// Keeps retries from becoming the load that keeps a service down: shared by many calls, it holds tokens, each further attempt takes one,
/// and each success gives a part of one back. While it is empty, calls fail with what their first attempt threw.
///
///     async::retry_budget budget;                      // one for each service that is called
///     async::retry({.attempts = 5, .budget = &budget}, f);
///
/// What AWS's clients and gRPC call retry throttling. Any thread.
class retry_budget {
public:
    /// Throws `std::invalid_argument` for options out of their range.
    explicit retry_budget(retry_budget_options how = {});
    retry_budget(retry_budget const&) = delete;
    retry_budget& operator=(retry_budget const&) = delete;

    /// Takes one token; false where there is none. For loops of your own: `retry` and `hedge` do it themselves.
    bool try_take() noexcept;
    /// Of an attempt that was not made after all.
    void give_back() noexcept;
    void succeeded() noexcept;
    /// Whole tokens that are left.
    std::size_t available() const noexcept;

private:
    std::mutex mutable mutex_;
    std::uint64_t most_; // in millionths of a token, as is all here
    std::uint64_t per_success_;
    std::uint64_t left_;
};

} // namespace effects::async
