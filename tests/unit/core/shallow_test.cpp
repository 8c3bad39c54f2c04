// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <functional>
#include <stdexcept>
#include <thread>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::aborts;
using effects::control;
using effects::handle;
using effects::on;
using effects::perform;
namespace shallow = effects::shallow;

namespace {

// ---- a protocol of two states ----

struct open_door {
    using result_type = std::string;
};
struct close_door {
    using result_type = std::string;
};

struct refused : std::logic_error {
    using std::logic_error::logic_error;
};

struct door {
    using body = shallow::rest<std::string>;

    template <class Body>
    static std::string closed(Body rest, int opened) {
        return shallow::handle(std::move(rest), control<open_door>([&](open_door, auto k) {
                                   return opened_by(std::move(k).with("opened " + std::to_string(opened + 1)),
                                                    opened + 1);
                               }),
                               on<close_door>([]() -> std::string { throw refused("it is closed"); }));
    }
    static std::string opened_by(body rest, int opened) {
        return shallow::handle(std::move(rest), control<close_door>([&](close_door, auto k) {
                                   return closed(std::move(k).with("closed"), opened);
                               }),
                               on<open_door>([]() -> std::string { throw refused("it is open"); }));
    }
};

// ---- pipes ----

struct await {
    using result_type = int;
};
struct yield {
    using result_type = void;
    int value;
};

using consumer = shallow::rest<int>;
using producer = shallow::rest<void>;

int pull(consumer body, producer from);

// The consumer's body runs until it awaits; then the producer's until it yields.
int push(shallow::resumption<await, int> waiting, producer from) {
    return shallow::handle<int>(std::move(from), control<yield>([&](yield y, shallow::resumption<yield, void> k) {
                                    return pull(std::move(waiting).with(y.value), std::move(k).with());
                                }),
                                effects::returns([&] { return std::move(waiting).resume(-1); }));
}
int pull(consumer body, producer from) {
    return shallow::handle(std::move(body), control<await>([&](await, shallow::resumption<await, int> k) {
                               return push(std::move(k), std::move(from));
                           }));
}

struct start_it {
    using result_type = void;
};
// A body that has not begun, as the rest of one.
template <class R, class Body>
shallow::rest<R> not_begun(Body body) {
    shallow::rest<R> rest;
    if constexpr (std::is_void_v<R>)
        shallow::handle(
            [body] {
                perform(start_it{});
                body();
            },
            control<start_it>([&](start_it, shallow::resumption<start_it, R> k) { rest = std::move(k).with(); }));
    else
        static_cast<void>(shallow::handle(
            [body] {
                perform(start_it{});
                return body();
            },
            control<start_it>([&](start_it, shallow::resumption<start_it, R> k) {
                rest = std::move(k).with();
                return R();
            })));
    return rest;
}

template <class Body>
shallow::resumption<hold, int> suspended(Body&& body) {
    shallow::resumption<hold, int> kept;
    shallow::handle(std::forward<Body>(body), control<hold>([&](hold, auto k) {
                        kept = std::move(k);
                        return -1;
                    }));
    return kept;
}

} // namespace

TEST_CASE("a protocol of two states answers by the state that it is in", "[core][shallow]") {
    auto said = door::closed(
        [] {
            std::string log;
            CHECK_THROWS_WITH(perform(close_door{}), "it is closed");
            log += perform(open_door{}) + ", ";
            CHECK_THROWS_WITH(perform(open_door{}), "it is open");
            log += perform(close_door{}) + ", ";
            CHECK_THROWS_WITH(perform(close_door{}), "it is closed");
            log += perform(open_door{});
            return log;
        },
        0);

    CHECK(said == "opened 1, closed, opened 2");
}

TEST_CASE("a pipe lets the consumer and the producer take turns", "[core][shallow]") {
    trace log;
    auto produce = not_begun<void>([&] {
        for (int i = 1; i <= 3; ++i) {
            log.push_back("yield " + std::to_string(i));
            perform(yield{i});
        }
        log.push_back("dry");
    });
    auto consume = not_begun<int>([&] {
        int sum = 0;
        for (int got; (got = perform(await{})) != -1;) {
            log.push_back("got " + std::to_string(got));
            sum += got;
        }
        return sum;
    });

    CHECK(pull(std::move(consume), std::move(produce)) == 6);
    CHECK(log == trace{"yield 1", "got 1", "yield 2", "got 2", "yield 3", "got 3", "dry"});
}

