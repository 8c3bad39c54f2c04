// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <memory>
#include <stdexcept>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::aborts;
using effects::at;
using effects::can;
using effects::control;
using effects::handle;
using effects::handlers;
using effects::on;
using effects::perform;
using effects::tagged;

namespace {

struct audit; // need not be complete
struct backup {};

struct with_default {
    using result_type = int;
    static int default_answer(with_default const&) { return 7; }
};
struct owning {
    using result_type = int;
    std::unique_ptr<int> value;
};
struct equal {
    using result_type = int;
    int value;
    bool operator==(equal const&) const = default;
};

// A middleware that knows nothing of tags.
class adding {
public:
    using operations = effects::operations<ask>;
    explicit adding(int more) : more_(more) {}
    int operator()(ask const& op) const { return perform(op) + more_; }

private:
    int more_;
};

auto const one = on<ask>([] { return 1; });
auto const two = on<ask>([] { return 2; });
auto const three = on<ask>([] { return 3; });

static_assert(std::is_same_v<decltype(at<audit>(ask{})), tagged<audit, ask>>);
static_assert(at<audit>(equal{1}) == at<audit>(equal{1}) && at<audit>(equal{1}) != at<audit>(equal{2}));
static_assert(!std::equality_comparable<tagged<audit, ask>>);

} // namespace

TEST_CASE("an operation at a tag is answered by the handler at the tag", "[core][at]") {
    auto body = [] { return perform(at<audit>(ask{})) * 100 + perform(at<backup>(ask{})) * 10 + perform(ask{}); };

    CHECK(handle(body, one, at<audit>(two), at<backup>(three)) == 231);
    CHECK(handle(body, at<backup>(three), at<audit>(two), one) == 231);
    CHECK(handle(body, handlers(one, at<audit>(two)), at<backup>(three)) == 231);
}

TEST_CASE("every kind of handler stands at a tag", "[core][at]") {
    auto body = [] { return perform(at<audit>(ask{})) + 1; };

    CHECK(handle(body, at<audit>([](ask) { return 5; })) == 6);
    CHECK(handle(body, at<audit>([](ask const&) { return 5; })) == 6);
    CHECK(handle(body, at<audit>(control<ask>([](ask, auto k) { return std::move(k).resume(5) + 100; }))) == 106);
    CHECK(handle(body, at<audit>(control<ask>(
                           [](ask, effects::resumption<ask, int> k) { return std::move(k).resume_tail(5); }))) == 6);
    CHECK(handle(body, at<audit>(aborts<ask>([](ask const&) { return -5; }))) == -5);
    CHECK(handle(body, at<audit>(handlers(on<ask>([] { return 5; }), effects::returns([](int x) { return x * 2; })))) ==
          12);
    int left = 0;
    CHECK(handle(body, at<audit>(handlers(on<ask>([] { return 5; }), effects::finally([&] { ++left; })))) == 6);
    CHECK(left == 1);
}

TEST_CASE("a handler object stands at several tags at once", "[core][at]") {
    struct counter {
        using operations = effects::operations<ask, tell>;
        int operator()(ask const&) { return ++asked; }
        void operator()(tell const& t) { told += t.text; }
        int asked = 0;
        std::string told;
    };
    counter plain, audited;
    handle(
        [] {
            perform(ask{});
            perform(at<audit>(tell{"a"}));
            perform(at<audit>(ask{}));
            perform(at<audit>(ask{}));
            perform(tell{"b"});
        },
        plain, at<audit>(audited));

    CHECK(plain.asked == 1);
    CHECK(plain.told == "b");
    CHECK(audited.asked == 2);
    CHECK(audited.told == "a");
    CHECK(handle([] { return perform(at<audit>(ask{})); }, at<audit>(counter{10, {}})) == 11);
}

TEST_CASE("a handler that is borrowed at a tag keeps its constness", "[core][at]") {
    struct which {
        using operations = effects::operations<ask>;
        int operator()(ask const&) { return 1; }
        int operator()(ask const&) const { return 2; }
    };
    which w;
    auto body = [] { return perform(at<audit>(ask{})); };

    CHECK(handle(body, at<audit>(w)) == 1);
    CHECK(handle(body, at<audit>(std::as_const(w))) == 2);
    auto const kept = at<audit>(which{});
    CHECK(handle(body, kept) == 2);
}

