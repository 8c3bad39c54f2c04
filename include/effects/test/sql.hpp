// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <effects/sql/query.hpp>
#include <effects/sql/transaction.hpp>
#include <effects/tagged.hpp>
#include <effects/test/detail/mock_layer.hpp>
#include <effects/test/matching.hpp>
#include <effects/test/pattern.hpp>

namespace effects::test {

/// A query as a pattern: the same text and parameters; without parameters it matches any of that text.
template <>
struct pattern_traits<sql::query> {
    static constexpr bool has_matches = true;
    static bool matches(sql::query const& pattern, sql::query const& actual);
    static std::vector<std::string> differences(sql::query const& pattern, sql::query const& actual);
};

/// `test::matching<sql::query>().text(test::starts_with("insert into orders")).parameter(1, "A1")`
template <class Self>
struct matching_words<sql::query, Self> {
    Self text(text_pattern wanted) const {
        return self().where_text(
            "text", [](sql::query const& q) { return q.text(); }, std::move(wanted));
    }
    /// The parameter $`number`, from 1.
    Self parameter(std::size_t number, sql::value wanted) const {
        std::string description = detail::expectation_text("$" + describe(number), describe(wanted));
        auto has = [number](sql::query const& q) { return number >= 1 && number <= q.parameters().size(); };
        return self().where(
            std::move(description),
            [number, has, wanted = std::move(wanted)](sql::query const& q) {
                return has(q) && q.parameters()[number - 1] == wanted;
            },
            [number, has](sql::query const& q) {
                return has(q) ? describe(q.parameters()[number - 1]) : std::string("no parameter");
            });
    }

private:
    Self const& self() const { return static_cast<Self const&>(*this); }
};

template <class Self>
struct matching_words<sql::script, Self> {
    Self text(text_pattern wanted) const {
        return static_cast<Self const&>(*this).where_text(
            "text", [](sql::script const& s) { return s.text(); }, std::move(wanted));
    }
};

namespace detail {

// A transaction at a tag begins and ends there.
template <class Tag>
struct transaction_companions {
    static void join(mock_state& state) {
        answer_by_default<tagged<Tag, sql::begin>>(state);
        answer_by_default<tagged<Tag, sql::commit>>(state);
        answer_by_default<tagged<Tag, sql::rollback>>(state);
    }
};
template <class Tag>
struct companions<tagged<Tag, sql::query>> : transaction_companions<Tag> {};
template <class Tag>
struct companions<tagged<Tag, sql::script>> : transaction_companions<Tag> {};
template <class Tag>
struct companions<tagged<Tag, sql::begin>> : transaction_companions<Tag> {};
template <class Tag>
struct companions<tagged<Tag, sql::commit>> : transaction_companions<Tag> {};
template <class Tag>
struct companions<tagged<Tag, sql::rollback>> : transaction_companions<Tag> {};

} // namespace detail

} // namespace effects::test
