// SPDX-License-Identifier: BSL-1.0
// Every kind of type that an operation, a result, a body, a clause or an answer may have, through every way to handle.
#include "operations.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include <effects/multishot.hpp>

using namespace core_test;
using effects::aborts;
using effects::at;
using effects::can;
using effects::control;
using effects::handle;
using effects::on;
using effects::perform;
using effects::returns;
namespace multishot = effects::multishot;
namespace shallow = effects::shallow;

namespace {

struct spot; // a tag

struct alignas(64) wide {
    std::array<int, 16> numbers{};
    explicit wide(int n) { numbers.fill(n); }
};
bool aligned(wide const& w) { return reinterpret_cast<std::uintptr_t>(&w) % alignof(wide) == 0; }

struct sixteen {
    std::int64_t a, b;
};
struct undefaulted {
    explicit undefaulted(int n) : value(n) {}
    int value;
};
struct immobile {
    explicit immobile(int n) : value(n) {}
    immobile(immobile&&) = delete;
    immobile& operator=(immobile&&) = delete;
    int value;
};

std::string shared_text = "shared";

// What an operation's result is, how a clause makes one, and what it looks like where it arrives.
struct a_number {
    using type = int;
    static type make() { return 5; }
    static bool good(type got) { return got == 5; }
};
struct a_const_number {
    using type = int const;
    static int make() { return 5; }
    static bool good(int got) { return got == 5; }
};
struct a_move_only {
    using type = std::unique_ptr<int>;
    static type make() { return std::make_unique<int>(5); }
    static bool good(type const& got) { return got && *got == 5; }
};
struct without_default {
    using type = undefaulted;
    static type make() { return undefaulted(5); }
    static bool good(type const& got) { return got.value == 5; }
};
struct an_lvalue {
    using type = std::string&;
    static type make() { return shared_text; }
    static bool good(type got) { return &got == &shared_text; }
};
struct an_rvalue {
    using type = std::string&&;
    static type make() { return std::move(shared_text); }
    static bool good(type got) { return &got == &shared_text; }
};
struct over_aligned {
    using type = wide;
    static type make() { return wide(5); }
    static bool good(type const& got) { return aligned(got) && got.numbers[15] == 5; }
};
struct of_sixteen_bytes {
    using type = sixteen;
    static type make() { return {5, -5}; }
    static bool good(type got) { return got.a == 5 && got.b == -5; }
};
struct nothing {
    using type = void;
    static void make() {}
};

template <class Kind>
struct get {
    using result_type = typename Kind::type;
    int pad = 7;
};

// How the body performs: plainly, at a tag, or by a capability.
struct plainly {
    template <class Op>
    decltype(auto) operator()(Op&& op) const {
        return perform(std::forward<Op>(op));
    }
};
struct at_the_spot {
    template <class Op>
    decltype(auto) operator()(Op&& op) const {
        return perform(at<spot>(std::forward<Op>(op)));
    }
};
template <class Can>
struct by_capability {
    Can fx;
    template <class Op>
    decltype(auto) operator()(Op&& op) const {
        return fx.perform(std::forward<Op>(op));
    }
};

template <class Kind, class How>
bool arrives(How how) {
    get<Kind> op;
    if constexpr (std::is_void_v<typename Kind::type>) {
        static_assert(std::is_void_v<decltype(how(op))>);
        how(op);
        how(std::as_const(op));
        how(get<Kind>{});
        return op.pad == 7;
    } else {
        static_assert(std::is_same_v<decltype(how(op)), decltype(perform(op))>);
        return Kind::good(how(op)) && Kind::good(how(std::as_const(op))) && Kind::good(how(get<Kind>{})) && op.pad == 7;
    }
}

// Resumes with what `Kind` makes.
template <class Kind, class K>
auto resumed(K&& k) {
    if constexpr (std::is_void_v<typename Kind::type>)
        return std::forward<K>(k).resume();
    else
        return std::forward<K>(k).resume(Kind::make());
}

template <class Kind>
struct answers_with {
    using operations = effects::operations<get<Kind>>;
    typename Kind::type operator()(get<Kind> const&) const noexcept(false) { return Kind::make(); }
};

template <class Kind, class Body>
bool rest_of(Body&& body) {
    return shallow::handle(std::forward<Body>(body), control<get<Kind>>([](get<Kind> const&, auto k) {
                               if constexpr (std::is_void_v<typename Kind::type>)
                                   return rest_of<Kind>(std::move(k).with());
                               else
                                   return rest_of<Kind>(std::move(k).with(Kind::make()));
                           }));
}

} // namespace

