// SPDX-License-Identifier: BSL-1.0
#include <effects/multishot.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <effects/detail/replayable.hpp>

#include "operations.hpp"

using namespace core_test;
using effects::control;
using effects::handle;
using effects::on;
using effects::perform;
using effects::returns;
namespace multishot = effects::multishot;

namespace {

template <class T>
std::vector<T> joined(std::vector<T> a, std::vector<T> const& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

auto both_ways() {
    return control<choose>([](choose, auto k) {
        auto first = k.resume(true);
        return joined(std::move(first), k.resume(false));
    });
}
auto as_list() {
    return returns([](auto x) { return std::vector<decltype(x)>{x}; });
}

struct pick {
    using result_type = int;
    int of;
};
struct dead_end {
    using result_type = void;
};
struct get {
    using result_type = int;
};
struct put {
    using result_type = void;
    int value;
};

struct board {
    int column;
    board const* rest;
};

bool safe(int column, board const* placed) {
    for (int distance = 1; placed; ++distance, placed = placed->rest)
        if (placed->column == column || std::abs(placed->column - column) == distance) return false;
    return true;
}

// Counts the ways to place the columns that are left.
int place_queens(int n, int left, board const* placed) {
    if (left == 0) return 1;
    int column = perform(pick{n});
    if (!safe(column, placed)) perform(dead_end{});
    board next{column, placed};
    return place_queens(n, left - 1, &next);
}

int queens(int n) {
    return multishot::handle([n] { return place_queens(n, n, nullptr); }, control<pick>([](pick const& p, auto k) {
                                 int ways = 0;
                                 for (int i = 1; i <= p.of; ++i) ways += k.resume(i);
                                 return ways;
                             }),
                             control<dead_end>([](dead_end, auto k) {
                                 std::move(k).forget();
                                 return 0;
                             }));
}

int choose_below(int n) {
    if (n < 1) perform(dead_end{});
    return perform(choose{}) ? n : choose_below(n - 1);
}

} // namespace

TEST_CASE("a multishot clause resumes as often as it likes", "[core][multishot]") {
    using pair = std::pair<bool, bool>;

    auto all = multishot::handle([] { return pair{perform(choose{}), perform(choose{})}; }, both_ways(), as_list());

    CHECK(all == std::vector{pair(true, true), pair(true, false), pair(false, true), pair(false, false)});
}

TEST_CASE("a multishot clause may resume once, or never", "[core][multishot]") {
    trace log;
    auto body = [&] {
        noted n(log, "body");
        return perform(ask{}) + 1;
    };

    CHECK(multishot::handle(body, control<ask>([](ask, auto k) { return k.resume(41); })) == 42);
    CHECK(multishot::handle(body, control<ask>([](ask, auto k) { return k.resume_tail(1); })) == 2);
    CHECK(multishot::handle(body, control<ask>([](ask, auto k) { return std::move(k).resume(1); })) == 2);
    log.clear();
    CHECK(multishot::handle(body, control<ask>([](ask, auto) { return -1; })) == -1);
    CHECK(log == trace{"~body"});
}

TEST_CASE("the first resume continues the run in hand, the others run the body again", "[core][multishot]") {
    int runs = 0;
    auto body = [&] {
        ++runs;
        return perform(ask{});
    };

    auto sum = multishot::handle(body, control<ask>([&](ask, auto k) {
                                     int first = k.resume(1);
                                     CHECK(runs == 1);
                                     first += k.resume(2);
                                     return first + k.resume(3);
                                 }));

    CHECK(sum == 6);
    CHECK(runs == 3);
}

TEST_CASE("every outcome of a multishot body goes through returns", "[core][multishot]") {
    int seen = 0;

    int sum =
        multishot::handle([] { return perform(ask{}); },
                          control<ask>([](ask, auto k) { return k.resume(1) + k.resume(2) * 10; }), returns([&](int x) {
                              ++seen;
                              return x + 100;
                          }));

    CHECK(sum == 101 + 1020);
    CHECK(seen == 2);
}

TEST_CASE("queens are placed in all ways", "[core][multishot]") {
    CHECK(queens(1) == 1);
    CHECK(queens(4) == 2);
    CHECK(queens(5) == 10);
    CHECK(queens(6) == 4);
}

TEST_CASE("three numbers of a sum are found by choosing", "[core][multishot]") {
    constexpr int sum = 9;
    auto found = multishot::handle(
        [] {
            int i = choose_below(sum), j = choose_below(i - 1), k = choose_below(j - 1);
            if (i + j + k != sum) perform(dead_end{});
            return std::vector{i, j, k};
        },
        both_ways(), control<dead_end>([](dead_end, auto) { return std::vector<std::vector<int>>{}; }), as_list());

    std::sort(found.begin(), found.end());
    CHECK(found == std::vector<std::vector<int>>{{4, 3, 2}, {5, 3, 1}, {6, 2, 1}});
}

TEST_CASE("amb finds the first choice that does not fail and unwinds the others", "[core][multishot]") {
    trace log;
    auto found = multishot::handle(
        [&] {
            int a = perform(pick{9});
            noted n(log, std::to_string(a));
            int b = perform(pick{9});
            if (a * b != 21) perform(dead_end{});
            return std::optional(std::pair(a, b));
        },
        control<pick>([](pick const& p, auto k) {
            for (int i = 1; i <= p.of; ++i)
                if (auto answer = k.resume(i)) return answer;
            return decltype(k.resume(1)){};
        }),
        control<dead_end>([](dead_end, auto) { return std::optional<std::pair<int, int>>(); }));

    CHECK(found == std::pair(3, 7));
    CHECK(log.size() == 9 + 9 + 7); // each run of the inner choice has an object of its own, and each is destroyed
}

// ---- what is recorded ----

TEST_CASE("operations for outer handlers are performed once, whatever is run again", "[core][multishot]") {
    std::vector<std::string> told;
    int asked = 0;
    auto all = handle(
        [&] {
            return multishot::handle(
                [] {
                    perform(tell{"start"});
                    int base = perform(ask{});
                    bool first = perform(choose{});
                    perform(tell{first ? "left" : "right"});
                    bool second = perform(choose{});
                    return base * 100 + first * 10 + second;
                },
                both_ways(), as_list());
        },
        [&](ask) { return ++asked; }, [&](tell const& t) { told.push_back(t.text); });

    CHECK(all == std::vector{111, 110, 101, 100});
    CHECK(asked == 1);
    CHECK(told == trace{"start", "left", "right"});
}

TEST_CASE("operations that a clause of `on` beside the control clause answers are recorded, too", "[core][multishot]") {
    int counted = 0;

    auto all = multishot::handle(
        [] {
            int ten = perform(ask{}) * 10;
            return ten + perform(choose{});
        },
        both_ways(), as_list(), on<ask>([&](ask) { return ++counted; }));

    CHECK(all == std::vector{11, 10});
    CHECK(counted == 1);
}

TEST_CASE("state that lies outside is not seen twice", "[core][multishot]") {
    int state = 0;
    auto all = handle(
        [&] {
            return multishot::handle(
                [] {
                    perform(put{perform(get{}) + 1});
                    bool first = perform(choose{});
                    perform(put{perform(get{}) + 1});
                    bool second = perform(choose{});
                    return perform(get{}) * 100 + first * 10 + second;
                },
                both_ways(), as_list());
        },
        [&](get) { return state; }, [&](put p) { state = p.value; });

    CHECK(all == std::vector{211, 210, 301, 300});
    CHECK(state == 3); // one increment before the first choice, one in each of its branches
}

TEST_CASE("state inside the body is made anew for each run", "[core][multishot]") {
    auto all = multishot::handle(
        [] {
            int state = 0;
            return handle(
                [] {
                    bool first = perform(choose{});
                    if (first) perform(put{perform(get{}) + 5});
                    bool second = perform(choose{});
                    perform(put{perform(get{}) + second});
                    return perform(get{});
                },
                [&](get) { return state; }, [&](put p) { state = p.value; });
        },
        both_ways(), as_list());

    CHECK(all == std::vector{6, 5, 1, 0});
}

TEST_CASE("a body that changes its own captures starts each run as it was given", "[core][multishot]") {
    auto all = multishot::handle(
        [n = 0]() mutable {
            n += perform(choose{}) ? 1 : 2;
            n += perform(choose{}) ? 10 : 20;
            return n;
        },
        both_ways(), as_list());

    CHECK(all == std::vector{11, 21, 12, 22});
}

TEST_CASE("long answers and long records replay", "[core][multishot]") {
    int performed = 0;
    auto all = handle(
        [&] {
            return multishot::handle(
                [] {
                    std::string text;
                    for (int i = 0; i < 100; ++i) text += perform(numbered<1>{}) ? "x" : "";
                    std::vector<std::string> parts;
                    struct words {
                        using result_type = std::vector<std::string>;
                        static std::vector<std::string> default_answer(words const&) {
                            return {"a string too long to lie in place", "another one"};
                        }
                    };
                    for (int i = 0; i < 5; ++i) parts = joined(parts, perform(words{}));
                    bool chosen = perform(choose{});
                    return text.size() * 100 + parts.size() + chosen;
                },
                both_ways(), as_list());
        },
        [&](numbered<1>) { return ++performed; });

    CHECK(all == std::vector<std::size_t>{10011, 10010});
    CHECK(performed == 100);
}

TEST_CASE("an answer by reference is the same object in every run", "[core][multishot]") {
    struct find {
        using result_type = int&;
    };
    int object = 0;
    auto all = handle(
        [&] {
            return multishot::handle(
                [] {
                    int& found = perform(find{});
                    found += perform(choose{}) ? 1 : 10;
                    return &found;
                },
                both_ways(), as_list());
        },
        [&](find) -> int& { return object; });

    CHECK(all == std::vector{&object, &object});
    CHECK(object == 11);
}

TEST_CASE("a default answer is recorded", "[core][multishot]") {
    static int given;
    given = 0;
    struct draw {
        using result_type = int;
        static int default_answer(draw const&) { return ++given; }
    };

    auto all = multishot::handle(
        [] {
            int ten = perform(draw{}) * 10;
            return ten + perform(choose{});
        },
        both_ways(), as_list());

    CHECK(all == std::vector{11, 10});
}

TEST_CASE("an exception that an operation threw is thrown again in a re-run", "[core][multishot]") {
    int thrown = 0;
    auto all = handle(
        [&] {
            return multishot::handle(
                [] {
                    std::string what;
                    try {
                        perform(ask{});
                    } catch (std::runtime_error const& e) {
                        what = e.what();
                    }
                    return what + (perform(choose{}) ? "+" : "-");
                },
                both_ways(), as_list());
        },
        [&](ask) -> int {
            ++thrown;
            throw std::runtime_error("no answer");
        });

    CHECK(all == trace{"no answer+", "no answer-"});
    CHECK(thrown == 1);
}

TEST_CASE("a multishot resumption may be resumed with exceptions and with values", "[core][multishot]") {
    auto body = [] {
        try {
            std::string asked = std::to_string(perform(ask{}));
            return asked + (perform(choose{}) ? "t" : "f");
        } catch (std::runtime_error const& e) {
            return std::string(e.what()) + (perform(choose{}) ? "t" : "f");
        }
    };
    auto run = [&](bool value_first) {
        return multishot::handle(body, both_ways(), as_list(), control<ask>([&](ask, auto k) {
                                     if (value_first) {
                                         auto first = k.resume(1);
                                         return joined(first, k.resume_with_exception(std::runtime_error("x")));
                                     }
                                     auto first = k.resume_with_exception(std::runtime_error("x"));
                                     return joined(first, k.resume(1));
                                 }));
    };

    CHECK(run(true) == trace{"1t", "1f", "xt", "xf"});
    CHECK(run(false) == trace{"xt", "xf", "1t", "1f"});
    CHECK_THROWS_AS(multishot::handle([] { return perform(ask{}); }, control<ask>([](ask, auto k) {
                                          return k.resume_with_exception(std::exception_ptr());
                                      })),
                    std::invalid_argument);
}

TEST_CASE("an unhandled operation in a multishot body says so, and is not recorded as handled", "[core][multishot]") {
    auto all = multishot::handle(
        [] {
            std::string caught;
            try {
                perform(ask{});
            } catch (effects::unhandled_operation const& e) {
                caught = e.operation();
            }
            return caught.substr(caught.size() - 3) + (perform(choose{}) ? "t" : "f");
        },
        both_ways(), as_list());
    auto nothing = [] { return control<choose>([](choose, auto k) { k.resume(true); }); };
    try {
        handle([&] { multishot::handle([&] { multishot::handle([] { perform(ask{}); }, nothing()); }, nothing()); },
               [](tell const&) {});
        FAIL("it did not throw");
    } catch (effects::unhandled_operation const& e) {
        CHECK_THAT(e.where().file_name(), Catch::Contains("multishot_test.cpp"));
        CHECK_THAT(e.what(), Catch::Contains("core_test::choose") && Catch::Contains("core_test::tell"));
    }

    CHECK(all == trace{"askt", "askf"});
}

// ---- what can't be run again ----

TEST_CASE("a re-run that performs another operation throws and names both", "[core][multishot]") {
    bool again = false;
    auto body = [&] {
        if (std::exchange(again, true))
            perform(tell{"second"});
        else
            perform(ask{});
        return perform(choose{}) ? 1 : 0;
    };
    std::string what;

    int result = handle(
        [&] {
            return multishot::handle(body, control<choose>([&](choose, auto k) {
                                         int first = k.resume(true);
                                         try {
                                             return first + k.resume(false);
                                         } catch (multishot::divergence const& e) {
                                             CHECK(e.recorded() == "core_test::ask");
                                             CHECK(e.performed() == "core_test::tell");
                                             what = e.what();
                                             return -1;
                                         }
                                     }));
        },
        [](ask) { return 1; }, [](tell const&) {});

    CHECK(result == -1);
    CHECK_THAT(what, Catch::Contains("performed core_test::tell instead of core_test::ask"));
}

TEST_CASE("a re-run that ends before it came to the place throws", "[core][multishot]") {
    bool again = false;
    bool throwing = false;
    auto body = [&] {
        if (std::exchange(again, true)) {
            if (throwing) throw std::runtime_error("out of the way");
            return 0;
        }
        return perform(choose{}) ? 1 : 0;
    };
    auto run = [&] {
        return multishot::handle(body, control<choose>([](choose, auto k) { return k.resume(true) + k.resume(true); }));
    };

    try {
        run();
        FAIL("it did not throw");
    } catch (multishot::divergence const& e) {
        CHECK(e.recorded() == "core_test::choose");
        CHECK(e.performed().empty());
        CHECK_THAT(e.what(), Catch::Contains("ended instead of performing core_test::choose"));
    }
    again = false;
    throwing = true; // which says more than that it differed
    CHECK_THROWS_WITH(run(), "out of the way");
}

TEST_CASE("a body that swallows its divergence can't go on", "[core][multishot]") {
    bool again = false;
    int told = 0;
    struct at_exit {
        ~at_exit() { perform(put{1}); }
    };
    int put_values = 0;
    auto body = [&] {
        try {
            at_exit e;
            if (std::exchange(again, true)) perform(numbered<1>{});
            perform(ask{});
        } catch (multishot::divergence const&) {
        }
        try {
            perform(tell{"went on"});
        } catch (multishot::divergence const&) {
        }
        return perform(choose{}) ? 1 : 0;
    };

    auto run = [&] {
        return handle(
            [&] {
                return multishot::handle(
                    body, control<choose>([](choose, auto k) { return k.resume(true) + k.resume(false); }));
            },
            [](ask) { return 1; }, [&](tell const&) { ++told; }, [](numbered<1>) { return 1; },
            [&](put p) { put_values += p.value; });
    };

    CHECK_THROWS_AS(run(), multishot::divergence);
    CHECK(told == 1);
    CHECK(put_values == 2); // a destructor's operation is answered while the divergence unwinds
}

namespace {
struct acquire {
    using result_type = std::unique_ptr<int>;
};
class opaque {
public:
    explicit opaque(std::string s) : s_(std::move(s)) {}
    std::string const& text() const { return s_; }

private:
    std::string s_;
    std::vector<std::unique_ptr<int>> looks_copyable_; // and would not compile
};
struct look {
    using result_type = opaque;
};
class honest {
public:
    explicit honest(std::string s) : s_(std::move(s)) {}
    std::string const& text() const { return s_; }

private:
    std::string s_;
};
struct look_again {
    using result_type = honest;
    static constexpr bool replayable = true;
};
} // namespace

TEST_CASE("an answer that can't be copied is given, but not replayed", "[core][multishot]") {
    std::string refused;
    auto run = [&](auto body) {
        return handle(
            [&] {
                return multishot::handle(body, as_list(), control<choose>([&](choose, auto k) {
                                             auto first = k.resume(true);
                                             try {
                                                 return joined(first, k.resume(false));
                                             } catch (multishot::unrepeatable const& e) {
                                                 refused = e.operation();
                                                 return first;
                                             }
                                         }));
            },
            [](acquire) { return std::make_unique<int>(7); }, [](look) { return opaque("seen"); },
            [](look_again) { return honest("again"); });
    };

    CHECK(run([] {
              int held = *perform(acquire{});
              return held + perform(choose{});
          }) == std::vector{8});
    CHECK_THAT(refused, Catch::EndsWith("acquire"));
    CHECK(run([] {
              std::string text = perform(look{}).text();
              return text + (perform(choose{}) ? "t" : "f");
          }) == trace{"seent"});
    CHECK_THAT(refused, Catch::EndsWith("look"));
    refused.clear();
    CHECK(run([] {
              std::string text = perform(look_again{}).text();
              return text + (perform(choose{}) ? "t" : "f");
          }) == trace{"againt", "againf"});
    CHECK(run([] {
              bool chosen = perform(choose{}); // first: what comes after the choice need not be replayed
              return chosen + *perform(acquire{});
          }) == std::vector{8, 7});
    CHECK(refused.empty());
}

TEST_CASE("which answers can be copied for certain is known of common types", "[core][multishot]") {
    using effects::detail::surely_copies;
    struct receipt {
        std::string id;
        long cents;
        std::optional<std::vector<std::string>> lines;
    };
    struct with_lists {
        std::vector<receipt> receipts;
        std::map<std::string, receipt> by_name;
    };
    struct looks_copyable {
        std::string name;
        std::vector<std::unique_ptr<int>> owned;
    };
    struct looks_copyable_within {
        std::string name;
        std::optional<std::vector<std::unique_ptr<int>>> owned;
    };
    STATIC_REQUIRE(surely_copies<int>());
    STATIC_REQUIRE(surely_copies<std::string>());
    STATIC_REQUIRE(surely_copies<std::vector<std::pair<int, std::string>>>());
    STATIC_REQUIRE(surely_copies<std::shared_ptr<looks_copyable>>());
    STATIC_REQUIRE(surely_copies<std::function<int(looks_copyable const&)>>());
    STATIC_REQUIRE(surely_copies<std::exception_ptr>());
    STATIC_REQUIRE(surely_copies<receipt>());
    STATIC_REQUIRE(surely_copies<with_lists>());
    STATIC_REQUIRE_FALSE(surely_copies<std::unique_ptr<int>>());
    STATIC_REQUIRE_FALSE(surely_copies<std::vector<std::unique_ptr<int>>>());
    STATIC_REQUIRE_FALSE(surely_copies<std::map<int, std::list<std::unique_ptr<int>>>>());
    STATIC_REQUIRE_FALSE(surely_copies<looks_copyable>());
    STATIC_REQUIRE_FALSE(surely_copies<looks_copyable_within>());
    STATIC_REQUIRE_FALSE(surely_copies<opaque>());
}

// ---- nesting ----

TEST_CASE("multishot handlers nest", "[core][multishot]") {
    int runs = 0;
    auto all = multishot::handle(
        [&] {
            ++runs;
            return multishot::handle(
                [] {
                    return std::pair{perform(pick{2}), perform(choose{})};
                },
                control<pick>([](pick const& p, auto k) {
                    std::vector<std::pair<int, bool>> found;
                    for (int i = 1; i <= p.of; ++i) found = joined(found, k.resume(i));
                    return found;
                }),
                as_list());
        },
        both_ways());

    // The inner one asks the outer one twice: four outcomes, each with two pairs.
    std::vector<std::pair<int, bool>> expected;
    for (bool a : {true, false})
        for (bool b : {true, false}) expected = joined(expected, {{1, a}, {2, b}});
    CHECK(all == expected);
    CHECK(runs == 4);
}

TEST_CASE("an operation that passes two multishot handlers is performed once", "[core][multishot]") {
    int asked = 0;
    auto all = handle(
        [&] {
            return multishot::handle(
                [] {
                    return multishot::handle(
                        [] {
                            int digits = perform(ask{}) * 100;
                            digits += perform(pick{2}) * 10;
                            return digits + perform(choose{});
                        },
                        control<pick>([](pick const&, auto k) { return k.resume(1) + k.resume(2); }));
                },
                both_ways(), as_list());
        },
        [&](ask) { return ++asked; });

    CHECK(all == std::vector{111 + 121, 111 + 120, 110 + 121, 110 + 120});
    CHECK(asked == 1);
}

TEST_CASE("a multishot handler works inside a clause of on", "[core][multishot]") {
    int sum = handle([] { return perform(ask{}) + perform(ask{}); },
                     [](ask) {
                         return multishot::handle(
                             [] { return perform(choose{}) ? 1 : 2; },
                             control<choose>([](choose, auto k) { return k.resume(true) + k.resume(false); }));
                     });

    CHECK(sum == 6);
}

TEST_CASE("a clause of on inside the body may be captured in mid-call and run again", "[core][multishot]") {
    int calls = 0;
    auto all = multishot::handle(
        [&] {
            return handle(
                [] {
                    int ten = perform(ask{}) * 10;
                    return ten + perform(ask{});
                },
                [&](ask) {
                    ++calls;
                    return perform(choose{}) ? 1 : 2;
                });
        },
        both_ways(), as_list());

    CHECK(all == std::vector{11, 12, 21, 22});
    CHECK(calls == 4 * 2);
}

TEST_CASE("a one-shot handler inside a multishot body, and a multishot one inside a one-shot body",
          "[core][multishot]") {
    auto one_shot = control<ask>([](ask, auto k) { return std::move(k).resume(5) + 1; });

    CHECK(multishot::handle(
              [&] {
                  return handle(
                      [] {
                          int ten = perform(ask{}) * 10;
                          return ten + perform(choose{});
                      },
                      one_shot);
              },
              both_ways(), as_list()) == std::vector{52, 51});
    CHECK(handle(
              [] {
                  auto all = multishot::handle(
                      [] {
                          int ten = perform(ask{}) * 10;
                          return ten + perform(choose{});
                      },
                      both_ways(), as_list());
                  return all.at(0) * 100 + all.at(1);
              },
              one_shot) == 5151);
}

TEST_CASE("handlers beside a multishot clause may be objects, aborts and compositions, borrowed and owned",
          "[core][multishot]") {
    struct counter {
        using operations = effects::operations<get, put>;
        int operator()(get) { return value; }
        void operator()(put p) { value = p.value; }
        int value = 0;
    };
    counter borrowed;
    auto ways = both_ways();
    auto body = [] {
        perform(put{perform(get{}) + 1});
        if (!perform(choose{})) perform(fail{"second"});
        return perform(get{});
    };

    auto all = multishot::handle(body, ways, borrowed, as_list(),
                                 effects::aborts<fail>([](fail const&) { return std::vector{-1}; }));
    auto same = multishot::handle(body, effects::handlers(both_ways(), counter{}), as_list(),
                                  effects::aborts<fail>([](fail const&) { return std::vector{-1}; }));

    CHECK(all == std::vector{1, -1});
    CHECK(same == all);
    CHECK(borrowed.value == 1);
}

TEST_CASE("multishot::handle without a control clause is handle", "[core][multishot]") {
    CHECK(multishot::handle([] { return perform(ask{}); }, [](ask) { return 3; }) == 3);
    CHECK(multishot::handle([] { return 4; }) == 4);
}

// ---- keeping resumptions ----

TEST_CASE("a multishot resumption outlives handle and is resumed outside", "[core][multishot]") {
    struct step {
        std::optional<int> value;
        multishot::resumption<pick, step> rest;
    };
    trace log;
    auto start = [&] {
        return multishot::handle<step>(
            [&log, n = std::make_unique<int>(100)] {
                noted object(log, "object");
                int first = perform(pick{2});
                return step{*n + first * 10 + perform(pick{2}), {}};
            },
            control<pick>([](pick, auto k) {
                return step{{}, std::move(k)};
            }));
    };
    auto first = start();
    REQUIRE_FALSE(first.value);

    // Breadth first, from the outside.
    std::vector<int> found;
    std::deque<step> open;
    open.push_back(std::move(first));
    while (!open.empty()) {
        step s = std::move(open.front());
        open.pop_front();
        if (s.value)
            found.push_back(*s.value);
        else
            for (int i : {1, 2}) open.push_back(s.rest.resume(i));
    }

    CHECK(found == std::vector{111, 112, 121, 122});
    CHECK(log.size() == 4);
}

TEST_CASE("dropping the last copy of an unused multishot resumption unwinds its frames", "[core][multishot]") {
    trace log;
    multishot::resumption<ask, int> kept;
    int result = multishot::handle(
        [&] {
            noted n(log, "body");
            return perform(ask{});
        },
        control<ask>([&](ask, auto k) {
            kept = k;
            return 1;
        }));
    CHECK(result == 1);
    CHECK(log.empty());

    auto copy = kept;
    kept = {};
    CHECK(log.empty());
    CHECK(copy.resume(5) == 5);
    CHECK(log == trace{"~body"});
    CHECK(copy.resume(6) == 6);
    CHECK(log == trace{"~body", "~body"});
    copy = {};
    CHECK(log.size() == 2);

    multishot::handle(
        [&] {
            noted n(log, "dropped");
            return perform(ask{});
        },
        control<ask>([&](ask, auto k) {
            kept = std::move(k);
            return 1;
        }));
    kept = {};
    CHECK(log.back() == "~dropped");
}

TEST_CASE("a forgotten multishot resumption runs no destructor, and its copies run the body again",
          "[core][multishot]") {
    trace log;
    int result = multishot::handle(
        [&] {
            noted n(log, "body");
            return perform(ask{});
        },
        control<ask>([](ask, auto k) {
            auto copy = k;
            std::move(copy).forget();
            return k.resume(4);
        }));

    CHECK(result == 4);
    CHECK(log == trace{"~body"});
}

TEST_CASE("an empty multishot resumption says that it is used up", "[core][multishot]") {
    multishot::resumption<ask, int> none;

    CHECK_FALSE(none);
    CHECK_THROWS_AS(none.resume(1), effects::resumption_already_used);
    CHECK_THROWS_AS(std::move(none).forget(), effects::resumption_already_used);
}

TEST_CASE("a multishot resumption can be resumed while the run in hand is under way", "[core][multishot]") {
    multishot::resumption<choose, int> outside;
    auto all = handle(
        [&] {
            return multishot::handle(
                [] {
                    if (perform(choose{})) return perform(ask{}) + 10;
                    return 5;
                },
                control<choose>([&](choose, auto k) {
                    outside = k;
                    return k.resume(true);
                }));
        },
        [&](ask) { return outside.resume(false); });

    CHECK(all == 15);
}

TEST_CASE("exceptions leave a multishot body through resume, run by run", "[core][multishot]") {
    int caught = 0;
    int result = multishot::handle(
        [] {
            int x = perform(ask{});
            if (x < 0) throw std::out_of_range("negative");
            return x;
        },
        control<ask>([&](ask, auto k) {
            int sum = 0;
            for (int x : {-1, 2, -3, 4}) try {
                    sum += k.resume(x);
                } catch (std::out_of_range const&) {
                    ++caught;
                }
            return sum;
        }));

    CHECK(result == 6);
    CHECK(caught == 2);
}

TEST_CASE("a multishot body may give nothing, and its operations nothing", "[core][multishot]") {
    int ended = 0;
    multishot::handle(
        [&] {
            perform(tell{"x"});
            ++ended;
        },
        control<tell>([](tell const&, auto k) {
            k.resume();
            k.resume();
            return k.resume_tail();
        }));

    CHECK(ended == 3);
}

TEST_CASE("move-only operations reach a multishot clause", "[core][multishot]") {
    struct hand_over {
        using result_type = int;
        std::unique_ptr<int> what;
    };
    int sum = multishot::handle(
        [] { return perform(hand_over{std::make_unique<int>(5)}); },
        control<hand_over>([](hand_over op, auto k) { return k.resume(*op.what) + k.resume(*op.what * 10); }));

    CHECK(sum == 55);
}

TEST_CASE("a multishot body that is captured by an outer handler goes on where it was", "[core][multishot]") {
    effects::resumption<hold, std::vector<int>> kept;
    auto first = handle(
        [] {
            return multishot::handle(
                [] {
                    int a = perform(choose{}) ? 1 : 2;
                    int held = perform(hold{});
                    return held * 100 + a * 10 + perform(choose{});
                },
                both_ways(), as_list());
        },
        control<hold>([&](hold, auto k) {
            kept = std::move(k);
            return std::vector<int>{};
        }));
    REQUIRE(first.empty());

    auto in_second = std::move(kept).resume(7); // asks again in the other branch
    REQUIRE(in_second.empty());
    CHECK(std::move(kept).resume(8) == std::vector{711, 710, 821, 820});
}

// ---- masks ----

namespace {

struct lone { // handled once at most
    using result_type = int;
};
struct by_default {
    using result_type = int;
    static int default_answer(by_default const&) { return 7; }
};
struct only_once {
    using result_type = std::unique_ptr<int>;
};

template <class Op>
auto masked() {
    return effects::mask<Op>([] { return perform(Op{}); });
}
auto says(trace& log, std::string who, int answer) {
    return on<ask>([&log, who, answer] {
        log.push_back(who);
        return answer;
    });
}

} // namespace

TEST_CASE("what is masked in a multishot body reaches the handler beyond, once for all runs",
          "[core][multishot][mask]") {
    trace log;
    auto answers = handle(
        [&] {
            return multishot::handle(
                [] {
                    int before = perform(ask{}) * 1000 + masked<ask>() * 100;
                    bool chosen = perform(choose{});
                    return before + masked<ask>() * 10 + chosen;
                },
                both_ways(), as_list());
        },
        says(log, "near", 1), says(log, "far", 2));

    CHECK(answers == std::vector{1221, 1220});
    CHECK(log == trace{"near", "far", "far", "far"}); // what comes after the choice, in each run
}

TEST_CASE("a masked operation of the multishot handler itself skips that handler, and is recorded",
          "[core][multishot][mask]") {
    int asked = 0;
    auto answers = handle(
        [] {
            return multishot::handle(
                [] {
                    bool outer = masked<choose>();
                    bool own = perform(choose{});
                    return outer * 100 + own * 10 + masked<choose>();
                },
                both_ways(), as_list());
        },
        on<choose>([&] { return ++asked == 1; }));

    CHECK(answers == std::vector{110, 100});
    CHECK(asked == 3);
}

TEST_CASE("masks reach through the edges of several multishot bodies", "[core][multishot][mask]") {
    trace log;
    auto answers = handle(
        [&] {
            return multishot::handle(
                [&] {
                    return multishot::handle(
                        [] {
                            int one = masked<ask>();
                            int two = effects::mask<ask, ask>([] { return perform(ask{}); });
                            int none = perform(ask{});
                            bool a = perform(choose{});
                            return none * 1000 + one * 100 + two * 10 + a;
                        },
                        both_ways(), as_list(), says(log, "innermost", 1));
                },
                control<pick>([](pick, auto k) { return k.resume(1); }));
        },
        says(log, "near", 2), says(log, "far", 3));

    CHECK(answers == std::vector{1231, 1230});
    CHECK(log == trace{"near", "far", "innermost"});
}

TEST_CASE("a handler in a multishot body takes up a mask before its edge", "[core][multishot][mask]") {
    trace log;
    auto answers = handle(
        [&] {
            return multishot::handle(
                [&] {
                    int sum = handle([] { return masked<ask>() * 10 + perform(ask{}); }, on<ask>([] { return 1; }));
                    return sum * 10 + perform(choose{});
                },
                both_ways(), as_list());
        },
        says(log, "near", 2), says(log, "far", 3));

    CHECK(answers == std::vector{211, 210});
    CHECK(log == trace{"near"});
}

TEST_CASE("a mask around a multishot handler is passed by what its body performs", "[core][multishot][mask]") {
    trace log;
    auto answers = handle(
        [&] {
            return effects::mask<ask>([] {
                return multishot::handle([] { return perform(ask{}) * 100 + masked<ask>() * 10 + perform(choose{}); },
                                         both_ways(), as_list());
            });
        },
        says(log, "near", 1), says(log, "far", 2), says(log, "farthest", 3));

    CHECK(answers == std::vector{231, 230});
    CHECK(log == trace{"far", "farthest"});
}

TEST_CASE("what is masked in a multishot body and handled nowhere beyond is unhandled, in each run",
          "[core][multishot][mask]") {
    unsigned line = 0;
    auto lines = handle(
        [&] {
            return multishot::handle(
                [&] {
                    unsigned where = 0;
                    try {
                        line = __LINE__ + 1;
                        effects::mask<lone>([] { return perform(lone{}); });
                    } catch (effects::unhandled_operation const& e) {
                        CHECK(e.operation().find("lone") != std::string::npos);
                        where = e.where().line();
                    }
                    return perform(choose{}) ? where : where + 1;
                },
                both_ways(), as_list());
        },
        on<lone>([] { return 1; }));

    CHECK(lines == std::vector{line, line + 1});
}

TEST_CASE("a masked operation's default answer is used beyond a multishot body", "[core][multishot][mask]") {
    auto answers = handle(
        [] {
            return multishot::handle(
                [] { return perform(by_default{}) * 100 + masked<by_default>() * 10 + perform(choose{}); }, both_ways(),
                as_list());
        },
        on<by_default>([] { return 1; }));

    CHECK(answers == std::vector{171, 170});
}

TEST_CASE("an exception that answers a masked operation is recorded as others are", "[core][multishot][mask]") {
    int thrown = 0;
    auto answers = handle(
        [] {
            return multishot::handle(
                [] {
                    int caught = 0;
                    try {
                        masked<ask>();
                    } catch (std::out_of_range const&) {
                        caught = 1;
                    }
                    return caught * 10 + perform(choose{});
                },
                both_ways(), as_list());
        },
        on<ask>([] { return 1; }), on<ask>([&]() -> int {
            ++thrown;
            throw std::out_of_range("far");
        }));

    CHECK(answers == std::vector{11, 10});
    CHECK(thrown == 1);
}

TEST_CASE("a masked operation whose answer can't be kept is performed, and makes the body unrepeatable",
          "[core][multishot][mask]") {
    std::vector<int> answers;
    handle(
        [&] {
            multishot::handle(
                [&] {
                    int given = *masked<only_once>();
                    answers.push_back(given * 10 + perform(choose{}));
                },
                control<choose>([](choose, auto k) {
                    k.resume(true);
                    CHECK_THROWS_AS(k.resume(false), multishot::unrepeatable);
                }));
        },
        on<only_once>([] { return std::make_unique<int>(1); }), on<only_once>([] { return std::make_unique<int>(2); }));

    CHECK(answers == std::vector{21});
}

TEST_CASE("a multishot body is captured whole by a control clause beyond, of a masked operation",
          "[core][multishot][mask]") {
    std::optional<effects::resumption<ask, std::vector<int>>> kept;
    auto first = handle(
        [] { return multishot::handle([] { return masked<ask>() * 10 + perform(choose{}); }, both_ways(), as_list()); },
        on<ask>([] { return 1; }), control<ask>([&](ask, effects::resumption<ask, std::vector<int>> k) {
            kept = std::move(k);
            return std::vector{-1};
        }));

    CHECK(first == std::vector{-1});
    CHECK(std::move(*kept).resume(4) == std::vector{41, 40});
}

// ---- capabilities ----

TEST_CASE("a multishot body is given the capability that it asks for, in each run", "[core][multishot][can]") {
    using effects::can;
    auto answers = handle(
        [](can<ask> outer) {
            return multishot::handle(
                outer, [](can<choose, ask> fx) { return fx.perform(ask{}) * 10 + fx.perform(choose{}); }, both_ways(),
                as_list());
        },
        on<ask>([] { return 4; }));
    CHECK(answers == std::vector{41, 40});

    auto body = [](can<choose> fx) { return fx.perform(choose{}) ? 1 : 2; };
    CHECK(multishot::handle(body, both_ways(), as_list()) == std::vector{1, 2});
    CHECK(multishot::handle([](auto fx) { return fx.perform(choose{}) ? 1 : 2; }, both_ways(), as_list()) ==
          std::vector{1, 2});
    CHECK(multishot::handle<std::vector<int>>(body, both_ways(), as_list()) == std::vector{1, 2});
    CHECK(multishot::handle([](can<choose> fx) { return fx.perform(choose{}) ? 1 : 2; },
                            on<choose>([] { return true; })) == 1); // without control
}

namespace {

struct both_sides {
    int base;
    int sum(effects::can<choose> fx) const { return base + (fx.perform(choose{}) ? 1 : 2); }
};

// Changes itself, so each run has one of its own.
struct counts_calls {
    int calls = 0;
    int operator()(effects::can<choose> fx) {
        ++calls;
        bool chosen = fx.perform(choose{});
        return calls * 10 + chosen;
    }
};

} // namespace

TEST_CASE("a member function with a capability is a multishot body", "[core][multishot][can]") {
    both_sides const object{10};
    CHECK(multishot::handle(std::bind_front(&both_sides::sum, &object), both_ways(), as_list()) == std::vector{11, 12});
}

TEST_CASE("a multishot body with a capability that changes itself starts each run as it was given",
          "[core][multishot][can]") {
    CHECK(multishot::handle(counts_calls{}, both_ways(), as_list()) == std::vector{11, 10});
    counts_calls borrowed;
    CHECK(multishot::handle(borrowed, both_ways(), as_list()) == std::vector{11, 20});
}

TEST_CASE("a capability's multishot resumption outlives its handle", "[core][multishot][can]") {
    multishot::resumption<choose, int> kept;
    int first = multishot::handle(
        [owned = std::make_shared<int>(5)](effects::can<choose> fx) { return *owned + (fx.perform(choose{}) ? 1 : 2); },
        control<choose>([&](choose, multishot::resumption<choose, int> k) {
            kept = k;
            return -1;
        }));

    CHECK(first == -1);
    CHECK(kept.resume(true) == 6);
    CHECK(kept.resume(false) == 7);
}

TEST_CASE("a handler at a tag inside a multishot body reaches its tag further out, once for all runs",
          "[core][multishot][at]") {
    struct spot;
    int asked = 0;
    auto answers = handle(
        [] {
            return multishot::handle(
                [] {
                    int sum = handle([] { return perform(effects::at<spot>(ask{})); },
                                     effects::at<spot>(on<ask>([](ask const& op) { return perform(op) + 1; })));
                    return sum * 10 + perform(choose{});
                },
                both_ways(), as_list());
        },
        effects::at<spot>(on<ask>([&] { return ++asked; })));

    CHECK(answers == std::vector{21, 20});
    CHECK(asked == 1);
}

// ---- the stack of a run that is over is the next one's ----

TEST_CASE("a run that starts again meets the handlers that are in force then", "[core][multishot]") {
    std::vector<int> seen;
    int sum = multishot::handle(
        [&] {
            int x = perform(ask{});
            seen.push_back(perform(get{}));
            return x + perform(get{});
        },
        control<ask>([](ask, auto k) {
            auto under = [&](int state, int x) {
                return handle([&] { return k.resume(x); }, on<get>([=](get) { return state; }));
            };
            return under(10, 1) + under(20, 2) + under(30, 3) + under(30, 4) + k.resume(5);
        }),
        on<get>([](get) { return 100; }));

    CHECK(seen == std::vector{100, 100, 100, 100, 100}); // beside the clause, so inside what it resumes under
    CHECK(sum == 515);

    seen.clear();
    sum = handle(
        [&] {
            return multishot::handle(
                [&] {
                    int x = perform(ask{});
                    seen.push_back(perform(get{}));
                    return x;
                },
                control<ask>([](ask, auto k) {
                    auto under = [&](int state, int x) {
                        return handle([&] { return k.resume(x); }, on<get>([=](get) { return state; }));
                    };
                    return under(10, 1) + under(20, 2) + under(30, 3) + k.resume(4) + under(40, 5) + k.resume(6) +
                           k.resume(7);
                }));
        },
        on<get>([](get) { return 0; }));

    CHECK(seen == std::vector{10, 20, 30, 0, 40, 0, 0});
    CHECK(sum == 28);
}

TEST_CASE("runs of a multishot body end in every way, one after the other", "[core][multishot]") {
    trace log;
    auto resumed = [&](auto const& k, int x) {
        try {
            log.push_back("got " + std::to_string(k.resume(x)));
        } catch (std::runtime_error const& e) {
            log.push_back(std::string("threw ") + e.what());
        }
    };
    struct away {
        using result_type = void;
    };
    struct leave {
        using result_type = void;
    };

    int answer = multishot::handle(
        [&] {
            noted n(log, "body");
            int x = perform(ask{});
            if (x % 5 == 1) throw std::runtime_error("run " + std::to_string(x));
            if (x % 5 == 2) perform(dead_end{}); // dropped: unwinds
            if (x % 5 == 3) perform(away{});     // forgotten: does not
            if (x % 5 == 4) perform(leave{});    // aborts
            return x;
        },
        control<ask>([&](ask, auto k) {
            for (int x = 0; x != 11; ++x) resumed(k, x);
            return -1;
        }),
        control<dead_end>([](dead_end, auto) { return -2; }), control<away>([](away, auto k) {
            std::move(k).forget();
            return -3;
        }),
        effects::aborts<leave>([](leave) { return -4; }));

    CHECK(answer == -1);
    CHECK(log == trace{"~body",  "got 0",  "~body", "threw run 1", "~body", "got -2",      "got -3",
                       "~body",  "got -4", "~body", "got 5",       "~body", "threw run 6", "~body",
                       "got -2", "got -3", "~body", "got -4",      "~body", "got 10"});
}

TEST_CASE("what a run of a multishot body gives is destroyed, run by run", "[core][multishot]") {
    auto count = std::make_shared<int>(0);
    struct counted {
        std::shared_ptr<int> count;
        int value;
    };
    long most = 0;

    int sum = multishot::handle(
        [&] {
            return counted{count, perform(ask{})};
        },
        control<ask>([&](ask, auto k) {
            int all = 0;
            for (int x = 0; x != 5; ++x) {
                all += k.resume(x);
                most = std::max(most, count.use_count());
            }
            return all;
        }),
        returns([](counted c) { return c.value; }));

    CHECK(sum == 10);
    CHECK(most == 1);
}

namespace {

struct resumes {
    std::function<void()> at_end;
    explicit resumes(std::function<void()> f) : at_end(std::move(f)) {}
    resumes(resumes const&) = delete;
    resumes& operator=(resumes const&) = delete;
    ~resumes() { at_end(); }
};
struct give {
    using result_type = std::shared_ptr<resumes>;
};

} // namespace

TEST_CASE("a destructor of what was recorded may run the body again", "[core][multishot]") {
    multishot::resumption<ask, int> kept;
    int again = 0;
    int inner = 0;

    int sum = handle(
        [&] {
            return multishot::handle(
                [&] {
                    int x = perform(ask{});
                    if (x > 0) perform(give{});
                    return x;
                },
                control<ask>([&](ask, auto k) {
                    kept = k;
                    int all = 0;
                    for (int x = 0; x != 4; ++x) all += k.resume(x);
                    kept = {};
                    return all;
                }));
        },
        on<give>([&](give) {
            return std::make_shared<resumes>([&] {
                if (again++ < 6 && kept) inner += kept.resume(again == 1 ? 7 : 0);
            });
        }));

    CHECK(sum == 6);
    CHECK(again > 3);
    CHECK(inner == 7);
}

TEST_CASE("a multishot body that is not being handled any more keeps no stack", "[core][multishot]") {
    multishot::resumption<ask, int> kept;
    auto body = [] { return perform(ask{}) + 1; };
    multishot::handle(body, control<ask>([&](ask, auto k) {
                          kept = k;
                          return k.resume(0) + k.resume(1);
                      }));
    effects::trim_stacks();

    CHECK(kept.resume(41) == 42);
    CHECK(effects::trim_stacks() > 0); // the stack of that run is idle now
    CHECK(kept.resume(1) == 2);
}

TEST_CASE("the runs of a multishot body that follow each other start at one place of one stack", "[core][multishot]") {
    std::vector<void*> frames;
    multishot::handle(
        [&] {
            int x = perform(ask{});
            frames.push_back(__builtin_frame_address(0));
            if (x % 2 == 1) perform(dead_end{});
        },
        control<ask>([](ask, auto k) {
            for (int x = 0; x != 40; ++x) k.resume(x);
        }),
        control<dead_end>([](dead_end, auto k) { std::move(k).forget(); }));

    REQUIRE(frames.size() == 40);
    // The first run's stack is its clause's, which does all this. The pool would give other places.
    CHECK(std::count(frames.begin() + 1, frames.end(), frames[1]) == 39);
}

TEST_CASE("a run of a multishot body may start again on another thread", "[core][multishot]") {
    multishot::resumption<ask, int> kept;
    int sum = multishot::handle(
        [] { return perform(ask{}) + perform(get{}); }, control<ask>([&](ask, auto k) {
            kept = k;
            int all = handle([&] { return k.resume(1) + k.resume(2); }, on<get>([](get) { return 10; }));
            std::thread([&] {
                all += handle([&] { return k.resume(3) + k.resume(4); }, on<get>([](get) { return 20; }));
            }).join();
            return all + handle([&] { return k.resume(5); }, on<get>([](get) { return 30; }));
        }));
    CHECK(sum == 1 + 2 + 20 + 3 + 4 + 40 + 5 + 30);
}

TEST_CASE("a run that diverges leaves its stack to the next one", "[core][multishot]") {
    int runs = 0;
    auto body = [&] {
        if (++runs == 3) perform(get{});
        return perform(ask{});
    };
    std::vector<int> got;
    multishot::handle(body, control<ask>([&](ask, auto k) {
                          for (int x = 1; x != 6; ++x) {
                              if (x == 3)
                                  CHECK_THROWS_AS(k.resume(x), multishot::divergence);
                              else
                                  got.push_back(k.resume(x));
                          }
                          return 0;
                      }),
                      on<get>([](get) { return 0; }));

    CHECK(got == std::vector{1, 2, 4, 5});
    CHECK(runs == 5);
}

TEST_CASE("a multishot clause at a tag resumes as often as it likes", "[core][multishot][at]") {
    struct here;
    struct there;
    auto add_two = control<ask>([](ask, auto k) { return k.resume(1) + k.resume(2); });

    int outer_asked = 0;
    int sum = handle(
        [&] {
            return multishot::handle(
                [] {
                    int a = perform(effects::at<here>(ask{}));
                    int b = perform(effects::at<there>(ask{}));
                    return 100 * a + 10 * b + perform(ask{});
                },
                effects::at<here>(control<ask>([](ask, auto k) { return k.resume(1) + k.resume(2) + k.resume(3); })),
                effects::at<there>(add_two));
        },
        on<ask>([&](ask) {
            ++outer_asked;
            return 5;
        }));

    CHECK(sum == 2 * (100 + 200 + 300) + 3 * (10 + 20) + 6 * 5);
    CHECK(outer_asked == 6);
}
