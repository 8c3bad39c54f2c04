// SPDX-License-Identifier: BSL-1.0
// Queens on a board: `pick` resumes once for each column and adds what comes of it.
#include "input.hpp"

#include <array>
#include <cstddef>
#include <utility>

#include <effects/effects.hpp>
#include <effects/multishot.hpp>

namespace {

struct pick {
    using result_type = int;
    int columns;
};
struct fail {
    using result_type = void;
};

constexpr std::size_t most_queens = 32;

struct board {
    std::array<int, most_queens> column;
    std::size_t placed = 0;

    // The newest queen is one row away, the one before it two.
    bool safe(int q) const {
        int distance = 1;
        for (std::size_t row = placed; row-- > 0; ++distance)
            if (column[row] == q || column[row] == q + distance || column[row] == q - distance) return false;
        return true;
    }
};

void place(int n, int queens, board& b) {
    if (queens == 0) return;
    place(n, queens - 1, b);
    int q = effects::perform(pick{n});
    if (!b.safe(q)) effects::perform(fail{});
    b.column[b.placed++] = q;
}

std::int64_t run(std::int64_t n) {
    return effects::multishot::handle(
        [queens = static_cast<int>(n)] {
            board b;
            place(queens, queens, b);
            return std::int64_t{1};
        },
        effects::control<pick>([](pick op, auto k) {
            std::int64_t ways = 0;
            for (int q = 1; q <= op.columns; ++q) ways += k.resume(q);
            return ways;
        }),
        effects::control<fail>([](fail, auto k) {
            std::move(k).forget(); // the body owns nothing
            return std::int64_t{0};
        }));
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, most_queens, run); }
