// SPDX-License-Identifier: BSL-1.0
#include <effects/sql/result.hpp>

#include <algorithm>
#include <iterator>
#include <ostream>
#include <stdexcept>

#include <effects/sql/detail/quote.hpp>
#include <effects/sql/query.hpp>
#include <effects/sql/row.hpp>

namespace effects::sql {
namespace {

constexpr std::size_t rows_printed = 8;

std::vector<std::string> const no_columns;

std::string list(std::vector<std::string> const& names) {
    std::string text;
    for (auto const& name : names) {
        if (!text.empty()) text += ", ";
        text += name;
    }
    return text.empty() ? "none" : text;
}

std::string counted(std::size_t n, std::string_view noun) {
    return std::to_string(n) + ' ' + std::string(noun) + (n == 1 ? "" : "s");
}

void add_query(effects::error& e, detail::result_data const* data) {
    if (data && !data->layout->query.empty()) e.add_context(detail::running(data->layout->query));
}

/// For a bug of the program, which has no contexts to add to.
[[noreturn]] void throw_out_of_range(std::string message, detail::result_data const* data) {
    if (data && !data->layout->query.empty()) message.insert(0, "while " + detail::running(data->layout->query) + ": ");
    throw std::out_of_range(message);
}

std::shared_ptr<detail::result_data const> shared(std::shared_ptr<row_layout const> layout, std::vector<value> cells) {
    return std::make_shared<detail::result_data const>(detail::result_data{std::move(layout), std::move(cells)});
}

} // namespace

// row

std::vector<std::string> const& row::columns() const& noexcept { return data_ ? data_->layout->columns : no_columns; }

std::size_t row::index_of(std::string_view column) const {
    auto const& names = columns();
    auto found = std::find(names.begin(), names.end(), column);
    if (found == names.end())
        throw_out_of_range("no column '" + std::string(column) + "' in the row; its columns: " + list(names),
                           data_.get());
    if (std::find(found + 1, names.end(), column) != names.end())
        throw_out_of_range("several columns are named '" + std::string(column) +
                               "': read them by position, or name them with `as`",
                           data_.get());
    return static_cast<std::size_t>(found - names.begin());
}

value const& row::at(std::size_t column) const& {
    if (column >= size())
        throw_out_of_range("no column number " + std::to_string(column) +
                               " (from 0) in the row; its columns: " + list(columns()),
                           data_.get());
    return data_->cells[index_ * size() + column];
}

void row::explain(effects::error& e, std::size_t column) const {
    e.add_context("reading column '" + columns()[column] + "' (number " + std::to_string(column) + ") of row " +
                  std::to_string(index_));
    add_query(e, data_.get());
}

void row::expect_columns(std::size_t count) const {
    if (size() == count) return;
    conversion_error e(counted(size(), "column") + " (" + list(columns()) + ") cannot be read as " +
                       counted(count, "value"));
    add_query(e, data_.get());
    throw e;
}

bool operator==(row const& a, row const& b) {
    if (a.columns() != b.columns()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a.at(i) != b.at(i)) return false;
    return true;
}

std::ostream& operator<<(std::ostream& out, row const& r) {
    out << '{';
    for (std::size_t i = 0; i < r.size(); ++i) out << (i ? ", " : "") << r.columns()[i] << ": " << r.at(i);
    return out << '}';
}

// result

result::result(std::shared_ptr<row_layout const> layout, std::vector<value> cells, std::int64_t rows_affected)
    : affected_(rows_affected) {
    if (!layout) layout = std::make_shared<row_layout const>();
    auto columns = layout->columns.size();
    if (columns == 0 ? !cells.empty() : cells.size() % columns != 0)
        throw std::invalid_argument("sql::result: " + counted(cells.size(), "cell") + " for " +
                                    counted(columns, "column"));
    rows_ = columns ? cells.size() / columns : 0;
    data_ = shared(std::move(layout), std::move(cells));
}

result::result(table const& t)
    : result(std::make_shared<row_layout const>(row_layout{t.columns_, {}}), t.cells_, t.affected_) {}

std::vector<std::string> const& result::columns() const& noexcept {
    return data_ ? data_->layout->columns : no_columns;
}

row result::at(std::size_t index) const {
    if (index >= rows_)
        throw_out_of_range("no row number " + std::to_string(index) + " (from 0) in a result of " +
                               counted(rows_, "row"),
                           data_.get());
    return {data_, index};
}

void result::expect_one() const {
    if (rows_ == 0) {
        row_missing e("no row where one is wanted");
        add_query(e, data_.get());
        throw e;
    }
    expect_at_most_one();
}

void result::expect_at_most_one() const {
    if (rows_ <= 1) return;
    too_many_rows e(counted(rows_, "row") + " where one is wanted");
    add_query(e, data_.get());
    throw e;
}

bool operator==(result const& a, result const& b) {
    if (a.affected_ != b.affected_ || a.rows_ != b.rows_ || a.columns() != b.columns()) return false;
    return a.data_ == b.data_ || a.rows_ == 0 || a.data_->cells == b.data_->cells;
}

std::ostream& operator<<(std::ostream& out, result const& r) {
    if (r.columns().empty()) return out << counted(static_cast<std::size_t>(r.affected_), "row") << " affected";
    out << counted(r.size(), "row") << " of (" << list(r.columns()) << ')';
    if (r.affected_) out << ", " << r.affected_ << " affected";
    for (std::size_t i = 0; i < std::min(r.size(), rows_printed); ++i) out << (i ? ", " : ": ") << r[i];
    if (r.size() > rows_printed) out << ", …";
    return out;
}

result affected(std::int64_t rows) { return {nullptr, {}, rows}; }
result no_rows() { return {}; }

// table

table::table(std::initializer_list<std::string_view> columns, std::initializer_list<std::initializer_list<value>> rows)
    : table(std::vector<std::string>(columns.begin(), columns.end()),
            std::vector<std::vector<value>>(rows.begin(), rows.end())) {}

table::table(std::vector<std::string> columns, std::vector<std::vector<value>> rows) : columns_(std::move(columns)) {
    cells_.reserve(columns_.size() * rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].size() != columns_.size() || columns_.empty())
            throw std::invalid_argument("sql::table: row " + std::to_string(i) + " has " +
                                        counted(rows[i].size(), "value") + " for " +
                                        counted(columns_.size(), "column") + " (" + list(columns_) + ')');
        std::move(rows[i].begin(), rows[i].end(), std::back_inserter(cells_));
    }
}

// query and script

std::ostream& operator<<(std::ostream& out, query const& q) {
    out << "sql::query(\"" << q.text_ << '"';
    for (auto const& p : q.parameters_) out << ", " << p;
    return out << ')';
}

std::ostream& operator<<(std::ostream& out, script const& s) { return out << "sql::script(\"" << s.text_ << "\")"; }

std::string detail::running(std::string_view statement) {
    constexpr std::size_t most = 200;
    std::string text = "running \"";
    std::size_t const quote = text.size();
    bool space = false;
    for (char c : statement) { // layout is for the source; a message is one line
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
            space = text.size() > quote;
            continue;
        }
        if (space) text += ' ';
        space = false;
        if (auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7F)
            text += "\\x", text += "0123456789abcdef"[byte >> 4], text += "0123456789abcdef"[byte & 15];
        else
            text += c;
    }
    if (text.size() > quote + most) {
        std::size_t end = quote + most;
        while (end > quote && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
        text.resize(end);
        text += "…";
    }
    return text += '"';
}

} // namespace effects::sql
