// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <stdexcept>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::control;
using effects::handle;
using effects::perform;
using effects::resumption;
using effects::resumption_already_used;

namespace {

using resumable = resumption<hold, int>;

// Runs to its first hold and hands over the rest.
template <class Body>
resumable suspended(Body&& body) {
    resumable kept;
    handle(std::forward<Body>(body), control<hold>([&](hold, resumable k) {
               kept = std::move(k);
               return -1;
           }));
    return kept;
}

// An operation whose value is made by a constructor that may throw.
struct fussy {
    fussy(int v) : value(v) {
        if (v < 0) throw std::out_of_range("negative");
    }
    int value;
};
struct ask_fussy {
    using result_type = fussy;
};

} // namespace

TEST_CASE("a resumption is move-only, and empty by default and after a move", "[core][resumption]") {
    static_assert(!std::is_copy_constructible_v<resumable>);
    static_assert(std::is_nothrow_move_constructible_v<resumable>);
    static_assert(std::is_nothrow_move_assignable_v<resumable>);
    static_assert(std::is_nothrow_default_constructible_v<resumable>);
    resumable empty;
    resumable k = suspended([] { return perform(hold{}); });

    CHECK_FALSE(empty);
    CHECK(k);
    empty = std::move(k);
    CHECK(empty);
    CHECK_FALSE(k);
    CHECK(std::move(empty).resume(3) == 3);
}

TEST_CASE("a resumption used twice throws, however it was used", "[core][resumption]") {
    auto k = suspended([] { return perform(hold{}); });
    auto use = GENERATE(0, 1, 2, 3);
    if (use == 0) CHECK(std::move(k).resume(3) == 3);
    if (use == 1) CHECK_THROWS_AS(std::move(k).resume_with_exception(std::runtime_error("x")), std::runtime_error);
    if (use == 2) std::move(k).forget();
    if (use == 3) {
        auto taken = std::move(k);
    }

    CHECK_FALSE(k);
    CHECK_THROWS_AS(std::move(k).resume(3), resumption_already_used);
    CHECK_THROWS_AS(std::move(k).resume_with_exception(1), resumption_already_used);
    CHECK_THROWS_AS((void)std::move(k).resume_tail(3), resumption_already_used);
    CHECK_THROWS_AS(std::move(k).forget(), resumption_already_used);
}

TEST_CASE("resuming by exception makes perform throw it", "[core][resumption]") {
    auto run = [](auto e) {
        return handle(
            []() -> std::string {
                try {
                    perform(ask{});
                    return "answered";
                } catch (std::runtime_error const& caught) {
                    return caught.what();
                } catch (int n) {
                    return std::to_string(n);
                }
            },
            control<ask>([&](ask, auto k) { return std::move(k).resume_with_exception(e); }));
    };

    CHECK(run(std::runtime_error("bad")) == "bad");
    CHECK(run(5) == "5");
    CHECK(run(std::make_exception_ptr(std::runtime_error("by pointer"))) == "by pointer");
}

TEST_CASE("resuming by no exception is refused, and the resumption is as it was", "[core][resumption]") {
    auto k = suspended([] { return perform(hold{}); });

    CHECK_THROWS_AS(std::move(k).resume_with_exception(std::exception_ptr()), std::invalid_argument);

    REQUIRE(k);
    CHECK(std::move(k).resume(1) == 1);
}

TEST_CASE("a value whose constructor throws leaves the resumption usable", "[core][resumption]") {
    int answer = handle([] { return perform(ask_fussy{}).value; }, control<ask_fussy>([](ask_fussy, auto k) {
                            CHECK_THROWS_AS(std::move(k).resume(-1), std::out_of_range);
                            REQUIRE(k);
                            CHECK_THROWS_AS((void)std::move(k).resume_tail(-1), std::out_of_range);
                            REQUIRE(k);
                            return std::move(k).resume(7);
                        }));

    CHECK(answer == 7);
}

TEST_CASE("resume makes its value in place", "[core][resumption]") {
    struct get_counted {
        using result_type = counted;
    };

    counted got = handle([] { return perform(get_counted{}); },
                         control<get_counted>([](get_counted, auto k) { return std::move(k).resume(counted()); }));

    CHECK(got.copies == 0);
}

TEST_CASE("a resumption may be resumed inside the body that it was taken from, later", "[core][resumption]") {
    // Two handles; the outer body gets hold of the inner one's rest and resumes it under itself.
    int answer = handle(
        [] {
            auto k = suspended([] { return perform(hold{}) + perform(ask{}); });
            return handle([&] { return std::move(k).resume(1); }, [](ask) { return 10; }) + perform(ask{});
        },
        [](ask) { return 100; });

    CHECK(answer == 111);
}

TEST_CASE("a resumption may be resumed inside a clause of another handler", "[core][resumption]") {
    auto k = suspended([] { return perform(hold{}) + perform(ask{}); });

    int answer = handle(
        [&] { return handle([] { return perform(ask{}); }, [&](ask) { return std::move(k).resume(perform(ask{})); }); },
        [](ask) { return 4; });

    CHECK(answer == 8);
}

