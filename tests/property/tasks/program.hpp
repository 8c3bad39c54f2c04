// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <vector>

// Random programs of tasks: what they say, whoever runs them.
namespace property {

enum class step_kind {
    sleep, // `value` milliseconds
    yield,
    send, // to channel `at`
    receive,
    try_send,
    try_receive,
    close,
    acquire, // `value` permits of the semaphore, for the body
    lock,    // the mutex, for the body
    set,     // event `at`
    reset,
    wait,
    spawn,   // the body, into the innermost group; its handle goes to slot `at`
    group,   // the body
    timeout, // the body, for `value` milliseconds
    shield,  // the body
    cancel,  // the task of slot `at`
    join,
    cancel_group,
    fail,
    attempt, // the body; its failure is caught
    swallow, // the body; whatever it throws is caught
};
inline constexpr int step_kinds = 22;

inline constexpr int channels = 3; // with room for none, two, and any number
inline constexpr int events = 2;
inline constexpr int slots = 3;
inline constexpr int permits = 2;

struct step;
using block = std::vector<step>;

struct step {
    step_kind kind = step_kind::yield;
    int at = 0;
    int value = 0;
    block body = {};
};

struct program {
    std::uint64_t seed = 1; // of the world that it runs in
    block body;
};

char const* text(step_kind kind) noexcept;
bool has_body(step_kind kind) noexcept;
std::size_t size(block const& b) noexcept; // steps, inner ones too
std::ostream& operator<<(std::ostream& out, program const& p);

} // namespace property
