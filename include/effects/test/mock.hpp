// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/operation.hpp>
#include <effects/test/detail/mock_layer.hpp>
#include <effects/test/expectation.hpp>
#include <effects/test/failure.hpp>
#include <effects/test/matching.hpp>
#include <effects/test/pattern.hpp>

namespace effects::test {

/// A handler that answers operations of any types as the test says, and is strict about it.
///
///     test::mock world;
///     world.on(sql::query("select qty from stock where sku = $1", "A1")).reply(sql::table{{"qty"}, {{5}}});
///     world.expect(http::post("https://pay.example/charges").json({{"cents", 900}})).reply(http::created());
///     CHECK(test::run([] { return place_order({"A1", 2, 900}); }, world).qty == 2);
///
/// It handles every type of operation that a pattern of it names. One of them that no pattern wants is unexpected: `perform`
/// throws `unexpected_operation`, and the test fails even if the logic swallows that. What `expect` names and does not come
/// fails the test at its end. Types that it doesn't know are left to handlers further out, as if it were not there.
/// `sql::begin`, `sql::commit` and `sql::rollback` that nothing is said of go further out too, and succeed where nobody answers; so they do at
/// a tag, `world.on(effects::at<audit>(sql::query(…)))`, of which a statement is known.
///
/// A call goes to the first expectation that matches and still wants one, in the order in which they were made; where
/// there is none, to the newest stub that matches.
///
/// `test::run` verifies the mocks that it is given. Otherwise, with `effects::handle` say, call `verify` at the end of the test:
///
///     test::mock world;
///     …
///     effects::handle(body, world);
///     world.verify(); // throws test::failed; or CHECK_NOTHROW(world.verify())
///
/// A mock destroyed with failures that nobody was told of, those that the test caught as `unexpected_operation` included, hands them
/// to the reporter, which <effects/test/catch2.hpp> sets: the test fails and goes on. Without a reporter it prints them and *aborts the
/// program*, as a destructor can't throw; while an exception unwinds the test, which fails anyway, it only prints.
///
/// Several threads may perform at once; name all types of operations before they start. Moves until it is installed.
class mock {
public:
    using operations = effects::any_operation; // known only while it runs

    explicit mock(std::source_location made = std::source_location::current());
    mock(mock&&) noexcept = default;
    mock& operator=(mock&&) = delete;
    ~mock();

    /// Answers what matches, any number of times, also none. The pattern is an operation, or `matching<Op>()`.
    template <class Pattern>
    auto on(Pattern pattern, std::source_location made = std::source_location::current()) {
        return add(std::move(pattern), made, true);
    }
    /// The same, and has to come: once, unless `.times(…)` or several replies say otherwise.
    template <class Pattern>
    auto expect(Pattern pattern, std::source_location made = std::source_location::current()) {
        return add(std::move(pattern), made, false);
    }

    /// The operations that came here, copied, in order: all of one type.
    template <operation Op>
        requires std::is_copy_constructible_v<Op> std::vector<Op> calls()
    const {
        std::lock_guard lock(state_->mutex());
        std::vector<Op> all;
        if (auto* of = static_cast<detail::book<Op>*>(state_->find(effects::detail::operation_id<Op>::info)))
            all.assign(of->calls.begin(), of->calls.end());
        return all;
    }
    /// All operations that came here, in order, as text.
    std::vector<std::string> log() const { return state_->log(); }

    /// Ends the test of this mock: what was unexpected or has not come is reported, or thrown as `failed`. Each is told once, so a
    /// test that means an operation to be refused verifies inside CHECK_THROWS_AS(…, test::failed), and the destructor is content.
    void verify();

    explicit mock(std::shared_ptr<detail::mock_state> state) noexcept : state_(std::move(state)) {}
    std::shared_ptr<detail::mock_state> const& state() const noexcept { return state_; }

private:
    template <class Pattern>
    auto add(Pattern pattern, std::source_location made, bool stub) {
        using op = typename detail::operation_of_pattern<Pattern>::type;
        static_assert(operation<op>, "a mock's pattern is an operation, or test::matching<Op>()");
        static_assert(!std::is_same_v<op, Pattern> || pattern_traits<op>::has_matches,
                      "an operation without operator== can't be a pattern by itself: use "
                      "test::matching<Op>().where(&Op::member, value), or give it an operator==");
        std::lock_guard lock(state_->mutex());
        auto made_one =
            std::make_shared<detail::expectation_like<op, Pattern>>(*state_, made, stub, std::move(pattern));
        detail::book_for<op>(*state_).expectations.push_back(made_one);
        detail::companions<op>::join(*state_);
        return expectation<op>(std::move(made_one));
    }

    std::shared_ptr<detail::mock_state> state_;
};

} // namespace effects::test

template <class Answer, class Piece>
struct effects::detail::layer_of<Answer, Piece, effects::test::mock> {
    using type = effects::test::detail::mock_layer<Piece>;
};
