// SPDX-License-Identifier: BSL-1.0
#pragma once

// The bodies of row's templates: from cells to the user's types.

#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/pfr/core.hpp>
#include <boost/pfr/tuple_size.hpp>

#include <effects/sql/row.hpp>

namespace effects::sql {
namespace detail {

template <class T>
concept tuple_like = requires {
    std::tuple_size<T>::value;
};
template <class T>
concept described = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;
template <class T>
concept plain_aggregate = std::is_aggregate_v<T> && std::is_class_v<T>;

} // namespace detail

struct row_reader {
    template <class T>
    static T read(row const& r) {
        if constexpr (std::same_as<T, row>) {
            return r;
        } else if constexpr (column_type<T>) {
            r.expect_columns(1);
            return r.get<T>(std::size_t{0});
        } else if constexpr (detail::tuple_like<T>) {
            return by_position<T, std::tuple_element_t>(r, std::make_index_sequence<std::tuple_size_v<T>>{});
        } else if constexpr (detail::described<T>) {
            return by_name<T>(r);
        } else if constexpr (detail::plain_aggregate<T>) {
            return by_position<T, boost::pfr::tuple_element_t>(r,
                                                               std::make_index_sequence<boost::pfr::tuple_size_v<T>>{});
        } else {
            static_assert(column_type<T>,
                          "a row is read as a column's type, a tuple, or an aggregate of these; for a type of your "
                          "own specialize effects::sql::codec<T>; for text read std::string, for numbers double");
        }
    }

private:
    template <class T, template <std::size_t, class> class Element, std::size_t... I>
    static T by_position(row const& r, std::index_sequence<I...>) {
        static_assert((column_type<std::remove_cv_t<Element<I, T>>> && ...),
                      "a member is of a type that no column is read as; for a type of your own specialize "
                      "effects::sql::codec<T>; for text use std::string, for numbers double");
        r.expect_columns(sizeof...(I));
        return T{r.get<std::remove_cv_t<Element<I, T>>>(I)...}; // braces: evaluated from left to right
    }

    template <class T>
    static T by_name(row const& r) {
        T made{};
        using members =
            boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;
        boost::mp11::mp_for_each<members>([&](auto member) {
            using type = std::remove_cvref_t<decltype(made.*member.pointer)>;
            static_assert(column_type<type>, "a described member is of a type that no column is read as; for a type "
                                             "of your own specialize effects::sql::codec<T>");
            made.*member.pointer = r.get<type>(member.name);
        });
        return made;
    }
};

template <column_type T>
T row::get(std::size_t column) const {
    value const& cell = at(column);
    try {
        return cell.as<T>();
    } catch (effects::error& e) {
        explain(e, column);
        throw;
    }
}

template <class T>
T row::as() const {
    return row_reader::read<T>(*this);
}

} // namespace effects::sql
