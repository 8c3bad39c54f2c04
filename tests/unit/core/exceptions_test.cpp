// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <unwind.h>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::control;
using effects::handle;
using effects::perform;
using effects::resumption;

namespace {

using resumable = resumption<hold, std::string>;

template <class Body>
resumable suspended(Body&& body) {
    resumable kept;
    handle(std::forward<Body>(body), control<hold>([&](hold, resumable k) {
               kept = std::move(k);
               return std::string();
           }));
    return kept;
}

std::string what(std::exception_ptr const& e) {
    if (!e) return "none";
    try {
        std::rethrow_exception(e);
    } catch (std::exception const& caught) {
        return caught.what();
    }
}

std::string current() { return what(std::current_exception()); }

auto resume_one() {
    return control<ask>([](ask, auto k) { return std::move(k).resume(1); });
}

} // namespace

TEST_CASE("a body's exception leaves handle as the object that was thrown", "[core][exceptions]") {
    struct special : std::runtime_error {
        explicit special(void const* a) : std::runtime_error("special"), address(a) {}
        void const* address;
    };
    auto throwing = []() -> int {
        perform(ask{});
        throw special(nullptr);
    };

    CHECK_THROWS_AS(handle(throwing, [](ask) { return 1; }), special);
    CHECK_THROWS_AS(handle(throwing, resume_one()), special);
    CHECK_THROWS_AS(
        handle([&] { return handle([&] { return handle(throwing, resume_one()); }, resume_one()); }, resume_one()),
        special);
}

TEST_CASE("an exception in a body comes out of the resume that ran it", "[core][exceptions]") {
    auto k = suspended([]() -> std::string {
        perform(hold{});
        throw std::runtime_error("later");
    });

    CHECK_THROWS_WITH(std::move(k).resume(1), "later");
    CHECK_FALSE(k);
}

TEST_CASE("a control clause can catch what the resumed body throws", "[core][exceptions]") {
    int answer = handle(
        []() -> int {
            perform(ask{});
            throw std::runtime_error("x");
        },
        control<ask>([](ask, auto k) {
            try {
                return std::move(k).resume(1);
            } catch (std::runtime_error const&) {
                return 8;
            }
        }));

    CHECK(answer == 8);
}

TEST_CASE("an exception of a control clause leaves handle and unwinds the body", "[core][exceptions]") {
    trace log;

    CHECK_THROWS_WITH(handle(
                          [&] {
                              noted local(log, "local");
                              try {
                                  return perform(ask{});
                              } catch (std::exception const&) {
                                  log.push_back("the body must not see it");
                                  return 0;
                              }
                          },
                          control<ask>([](ask, auto) -> int { throw std::runtime_error("from the clause"); })),
                      "from the clause");
    CHECK(log == trace{"~local"});
}

TEST_CASE("an exception while a control clause gets its operation leaves handle and unwinds the body",
          "[core][exceptions]") {
    struct uncopyable_today {
        using result_type = int;
        uncopyable_today() = default;
        uncopyable_today(uncopyable_today const&) { throw std::runtime_error("no copy"); }
    };
    trace log;

    CHECK_THROWS_WITH(
        handle(
            [&] {
                noted local(log, "local");
                uncopyable_today op;
                return perform(op);
            },
            control<uncopyable_today>([](uncopyable_today const&, auto k) { return std::move(k).resume(1); })),
        "no copy");
    CHECK(log == trace{"~local"});
}

TEST_CASE("a body on its own stack begins without an exception, inside any catch block", "[core][exceptions]") {
    try {
        throw std::runtime_error("outside");
    } catch (...) {
        std::string seen = handle(
            [] {
                std::string before = current();
                int n = perform(ask{});
                CHECK(n == 1);
                return before + " " + current();
            },
            resume_one());
        CHECK(seen == "none none");
        CHECK(current() == "outside");
        CHECK_THROWS_WITH(throw, "outside");
    }
}

TEST_CASE("a body in place sees the exception being handled around it", "[core][exceptions]") {
    try {
        throw std::runtime_error("outside");
    } catch (...) {
        CHECK(handle([] { return perform(ask{}), current(); }, [](ask) { return 1; }) == "outside");
    }
}

TEST_CASE("suspending inside a catch block keeps its exception for the body alone", "[core][exceptions]") {
    auto k = suspended([]() -> std::string {
        try {
            throw std::runtime_error("the body's");
        } catch (...) {
            perform(hold{});
            try {
                throw;
            } catch (std::exception const& e) {
                return e.what();
            }
        }
    });

    CHECK(current() == "none");
    try {
        throw std::logic_error("the holder's");
    } catch (...) {
        CHECK(std::move(k).resume(1) == "the body's");
        CHECK(current() == "the holder's");
        CHECK_THROWS_WITH(throw, "the holder's");
    }
    CHECK(current() == "none");
}

