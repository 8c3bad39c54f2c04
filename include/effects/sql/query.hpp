// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include <effects/sql/result.hpp>
#include <effects/sql/session.hpp>
#include <effects/sql/value.hpp>

namespace effects::sql {

/// The operation: run one statement, with parameters in the places of $1, $2, ….
///
///     auto qty = perform(sql::query("select qty from stock where sku = $1", cart.sku)).one<int>();
///     perform(sql::query("insert into orders (sku, note) values ($1, $2)", sku, std::optional<std::string>{}));
///
/// Parameters never become part of the text, so nothing in them is ever read as SQL. A failed statement throws a
/// `sql::error`. Within `sql::transaction` it belongs to that transaction.
class query {
public:
    using result_type = result;
    static constexpr bool replayable = true;

    template <parameter_type... Parameters>
    explicit query(std::string text, Parameters&&... parameters) : text_(std::move(text)) {
        if constexpr (sizeof...(parameters) > 0) {
            parameters_.reserve(sizeof...(parameters));
            (parameters_.emplace_back(std::forward<Parameters>(parameters)), ...);
        }
    }

    /// One parameter more, where their number is known only at run time.
    query& bind(value parameter) & {
        parameters_.push_back(std::move(parameter));
        return *this;
    }
    query bind(value parameter) && { return std::move(bind(std::move(parameter))); }
    /// In that transaction; `sql::transaction` does it for what runs inside.
    query& in(sql::session s) & {
        session_ = std::move(s);
        return *this;
    }
    query in(sql::session s) && { return std::move(in(std::move(s))); }

    std::string const& text() const& noexcept { return text_; }
    std::string text() && noexcept { return std::move(text_); }
    std::vector<value> const& parameters() const& noexcept { return parameters_; }
    std::vector<value> parameters() && noexcept { return std::move(parameters_); }
    sql::session const& session() const& noexcept { return session_; }
    sql::session session() && noexcept { return std::move(session_); }

    /// The same text and parameters, in whatever transaction.
    friend bool operator==(query const& a, query const& b) {
        return a.text_ == b.text_ && a.parameters_ == b.parameters_;
    }
    /// With the parameters, as `sql::value` prints them: for tests and debugging, not for logs that others read.
    friend std::ostream& operator<<(std::ostream&, query const&);

private:
    std::string text_;
    std::vector<value> parameters_;
    sql::session session_;
};

/// The operation: run several statements, one after the other, without parameters: a schema, a migration.
///
///     perform(sql::script("create table stock (sku text primary key, qty int not null check (qty >= 0));"
///                         "create index stock_qty on stock (qty);"));
///
/// All of it is one transaction where the database can do that, unless it is in one already: when a statement fails,
/// nothing of the script is done.
class script {
public:
    using result_type = void;

    explicit script(std::string text) : text_(std::move(text)) {}

    script& in(sql::session s) & {
        session_ = std::move(s);
        return *this;
    }
    script in(sql::session s) && { return std::move(in(std::move(s))); }

    std::string const& text() const& noexcept { return text_; }
    std::string text() && noexcept { return std::move(text_); }
    sql::session const& session() const& noexcept { return session_; }
    sql::session session() && noexcept { return std::move(session_); }

    friend bool operator==(script const& a, script const& b) { return a.text_ == b.text_; }
    friend std::ostream& operator<<(std::ostream&, script const&);

private:
    std::string text_;
    sql::session session_;
};

} // namespace effects::sql