TEST_CASE("assigning over a resumption drops what it held", "[core][resumption]") {
    trace log;
    auto noting = [&](std::string name) {
        return suspended([&log, name] {
            noted local(log, name);
            return perform(hold{});
        });
    };
    auto k = noting("first");

    k = noting("second");
    CHECK(log == trace{"~first"});
    k = {};
    CHECK(log == trace{"~first", "~second"});
}

TEST_CASE("forgetting runs no destructor of the body's locals, but those of the body and of the clauses",
          "[core][resumption]") {
    int locals = 0;
    auto owned = std::make_shared<int>(1);
    struct counts {
        int& n;
        ~counts() { ++n; }
    };
    auto k = suspended([&locals, owned] {
        counts local{locals};
        return perform(hold{});
    });
    CHECK(owned.use_count() == 2);

    std::move(k).forget();

    CHECK(locals == 0);
    CHECK(owned.use_count() == 1);
}

TEST_CASE("forgetting gives back the stacks of inner handles, too", "[core][resumption]") {
    auto owned = std::make_shared<int>(1);
    for (int i = 0; i < 1000; ++i) {
        auto k = suspended([owned] {
            return handle([owned] { return perform(hold{}); },
                          control<choose>([owned](choose, auto inner) { return std::move(inner).resume(true); }));
        });
        std::move(k).forget();
    }

    CHECK(owned.use_count() == 1);
}

TEST_CASE("forgetting a body in whose clauses it stands gives back their stacks, too", "[core][resumption]") {
    // The inner clause is still running, on the stack that is forgotten, when `hold` captures them all.
    auto owned = std::make_shared<int>(1);
    for (int i = 0; i < 100; ++i) {
        auto k = suspended([owned] {
            return handle([owned] { return perform(choose{}) ? perform(hold{}) : 0; },
                          control<choose>([owned](choose, auto inner) { return std::move(inner).resume(true) + 1; }));
        });
        std::move(k).forget();
    }

    CHECK(owned.use_count() == 1);
}

TEST_CASE("a clause may forget its body, and answer", "[core][resumption]") {
    int sum = 0;
    for (int i = 0; i < 1000; ++i)
        sum += handle([] { return perform(ask{}); }, control<ask>([](ask, auto k) {
                          std::move(k).forget();
                          return 1;
                      }));

    CHECK(sum == 1000);
}

TEST_CASE("thousands of suspended computations live side by side and end in any order", "[core][resumption]") {
#if defined(__SANITIZE_THREAD__)
    constexpr int count = 4'000; // ThreadSanitizer has 8128 in all
#else
    constexpr int count = 12'000;
#endif
    int alive = 0;
    struct living {
        int& n;
        explicit living(int& counter) : n(counter) { ++n; }
        living(living const&) = delete;
        living& operator=(living const&) = delete;
        ~living() { --n; }
    };
    std::vector<resumable> all;
    for (int i = 0; i < count; ++i)
        all.push_back(suspended([&alive, i] {
            living l(alive);
            return perform(hold{}) + i;
        }));
    REQUIRE(alive == count);
    std::vector<int> order(count);
    for (int i = 0; i < count; ++i) order[static_cast<std::size_t>(i)] = i;
    std::shuffle(order.begin(), order.end(), std::mt19937(7));

    int wrong = 0;
    for (int i : order) {
        auto& k = all[static_cast<std::size_t>(i)];
        if (i % 3 == 0)
            k = {};
        else if (std::move(k).resume(1) != i + 1)
            ++wrong;
    }

    CHECK(wrong == 0);
    CHECK(alive == 0);
}

TEST_CASE("a chain of suspended computations, each holding the next, drops from its head", "[core][resumption]") {
    trace log;
    resumable chain = suspended([&log] {
        noted local(log, "0");
        return perform(hold{});
    });
    for (int i = 1; i < 4; ++i)
        chain = suspended([&log, i, next = std::move(chain)]() mutable {
            noted local(log, std::to_string(i));
            resumable mine = std::move(next);
            return perform(hold{});
        });

    chain = {};

    CHECK(log == trace{"~0", "~1", "~2", "~3"});
}

TEST_CASE("a resumption may be stored in a container of the clause that took it", "[core][resumption]") {
    std::vector<resumable> queue;
    auto enqueue = control<hold>([&](hold, resumable k) {
        queue.push_back(std::move(k));
        return 0;
    });
    int sum = 0;

    for (int i = 0; i < 10; ++i)
        handle(
            [&sum, i] {
                for (int j = 0; j < i; ++j) sum += perform(hold{});
                return 0;
            },
            enqueue);
    while (!queue.empty()) {
        auto k = std::move(queue.back());
        queue.pop_back();
        std::move(k).resume(1);
    }

    CHECK(sum == 45);
}
