// SPDX-License-Identifier: BSL-1.0
#include "child.hpp"
#include "operations.hpp"

#include <csignal>
#include <stdexcept>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::control;
using effects::handle;
using effects::perform;
using effects::resumption;

namespace {

using resumable = resumption<hold, int>;

template <class Body>
resumable suspended(Body&& body) {
    resumable kept;
    handle(std::forward<Body>(body), control<hold>([&](hold, resumable k) {
               kept = std::move(k);
               return -1;
           }));
    return kept;
}

struct at_end { // runs something while the frames unwind
    std::function<void()> run;
    ~at_end() { run(); }
};

} // namespace

TEST_CASE("dropping a resumption runs the destructors it captured, newest first", "[core][unwinding]") {
    trace log;
    auto k = suspended([&] {
        noted a(log, "a");
        noted b(log, "b");
        [&] {
            noted c(log, "c");
            perform(hold{});
        }();
        return 0;
    });
    CHECK(log.empty());

    k = {};

    CHECK(log == trace{"~c", "~b", "~a"});
}

TEST_CASE("a clause that drops its resumption unwinds the body before handle returns", "[core][unwinding]") {
    trace log;

    int answer = handle(
        [&] {
            noted local(log, "local");
            return perform(ask{});
        },
        control<ask>([&](ask, auto k) {
            log.push_back("clause");
            { auto dropped = std::move(k); }
            log.push_back("answer");
            return 3;
        }));

    CHECK(answer == 3);
    CHECK(log == trace{"clause", "~local", "answer"});
}

TEST_CASE("dropping unwinds the fibers in a captured segment from the inside out", "[core][unwinding]") {
    trace log;
    auto k = suspended([&] {
        noted outer(log, "outer");
        return handle(
            [&] {
                noted middle(log, "middle");
                return handle(
                    [&] {
                        noted inner(log, "inner");
                        return perform(hold{});
                    },
                    control<ask>([](ask, auto r) { return std::move(r).resume(1); }));
            },
            control<choose>([](choose, auto r) { return std::move(r).resume(true); }));
    });

    k = {};

    CHECK(log == trace{"~inner", "~middle", "~outer"});
}

TEST_CASE("dropping unwinds a clause of `on` that was suspended in mid-call", "[core][unwinding]") {
    trace log;
    auto k = suspended([&] {
        return handle(
            [&] {
                noted body(log, "body");
                return perform(ask{});
            },
            [&](ask) {
                noted clause(log, "clause");
                return perform(hold{});
            });
    });

    k = {};

    CHECK(log == trace{"~clause", "~body"});
}

TEST_CASE("dropping unwinds a control clause that was suspended in mid-call, and what that one holds",
          "[core][unwinding]") {
    trace log;
    auto k = suspended([&] {
        return handle(
            [&] {
                noted body(log, "body");
                return perform(ask{});
            },
            control<ask>([&](ask, auto held) {
                noted clause(log, "clause");
                int value = perform(hold{});
                return std::move(held).resume(value);
            }));
    });

    k = {};

    CHECK(log == trace{"~clause", "~body"});
}

TEST_CASE("the handlers that destructors see are those in force where the resumption is dropped", "[core][unwinding]") {
    int seen = 0;
    resumable k;
    handle(
        [&] {
            k = suspended([&] {
                at_end end{[&] { seen = perform(ask{}); }};
                CHECK(perform(ask{}) == 1);
                return perform(hold{});
            });
        },
        [](ask) { return 1; });

    handle([&] { k = {}; }, [](ask) { return 2; });

    CHECK(seen == 2);
}

TEST_CASE("the handlers captured with a body answer in its destructors", "[core][unwinding]") {
    int seen = 0;
    auto k = suspended([&] {
        return handle(
            [&] {
                at_end end{[&] { seen = perform(ask{}); }};
                return perform(hold{});
            },
            [](ask) { return 3; });
    });

    k = {};

    CHECK(seen == 3);
}

TEST_CASE("a whole handle that captures works in a destructor while its body unwinds", "[core][unwinding]") {
    int seen = 0;
    auto k = suspended([&] {
        at_end end{[&] {
            seen = handle([] { return perform(ask{}) + perform(ask{}); },
                          control<ask>([](ask, auto r) { return std::move(r).resume(4); }));
        }};
        return perform(hold{});
    });

    k = {};

    CHECK(seen == 8);
}

