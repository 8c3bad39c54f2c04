// SPDX-License-Identifier: BSL-1.0
// An operation, a function that performs it, and three handlers that answer it: in place, by giving up, by going on later.
#include <iostream>
#include <string>

#include <effects/effects.hpp>

// What is asked for. What answers it is `result_type`.
struct ask_name {
    using result_type = std::string;
};

// Business logic: it neither knows nor cares who answers.
std::string greeting() { return "Hello, " + effects::perform(ask_name{}) + "!"; }

int main() {
    // Answered in place, like a function call.
    std::cout << effects::handle(greeting, [](ask_name const&) { return "world"; }) << '\n';

    // Given up: what the clause returns is the answer of the whole `handle`.
    std::cout << effects::handle(greeting, effects::aborts<ask_name>([] { return "Nobody is there."; })) << '\n';

    // With the rest of the body in hand: go on with it, and change what came of it.
    std::cout << effects::handle(greeting, effects::control<ask_name>([](ask_name, auto k) {
                                     return std::move(k).resume("effects") + " Nice to meet you.";
                                 }))
              << '\n';

    // Not answered at all: an exception that says what, where and what was in scope.
    try {
        greeting();
    } catch (effects::unhandled_operation const& e) {
        std::cout << "unhandled: " << e.operation() << '\n';
    }
}
