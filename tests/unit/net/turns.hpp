// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace effects::test_support {

/// A scheduler for tests below `async`: its tasks are threads of which exactly one runs, until it waits or ends; then
/// the next one that can go on has its turn, round robin. So a run is deterministic, needs no locks and no clock, and a
/// test that would hang fails: when nobody can go on, each waiting task gets `std::runtime_error("stuck: …")`.
///
///     turns both;
///     both.task("client", [&] { … });
///     both.task("server", [&] { … });
///     both.run();     // rethrows the first exception that left a task
class turns {
public:
    turns();
    ~turns();
    void task(std::string name, std::function<void()> body);
    void run();

    /// In a task: lets others run until `ready`. `what` is for the message of a test that is stuck.
    void wait_until(std::string const& what, std::function<bool()> ready);

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace effects::test_support
