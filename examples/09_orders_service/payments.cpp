// SPDX-License-Identifier: BSL-1.0
#include "payments.hpp"

#include <chrono>

#include <effects/async.hpp>
#include <effects/http.hpp>
#include <nlohmann/json.hpp>

#include "types.hpp"

using effects::perform;
using namespace std::chrono_literals;
namespace async = effects::async;
namespace http = effects::http;

namespace shop {

namespace {

bool may_pass(effects::error const& e) {
    auto* answer = dynamic_cast<http::status_error const*>(&e);
    return !answer || answer->status() == 429 || answer->status() >= 500;
}

// Sends until there is an answer that trying again would not change.
http::response send(http::request const& r) {
    return async::retry({.attempts = 6, .backoff = async::exponential(20ms).jitter(), .when = may_pass}, [&] {
        http::response answer = perform(r);
        return answer.status == 402 ? answer : answer.raise_for_status();
    });
}

} // namespace

std::string charge(std::string const& order, long cents) {
    auto answer = send(http::post("/charges")
                           .json({{"order", order}, {"cents", cents}})
                           .header("Idempotency-Key", "charge-" + order)
                           .timeout(2s));
    if (answer.status == 402) throw payment_declined(answer.json().at("error").get<std::string>());
    return answer.json().at("id").get<std::string>();
}

void refund(std::string const& order) {
    send(http::post("/refunds").json({{"order", order}}).header("Idempotency-Key", "refund-" + order).timeout(2s));
}

} // namespace shop
