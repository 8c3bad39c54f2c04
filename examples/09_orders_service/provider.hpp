// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <map>
#include <set>
#include <string>

#include <effects/http.hpp>

// A payment provider to try the shop with: a little slow, and not always in the mood.
namespace demo {

class provider {
public:
    struct entry {
        long cents = 0;
        int charged = 0; // how often money was taken: once, if the idempotency keys work
        int refunded = 0;
    };

    effects::http::router routes();

    std::map<std::string, entry> const& ledger() const noexcept { return ledger_; } // by order
    int requests() const noexcept { return requests_; }
    int refusals() const noexcept { return refusals_; }

private:
    // Every so often: 503 before anything happened, or, worse, after it did.
    bool moody_before() noexcept { return ++requests_ % 9 == 0; }
    bool moody_after() const noexcept { return requests_ % 13 == 0; }
    effects::http::response refuse();

    std::map<std::string, entry> ledger_;
    std::map<std::string, std::string> done_; // a charge's idempotency key → answer
    std::set<std::string> withdrawn_;         // the keys of those that were taken back, or never may come
    int requests_ = 0;
    int refusals_ = 0;
};

} // namespace demo