TEST_CASE("a middleware inside a tag reaches the next handler at the tag", "[core][at]") {
    auto body = [] { return perform(at<audit>(ask{})); };

    CHECK(handle(body, at<audit>(handlers(adding(10), two)), one) == 12);
    CHECK(handle(body, one, at<audit>(adding(10)), at<audit>(adding(100)), at<backup>(three), at<audit>(two)) == 112);
    CHECK(handle(body, at<audit>(on<ask>([](ask a) { return perform(a) + 20; })), at<audit>(adding(10)),
                 at<audit>(control<ask>([](ask, auto k) { return std::move(k).resume(2); }))) == 32);
}

TEST_CASE("where no handler is left at the tag, a middleware in it reaches the plain ones", "[core][at]") {
    auto body = [] { return perform(at<audit>(ask{})) * 100 + perform(ask{}); };

    CHECK(handle(body, at<audit>(adding(10)), one) == 1101);
    CHECK(handle([&] { return handle(body, at<audit>(adding(10))); }, two) == 1202);
}

TEST_CASE("a middleware inside a tag names the tag itself as well", "[core][at]") {
    auto explicit_one = at<audit>(on<ask>([](ask a) { return perform(at<audit>(a)) + 10; }));

    CHECK(handle([] { return perform(at<audit>(ask{})); }, explicit_one, at<audit>(two), one) == 12);
}

TEST_CASE("other operations of a handler at a tag go where they always go", "[core][at]") {
    auto chooses = at<audit>(on<ask>([] { return perform(choose{}) ? 1 : 2; }));
    auto yes = on<choose>([] { return true; });
    auto no = at<audit>(on<choose>([] { return false; }));

    CHECK(handle([] { return perform(at<audit>(ask{})); }, chooses, no, yes) == 1);
    // Handled together they belong together.
    CHECK(
        handle([] { return perform(at<audit>(ask{})); },
               at<audit>(handlers(on<ask>([] { return perform(choose{}) ? 1 : 2; }), on<choose>([] { return false; }))),
               yes) == 2);
}

TEST_CASE("the body that a control clause at a tag resumes performs as before", "[core][at]") {
    auto body = [] { return perform(at<audit>(ask{})) * 100 + perform(ask{}) * 10 + perform(at<audit>(ask{})); };
    auto resumes = at<audit>(control<ask>([](ask, auto k) { return std::move(k).resume(5); }));

    CHECK(handle(body, resumes, at<audit>(two), one) == 515);
    CHECK(handle([&] { return handle(body, resumes); }, at<audit>(two), one) == 515);
}

TEST_CASE("tags nest", "[core][at]") {
    auto body = [] { return perform(at<audit>(at<backup>(ask{}))) * 10 + perform(at<backup>(ask{})); };

    CHECK(handle(body, at<audit>(at<backup>(two)), at<backup>(one)) == 21);
    CHECK(handle(body, at<audit>(at<backup>(handlers(adding(5), two))), at<backup>(one)) == 71);
}

TEST_CASE("an operation at a tag without a handler throws, naming operation and tag", "[core][at]") {
    unsigned line = 0;
    try {
        line = __LINE__ + 1;
        handle([] { perform(at<audit>(ask{})); }, one, at<backup>(two));
        FAIL("nobody answers");
    } catch (effects::unhandled_operation const& e) {
        CHECK_THAT(e.operation(), Catch::Contains("audit") && Catch::Contains("core_test::ask"));
        CHECK(e.where().line() == line);
        CHECK_THAT(e.what(), Catch::Contains("on effects::tagged<") && Catch::Contains("backup"));
    }
    // A clause at the tag that asks further out, where nobody is.
    try {
        line = __LINE__ + 1;
        auto asks = on<ask>([](ask const& op) { return perform(op); });
        handle([] { return perform(at<audit>(ask{})); }, at<audit>(asks));
        FAIL("nobody answers");
    } catch (effects::unhandled_operation const& e) {
        CHECK(e.where().line() == line);
    }
    CHECK_THROWS_WITH(handle([] { return perform(at<audit>(ask{})); }, at<audit>(adding(1))),
                      Catch::Contains("unhandled operation effects::tagged<") && Catch::Contains("audit"));
}

