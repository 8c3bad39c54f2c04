// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/operation.hpp>
#include <effects/test/pattern.hpp>
#include <effects/test/text.hpp>

namespace effects::test {

/// The words that `matching<Op>()` has for one vocabulary besides `where`; empty unless specialized, as for `sql::query`.
template <operation Op, class Self>
struct matching_words {};

namespace detail {

template <class Op>
struct condition {
    std::function<bool(Op const&)> holds;
    std::string description;
    std::function<std::string(Op const&)> got; // may be empty
};

// A concept of its own: clang 16 fails on such a requirement within a lambda.
template <class A, class B>
concept equatable_with = requires(A const& a, B const& b) {
    { a == b } -> std::convertible_to<bool>;
};

// The place of a member among its struct's, from 1; 0 where that can't be told.
template <class Op, class Member>
std::size_t member_number(Op const& op, Member Op::*member) {
    std::size_t number = 0;
    if constexpr (plain_struct<Op> && std::is_object_v<Member>) {
        void const* wanted = std::addressof(op.*member);
        with_fields(op, [&](auto const&... field) {
            std::size_t i = 0;
            ((++i, number = static_cast<void const*>(std::addressof(field)) == wanted ? i : number), ...);
        });
    }
    return number;
}

std::string thrown_text(std::exception const& e);

} // namespace detail

/// A pattern made of conditions; without any it matches every `Op`. For operations without `==`, or where only a part is
/// of interest.
///
///     world.expect(test::matching<charge_card>().where(&charge_card::cents, 500))
///     world.on(test::matching<charge_card>().where(&charge_card::token, test::starts_with("tok_")))
///     world.on(test::matching<charge_card>().where("a large sum", [](charge_card const& op) { return op.cents > 10'000; }))
///
/// A condition must not perform operations. One that throws a `std::exception` does not hold; the message of a failed test
/// shows what it threw.
template <operation Op>
class matcher : public matching_words<Op, matcher<Op>> {
public:
    /// A member, or what a const member function returns, equals `value`; or satisfies it where it is a `text_pattern` or
    /// a predicate.
    template <class Member, class Value>
        requires(std::is_member_pointer_v<Member>)
    matcher where(Member member, Value value)
    const { return where_member({}, member, std::move(value)); }
    /// The same; messages call the member by this name.
    template <class Member, class Value>
        requires(std::is_member_pointer_v<Member>)
    matcher where(std::string name, Member member, Value value)
    const { return where_member(std::move(name), member, std::move(value)); }
    template <std::predicate<Op const&> Predicate>
    matcher where(Predicate predicate) const {
        return where("condition " + describe(conditions_.size() + 1), std::move(predicate));
    }
    /// The same; messages say what it wants.
    template <std::predicate<Op const&> Predicate>
    matcher where(std::string description, Predicate predicate) const {
        return with({std::move(predicate), std::move(description), {}});
    }
    /// The same; messages also say what there was instead: `got(op)` is a text.
    template <std::predicate<Op const&> Predicate, std::invocable<Op const&> Got>
        requires(!std::is_member_pointer_v<Predicate>)
    matcher where(std::string description, Predicate predicate, Got got)
    const { return with({std::move(predicate), std::move(description), std::move(got)}); }
    /// For `matching_words`: `get(op)` gives a text, which messages call `name`.
    template <class Get>
    matcher where_text(std::string name, Get get, text_pattern wanted) const {
        std::string description = detail::expectation_text(name, wanted.description());
        return with({[get, wanted](Op const& op) { return wanted(get(op)); }, std::move(description),
                     [get](Op const& op) { return describe(get(op)); }});
    }

    bool matches(Op const& actual) const {
        for (auto const& c : conditions_)
            if (!holds(c, actual)) return false;
        return true;
    }
    /// The conditions that do not hold, one line each.
    std::vector<std::string> differences(Op const& actual) const {
        std::vector<std::string> found;
        for (auto const& c : conditions_) {
            std::string line = c.got ? c.description : "not: " + c.description;
            try {
                if (c.holds(actual)) continue;
                if (c.got) line += ", got " + c.got(actual);
            } catch (std::exception const& e) {
                line = c.description + ": " + detail::thrown_text(e);
            }
            found.push_back(std::move(line));
        }
        return found;
    }
    std::string description() const {
        std::string text = "matching<" + std::string(effects::detail::type_name<Op>()) + ">";
        for (auto const& c : conditions_) text.append("\n").append(c.description);
        return text;
    }

private:
    static bool holds(detail::condition<Op> const& c, Op const& actual) {
        try {
            return c.holds(actual);
        } catch (std::exception const&) {
            return false;
        }
    }
    matcher with(detail::condition<Op> c) const {
        matcher more = *this;
        more.conditions_.push_back(std::move(c));
        return more;
    }

    template <class Member, class Value>
    matcher where_member(std::string name, Member member, Value value) const {
        using actual = std::remove_cvref_t<std::invoke_result_t<Member, Op const&>>;
        std::string wanted;
        if constexpr (std::is_same_v<Value, text_pattern>)
            wanted = value.description();
        else if constexpr (detail::equatable_with<actual, Value>)
            wanted = describe(value);
        else
            wanted = "what satisfies a predicate";
        auto get = [member](Op const& op) -> decltype(auto) { return std::invoke(member, op); };
        auto holds = [get, value = std::move(value)](Op const& op) -> bool {
            if constexpr (std::is_convertible_v<actual const&, std::string_view> &&
                          std::is_convertible_v<Value const&, std::string_view>) { // also pointers to characters
                return std::string_view(get(op)) == std::string_view(value);
            } else if constexpr (detail::equatable_with<actual, Value>) {
                return get(op) == value;
            } else {
                static_assert(std::is_invocable_r_v<bool, Value const&, actual const&>,
                              "where(&Op::member, value): the member is neither comparable with the value nor is the "
                              "value a predicate of it");
                return value(get(op));
            }
        };
        return with({std::move(holds), detail::expectation_text(name.empty() ? number_of(member) : name, wanted),
                     [get](Op const& op) { return describe(get(op)); }});
    }
    template <class Member>
    static std::string number_of(Member member) {
        if constexpr (std::is_member_object_pointer_v<Member> && std::is_default_constructible_v<Op>) {
            if (auto number = detail::member_number(Op{}, member)) return "member " + describe(number);
        }
        return "a member";
    }

    std::vector<detail::condition<Op>> conditions_;
};

/// Any `Op`, until `where` narrows it.
template <operation Op>
matcher<Op> matching() {
    return {};
}

} // namespace effects::test