TEST_CASE("a consumer that has enough unwinds the producer", "[core][shallow]") {
    trace log;
    auto produce = not_begun<void>([&] {
        noted scope(log, "producer");
        for (int i = 1;; ++i) perform(yield{i});
    });
    auto consume = not_begun<int>([&] {
        int first = perform(await{});
        return first * 10 + perform(await{});
    });

    CHECK(pull(std::move(consume), std::move(produce)) == 12);
    CHECK(log == trace{"~producer"});
}

TEST_CASE("the rest of a body runs under the handlers where it is resumed", "[core][shallow]") {
    auto body = [] { return perform(ask{}) * 100 + perform(ask{}) * 10 + perform(ask{}); };
    auto resume_one = control<ask>([](ask, auto k) { return std::move(k).resume(1); });

    SECTION("not under its own handler any more") {
        CHECK(handle([&] { return shallow::handle(body, resume_one); }, on<ask>([] { return 2; })) == 122);
        CHECK_THROWS_AS(shallow::handle(body, resume_one), effects::unhandled_operation);
    }
    SECTION("nor under its handlers of other operations") {
        auto both = [&] { return perform(choose{}) ? perform(ask{}) * 10 + perform(choose{}) : 0; };
        auto yes = control<choose>([](choose, auto k) { return std::move(k).resume(true); });
        CHECK(handle([&] { return shallow::handle(both, yes, on<ask>([] { return 3; })); }, on<ask>([] { return 4; }),
                     on<choose>([] { return false; })) == 40);
    }
    SECTION("in the clause, under what it installs there") {
        auto resume_under_five = control<ask>(
            [](ask, auto k) { return handle([&] { return std::move(k).resume(1); }, on<ask>([] { return 5; })); });
        CHECK(handle([&] { return shallow::handle(body, resume_under_five); }, on<ask>([] { return 2; })) == 155);
    }
    SECTION("after the call, elsewhere") {
        auto k = suspended([] { return perform(hold{}) * 100 + perform(ask{}) * 10 + perform(hold{}); });
        CHECK(handle([&] { return std::move(k).resume(1); }, on<ask>([] { return 2; }), on<hold>([] { return 3; })) ==
              123);
    }
    SECTION("on another thread") {
        auto k = suspended([] { return perform(hold{}) * 10 + perform(ask{}); });
        int got = 0;
        std::thread([&] { got = handle([&] { return std::move(k).resume(1); }, on<ask>([] { return 2; })); }).join();
        CHECK(got == 12);
    }
}

TEST_CASE("resumed in a lambda, a body nests in the new handler's", "[core][shallow]") {
    struct count {
        static int from(shallow::resumption<hold, int> k, int value, int& asked) {
            return shallow::handle([&] { return std::move(k).resume(value); },
                                   control<hold>([&](hold, shallow::resumption<hold, int> next) {
                                       return from(std::move(next), value + 1, ++asked);
                                   }));
        }
    };
    int asked = 0;
    auto k = suspended([] {
        int sum = 0;
        for (int i = 0; i < 20; ++i) sum += perform(hold{});
        return sum;
    });
    CHECK(count::from(std::move(k), 1, asked) == 210);
    CHECK(asked == 19);
}

TEST_CASE("a body of a million steps takes one stack", "[core][shallow]") {
    constexpr int steps = 1'000'000;
    auto body = [] {
        int sum = 0;
        for (int i = 0; i < steps; ++i) sum += perform(hold{}) & 1;
        return sum;
    };
    auto rest = suspended(body);
    int asked = 0, answer = -1;
    while (rest)
        answer = shallow::handle(std::move(rest).with(asked), control<hold>([&](hold, auto k) {
                                     ++asked;
                                     rest = std::move(k);
                                     return -1;
                                 }));
    CHECK(asked == steps - 1);
    CHECK(answer == steps / 2);
}

TEST_CASE("a rest is a body for a deep handler as well", "[core][shallow]") {
    auto k = suspended([] { return perform(hold{}) * 100 + perform(hold{}) * 10 + perform(hold{}); });

    CHECK(handle(std::move(k).with(1), on<hold>([] { return 2; })) == 122);
    auto l = suspended([] { return perform(hold{}) * 100 + perform(hold{}) * 10 + perform(hold{}); });
    CHECK(handle(std::move(l).with(1), control<hold>([](hold, auto r) { return std::move(r).resume(3); })) == 133);
}

