// SPDX-License-Identifier: BSL-1.0
// What the cases of the policies share.
#pragma once

#include "worlds.hpp"

#include <string>
#include <system_error>
#include <utility>

// Where the exact instant is what a case is about: virtual time has it.
#define EFFECTS_IN_SIM_BODY(name, tags, body)                                                                          \
    static void body();                                                                                                \
    TEST_CASE(name ", in sim", tags "[sim]") { worlds::in_sim(&body); }                                                \
    static void body()
#define EFFECTS_IN_SIM(name, tags) EFFECTS_IN_SIM_BODY(name, tags, EFFECTS_TEST_JOINED(body_at_line_, __LINE__))

namespace resilience {

namespace async = effects::async;

inline void let_others_run() {
    for (int i = 0; i < 50; ++i) async::yield();
}

inline effects::error refused(std::string text = "refused") {
    return effects::error(std::make_error_code(std::errc::connection_refused), std::move(text));
}
inline effects::error denied() { return effects::error(std::make_error_code(std::errc::permission_denied), "denied"); }

inline void fail() { throw refused(); }

template <class F>
void fails(async::circuit_breaker& b, F f, int times = 1) {
    for (int i = 0; i < times; ++i) CHECK_THROWS_AS(b.run(f), effects::error);
}

// How long since `begun`.
struct stopwatch {
    async::time_point begun = async::now();
    async::duration operator()() const { return async::now() - begun; }
};

// Keeps a group's task waiting until it is let go.
struct gate {
    async::event entered;
    async::event open;
    void pass() {
        entered.set();
        open.wait();
    }
};

struct ask {
    using result_type = int;
    int number = 0;
};

using state = async::circuit_state;

} // namespace resilience