// One program a type: each `handle` is a type of its own, so there are no more of them than there are ways.
TEMPLATE_TEST_CASE("a result of any type arrives whoever gives it", "[core][types]", a_const_number, a_move_only,
                   without_default, an_lvalue, an_rvalue, over_aligned, of_sixteen_bytes, nothing) {
    using op = get<TestType>;
    using result = typename TestType::type;
    std::function<bool()> body = [] { return arrives<TestType>(plainly{}); };
    std::function<bool()> body_at = [] { return arrives<TestType>(at_the_spot{}); };
    auto give = on<op>([](op const&) noexcept -> result { return TestType::make(); });
    auto resumes = control<op>([](op, auto k) { return resumed<TestType>(std::move(k)); });

    CHECK(handle(body, give));
    CHECK(handle(body, std::as_const(give)));
    CHECK(handle(body, answers_with<TestType>{}));
    CHECK(handle(body, on<op>([](op o, std::source_location where) -> result { return perform(std::move(o), where); }),
                 give));
    CHECK(handle([](can<op> fx) { return arrives<TestType>(by_capability<can<op>>{fx}); }, give));
    CHECK(handle(body_at, at<spot>(answers_with<TestType>{})));
    CHECK(handle(body_at, at<spot>([](op const& o) -> result { return perform(o); }), give));
    CHECK(handle(body_at, at<spot>(resumes)));
    CHECK(handle(body, resumes));
    CHECK(rest_of<TestType>(body));

    effects::resumption<op, int> kept;
    int got = handle(body, control<op>([&](op, effects::resumption<op, int> k) {
                         kept = std::move(k);
                         return -1;
                     }),
                     returns([](bool good) { return good ? 1 : 0; }));
    while (kept) got = resumed<TestType>(std::move(kept));
    CHECK(got == 1);

    int runs = 0;
    CHECK(handle(
        [&] {
            return multishot::handle(
                [&] {
                    bool good = arrives<TestType>(plainly{});
                    perform(choose{});
                    ++runs;
                    return good;
                },
                control<choose>([](auto k) {
                    bool good = k.resume(true);
                    if constexpr (std::is_same_v<TestType, a_move_only>)
                        return good; // not replayable
                    else
                        return k.resume(false) && good;
                }));
        },
        give));
    CHECK(runs == (std::is_same_v<TestType, a_move_only> ? 1 : 2));

    if constexpr (!std::is_same_v<TestType, a_move_only>)
        CHECK(multishot::handle(body, control<op>([](op, auto k) { // what was answered before is replayed
                                    bool first = resumed<TestType>(k);
                                    return resumed<TestType>(k) && first;
                                })));
}

TEST_CASE("a result that can't move is made where it is wanted", "[core][types]") {
    struct get_immobile {
        using result_type = immobile;
    };
    auto body = [] { return perform(get_immobile{}).value; };
    auto give = [](get_immobile const&) { return immobile(5); };

    CHECK(handle(body, give) == 5);
    CHECK(handle(body, on<get_immobile>(give)) == 5);
    CHECK(handle([] { return perform(at<spot>(get_immobile{})).value; }, at<spot>(give)) == 5);
    CHECK(handle([](can<get_immobile> fx) { return fx.perform(get_immobile{}).value; }, give) == 5);
}

namespace {

// An operation that counts its copies, moves only, does neither, or is aligned.
struct counting {
    using result_type = int;
    counted how{};
};
struct moving {
    using result_type = int;
    std::unique_ptr<int> what = std::make_unique<int>(5);
};
struct staying {
    using result_type = int;
    staying() = default;
    staying(staying&&) = delete;
    int value = 5;
};
struct alignas(64) wide_op {
    using result_type = bool;
    wide value = wide(5);
};

int copies_of(counting const& op) { return op.how.copies * 10 + op.how.moves; }

} // namespace

TEST_CASE("an operation is passed without a copy to what takes it by reference", "[core][types]") {
    counting mine;
    counting const fixed;
    auto three = [&](auto how) { return how(mine) * 10000 + how(fixed) * 100 + how(counting{}); };
    auto plain = [&] { return three(plainly{}); };

    CHECK(handle(plain, on<counting>(copies_of)) == 0);
    CHECK(handle(plain, [](counting const& op) noexcept { return copies_of(op); }) == 0);
    CHECK(handle([&](can<counting> fx) { return three(by_capability<can<counting>>{fx}); },
                 [](counting const& op) { return copies_of(op); }) == 0);
    CHECK(shallow::handle(plain, on<counting>(copies_of)) == 0);
    CHECK(handle([&] { return effects::mask<tell>(plain); }, on<counting>(copies_of)) == 0);
    CHECK(handle(plain, aborts<fail>([] { return -1; }), on<counting>(copies_of)) == 0);
}

