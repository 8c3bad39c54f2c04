// SPDX-License-Identifier: BSL-1.0
#include <effects/http/client.hpp>

#include <mutex>
#include <stdexcept>

#include <effects/async/group.hpp>
#include <effects/http/error.hpp>
#include <effects/http/url.hpp>
#include <effects/net/connect.hpp>
#include <effects/perform.hpp>

#include "connection_pool.hpp"
#include "cookies.hpp"
#include "exchange.hpp"
#include "hop.hpp"
#include "url_parts.hpp"
#include "world.hpp"

namespace effects::http {

struct client::state {
    explicit state(client_options o)
        : options(std::move(o)), pool({options.max_connections_per_host, options.keep_alive}) {}

    client_options options;
    connection_pool pool;
    std::mutex cookies_mutex;
    cookie_jar cookies;
    std::once_flag tls_made;
    std::optional<net::tls::client_context> tls;

    // `phase` is what a timeout says was going on.
    response run(request const& r, char const*& phase);
    response send(hop const& h, char const*& phase);
    std::unique_ptr<connection> open(origin const& to, char const*& phase);
    std::string cookies_for(hop const& h);
    void store_cookies(hop const& h, response const& r);
    std::string describe(request const& r) const;
};

namespace {

/// For cookies. A world without a calendar still has a Max-Age, and "in 1970" is over in every one.
date cookie_time() {
    auto calendar = wall_now();
    return calendar ? *calendar : date(std::chrono::floor<std::chrono::seconds>(steady_now().time_since_epoch()));
}

void check(client_options const& o) {
    if (!o.base_url.empty()) split_url(o.base_url);
    if (o.timeout && *o.timeout <= std::chrono::nanoseconds::zero())
        throw std::invalid_argument("http::client: the timeout has to be positive (an empty one means none)");
    if (o.max_redirects < 0) throw std::invalid_argument("http::client: max_redirects is negative");
    if (o.max_header_bytes == 0) throw std::invalid_argument("http::client: max_header_bytes is zero");
}

} // namespace

client::client(client_options options) {
    check(options);
    state_ = std::make_unique<state>(std::move(options));
}
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

response client::operator()(request const& r) {
    return with_context([&] { return state_->describe(r); },
                        [&] {
                            auto limit = r.timeout() ? r.timeout() : state_->options.timeout;
                            return within(limit, [&](char const*& phase) { return state_->run(r, phase); });
                        });
}

void client::start(async::group& background) {
    background.spawn({"http::client"}, [pool = &state_->pool] { pool->sweep(); });
}
void client::stop() noexcept { state_->pool.clear(); }
std::size_t client::idle_connections() const { return state_->pool.idle(); }

response client::state::run(request const& r, char const*& phase) {
    auto h = first_hop(r, options);
    bool const follow = r.follow_redirects().value_or(options.follow_redirects);
    std::vector<std::string> history;
    for (;;) {
        auto answer = send(h, phase);
        auto next = follow ? next_hop(h, answer.status, answer.headers) : std::nullopt;
        if (!next) {
            answer.url = std::move(h.url);
            answer.history = std::move(history);
            return answer;
        }
        if (history.size() >= static_cast<std::size_t>(options.max_redirects))
            throw error(errc::too_many_redirects, "more than " + std::to_string(options.max_redirects) +
                                                      " redirects, the last to " + redacted_url(next->url));
        history.push_back(std::move(h.url));
        h = std::move(*next);
    }
}

response client::state::send(hop const& h, char const*& phase) {
    auto const cookies_to_send = cookies_for(h);
    message_limits const limits{options.max_header_bytes, options.max_body_bytes};
    for (bool resend = false;; resend = true) {
        phase = "waiting for a free connection";
        auto lease = pool.acquire(h.to.origin, resend);
        if (!lease) lease.open(open(h.to.origin, phase));
        exchange_state progress;
        try {
            auto answer = exchange(*lease, h, cookies_to_send, limits, progress, phase);
            if (progress.reusable) lease.keep(steady_now());
            store_cookies(h, answer);
            return answer;
        } catch (effects::error const&) {
            // The server closed a kept connection as we took it: nobody has seen the request. Anything else is news.
            bool dead = lease->reused && !progress.heard;
            if (resend || !dead || !options.resend_on_dead_connection || !is_idempotent(h)) throw;
        }
    }
}

std::unique_ptr<connection> client::state::open(origin const& to, char const*& phase) {
    phase = "connecting";
    auto stream = perform(net::connect(options.connect_to.value_or(net::endpoint{to.host, to.port})));
    if (to.secure) {
        phase = "the TLS handshake";
        std::call_once(tls_made, [&] { tls.emplace(options.tls); });
        stream = net::tls::connect(std::move(stream), to.host, *tls);
    }
    // Room for a whole header section, and for a step of the body behind it.
    return std::make_unique<connection>(std::move(stream), options.max_header_bytes + input_buffer::read_size);
}

std::string client::state::cookies_for(hop const& h) {
    if (!options.cookies) return {};
    {
        std::lock_guard lock(cookies_mutex);
        if (cookies.size() == 0) return {};
    }
    auto const now = cookie_time();
    std::lock_guard lock(cookies_mutex);
    return cookies.header_for(h.to.origin, h.to.path, now);
}

void client::state::store_cookies(hop const& h, response const& r) {
    if (!options.cookies || !r.headers.contains("Set-Cookie")) return;
    auto const now = cookie_time();
    std::lock_guard lock(cookies_mutex);
    for (auto const& f : r.headers)
        if (equal_names(f.name, "Set-Cookie")) cookies.store(f.value, h.to.origin, h.to.path, now);
}

std::string client::state::describe(request const& r) const {
    auto url = r.url();
    try {
        if (!options.base_url.empty()) url = join_url(options.base_url, url);
    } catch (std::invalid_argument const&) { // as it was given, then
    }
    return r.method() + " " + redacted_url(url);
}

} // namespace effects::http