TEST_CASE("a default answer holds at every tag", "[core][at]") {
    CHECK(perform(at<audit>(with_default{})) == 7);
    CHECK(handle([] { return perform(at<audit>(with_default{})); }, at<audit>(on<with_default>([] { return 8; }))) ==
          8);
    CHECK(handle([] { return perform(at<audit>(with_default{})); },
                 at<audit>(on<with_default>([](with_default op) { return perform(op) + 10; }))) == 17);
}

TEST_CASE("a move-only operation is moved to the handler at its tag", "[core][at]") {
    auto body = [] { return perform(at<audit>(owning{std::make_unique<int>(4)})); };
    auto takes = at<audit>(on<owning>([](owning op) { return *op.value; }));
    auto forwards = at<audit>(on<owning>([](owning op) { return perform(std::move(op)) + 10; }));
    auto refuses = at<audit>(on<owning>([](owning const& op) { return perform(op); }));
    auto resumes = at<audit>(control<owning>([](owning op, auto k) { return std::move(k).resume(*op.value); }));

    CHECK(handle(body, takes) == 4);
    CHECK(handle(body, forwards, takes) == 14);
    CHECK(handle(body, resumes) == 4);
    CHECK_THROWS_AS(handle(body, refuses, takes), std::logic_error);
}

TEST_CASE("a clause at a tag may throw, and leaves the handlers as they were", "[core][at]") {
    handle(
        [] {
            CHECK_THROWS_WITH(perform(at<audit>(tell{"x"})), "x");
            CHECK(perform(ask{}) == 1);
            CHECK(perform(at<audit>(ask{})) == 2);
        },
        one, at<audit>(on<tell>([](tell const& t) { throw std::runtime_error(t.text); })), at<audit>(two));
}

TEST_CASE("a clause at a tag that is suspended goes on under other handlers", "[core][at]") {
    struct paused {
        effects::resumption<hold, paused> rest;
        int value = 0;
    };
    auto waits = at<audit>(on<ask>([](ask a) {
        int before = perform(a);
        return before * 100 + perform(hold{}) * 10 + perform(a);
    }));
    auto suspended = [&](auto outer) {
        return handle(
            [&] {
                return handle(
                    [&] {
                        return paused{{}, handle([] { return perform(at<audit>(ask{})); }, waits)};
                    },
                    control<hold>([](hold, auto k) {
                        return paused{std::move(k), 0};
                    }));
            },
            outer);
    };
    auto first = suspended(at<audit>(one));
    CHECK(handle([&] { return std::move(first.rest).resume(5); }, at<audit>(two)).value == 152);
    auto second = suspended(at<audit>(one));
    CHECK(handle([&] { return std::move(second.rest).resume(5); }, three).value == 153);
    auto third = suspended(one);
    third.rest = {}; // unwinds the clause
    CHECK(handle([] { return perform(ask{}); }, two) == 2);
}

TEST_CASE("a capability lists an operation with its tag", "[core][at]") {
    auto body = [](can<tagged<audit, ask>, ask> fx) { return fx.perform(at<audit>(ask{})) * 10 + fx.perform(ask{}); };

    CHECK(handle(body, one, at<audit>(two)) == 21);
    handle([](auto fx) { static_assert(std::is_same_v<decltype(fx), can<tagged<audit, ask>, tagged<audit, choose>>>); },
           at<audit>(handlers(one, on<choose>([] { return true; }))));
}

TEST_CASE("what a handler at a tag says it performs is found at the tag, too", "[core][at]") {
    struct forwarding {
        using operations = effects::operations<ask>;
        using performs = effects::operations<ask>;
        int operator()(ask const& op) const { return perform(op) + 1; }
    };
    auto body = [] { return perform(at<audit>(ask{})); };

    CHECK(handle(body, at<audit>(handlers(forwarding{}, two))) == 3);
    CHECK(handle(body, at<audit>(forwarding{}), one) == 2);
}

TEST_CASE("a mask skips the handler at a tag and no other", "[core][at]") {
    auto body = [] {
        return effects::mask<tagged<audit, ask>>([] { return perform(at<audit>(ask{})) * 10 + perform(ask{}); });
    };
    CHECK(handle(body, at<audit>(two), at<audit>(three), one) == 31);
}
