// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>

#include <effects/async/debug.hpp>
#include <effects/async/detail/debugger.hpp>
#include <effects/async/detail/expiry.hpp>
#include <effects/handlers.hpp>
#include <effects/net/connect.hpp>
#include <effects/net/datagram.hpp>
#include <effects/net/listen.hpp>
#include <effects/os/clock.hpp>
#include <effects/os/detail/time_limit.hpp>
#include <effects/os/env.hpp>
#include <effects/os/in_memory_files.hpp>
#include <effects/os/in_memory_programs.hpp>
#include <effects/os/log.hpp>
#include <effects/os/random.hpp>
#include <effects/sim/detail/machines.hpp>
#include <effects/sim/detail/turns.hpp>
#include <effects/sim/host_files.hpp>
#include <effects/sim/network.hpp>
#include <effects/sim/scheduler.hpp>

namespace effects::sim {

/// How a simulated world is set up.
struct options {
    std::uint64_t seed = 1; ///< decides which ready task runs next, and all that the world draws at random
    std::uint64_t max_steps = 10'000'000; ///< task switches after which `sim::livelock` is thrown
    network_options network = {};
    os::system_time start = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1); ///< what the calendar says at first
    std::size_t stack_size = 256 * 1024; ///< bytes, of each task whose `spawn_options` don't say
    bool debug = false;                  ///< reports what is suspicious, as `debugging` says; runs are the same
    async::debug_options debugging = {};
};

/// Answers the network's operations from a `sim::network`.
class network_handler {
public:
    using operations = effects::operations<net::resolve, net::connect, net::listen, net::bind_datagram,
                                           net::connect_datagram, reach_network>;
    explicit network_handler(network& answering) : network_(answering) {}

    std::vector<net::endpoint> operator()(net::resolve const& op) { return network_.resolve(op); }
    net::stream operator()(net::connect const& op) { return network_.connect(op); }
    net::listener operator()(net::listen const& op) { return network_.listen(op); }
    net::datagram_socket operator()(net::bind_datagram const& op) { return network_.bind(op); }
    net::datagram_socket operator()(net::connect_datagram const& op) { return network_.connect(op); }
    network& operator()(reach_network const&) { return network_; }

private:
    network& network_;
};

/// Answers `os::system_now()` and `os::steady_now()` with the scheduler's virtual time; a named host's calendar may be wrong.
class virtual_clock {
public:
    using operations = effects::operations<os::operations::system_now, os::operations::steady_now>;
    virtual_clock(scheduler& ticking, os::system_time start, detail::machines const* hosts = nullptr) noexcept
        : scheduler_(ticking), start_(start), hosts_(hosts) {}

    os::system_time operator()(os::operations::system_now const&) const noexcept {
        auto const now = scheduler_.now();
        auto const host = hosts_ ? hosts_->running() : nullptr;
        auto const right = detail::saturated_sum(start_.time_since_epoch().count(), now.time_since_epoch().count());
        auto const error = host ? host->of->clock.error(now).count() : 0;
        return os::system_time(os::system_time::duration(detail::saturated_sum(right, error)));
    }
    os::steady_time operator()(os::operations::steady_now const&) const noexcept { return scheduler_.now(); }

private:
    scheduler& scheduler_;
    os::system_time start_;
    detail::machines const* hosts_;
};

namespace detail {
// Lets handlers of `os` limit what they do by the virtual time.
struct virtual_limits {
    using operations = effects::operations<os::detail::limit_time>;
    std::unique_ptr<os::detail::time_limit> operator()(os::detail::limit_time const& op) const {
        return std::make_unique<async::detail::expiry<os::detail::time_limit>>(op.limit, op.phase);
    }
};
} // namespace detail

/// All that a simulated world consists of; `handlers()` are its handlers: inside the scheduler those whose clauses wait.
/// Files, environment and programs are none at first; a body that needs some is given its own (`os::in_memory_files{…}`) as a handler.
class world {
public:
    explicit world(options const& how)
        : scheduler_({.seed = how.seed, .max_steps = how.max_steps}), network_(how.network, how.seed, &machines_),
          network_handler_(network_), clock_(scheduler_, how.start, &machines_), random_(how.seed),
          host_files_(machines_, files_) {
        scheduler_.set_stack_size(how.stack_size);
        if (how.debug) scheduler_.set_debugger(&debugger_.emplace(how.debugging));
    }

    auto handlers() {
        return effects::handlers(programs_, network_handler_, host_files_, turns_, scheduler_, clock_, random_,
                                 environment_, limits_, log_);
    }
    sim::scheduler& scheduler() noexcept { return scheduler_; }
    os::in_memory_env& environment() noexcept { return environment_; }
    os::in_memory_files& files() noexcept { return files_; }
    os::in_memory_programs& programs() noexcept { return programs_; }
    os::collected_log& log() noexcept { return log_; }

private:
    std::optional<async::detail::debugger> debugger_;
    sim::scheduler scheduler_;
    detail::machines machines_;
    sim::network network_;
    sim::network_handler network_handler_;
    virtual_clock clock_;
    os::seeded random_;
    os::in_memory_env environment_;
    os::in_memory_files files_;
    host_files host_files_;
    os::in_memory_programs programs_;
    detail::turns turns_;
    detail::virtual_limits limits_;
    os::collected_log log_;
};

} // namespace effects::sim