TEST_CASE("catch blocks of interleaved bodies each rethrow their own", "[core][exceptions]") {
    auto body = [](std::string name) {
        return [name]() -> std::string {
            try {
                throw std::runtime_error(name);
            } catch (...) {
                perform(hold{});
                std::string first = current();
                try {
                    throw;
                } catch (std::exception const& e) {
                    return first + "/" + e.what();
                }
            }
        };
    };
    std::vector<resumable> all;
    for (auto* name : {"a", "b", "c", "d"}) all.push_back(suspended(body(name)));

    CHECK(std::move(all[2]).resume(1) == "c/c");
    CHECK(std::move(all[0]).resume(1) == "a/a");
    all[1] = {}; // unwound inside its catch block
    CHECK(std::move(all[3]).resume(1) == "d/d");
    CHECK(current() == "none");
}

TEST_CASE("a body suspended in a destructor keeps its count of uncaught exceptions", "[core][exceptions]") {
    std::vector<int> counts;
    struct suspends_at_end {
        std::vector<int>& out;
        ~suspends_at_end() {
            out.push_back(std::uncaught_exceptions());
            perform(hold{});
            out.push_back(std::uncaught_exceptions());
        }
    };
    auto k = suspended([&]() -> std::string {
        try {
            suspends_at_end s{counts};
            throw std::runtime_error("flying");
        } catch (std::exception const& e) {
            return e.what() + std::to_string(std::uncaught_exceptions());
        }
    });

    CHECK(std::uncaught_exceptions() == 0);
    CHECK(std::move(k).resume(1) == "flying0");
    CHECK(counts == std::vector{1, 1});
    CHECK(std::uncaught_exceptions() == 0);
}

TEST_CASE("what a thrown exception destroys on its way sees it in flight", "[core][exceptions]") {
    struct counts_at_end {
        std::vector<int>* out;
        explicit counts_at_end(std::vector<int>& to) : out(&to) {}
        counts_at_end(counts_at_end&& other) noexcept : out(std::exchange(other.out, nullptr)) {}
        ~counts_at_end() {
            if (out) out->push_back(std::uncaught_exceptions());
        }
    };
    std::vector<int> counts;
    std::size_t destroyed = 2;
    auto throwing = [of_the_body = counts_at_end(counts)]() -> int { throw std::runtime_error("thrown"); };
    auto resuming = [of_the_handler = counts_at_end(counts)](ask, auto k) { return std::move(k).resume(1); };

    SECTION("past a clause that resumes") {
        CHECK_THROWS_AS(handle(std::move(throwing), control<ask>(std::move(resuming))), std::runtime_error);
    }
    SECTION("past a clause that is called, whose body is the caller's") {
        destroyed = 1;
        CHECK_THROWS_AS(handle(throwing, [of_the_handler = counts_at_end(counts)](ask) { return 1; }),
                        std::runtime_error);
    }
    SECTION("past a shallow handler") {
        CHECK_THROWS_AS(effects::shallow::handle(std::move(throwing), control<ask>(std::move(resuming))),
                        std::runtime_error);
    }
    SECTION("past finally") {
        std::string in_finally;
        CHECK_THROWS_AS(handle(std::move(throwing), control<ask>(std::move(resuming)),
                               effects::finally([&] { in_finally = current(); })),
                        std::runtime_error);
        CHECK(in_finally == "thrown");
    }
    SECTION("while another one is in flight") {
        struct handles_at_end {
            decltype(throwing)& body;
            decltype(resuming)& clause;
            std::vector<int>& counts;
            ~handles_at_end() {
                try {
                    handle(std::move(body), control<ask>(std::move(clause)));
                } catch (std::runtime_error const&) {
                    for (int& n : counts) --n;
                }
            }
        };
        try {
            handles_at_end h{throwing, resuming, counts};
            throw 1;
        } catch (int) {
        }
    }

    CHECK(counts.size() == destroyed);
    for (int n : counts) CHECK(n == 1);
    CHECK(std::uncaught_exceptions() == 0);
}