TEST_CASE("a dropped body that swallows the unwinding has its value discarded", "[core][unwinding]") {
    bool mapped = false;
    bool went_on = false;
    resumable k;
    handle(
        [&] {
            try {
                perform(hold{});
            } catch (...) {
            }
            went_on = true;
            return 5;
        },
        control<hold>([&](hold, resumable r) {
            k = std::move(r);
            return 0;
        }),
        effects::returns([&](int v) {
            mapped = true;
            return v;
        }));

    k = {};

    CHECK(went_on);
    CHECK_FALSE(mapped);
}

TEST_CASE("a dropped body that swallows the unwinding meets it again where it would suspend", "[core][unwinding]") {
    int swallowed = 0;
    int captured = 0;
    resumable k;
    auto keep = control<hold>([&](hold, resumable r) {
        ++captured;
        k = std::move(r);
        return 0;
    });
    handle(
        [&] {
            for (int i = 0; i < 4; ++i) {
                try {
                    perform(hold{});
                } catch (std::exception const&) {
                    FAIL("the unwinding is not a std::exception");
                } catch (...) {
                    ++swallowed;
                }
            }
            return 0;
        },
        keep);
    REQUIRE(captured == 1);

    k = {};

    CHECK(captured == 1);
    CHECK(swallowed == 4);
}

TEST_CASE("a dropped body that swallows the unwinding can't be captured from further out either", "[core][unwinding]") {
    int captured = 0;
    int in_place = 0;
    bool passed = false;

    handle(
        [&] {
            auto k = suspended([&] {
                try {
                    perform(hold{});
                } catch (...) {
                }
                in_place = perform(ask{});
                perform(choose{});
                passed = true;
                return 0;
            });
            k = {};
        },
        control<choose>([&](choose, auto r) {
            ++captured;
            std::move(r).resume(true);
        }),
        [](ask) { return 6; });

    CHECK(in_place == 6);
    CHECK(captured == 0);
    CHECK_FALSE(passed);
}

TEST_CASE("a swallowed unwinding of an inner fiber goes on at the next suspension of the outer one",
          "[core][unwinding]") {
    trace log;
    auto k = suspended([&] {
        noted outer(log, "outer");
        int inner = handle(
            [&] {
                try {
                    return perform(hold{});
                } catch (...) {
                    log.push_back("swallowed");
                    return 1;
                }
            },
            control<ask>([](ask, auto r) { return std::move(r).resume(1); }));
        log.push_back("went on");
        perform(hold{});
        log.push_back("never");
        return inner;
    });

    k = {};

    CHECK(log == trace{"swallowed", "went on", "~outer"});
}

TEST_CASE("an exception that replaces the unwinding is discarded with the body", "[core][unwinding]") {
    auto k = suspended([]() -> int {
        try {
            return perform(hold{});
        } catch (...) {
            throw std::runtime_error("instead");
        }
    });

    CHECK_NOTHROW(k = {});
}

TEST_CASE("dropping leaves the dropper's exceptions alone", "[core][unwinding]") {
    int in_body = -1;
    bool current_in_body = true;
    auto make = [&] {
        return suspended([&] {
            at_end end{[&] {
                in_body = std::uncaught_exceptions();
                current_in_body = std::current_exception() != nullptr;
            }};
            return perform(hold{});
        });
    };

    SECTION("in a catch block") {
        auto k = make();
        try {
            throw std::runtime_error("mine");
        } catch (...) {
            k = {};
            CHECK(std::uncaught_exceptions() == 0);
            CHECK_THROWS_WITH(std::rethrow_exception(std::current_exception()), "mine");
            CHECK_THROWS_WITH(throw, "mine");
        }
    }
    SECTION("in a destructor, while another exception flies") {
        int around = -1;
        auto fly = [&] {
            auto k = make();
            at_end end{[&] {
                k = {};
                around = std::uncaught_exceptions();
            }};
            throw std::runtime_error("mine");
        };
        CHECK_THROWS_WITH(fly(), "mine");
        CHECK(around == 1);
    }
    CHECK(in_body == 1);
    CHECK_FALSE(current_in_body);
}

TEST_CASE("a resumption dropped by a body that is itself dropped unwinds within it", "[core][unwinding]") {
    trace log;
    auto outer = suspended([&] {
        noted before(log, "before");
        auto inner = suspended([&] {
            noted local(log, "inner");
            return perform(hold{});
        });
        noted after(log, "after");
        return perform(hold{});
    });

    outer = {};

    CHECK(log == trace{"~after", "~inner", "~before"});
}

