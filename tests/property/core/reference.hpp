// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "program.hpp"
#include "trace.hpp"

#include <array>

// What a program means, without the library: a machine whose continuations are lists of frames.
namespace property {

// What the programs of a run have met, so that a test can tell whether they still reach it.
enum class feature : unsigned char {
    capture,
    resumed_in_tail_position,
    resumed_by_exception,
    resumed_elsewhere,     // than by the clause it was given to
    resumed_while_handled, // by a `handle` of the rest
    resumed_on_another_thread,
    used_twice,
    dropped,
    dropped_in_several_fibers,
    dropped_on_another_thread,
    unwinding_swallowed,
    suspension_refused, // in a dropped body
    forgotten,
    aborted,
    aborted_again, // an abort that was swallowed
    abort_refuses_capture,
    abort_replaced, // the unwinding of somebody further out takes its place
    clause_throws,  // that of aborts
    masked,
    default_answer,
    no_handler,
    shallow,
    leaves_dropped, // finally in a dropped body
    leaves_throwing,
    performs_in_destructor,
    captured_in_catch,
    captured_in_destructor,
    captured_clause, // a control clause is captured
    count
};
using features = std::array<long, static_cast<std::size_t>(feature::count)>;
char const* text(feature f);

enum class verdict : unsigned char {
    ends,
    terminates, // std::terminate is called, by what `blamed` names
    too_long,
};

struct meaning {
    verdict how = verdict::ends;
    trace events;
    int blamed = 0;        // a step
    int finally = nowhere; // the number of its finally clause, where that is to blame
    bool leaks = false;    // what was forgotten held handlers
    features met{};
};

meaning interpret(program const& p);

} // namespace property
