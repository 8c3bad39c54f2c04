// SPDX-License-Identifier: BSL-1.0
#include "provider.hpp"

#include <chrono>

#include <effects/async.hpp>
#include <nlohmann/json.hpp>

using namespace std::chrono_literals;
namespace async = effects::async;
namespace http = effects::http;

namespace demo {

http::response provider::refuse() {
    ++refusals_;
    return http::unavailable("try again");
}

http::router provider::routes() {
    http::router all;
    all.post("/charges", [this](http::incoming const& in) {
        if (moody_before()) return refuse();
        async::sleep_for(std::chrono::milliseconds(1 + requests_ % 4));
        auto body = in.json();
        auto order = body.at("order").get<std::string>();
        auto key = in.header("Idempotency-Key").value_or(order);
        if (withdrawn_.count(key) != 0) return http::problem(402, "the charge was taken back before it came");
        auto [at, fresh] = done_.try_emplace(key, "ch-" + std::to_string(done_.size() + 1));
        if (fresh) {
            entry& e = ledger_[order];
            e.cents = body.at("cents").get<long>();
            ++e.charged;
        }
        if (moody_after()) return refuse();
        return http::created({{"id", at->second}});
    });
    all.post("/refunds", [this](http::incoming const& in) {
        if (moody_before()) return refuse();
        auto order = in.json().at("order").get<std::string>();
        auto charge = in.json().at("charge").get<std::string>(); // its idempotency key
        if (withdrawn_.insert(charge).second && done_.count(charge) != 0) ++ledger_[order].refunded;
        return http::ok({{"refunded", order}});
    });
    return all;
}

} // namespace demo
