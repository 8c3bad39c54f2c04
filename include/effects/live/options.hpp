// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>

#include <effects/async/debug.hpp>
#include <effects/async/time.hpp>

namespace effects::live {

/// How a live world behaves.
struct options {
    /// SIGINT and SIGTERM cancel the main task (reason: shutdown); a second one ends the process. Else they are left alone.
    bool handle_signals = true;
    /// Threads that run tasks: that of `run`, and further ones. A task stays on the thread where it was spawned: `async::on` and
    /// `async::on_each_thread` go to others.
    std::size_t threads = 1;
    /// Most worker threads for `async::blocking` of each, started when they are needed; 0: the machine's cores, at least 4.
    std::size_t blocking_threads = 0;
    /// Bytes of stack for each task whose `spawn_options` don't say: address space, of which what is touched costs memory.
    /// 256 KiB's stacks are kept and used again; larger ones are mapped for each task.
    std::size_t stack_size = 256 * 1024;
    /// How long the addresses of a name are kept for the next who asks (the system's resolver does not say how long they hold);
    /// zero: not at all. A failure is not kept, nor are addresses none of which could be connected to.
    async::duration dns_ttl = std::chrono::seconds(10);
    /// Debug mode: reports what is suspicious, as `debugging` says, and prints the tree of tasks to standard error at a SIGUSR1 (which
    /// otherwise ends the process), whatever `handle_signals` says. A task that holds its thread is reported while it does. The
    /// environment variable EFFECTS_DEBUG, set to anything but "" and "0", switches it on, too.
    bool debug = false;
    async::debug_options debugging = {};
};

} // namespace effects::live
