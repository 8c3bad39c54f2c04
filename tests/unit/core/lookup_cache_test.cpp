// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <array>
#include <functional>
#include <pthread.h>

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

// Resumes under a handler whose frame lies at the same address each time it is called from the same place.
[[gnu::noinline]] int resume_under(resumable& k, int answer, void const*& place) {
    place = __builtin_frame_address(0);
    return handle([&] { return std::move(k).resume(0); }, [answer](ask) { return answer; });
}

[[gnu::noinline]] resumable start_under(int answer, void const*& place, std::function<int()> body) {
    place = __builtin_frame_address(0);
    return handle([&] { return suspended(std::move(body)); }, [answer](ask) { return answer; });
}

template <int... N>
int perform_all(std::integer_sequence<int, N...>) {
    int sum = 0;
    ((sum = sum * 3 + perform(numbered<N>{})), ...);
    return sum;
}

template <class Body, int... N>
int handle_all(Body body, int add, std::integer_sequence<int, N...>) {
    return handle(body, effects::on<numbered<N>>([add] { return N + add; })...);
}

void on_a_large_stack(void (*run)(void*), void* data) {
    struct call {
        void (*run)(void*);
        void* data;
    } c{run, data};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, std::size_t{1} << 30);
    pthread_t thread;
    auto entry = [](void* p) -> void* {
        auto* todo = static_cast<call*>(p);
        todo->run(todo->data);
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, &attributes, entry, &c) == 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
}

} // namespace

TEST_CASE("sixteen operations share four slots and are never taken for one another", "[core][lookup]") {
    using all = std::make_integer_sequence<int, 16>;
    int expected = 0;
    for (int i = 0; i < 16; ++i) expected = expected * 3 + i + 5;

    handle_all(
        [&] {
            for (int round = 0; round < 3; ++round) CHECK(perform_all(all{}) == expected);
            return 0;
        },
        5, all{});
}

TEST_CASE("one operation answered by different handlers, before, inside and after", "[core][lookup]") {
    auto answer = handle(
        [] {
            int before = perform(ask{});
            int inside = handle([] { return perform(ask{}) * 10 + perform(ask{}); }, [](ask) { return 2; });
            int beside = handle([] { return perform(ask{}); }, [](choose) { return true; });
            int after = perform(ask{});
            return std::array{before, inside, beside, after};
        },
        [](ask) { return 1; });

    CHECK(answer == std::array{1, 22, 1, 1});
}

TEST_CASE("a remembered handler is forgotten where a resume puts another in its place", "[core][lookup]") {
    resumable k;
    handle(
        [&] {
            k = suspended([] {
                int first = perform(ask{}) * 10 + perform(ask{});
                perform(hold{});
                return first * 10 + perform(ask{});
            });
        },
        [](ask) { return 1; });

    CHECK(handle([&] { return std::move(k).resume(0); }, [](ask) { return 2; }) == 112);
}

TEST_CASE("a handler at the address of an old one is not taken for it", "[core][lookup]") {
    void const* first = nullptr;
    void const* second = nullptr;
    auto body = [] {
        int before = perform(ask{});
        perform(hold{});
        int between = perform(ask{});
        return before * 100 + between * 10;
    };
    int places = 0;
    for (int i = 0; i < 4; ++i) {
        auto k = start_under(1, first, body);
        void const* third = nullptr;
        auto l = start_under(1, third, [] {
            perform(ask{});
            perform(hold{});
            perform(ask{});
            perform(hold{});
            return perform(ask{});
        });
        CHECK(resume_under(k, 2, second) == 120);
        resumable again;
        CHECK(resume_under(l, 3, third) == -1);
        places += second == third;
    }
    CHECK(places == 4); // the frames did lie in one place
}

TEST_CASE("a computation suspended twice under handlers at one address sees the newer", "[core][lookup]") {
    resumable kept;
    auto keep = control<hold>([&](hold, resumable k) {
        kept = std::move(k);
        return -1;
    });
    std::vector<int> seen;
    void const* place = nullptr;
    std::vector<void const*> places;
    handle(
        [&] {
            for (int i = 0; i < 5; ++i) {
                perform(hold{});
                seen.push_back(perform(ask{}));
                seen.push_back(perform(ask{}));
            }
            return 0;
        },
        keep);

    for (int i = 1; kept; ++i) {
        auto k = std::move(kept);
        resume_under(k, i, place);
        places.push_back(place);
    }

    CHECK(seen == std::vector{1, 1, 2, 2, 3, 3, 4, 4, 5, 5});
    CHECK(std::equal(places.begin() + 1, places.end(), places.begin()));
}