TEST_CASE("other computations may be resumed in a destructor while a body unwinds", "[core][unwinding]") {
    int got = 0;
    resumable other = suspended([] { return perform(hold{}) + perform(hold{}); });
    auto k = suspended([&] {
        at_end end{[&] {
            resumable rest = std::move(other);
            got = std::move(rest).resume(1); // suspends again: its own handler, not the dropped one
        }};
        return perform(hold{});
    });

    k = {};
    CHECK(got == -1);
}

TEST_CASE("an abort inside a destructor's own handle works while the body unwinds", "[core][unwinding]") {
    int got = 0;
    auto k = suspended([&] {
        at_end end{[&] {
            got = handle([] { return perform(fail{}), 1; }, effects::aborts<fail>([](fail const&) { return 2; }));
        }};
        return perform(hold{});
    });

    k = {};

    CHECK(got == 2);
}

TEST_CASE("a dropped body that aborts an inner handle while it goes on is aborted, not mixed up", "[core][unwinding]") {
    trace log;
    auto k = suspended([&] {
        int inner = handle(
            [&]() -> int {
                try {
                    perform(hold{});
                } catch (...) {
                }
                perform(fail{});
                return 1;
            },
            effects::aborts<fail>([&](fail const&) {
                log.push_back("aborted");
                return 2;
            }));
        log.push_back(std::to_string(inner));
        return perform(hold{});
    });

    k = {};

    CHECK(log == trace{"aborted", "2"});
}

TEST_CASE("a captured abort that is dropped goes all the way", "[core][unwinding]") {
    // The body is already unwinding from an abort when a destructor suspends it, and is dropped there.
    trace log;
    auto k = suspended([&] {
        int inner = handle(
            [&]() -> int {
                noted local(log, "local");
                try {
                    perform(fail{});
                } catch (...) {
                    log.push_back("swallowed");
                    perform(hold{});
                }
                return 1;
            },
            effects::aborts<fail>([](fail const&) { return 2; }));
        log.push_back("never");
        return inner;
    });
    REQUIRE(k);

    k = {};

    CHECK(log == trace{"swallowed", "~local"});
}

TEST_CASE("a destructor that would suspend its unwinding body ends the program and says so",
          "[core][unwinding][death]") {
    auto end = in_child([] {
        auto k = suspended([] {
            at_end e{[] { perform(hold{}); }};
            return perform(hold{});
        });
        k = {};
    });

    CHECK_FALSE(end.exited);
    CHECK(end.code == SIGABRT);
    CHECK_THAT(end.errors, Catch::Contains("a destructor performed") && Catch::Contains("core_test::hold"));
}

TEST_CASE("a destructor that would suspend its unwinding body from within another one ends the program and says so",
          "[core][unwinding][death]") {
    for (bool swallows : {false, true}) {
        auto end = in_child([&] {
            auto k = suspended([&] {
                at_end e{[&] {
                    try {
                        handle([] { perform(hold{}); }, control<ask>([](ask, auto) {}));
                    } catch (...) {
                        if (!swallows) throw;
                    }
                }};
                return perform(hold{});
            });
            k = {};
        });

        CHECK_FALSE(end.exited);
        CHECK(end.code == SIGABRT);
        CHECK_THAT(end.errors, Catch::Contains("a destructor performed") && Catch::Contains("core_test::hold"));
    }
}

TEST_CASE("dropping through a noexcept frame terminates", "[core][unwinding][death]") {
    auto end = in_child([] {
        auto k = suspended([]() noexcept { return perform(hold{}); });
        k = {};
    });

    CHECK_FALSE(end.exited);
    CHECK(end.code == SIGABRT);
}

TEST_CASE("a dropped resumption of ten nested handles leaves every handler as it was", "[core][unwinding]") {
    std::function<int(int)> nest = [&](int level) -> int {
        if (level == 0) return perform(hold{});
        return handle([&] { return nest(level - 1); }, [](ask) { return 1; },
                      control<choose>([](choose, auto r) { return std::move(r).resume(true); }));
    };
    for (int i = 0; i < 100; ++i) {
        auto k = suspended([&] { return nest(10); });
        k = {};
    }

    CHECK_THROWS_AS(perform(ask{}), effects::unhandled_operation);
    CHECK(handle([] { return perform(ask{}); }, [](ask) { return 9; }) == 9);
}