#if defined(__GLIBCXX__)
// Not past what catches and throws it again: libstdc++'s `throw;` counts such an exception twice.
TEST_CASE("an exception of another language leaves a body as it came", "[core][exceptions]") {
    static int deleted = 0;
    static _Unwind_Exception foreign;
    auto raise = [] {
        foreign = {};
        foreign.exception_class = 0x4f54484552310000; // "OTHER1": not the runtime's of C++
        foreign.exception_cleanup = [](_Unwind_Reason_Code, _Unwind_Exception*) { ++deleted; };
        _Unwind_RaiseException(&foreign);
        std::abort();
    };
    deleted = 0;
    bool body_ended = false;
    struct at_end {
        bool& told;
        ~at_end() { told = true; }
    };
    auto body = [&]() -> int {
        at_end e{body_ended};
        perform(ask{});
        raise();
        return 0;
    };
    auto caught = [&](auto&& call) {
        try {
            call();
        } catch (...) {
            return std::current_exception() == nullptr; // it is none of C++
        }
        return false;
    };

    SECTION("past a clause that resumes") {
        CHECK(caught([&] { handle(body, resume_one()); }));
    }
    SECTION("past two") {
        CHECK(caught([&] { handle([&] { return handle(body, resume_one()); }, resume_one()); }));
    }

    CHECK(body_ended);
    CHECK(deleted == 1);
    CHECK(std::uncaught_exceptions() == 0);
    CHECK(std::current_exception() == nullptr);
}
#endif

TEST_CASE("a control clause runs with the exceptions of the resumer, not of the body", "[core][exceptions]") {
    std::string in_clause;
    std::string after;

    try {
        throw std::logic_error("outer");
    } catch (...) {
        handle(
            [&] {
                try {
                    throw std::runtime_error("inner");
                } catch (...) {
                    perform(ask{});
                    after = current();
                }
            },
            control<ask>([&](ask, auto k) {
                in_clause = current();
                std::move(k).resume(1);
            }));
    }

    CHECK(in_clause == "outer");
    CHECK(after == "inner");
}

TEST_CASE("a clause in place runs with the exceptions of its performer", "[core][exceptions]") {
    std::string in_clause;

    handle(
        [] {
            try {
                throw std::runtime_error("inner");
            } catch (...) {
                perform(ask{});
            }
        },
        [&](ask) { return in_clause = current(), 1; });

    CHECK(in_clause == "inner");
}

TEST_CASE("an exception thrown by resuming inside a catch block nests as usual", "[core][exceptions]") {
    auto k = suspended([]() -> std::string {
        perform(hold{});
        throw std::runtime_error("second");
    });

    try {
        throw std::runtime_error("first");
    } catch (...) {
        try {
            std::move(k).resume(1);
            FAIL("it should have thrown");
        } catch (...) {
            CHECK(current() == "second");
        }
        CHECK(current() == "first");
    }
    CHECK(current() == "none");
}

TEST_CASE("nested exceptions survive the way through a fiber's end", "[core][exceptions]") {
    auto throwing = []() -> int {
        try {
            perform(ask{});
            throw std::runtime_error("inner");
        } catch (...) {
            std::throw_with_nested(std::logic_error("outer"));
        }
    };

    try {
        handle(throwing, resume_one());
        FAIL("it should have thrown");
    } catch (std::logic_error const& e) {
        CHECK(std::string(e.what()) == "outer");
        CHECK_THROWS_WITH(std::rethrow_if_nested(e), "inner");
    }
}

TEST_CASE("an exception kept by pointer in a body is the same one outside", "[core][exceptions]") {
    std::exception_ptr kept;

    CHECK_THROWS_WITH(handle(
                          [&]() -> int {
                              try {
                                  perform(ask{});
                                  throw std::runtime_error("kept");
                              } catch (...) {
                                  kept = std::current_exception();
                                  throw;
                              }
                          },
                          resume_one()),
                      "kept");
    CHECK(what(kept) == "kept");
}

TEST_CASE("an exception that a body is resumed with may travel out through all its handles", "[core][exceptions]") {
    struct refusal {};
    auto keep = [](std::optional<resumption<hold, int>>& into) {
        return control<hold>([&](hold, resumption<hold, int> k) {
            into.emplace(std::move(k));
            return 0;
        });
    };
    std::optional<resumption<hold, int>> kept;
    handle([&] { return handle([] { return handle([] { return perform(hold{}); }, resume_one()); }, resume_one()); },
           keep(kept));

    CHECK_THROWS_AS(std::move(*kept).resume_with_exception(refusal{}), refusal);
}

TEST_CASE("ten thousand exceptions through fibers leave nothing behind", "[core][exceptions]") {
    int caught = 0;
    for (int i = 0; i < 10'000; ++i) {
        try {
            handle([]() -> int { throw perform(ask{}); }, resume_one());
        } catch (int n) {
            caught += n;
        }
    }

    CHECK(caught == 10'000);
    CHECK(std::uncaught_exceptions() == 0);
}