TEST_CASE("lookups remembered behind a clause suspended in mid-call are forgotten, too", "[core][lookup]") {
    // When the body is captured, `ask`'s inner frames are hidden: the clause of `choose` runs outside them.
    resumable k;
    handle(
        [&] {
            k = suspended([] {
                return handle(
                    [] {
                        return handle(
                            [] {
                                int before = perform(ask{});
                                bool chosen = perform(choose{});
                                return before * 100 + perform(ask{}) * 10 + chosen;
                            },
                            [](tell const&) {});
                    },
                    [](choose) { return perform(hold{}) == 1; });
            });
        },
        [](ask) { return 1; });

    CHECK(handle([&] { return std::move(k).resume(1); }, [](ask) { return 2; }) == 121);
}

TEST_CASE("lookups remembered on inner fibers of a captured segment are forgotten, too", "[core][lookup]") {
    auto resume_true = control<choose>([](choose, auto k) { return std::move(k).resume(true); });
    resumable k;
    handle(
        [&] {
            k = suspended([&] {
                int a = perform(ask{});
                int b = handle(
                    [&] {
                        int c = perform(ask{});
                        int d = handle([&] { return perform(ask{}) + perform(hold{}) + perform(ask{}); }, resume_true);
                        return c * 10000 + d * 100 + perform(ask{}) * 10;
                    },
                    resume_true);
                return a * 100000 + b + perform(ask{});
            });
        },
        [](ask) { return 1; });

    CHECK(handle([&] { return std::move(k).resume(0); }, [](ask) { return 2; }) == 100000 + 10000 + 300 + 20 + 2);
}

TEST_CASE("a computation whose parent was itself moved under other handlers forgets as well", "[core][lookup]") {
    // `inner` is suspended under a frame of `outer`; `outer` goes elsewhere and resumes `inner` under that same frame.
    resumable outer;
    handle(
        [&] {
            outer = suspended([] {
                return handle(
                    [] {
                        auto inner = suspended([] {
                            int before = perform(ask{});
                            perform(hold{});
                            return before * 10 + perform(ask{});
                        });
                        perform(ask{});
                        perform(hold{});
                        return std::move(inner).resume(0) * 10 + perform(ask{});
                    },
                    [](tell const&) {});
            });
        },
        [](ask) { return 1; });

    CHECK(handle([&] { return std::move(outer).resume(0); }, [](ask) { return 2; }) == 122);
}

TEST_CASE("an operation that had no handler finds the one that a resume brings", "[core][lookup]") {
    auto k = suspended([] {
        CHECK_THROWS_AS(perform(ask{}), effects::unhandled_operation);
        perform(hold{});
        return perform(ask{});
    });

    CHECK(handle([&] { return std::move(k).resume(0); }, [](ask) { return 2; }) == 2);
}

TEST_CASE("an operation that had a handler finds none after a resume without", "[core][lookup]") {
    resumable k;
    handle(
        [&] {
            k = suspended([] {
                perform(ask{});
                perform(hold{});
                try {
                    return perform(ask{});
                } catch (effects::unhandled_operation const&) {
                    return 404;
                }
            });
        },
        [](ask) { return 1; });

    CHECK(std::move(k).resume(0) == 404);
}

TEST_CASE("a remembered default answer gives way to a handler that a resume brings", "[core][lookup]") {
    struct with_default {
        using result_type = int;
        static int default_answer(with_default const&) { return 1; }
    };
    auto k = suspended([] {
        int before = handle([] { return perform(with_default{}) + perform(with_default{}); }, [](tell const&) {});
        perform(hold{});
        return before * 10 + perform(with_default{});
    });

    CHECK(handle([&] { return std::move(k).resume(0); }, [](with_default) { return 5; }) == 25);
}

TEST_CASE("a chain of ten thousand handlers is searched to its end and back", "[core][lookup]") {
    struct run {
        static int nest(int depth) {
            if (depth == 0) return perform(ask{}) + perform(ask{});
            return handle([&] { return nest(depth - 1); }, [](choose) { return true; });
        }
        static int chained(int depth) {
            if (depth == 0) return perform(ask{});
            return handle([&] { return chained(depth - 1); }, [](ask a) { return perform(a) + 1; });
        }
    };
    std::pair<int, int> got{};
    on_a_large_stack(
        [](void* p) {
            *static_cast<std::pair<int, int>*>(p) = {handle([] { return run::nest(10'000); }, [](ask) { return 21; }),
                                                     handle([] { return run::chained(5'000); }, [](ask) { return 1; })};
        },
        &got);

    CHECK(got.first == 42);
    CHECK(got.second == 5'001);
}

TEST_CASE("each of ten thousand nested handlers finds an outermost one quickly", "[core][lookup]") {
    // Quadratic without what the frames on the way remember: 5e7 steps a call, 5e9 for the hundred operations.
    struct run {
        static int nest(int depth) {
            int n = perform(ask{});
            if (depth == 0) return n;
            return n + handle([&] { return nest(depth - 1); }, [](choose) { return true; });
        }
    };
    int sum = 0;
    on_a_large_stack(
        [](void* p) { *static_cast<int*>(p) = handle([] { return run::nest(10'000); }, [](ask) { return 1; }); }, &sum);

    CHECK(sum == 10'001);
}