TEST_CASE("an operation is moved, or copied once, to what owns it", "[core][types]") {
    counting mine;
    counting const fixed;
    auto three = [&] { return perform(mine) * 10000 + perform(fixed) * 100 + perform(counting{}); };
    constexpr int copied_twice_moved_once = 10 * 10000 + 10 * 100 + 1;

    CHECK(handle(three, [](counting op) { return copies_of(op); }) == copied_twice_moved_once);
    CHECK(handle(three, control<counting>([](counting const& op, auto k) {
                     return std::move(k).resume(copies_of(op));
                 })) == copied_twice_moved_once);
    CHECK(shallow::handle([&] { return perform(mine); }, control<counting>([](counting const& op, auto k) {
                              return std::move(k).resume(copies_of(op));
                          })) == 10);
    CHECK(mine.how.moves == 0);
}

TEST_CASE("an operation that moves only goes through every way to handle", "[core][types]") {
    auto body = [] { return perform(moving{}); };
    auto owns = [](moving op) { return *op.what; };
    auto looks = [](moving const& op) { return *op.what; };

    CHECK(handle(body, owns) == 5);
    CHECK(handle(body, looks) == 5);
    CHECK(handle(body, [](moving&& op) noexcept { return *op.what; }) == 5);
    CHECK(handle(
              body, [](moving op) { return perform(std::move(op)); }, owns) == 5);
    CHECK(handle(body, control<moving>([](moving op, auto k) { return std::move(k).resume(*op.what); })) == 5);
    CHECK(handle(body, control<moving>([](moving const& op, auto k) { return std::move(k).resume(*op.what); })) == 5);
    CHECK(handle(body, aborts<moving>([](moving op) { return *op.what + 1; })) == 6);
    CHECK(shallow::handle(body, control<moving>([](moving op, auto k) { return std::move(k).resume(*op.what); })) == 5);
    CHECK(multishot::handle(body, control<moving>([](moving op, auto k) {
                                return k.resume(*op.what) * 10 + k.resume(*op.what + 1);
                            })) == 56);
    CHECK(handle([] { return perform(at<spot>(moving{})); }, at<spot>(owns)) == 5);
    CHECK(handle([](can<moving> fx) { return fx.perform(moving{}); }, owns) == 5);

    moving kept; // an lvalue stays whole
    CHECK(handle([&] { return perform(kept); }, looks) == 5);
    CHECK(handle([&] { return perform(kept); },
                 control<moving>([](moving const& op, auto k) { return std::move(k).resume(*op.what); })) == 5);
    CHECK(handle([&] { return perform(kept); }, aborts<moving>(looks)) == 5);
    CHECK(*kept.what == 5);
}

TEST_CASE("an operation that neither copies nor moves goes through every way to handle", "[core][types]") {
    staying mine;
    auto body = [&] { return perform(mine) + perform(staying{}); };
    auto looks = [](staying const& op) { return op.value; };

    CHECK(handle(body, looks) == 10);
    CHECK(handle(body, control<staying>([](staying const& op, auto k) { return std::move(k).resume(op.value); })) ==
          10);
    CHECK(handle(body, aborts<staying>(looks)) == 5);
    CHECK(shallow::handle([&] { return perform(mine); }, control<staying>([](staying const& op, auto k) {
                              return std::move(k).resume(op.value);
                          })) == 5);
    CHECK(multishot::handle(body, control<staying>([](staying const& op, auto k) {
                                return k.resume(op.value) + k.resume(0);
                            })) == 10 + 5 + 5 + 0);
    CHECK(handle([&](can<staying> fx) { return fx.perform(mine); }, looks) == 5);
}

TEST_CASE("an over-aligned operation stays aligned through every way to handle", "[core][types]") {
    auto good = [](wide_op const& op) { return aligned(op.value) && op.value.numbers[15] == 5; };
    auto owns = [=](wide_op op) { return good(op); };
    auto body = [] {
        wide_op mine;
        return perform(mine) && perform(wide_op{});
    };
    auto resumes = control<wide_op>([=](wide_op op, auto k) { return std::move(k).resume(good(op)); });

    CHECK(handle(body, good));
    CHECK(handle(body, owns));
    CHECK(handle(body, resumes));
    CHECK(shallow::handle([] { return perform(wide_op{}); }, resumes));
    CHECK(handle(body, aborts<wide_op>(owns)));
    CHECK(multishot::handle(body, control<wide_op>([=](wide_op op, auto k) { return k.resume(good(op)); })));
    CHECK(handle([] { return perform(at<spot>(wide_op{})); }, at<spot>(owns)));
    CHECK(handle(body, [big = wide(5), good](wide_op const& op) { return good(op) && aligned(big); }));
    CHECK(handle(body, control<wide_op>([big = wide(5), good](wide_op const& op, auto k) {
                     return std::move(k).resume(good(op) && aligned(big));
                 })));
}