TEST_CASE("returns and aborts belong to the handler, not to the rest", "[core][shallow]") {
    auto times_ten = effects::returns([](int x) { return x * 10; });
    auto resume_two = control<ask>([](ask, auto k) { return std::move(k).resume(2); });
    auto give_up = aborts<fail>([] { return -1; });

    CHECK(shallow::handle([] { return 1; }, times_ten, resume_two) == 10);
    CHECK(shallow::handle([] { return perform(ask{}); }, times_ten, resume_two) == 2);
    CHECK(shallow::handle(
              [] {
                  perform(fail{"x"});
                  return 1;
              },
              give_up, resume_two) == -1);
    auto fails_later = [] {
        int got = perform(ask{});
        perform(fail{"x"});
        return got;
    };
    CHECK(handle([&] { return shallow::handle(fails_later, give_up, resume_two); }, aborts<fail>([] { return -2; })) ==
          -2);
    CHECK(shallow::handle(fails_later, give_up, control<ask>([&](ask, auto k) {
                              return shallow::handle(std::move(k).with(1), aborts<fail>([] { return -3; }), resume_two);
                          })) == -3);
}

TEST_CASE("a shallow handler of on clauses alone is used up by nothing", "[core][shallow]") {
    CHECK(shallow::handle([] { return perform(ask{}) + perform(ask{}); }, on<ask>([] { return 2; })) == 4);
    CHECK(shallow::handle([] { return perform(ask{}) * 10 + perform(ask{}) + perform(hold{}); },
                          on<ask>([] { return 2; }),
                          control<hold>([](hold, auto k) { return std::move(k).resume(100); })) == 122);
}

TEST_CASE("exceptions cross a shallow handler in both directions", "[core][shallow]") {
    auto throws = [] { return perform(ask{}) > 0 ? throw std::runtime_error("body") : 1; };
    auto resume_one = control<ask>([](ask, auto k) { return std::move(k).resume(1); });

    CHECK_THROWS_WITH(shallow::handle([]() -> int { throw std::runtime_error("at once"); }, resume_one), "at once");
    CHECK_THROWS_WITH(shallow::handle(throws, resume_one), "body");
    trace log;
    auto guarded = [&] {
        noted scope(log, "body");
        return perform(ask{});
    };
    auto fails = control<ask>([](ask, auto) -> int { throw std::runtime_error("clause"); });
    CHECK_THROWS_WITH(shallow::handle(guarded, fails), "clause");
    CHECK(log == trace{"~body"});
    auto into = control<ask>(
        [](ask, auto k) { return std::move(k).resume_with_exception(std::runtime_error("into the body")); });
    CHECK_THROWS_WITH(shallow::handle(guarded, into), "into the body");
}

TEST_CASE("what is never resumed unwinds, or is forgotten", "[core][shallow]") {
    trace log;
    auto body = [&] {
        noted scope(log, "body");
        return perform(hold{});
    };
    {
        auto k = suspended(body);
        CHECK(log.empty());
    }
    CHECK(log == trace{"~body"});
    {
        auto k = suspended(body);
        auto rest = std::move(k).with(1);
        CHECK(rest);
        CHECK_FALSE(k);
    }
    CHECK(log == trace{"~body", "~body"});
    suspended([] { return perform(hold{}); }).forget();
    auto k = suspended([] { return perform(hold{}); });
    CHECK(std::move(k).resume(1) == 1);
    CHECK_THROWS_AS(std::move(k).resume(1), effects::resumption_already_used);
    CHECK_THROWS_AS(std::move(k).with(1), effects::resumption_already_used);
    CHECK_THROWS_AS(handle(shallow::rest<int>()), effects::resumption_already_used);
}

TEST_CASE("a shallow handler is captured by a handler further out, and goes on elsewhere", "[core][shallow]") {
    struct paused {
        effects::resumption<choose, paused> rest;
        int value = 0;
    };
    auto at = handle(
        [] {
            return handle(
                [] {
                    return paused{{},
                                  shallow::handle(
                                      [] {
                                          int before = perform(ask{});
                                          bool chosen = perform(choose{});
                                          return before * 1000 + chosen * 100 + perform(ask{}) * 10 + perform(hold{});
                                      },
                                      control<hold>([](hold, auto k) { return std::move(k).resume(5); }))};
                },
                control<choose>([](choose, auto k) {
                    return paused{std::move(k), 0};
                }));
        },
        on<ask>([] { return 1; }));

    CHECK(handle([&] { return std::move(at.rest).resume(true); }, on<ask>([] { return 2; })).value == 1125);
    CHECK(handle([] { return perform(ask{}); }, on<ask>([] { return 3; })) == 3);
}

TEST_CASE("shallow handlers stand at tags, and count for capabilities", "[core][shallow]") {
    struct audit;
    auto at_audit = effects::at<audit>(control<ask>([](ask, auto k) { return std::move(k).resume(4); }));

    CHECK(shallow::handle(
              [](effects::can<effects::tagged<audit, ask>> fx) { return fx.perform(effects::at<audit>(ask{})); },
              at_audit) == 4);
}
