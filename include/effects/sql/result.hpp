// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <effects/sql/row.hpp>

namespace effects::sql {

class table;

/// What a statement gives: rows, and how many rows it changed. A value: copying it shares the rows, which nobody changes.
///
///     int  qty   = perform(sql::query("select qty from stock where sku = $1", sku)).one<int>();
///     auto price = perform(sql::query("select cents from price where sku = $1", sku)).maybe_one<long>();   // std::optional
///     auto all   = perform(sql::query("select sku, qty from stock")).all<stock_line>();                    // std::vector
///
/// `row::as` says what a row may be read as. Tests make results from `sql::table`, `sql::affected`, `sql::no_rows`.
class result {
public:
    class iterator;

    result() = default; ///< no rows, no columns, nothing changed
    result(table const&);
    /// For handlers: the cells row after row; their number is a multiple of the columns'.
    result(std::shared_ptr<row_layout const> layout, std::vector<value> cells, std::int64_t rows_affected);

    std::size_t size() const noexcept { return rows_; }
    bool empty() const noexcept { return rows_ == 0; }
    /// Rows that an insert, update or delete changed; 0 of a select.
    std::int64_t rows_affected() const noexcept { return affected_; }
    std::vector<std::string> const& columns() const& noexcept;
    std::vector<std::string> columns() && { return static_cast<result const&>(*this).columns(); }

    /// A row by number, from 0; `std::out_of_range` past the end.
    row at(std::size_t index) const;
    row operator[](std::size_t index) const { return at(index); }
    iterator begin() const;
    iterator end() const;

    /// The only row. None is a `row_missing`, several are a `too_many_rows`.
    template <class T = row>
    T one() const {
        expect_one();
        return row(data_, 0).as<T>();
    }
    /// The only row, or nothing. Several are a `too_many_rows`.
    template <class T = row>
    std::optional<T> maybe_one() const {
        expect_at_most_one();
        if (empty()) return std::nullopt;
        return row(data_, 0).as<T>();
    }
    template <class T = row>
    std::vector<T> all() const {
        std::vector<T> rows;
        rows.reserve(size());
        for (std::size_t i = 0; i < size(); ++i) rows.push_back(row(data_, i).as<T>());
        return rows;
    }

    /// Same columns, same cells, same number of rows changed.
    friend bool operator==(result const&, result const&);
    friend std::ostream& operator<<(std::ostream&, result const&);

private:
    void expect_one() const;
    void expect_at_most_one() const;

    std::shared_ptr<detail::result_data const> data_;
    std::size_t rows_ = 0;
    std::int64_t affected_ = 0;
};

/// A result written by hand, for mocks: `sql::table{{"sku", "qty"}, {{"A1", 5}, {"B2", sql::null}}}`.
/// A row with more or fewer values than there are columns is a `std::invalid_argument`.
class table {
public:
    table(std::initializer_list<std::string_view> columns, std::initializer_list<std::initializer_list<value>> rows);
    table(std::vector<std::string> columns, std::vector<std::vector<value>> rows);

    /// How many rows the statement changed, as an insert with `returning` tells.
    table& affected(std::int64_t rows) & {
        affected_ = rows;
        return *this;
    }
    table affected(std::int64_t rows) && { return std::move(affected(rows)); }

private:
    friend class result;
    std::vector<std::string> columns_;
    std::vector<value> cells_;
    std::int64_t affected_ = 0;
};

/// What an insert, update or delete of `rows` rows gives.
result affected(std::int64_t rows);
/// What a select that finds nothing gives.
result no_rows();

// ---------------------------------------------------------------------------------------------------------------------

class result::iterator {
public:
    using iterator_category = std::input_iterator_tag; // of C++17's kind: it gives rows, not references to rows
    using iterator_concept = std::random_access_iterator_tag;
    using value_type = row;
    using difference_type = std::ptrdiff_t;
    using reference = row;
    using pointer = void;

    iterator() = default;
    iterator(std::shared_ptr<detail::result_data const> data, std::size_t index) noexcept
        : data_(std::move(data)), index_(static_cast<std::ptrdiff_t>(index)) {}

    row operator*() const { return {data_, static_cast<std::size_t>(index_)}; }
    row operator[](difference_type n) const { return *(*this + n); }
    iterator& operator+=(difference_type n) noexcept {
        index_ += n;
        return *this;
    }
    iterator& operator-=(difference_type n) noexcept { return *this += -n; }
    iterator& operator++() noexcept { return *this += 1; }
    iterator& operator--() noexcept { return *this -= 1; }
    iterator operator++(int) noexcept { return std::exchange(*this, *this + 1); }
    iterator operator--(int) noexcept { return std::exchange(*this, *this - 1); }
    friend iterator operator+(iterator i, difference_type n) noexcept { return i += n; }
    friend iterator operator+(difference_type n, iterator i) noexcept { return i += n; }
    friend iterator operator-(iterator i, difference_type n) noexcept { return i -= n; }
    friend difference_type operator-(iterator const& a, iterator const& b) noexcept { return a.index_ - b.index_; }
    bool operator==(iterator const& other) const noexcept { return index_ == other.index_; }
    std::strong_ordering operator<=>(iterator const& other) const noexcept { return index_ <=> other.index_; }

private:
    std::shared_ptr<detail::result_data const> data_;
    std::ptrdiff_t index_ = 0;
};

inline result::iterator result::begin() const { return {data_, 0}; }
inline result::iterator result::end() const { return {data_, rows_}; }

} // namespace effects::sql
