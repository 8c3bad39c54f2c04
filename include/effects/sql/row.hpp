// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <effects/sql/value.hpp>

namespace effects::sql {

/// What the rows of a result have in common; shared by them, and by all results of one prepared statement.
struct row_layout {
    std::vector<std::string> columns = {};
    std::string query = {}; ///< the statement, for the messages of errors; may be empty
};

namespace detail {

struct result_data {
    std::shared_ptr<row_layout const> layout; // never null
    std::vector<value> cells;                 // row after row
};

} // namespace detail

/// One row of a result. It shares the result's data, so it is cheap to copy and outlives the result.
///
///     for (sql::row const& r : perform(sql::query("select sku, qty from stock")))
///         total[r.get<std::string>("sku")] += r.get<int>(1);
///
/// A column that is not there is a `std::out_of_range`; a value that is something else, a `conversion_error` that
/// names the row, the column and both types.
class row {
public:
    row() = default;
    row(std::shared_ptr<detail::result_data const> data, std::size_t index) noexcept
        : data_(std::move(data)), index_(index) {}

    std::size_t size() const noexcept { return data_ ? data_->layout->columns.size() : 0; }
    std::vector<std::string> const& columns() const& noexcept;
    std::vector<std::string> columns() && { return static_cast<row const&>(*this).columns(); }
    /// Where the column of that name stands; out_of_range if none or several have it.
    std::size_t index_of(std::string_view column) const;

    value const& at(std::size_t column) const&;
    value at(std::size_t column) && { return static_cast<row const&>(*this).at(column); }
    value const& at(std::string_view column) const& { return at(index_of(column)); }
    value at(std::string_view column) && { return static_cast<row const&>(*this).at(column); }
    value const& operator[](std::size_t column) const& { return at(column); }
    value operator[](std::size_t column) && { return static_cast<row const&>(*this).at(column); }
    value const& operator[](std::string_view column) const& { return at(column); }
    value operator[](std::string_view column) && { return static_cast<row const&>(*this).at(column); }

    template <column_type T>
    T get(std::size_t column) const;
    template <column_type T>
    T get(std::string_view column) const {
        return get<T>(index_of(column));
    }
    /// A column that holds JSON text, parsed: `r.json<nlohmann::json>("doc")`. `Json` is any type with a static `parse`.
    template <class Json, class Column>
    Json json(Column const& column) const {
        return Json::parse(get<std::string>(column));
    }

    /// The whole row as a `T`: a column's type (the row must have that one column), a tuple or pair (by position, as
    /// many columns as elements), a struct described by Boost.Describe (by name), or any other aggregate (by position,
    /// as many columns as members).
    template <class T>
    T as() const;

    friend bool operator==(row const&, row const&);
    friend std::ostream& operator<<(std::ostream&, row const&);

private:
    void explain(effects::error&, std::size_t column) const; // adds the row and the column to the error's context
    void expect_columns(std::size_t count) const;            // conversion_error unless there are as many

    std::shared_ptr<detail::result_data const> data_;
    std::size_t index_ = 0;

    friend struct row_reader;
};

} // namespace effects::sql

#include <effects/sql/detail/read_row.hpp>