namespace {

// The answer of `run` for a body that returns what `Kind` makes, in every way that has an answer of its own.
template <class Kind>
struct makes {
    typename Kind::type operator()() const {
        perform(tell{"x"});
        return Kind::make();
    }
};
template <class Kind>
struct makes_once { // move-only, and called where it lies
    std::unique_ptr<int> own = std::make_unique<int>(5);
    typename Kind::type operator()() {
        perform(tell{"x"});
        return Kind::make();
    }
};
template <class Kind>
typename Kind::type makes_as_a_function() {
    perform(tell{"x"});
    return Kind::make();
}

template <class Kind, class Run>
bool answers(Run run) {
    if constexpr (std::is_void_v<typename Kind::type>) {
        static_assert(std::is_void_v<decltype(run())>);
        run();
        return true;
    } else {
        static_assert(std::is_same_v<decltype(run()), typename std::remove_const<typename Kind::type>::type> ||
                      std::is_same_v<decltype(run()), typename Kind::type>);
        return Kind::good(run());
    }
}

template <class Kind, class Make>
void check_body(Make make) {
    using answer = typename Kind::type;
    auto ignored = on<tell>([](tell const&) noexcept {});
    auto resumes = control<tell>([](tell const&, auto k) -> decltype(auto) { return std::move(k).resume(); });
    auto gives_up = aborts<tell>([](tell const&) noexcept -> answer { return Kind::make(); });
    auto resumes_twice = control<tell>([](tell const&, auto k) -> decltype(k.resume()) {
        static_cast<void>(k.resume());
        return k.resume();
    });

    CHECK(answers<Kind>([&]() -> decltype(auto) { return handle(make(), ignored); }));
    CHECK(answers<Kind>([&]() -> decltype(auto) { return handle(make(), resumes); }));
    CHECK(answers<Kind>([&]() -> decltype(auto) { return handle(make(), gives_up); }));
    CHECK(answers<Kind>([&]() -> decltype(auto) { return shallow::handle(make(), resumes); }));
    CHECK(answers<Kind>([&]() -> decltype(auto) { return multishot::handle(make(), resumes_twice); }));
    auto lasting = make(); // borrowed
    CHECK(answers<Kind>([&]() -> decltype(auto) { return handle(lasting, resumes); }));
}

} // namespace

TEMPLATE_TEST_CASE("an answer of any type leaves every kind of handle", "[core][types]", a_move_only, without_default,
                   an_lvalue, an_rvalue, over_aligned, nothing) {
    check_body<TestType>([]() -> makes<TestType> const { return {}; });
}

TEST_CASE("a body may be const, a function, or move-only and changing itself", "[core][types]") {
    check_body<a_number>([]() -> makes<a_number> const { return {}; });
    check_body<a_number>([] { return &makes_as_a_function<a_number>; });
    check_body<a_number>([] { return makes_once<a_number>{}; });
}

namespace {

struct by_hand { // a handler that only moves
    using operations = effects::operations<ask, tell>;
    std::unique_ptr<int> own = std::make_unique<int>(5);
    int operator()(ask const&) noexcept { return *own; }
    void operator()(tell) noexcept { ++*own; }
};

} // namespace

TEST_CASE("clauses and handlers that move only are kept, in every way to handle", "[core][types]") {
    auto body = [] {
        perform(tell{"x"});
        return perform(ask{});
    };
    auto p = [] { return std::make_unique<int>(5); };

    CHECK(handle(body, by_hand{}) == 6);
    CHECK(handle(body, on<ask>([p = p()]() noexcept { return *p; }), on<tell>([p = p()] {})) == 5);
    CHECK(handle(body, control<ask>([p = p()](auto k) { return std::move(k).resume(*p); }), by_hand{}) == 5);
    CHECK(handle(body, aborts<ask>([p = p()]() noexcept { return *p; }), by_hand{}) == 5);
    CHECK(handle(body, by_hand{}, returns([p = p()](int n) noexcept { return n + *p; })) == 11);
    CHECK(shallow::handle(body, by_hand{},
                          control<choose>([p = p()](auto k) { return std::move(k).resume(*p == 5); })) == 6);
    CHECK(multishot::handle(body, control<ask>([p = p()](auto k) { return k.resume(*p) + k.resume(*p + 1); }),
                            by_hand{}) == 11);
    CHECK(handle(
              [] {
                  perform(at<spot>(tell{"x"}));
                  return perform(at<spot>(ask{}));
              },
              at<spot>(by_hand{})) == 6);
    CHECK(handle(body, effects::handlers(by_hand{})) == 6);
}
