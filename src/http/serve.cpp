// SPDX-License-Identifier: BSL-1.0
#include <effects/http/serve.hpp>

#include <algorithm>
#include <vector>

#include <effects/async/cancelled.hpp>
#include <effects/async/event.hpp>
#include <effects/async/group.hpp>
#include <effects/async/shield.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/timeout.hpp>
#include <effects/net/error.hpp>
#include <effects/os/log.hpp>
#include <effects/perform.hpp>

#include "server_connection.hpp"

namespace effects::http {
namespace {

class server {
public:
    server(net::listener& door, router const& routes, server_options const& options)
        : door_(door), routes_(routes), options_(options) {
        if (options.tls) tls_.emplace(*options.tls);
    }

    /// Accepts and answers until `stop`; returns when the last connection has ended.
    void run() {
        async::task_group([&](async::group& g) {
            while (!stopping_) {
                accept(g);
                if (open_ < options_.max_connections || stopping_) continue;
                room_.reset();
                room_.wait();
            }
            // The requests in progress have their time, and no more.
            if (!async::try_timeout(options_.grace, [&] {
                    while (open_ > 0) {
                        room_.reset();
                        room_.wait();
                    }
                }))
                g.cancel(async::reason::shutdown);
        });
    }

    void stop() noexcept {
        stopping_ = true;
        door_.close();
        for (auto* c : connections_) {
            c->finish();
            if (c->idle()) c->close();
        }
        for (auto* t : shaking_hands_) t->close();
        room_.set();
    }

private:
    void accept(async::group& g) {
        net::stream peer;
        bool refused = false;
        try {
            peer = door_.accept();
        } catch (net::error const& e) {
            if (e.code() == net::errc::closed) {
                stopping_ = true;
                return;
            }
            refused = true; // out of descriptors, or a peer that was gone before it was here
        }
        if (refused) return async::sleep_for(std::chrono::milliseconds(50));
        g.spawn([this, peer = std::move(peer)]() mutable { // runs at once, so it is counted when `spawn` returns
            struct presence {
                server& s;
                explicit presence(server& in) : s(in) { ++s.open_; }
                ~presence() {
                    --s.open_;
                    s.room_.set();
                }
            } here(*this);
            serve_one(std::move(peer));
        });
    }

    net::stream shake_hands(net::stream plain) {
        auto* transport = &plain.far_side(); // TLS owns it from now on, and stays as long as we wait
        struct entry {
            server& s;
            net::transport* t;
            ~entry() { std::erase(s.shaking_hands_, t); }
        } listed{*this, transport};
        shaking_hands_.push_back(transport);
        return async::timeout(options_.read_timeout, "the TLS handshake",
                              [&] { return net::tls::accept(std::move(plain), *tls_); });
    }

    void serve_one(net::stream peer) {
        net::endpoint from;
        try {
            from = peer.remote();
            if (tls_) peer = shake_hands(std::move(peer));
            server_connection c(std::move(peer), routes_, options_);
            struct entry {
                server& s;
                server_connection* c;
                entry(server& owner, server_connection& mine) : s(owner), c(&mine) {
                    s.connections_.push_back(c);
                    if (s.stopping_) c->finish();
                }
                ~entry() { std::erase(s.connections_, c); }
            } listed(*this, c);
            c.run();
        } catch (effects::error const& e) {            // one peer's failure is nobody else's
            if (e.code() == net::errc::closed) return; // by us
            os::log.debug("a connection failed", {{"peer", from.text()}, {"error", e.what()}});
            if (options_.on_fault) options_.on_fault(from, e);
        } catch (std::exception const&) { // nor is a lack of memory
        }
    }

    net::listener& door_;
    router const& routes_;
    server_options const& options_;
    std::optional<net::tls::server_context> tls_;
    std::vector<server_connection*> connections_;
    std::vector<net::transport*> shaking_hands_; // no request has come over these
    std::size_t open_ = 0;
    async::event room_; // a connection has ended, or all shall
    bool stopping_ = false;
};

} // namespace

void serve(net::listener door, router const& routes, server_options options) {
    server s(door, routes, options);
    os::log.info("serving", {{"address", door.local().text()}, {"tls", options.tls.has_value()}});
    if (options.on_listening) options.on_listening(door.local());
    try {
        async::task_group([&](async::group& g) {
            // Out of the reach of the cancellation that stops it: it has requests to finish.
            auto work = g.spawn({"http::serve"}, [&] { async::shield([&] { s.run(); }); });
            try {
                work.wait();
            } catch (async::cancelled const&) {
                s.stop();
                throw;
            }
        });
    } catch (async::cancelled const& c) {
        if (c.why() != async::reason::shutdown) throw;
        async::detail::put_back_cancellation(async::detail::current_task()); // what comes after it may hear of it, too
    }
}

void serve(std::string const& address, router const& routes, server_options options, std::source_location where) {
    net::listen const at(net::endpoint::parse(address), 1024, options.reuse_port);
    serve(perform(at, where), routes, std::move(options));
}

} // namespace effects::http
