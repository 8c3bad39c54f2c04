// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <effects/async/group.hpp>
#include <effects/detail/kept.hpp>
#include <effects/os/in_memory_files.hpp>
#include <effects/sim/network.hpp>

namespace effects::sim {

/// How a host is, before its program starts for the first time.
struct host_options {
    std::map<std::string, std::string> files = {}; ///< on its disk, by absolute path; synced
    async::duration clock_offset{0};               ///< its calendar is ahead by so much (negative: behind)
    std::int64_t clock_drift_ppm = 0;              ///< and gains so many microseconds a second
};

/// The named hosts of one `with_hosts`. Each has a program, which is a function and what it spawns; a name and ports of its own in the network
/// (`network::partition` cuts it off, `network::set_link` says what lies between two); files of its own; a clock of its own for
/// `os::system_now` (`os::steady_now` and timers are the world's, and never go back).
///
/// What belongs to a host is told by its tasks: a task belongs to where its group does. Handlers that were installed outside answer inside as ever; one
/// that keeps connections (an `http::client`) is best installed by the program.
///
/// A name that no host has is a `std::invalid_argument`.
class hosts {
public:
    ~hosts();
    hosts(hosts const&) = delete;
    hosts& operator=(hosts const&) = delete;

    /// Makes a host and starts its program, which runs at once to its first wait: it listens when this returns. The host stays up when the
    /// program returns. What the program throws ends `with_hosts`, as that of any task ends its group. Does not suspend the caller: in a cancelled task it
    /// starts the host all the same.
    ///
    ///     hosts.start("db", [] { serve(perform(net::listen({"0.0.0.0", 5432}))); });
    void start(std::string name, std::function<void()> program) { start(std::move(name), {}, std::move(program)); }
    void start(std::string name, host_options how, std::function<void()> program);

    /// Its power fails: all its tasks end at once, and what their clean-up does (to streams, files; the calls fail) nobody sees. Its listeners have gone, files
    /// are as they were last synced (`os::sync`). Peers learn nothing: they wait until the host is back and they send it something, which resets the connection, or
    /// until nothing of what they sent was acknowledged for too long (`std::errc::timed_out`). Returns when the tasks have ended; no time passes. It is shielded: who cancels the
    /// caller does not keep the host up.
    ///
    /// In a task of that very host: it ends there.
    void crash(std::string const& name);
    /// Its program is killed, and the system goes on: connections are closed, or reset where there was something to read; files are as they were written.
    /// Shielded, and in a task of that host, as `crash`.
    void kill(std::string const& name);
    /// Asks its program to end, as SIGTERM asks a program of `live::run`: cancels its tasks (`reason::shutdown`), each of which may
    /// take the time that it needs for what it shields. Returns when they have ended; what the program throws meanwhile is a failure like any. Cancelled, it leaves the program ending; whoever can't wait kills it then:
    ///
    ///     if (!async::try_timeout(10s, [&] { hosts.shut_down("db"); })) hosts.kill("db");
    void shut_down(std::string const& name);
    /// Starts its program, from the beginning; crashes it first if it runs. Shielded as `crash`, so a cancelled caller leaves the host up as well.
    ///
    /// In a task of that very host: it ends there, and the program starts again when all tasks of the host have ended.
    void restart(std::string const& name);
    bool is_up(std::string const& name) const; ///< its program was started, and not crashed, killed or shut down

    /// Runs `f` as a task of the host, and gives what it returns, or throws. If the host ends before, `async::task_cancelled`. The caller's deadline is that
    /// of `f`, too. Cancelled, it cancels `f` for the same reason, waits until that has ended, and leaves what it had done by then.
    ///
    ///     hosts.start("client", [] {});
    ///     auto answer = hosts.run_on("client", [] { return perform(http::get("http://web/")); });
    template <class F>
    std::invoke_result_t<F&> run_on(std::string const& name, F&& f) {
        effects::detail::kept<std::invoke_result_t<F&>> value;
        run_task(name, [&] { value.take_from([&]() -> std::invoke_result_t<F&> { return f(); }); });
        return value.take();
    }

    /// Its disk, also while it is down.
    os::in_memory_files& files(std::string const& name);
    /// Its calendar goes on from there; `by` may be negative. Each is in force after a restart, too. A calendar stops at `os::system_time::min()` and `max()`.
    void jump_clock(std::string const& name, async::duration by);
    void set_clock_drift(std::string const& name, std::int64_t ppm);

private:
    template <class F>
    friend std::invoke_result_t<F, hosts&> with_hosts(F&& f);
    struct state;

    hosts();
    void live_in(async::group& g) noexcept;
    void run_task(std::string const& name, std::function<void()> f);

    std::unique_ptr<state> state_;
};

/// Runs `f(hosts&)`, which starts hosts, and gives what it returns; then the hosts are cancelled (`reason::group_ended`) and joined. In a simulated world only.
/// Cancelling the caller cancels `f` and all hosts; when it leaves, none is left, and their connections have been closed.
///
///     sim::run([] {
///         sim::with_hosts([](sim::hosts& hosts) {
///             hosts.start("db", [] { serve(perform(net::listen({"0.0.0.0", 5432}))); });
///             hosts.start("web", [] { … perform(net::connect({"db", 5432})) … });
///             async::sleep_for(10s);
///             hosts.crash("db");
///             async::sleep_for(1min);
///             hosts.restart("db");
///             …
///         });
///     });
///
/// The programs run under the handlers that are in force here. They outlive `f`'s own variables, so what they refer to belongs outside of `f`.
template <class F>
std::invoke_result_t<F, hosts&> with_hosts(F&& f) {
    hosts all;
    return async::task_group([&](async::group& g) -> std::invoke_result_t<F, hosts&> {
        all.live_in(g);
        return std::forward<F>(f)(all);
    });
}

} // namespace effects::sim
