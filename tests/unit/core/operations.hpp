// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <effects/effects.hpp>

// The small vocabulary of the core's tests.
namespace core_test {

struct ask {
    using result_type = int;
};
struct tell {
    using result_type = void;
    std::string text;
};
struct choose {
    using result_type = bool;
};
struct hold {
    using result_type = int;
};
struct fail {
    using result_type = void;
    std::string why;
};
template <int N>
struct numbered {
    using result_type = int;
};

using trace = std::vector<std::string>;

// Says in the trace when it is destroyed.
class noted {
public:
    noted(trace& log, std::string name) : log_(log), name_(std::move(name)) {}
    noted(noted const&) = delete;
    noted& operator=(noted const&) = delete;
    ~noted() { log_.push_back("~" + name_); }

private:
    trace& log_;
    std::string name_;
};

// Counts how often it was copied and moved.
struct counted {
    counted() = default;
    counted(counted const& other) : copies(other.copies + 1), moves(other.moves) {}
    counted(counted&& other) noexcept : copies(other.copies), moves(other.moves + 1) {}
    counted& operator=(counted const&) = delete;
    ~counted() = default;
    int copies = 0;
    int moves = 0;
};

} // namespace core_test
