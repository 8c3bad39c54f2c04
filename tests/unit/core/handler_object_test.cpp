// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <memory>
#include <stdexcept>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::handle;
using effects::perform;

namespace {

struct charge {
    using result_type = long;
    long cents;
};
struct refund {
    using result_type = void;
    long cents;
};

class till {
public:
    using operations = effects::operations<charge, refund>;
    long operator()(charge const& c) { return balance += c.cents; }
    void operator()(refund const& r) { balance -= r.cents; }
    long balance = 0;
};

// Performs its own operation before it answers.
class doubling {
public:
    using operations = effects::operations<charge>;
    long operator()(charge const& c) { return perform(charge{c.cents * 2}); }
};

} // namespace

TEST_CASE("an object answers each of its operations", "[core][handler_object]") {
    till mine;

    handle(
        [] {
            CHECK(perform(charge{10}) == 10);
            perform(refund{4});
            CHECK(perform(charge{1}) == 7);
        },
        mine);

    CHECK(mine.balance == 7);
}

TEST_CASE("a handler that is an rvalue is kept for the call", "[core][handler_object]") {
    struct owner {
        using operations = effects::operations<ask>;
        int operator()(ask) const { return *value; }
        std::unique_ptr<int> value;
    };

    CHECK(handle([] { return perform(ask{}); }, owner{std::make_unique<int>(6)}) == 6);
}

TEST_CASE("a handler that is const answers if it can", "[core][handler_object]") {
    struct fixed {
        using operations = effects::operations<ask>;
        int operator()(ask) const { return 8; }
    };
    fixed const mine;

    CHECK(handle([] { return perform(ask{}); }, mine) == 8);
}

TEST_CASE("a handler's own operations go outside it", "[core][handler_object]") {
    till mine;

    long got = handle([] { return perform(charge{5}); }, doubling{}, doubling{}, mine);

    CHECK(got == 20);
}

TEST_CASE("a handler may overload on how it takes an operation", "[core][handler_object]") {
    struct picky {
        using operations = effects::operations<tell>;
        void operator()(tell const&) { log.push_back("const&"); }
        void operator()(tell&&) { log.push_back("&&"); }
        trace log;
    };
    picky mine;

    handle(
        [] {
            tell t{"x"};
            perform(t);
            perform(std::move(t));
            perform(tell{"y"});
        },
        mine);

    CHECK(mine.log == trace{"const&", "&&", "&&"});
}

TEST_CASE("an object may answer nothing at all", "[core][handler_object]") {
    struct only_lives {
        using operations = effects::operations<>;
        trace* log;
        only_lives(trace& l) : log(&l) {}
        only_lives(only_lives&& other) noexcept : log(std::exchange(other.log, nullptr)) {}
        ~only_lives() {
            if (log) log->push_back("end");
        }
    };
    trace log;

    int answer = handle(
        [&] {
            CHECK(log.empty());
            return perform(ask{});
        },
        only_lives(log), [](ask) { return 1; });

    CHECK(answer == 1);
    CHECK(log == trace{"end"});
}

TEST_CASE("a kept handler lives as long as the body that it serves", "[core][handler_object]") {
    struct living {
        using operations = effects::operations<ask>;
        std::shared_ptr<int> life = std::make_shared<int>(3);
        int operator()(ask) const { return *life; }
    };
    effects::resumption<hold, int> kept;
    std::weak_ptr<int> life;
    {
        living l;
        life = l.life;
        handle([] { return perform(hold{}) + perform(ask{}); }, std::move(l), effects::control<hold>([&](hold, auto k) {
                   kept = std::move(k);
                   return 0;
               }));
    }

    SECTION("until it ends") {
        CHECK_FALSE(life.expired());
        CHECK(std::move(kept).resume(1) == 4);
    }
    SECTION("until it is dropped") {
        CHECK_FALSE(life.expired());
        kept = {};
    }
    SECTION("until it is forgotten") {
        CHECK_FALSE(life.expired());
        std::move(kept).forget();
    }
    CHECK(life.expired());
}

TEST_CASE("a kept handler is destroyed when its handlers are out of force", "[core][handler_object]") {
    struct asks_at_end {
        using operations = effects::operations<ask>;
        explicit asks_at_end(int& o) : out(&o) {}
        asks_at_end(asks_at_end&& other) noexcept : out(std::exchange(other.out, nullptr)) {}
        ~asks_at_end() {
            if (out) *out = perform(ask{});
        }
        int operator()(ask) const { return 1; }
        int* out;
    };
    int out = 0;

    handle(
        [&] {
            handle([] {}, asks_at_end(out));
            CHECK(out == 2);
            out = 0;
            handle([] {}, asks_at_end(out), effects::control<hold>([](hold, auto k) { std::move(k).resume(0); }));
            CHECK(out == 2);
        },
        [](ask) { return 2; });
}

TEST_CASE("a handler's exception is thrown out of perform", "[core][handler_object]") {
    struct broken {
        using operations = effects::operations<ask>;
        int operator()(ask) const { throw std::runtime_error("broken"); }
    };

    CHECK_THROWS_WITH(handle([] { return perform(ask{}); }, broken{}), "broken");
}

TEST_CASE("a handler's constructor, destructor and moves may throw", "[core][handler_object]") {
    struct throws_on_move {
        using operations = effects::operations<ask>;
        explicit throws_on_move(int n) : moves_left(n) {}
        throws_on_move(throws_on_move&& other) : moves_left(other.moves_left - 1) {
            if (moves_left < 0) throw std::runtime_error("moved too often");
        }
        int operator()(ask) const { return 1; }
        int moves_left;
    };
    auto capturing = [] { return effects::control<hold>([](hold, auto k) { return std::move(k).resume(0); }); };

    for (int moves = 0; moves < 10; ++moves) {
        auto run = [&](auto&&... more) {
            try {
                return handle([] { return perform(ask{}); }, throws_on_move(moves), std::move(more)...);
            } catch (std::runtime_error const&) {
                return -1;
            }
        };
        CAPTURE(moves);
        int expected = moves >= 8 ? 1 : -1;
        if (moves == 0 || moves >= 8) {
            CHECK(run() == expected);
            CHECK(run(capturing()) == expected);
        } else {
            CHECK(std::abs(run()) == 1);
            CHECK(std::abs(run(capturing())) == 1);
        }
        CHECK_THROWS_AS(perform(ask{}), effects::unhandled_operation);
    }
}

TEST_CASE("an exception of a kept handler's destructor leaves handle", "[core][handler_object]") {
    struct throws_at_end {
        using operations = effects::operations<ask>;
        throws_at_end() = default;
        throws_at_end(throws_at_end&& other) noexcept { other.armed = false; }
        ~throws_at_end() noexcept(false) {
            if (armed) throw std::runtime_error("at the end");
        }
        int operator()(ask) const { return 1; }
        bool armed = true;
    };

    CHECK_THROWS_WITH(handle([] { perform(ask{}); }, throws_at_end{}), "at the end");
    CHECK_THROWS_AS(perform(ask{}), effects::unhandled_operation);
}
