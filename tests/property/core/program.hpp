// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

// A program over the core, as plain data: what the library runs (real.hpp) and what the reference interprets (reference.hpp).
namespace property {

inline constexpr int operations = 3; // the last one has a default_answer
inline constexpr int slots = 3;      // where resumptions are kept, for anybody to resume or drop
inline constexpr int default_answer(int value) { return value + 100; }

enum class clause_kind : unsigned char { on, control, aborts };

enum class step_kind : unsigned char {
    perform,   // the answer joins the sum of the function that it stands in
    local,     // an object, until the block around it is left; `body` runs in its destructor
    scope,     // `body`
    repeat,    // `body`, `value` times
    fail,      // throws boom{value}
    rethrow,   // throw;
    catch_own, // try { body } catch (boom) { rescue }
    catch_all, // try { body } catch (...) { rescue }, with a `throw;` at its end where `again`
    observe,   // what std::uncaught_exceptions and std::current_exception say
    handle,    // effects::handle of `body`, or of the rest in `source`, by `clauses`, `maps`, `leaves`
    shallow,   // shallow::handle, likewise; has a control clause
    mask,      // mask<operation>
    resume,    // these use the resumption in `source`; one that is used up throws
    resume_with_exception,
    drop,
    forget, // where it owns nothing
    keep,   // moves the clause's own to a slot
    thread, // `body` on another thread, which is joined
};

// Where a resumption is: that of the clause around it, or a slot.
inline constexpr int own = -1;
inline constexpr int nowhere = -2;

struct step;
using block = std::vector<step>;

struct clause {
    clause_kind kind = clause_kind::on;
    int operation = 0;
    block body;        // its sum is the answer
    bool tail = false; // of a control clause: ends with `return resume_tail(value)`
    int value = 0;
    int name = 0;
};

struct step {
    step_kind kind = step_kind::observe;
    int operation = 0;
    int value = 0;
    int slot = 0;         // for keep
    int source = nowhere; // of the resumption that is used
    bool again = false;
    bool maps = false; // has a `returns` clause
    int leaves = 0;    // `finally` clauses: 0 to 2
    block body;
    block rescue;
    std::vector<clause> clauses; // 0 to 2, the innermost first
    block mapping;
    block leaving[2];
    int name = 0;
};

struct program {
    block body;
};

// Gives each step and clause its number, by which the traces speak of it.
void number(program& p);

// How large it is; each shrinking makes it smaller.
std::size_t size(program const& p);

std::ostream& operator<<(std::ostream& out, program const& p);

} // namespace property
