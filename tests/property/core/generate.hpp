// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "program.hpp"

#include <rapidcheck.h>

namespace property {

// What the programs of one property are made of: how often each step is chosen, against the others.
struct mix {
    int perform = 30;
    int local = 8;
    int scope = 3;
    int repeat = 4;
    int fail = 3;
    int rethrow = 6; // in a catch block
    int catch_own = 4;
    int catch_all = 5;
    int observe = 4;
    int handle = 18;
    int shallow = 0;
    int mask = 3;
    int use_own = 20; // where a control clause has a resumption
    int use_slot = 0;
    int thread = 0;
    // of the clauses
    int on = 30;
    int control = 40;
    int aborts = 12;
    // in a hundred
    int destructors = 15; // that do something
    int tail = 30;
    int maps = 25;
    int leaves = 20;
    int keep = 15;
    int forget = 0;
    int rest = 10;
};

// Programs that end by themselves, without a call of std::terminate.
rc::Gen<program> programs(mix const& of);

// Those that may call it.
rc::Gen<program> terminating_programs(mix const& of);

} // namespace property
