// SPDX-License-Identifier: BSL-1.0
#include "payments.hpp"

#include <chrono>

#include <effects/async.hpp>
#include <effects/http.hpp>
#include <nlohmann/json.hpp>

using effects::perform;
using namespace std::chrono_literals;
namespace async = effects::async;
namespace http = effects::http;

namespace shop {

namespace {

// Sends until there is an answer that trying again would not change.
http::response send(http::request const& r) {
    return async::retry({.attempts = 6, .backoff = async::exponential(20ms).jitter()}, [&] {
        http::response answer = perform(r);
        return answer.status == 402 ? answer : answer.raise_for_status();
    });
}

std::string key(char const* what, payment const& p) { return what + p.order + "-" + std::to_string(p.attempt); }

} // namespace

std::string charge(payment const& p) {
    auto answer = send(http::post("/charges")
                           .json({{"order", p.order}, {"cents", p.cents}})
                           .header("Idempotency-Key", key("charge-", p))
                           .timeout(2s));
    if (answer.status == 402) throw payment_declined(answer.json().at("error").get<std::string>());
    return answer.json().at("id").get<std::string>();
}

void refund(payment const& p) {
    send(http::post("/refunds")
             .json({{"order", p.order}, {"charge", key("charge-", p)}})
             .header("Idempotency-Key", key("refund-", p))
             .timeout(2s));
}

} // namespace shop
