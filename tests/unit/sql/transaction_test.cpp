// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/handle.hpp>
#include <effects/sql.hpp>
#include <effects/unhandled_operation.hpp>

#include <sstream>

namespace sql = effects::sql;
using effects::perform;

namespace {

using trace = std::vector<std::string>;

class numbered : public sql::session::state {
public:
    explicit numbered(int n) : number(n) {}
    int const number;
};

std::string name(sql::session const& s) {
    auto* known = s.as<numbered>();
    return known ? std::to_string(known->number) : "none";
}

// A handler that writes down what it is asked, and in which session.
class recorder {
public:
    using operations = effects::operations<sql::query, sql::script, sql::begin, sql::commit, sql::rollback>;

    sql::result operator()(sql::query const& q) {
        seen.push_back(q.text() + " in " + name(q.session()));
        return sql::affected(1);
    }
    void operator()(sql::script const& s) { seen.push_back("script in " + name(s.session())); }
    sql::session operator()(sql::begin const& b) {
        seen.push_back("begin in " + name(b.outer));
        return sql::session(std::make_shared<numbered>(++begun));
    }
    void operator()(sql::commit const& c) {
        seen.push_back("commit " + name(c.of));
        if (commit_fails) throw sql::serialization_failure("try again");
    }
    void operator()(sql::rollback const& r) {
        seen.push_back("rollback " + name(r.of));
        if (rollback_fails) throw sql::connection_failure("gone");
    }

    trace seen;
    int begun = 0;
    bool commit_fails = false;
    bool rollback_fails = false;
};

template <class T>
std::string shown(T const& v) {
    std::ostringstream out;
    out << v;
    return out.str();
}

} // namespace

TEST_CASE("a transaction begins, binds what is performed inside, and commits", "[sql][transaction]") {
    recorder db;

    effects::handle(
        [] {
            perform(sql::query("a"));
            sql::transaction([] {
                perform(sql::query("b"));
                perform(sql::script("c"));
            });
            perform(sql::query("d"));
        },
        db);

    CHECK(db.seen == trace{"a in none", "begin in none", "b in 1", "script in 1", "commit 1", "d in none"});
}

TEST_CASE("a transaction inside another begins in it, and binds to itself", "[sql][transaction]") {
    recorder db;

    effects::handle(
        [] {
            sql::transaction([] {
                sql::transaction([] { perform(sql::query("a")); });
                perform(sql::query("b"));
            });
        },
        db);

    CHECK(db.seen == trace{"begin in none", "begin in 1", "a in 2", "commit 2", "b in 1", "commit 1"});
}

TEST_CASE("an exception rolls back, and is what leaves the transaction", "[sql][transaction]") {
    recorder db;

    effects::handle([] { CHECK_THROWS_AS(sql::transaction([]() -> int { throw 5; }), int); }, db);

    CHECK(db.seen == trace{"begin in none", "rollback 1"});
}

TEST_CASE("a rollback that fails does not hide why it was wanted", "[sql][transaction]") {
    recorder db;
    db.rollback_fails = true;

    effects::handle(
        [] { CHECK_THROWS_AS(sql::transaction([] { throw std::runtime_error("why"); }), std::runtime_error); }, db);

    CHECK(db.seen == trace{"begin in none", "rollback 1"});
}

TEST_CASE("a commit that fails rolls back, and its error leaves the transaction", "[sql][transaction]") {
    recorder db;
    db.commit_fails = true;

    effects::handle([] { CHECK_THROWS_AS(sql::transaction([] { return 1; }), sql::serialization_failure); }, db);

    CHECK(db.seen == trace{"begin in none", "commit 1", "rollback 1"});
}

TEST_CASE("values of any kind come out of a transaction", "[sql][transaction]") {
    effects::handle(
        [] {
            CHECK(*sql::transaction([] { return std::make_unique<int>(5); }) == 5);
            std::string text = "x";
            CHECK(sql::transaction([&]() -> std::string& { return text; }) == "x");
            static_assert(
                std::is_same_v<decltype(sql::transaction([&]() -> std::string& { return text; })), std::string>);
        },
        recorder{});
}

TEST_CASE("a transaction's options are part of the operation", "[sql][transaction]") {
    sql::begin seen;

    effects::handle([] { sql::transaction({.isolation = sql::isolation::serializable, .read_only = true}, [] {}); },
                    effects::on<sql::begin>([&](sql::begin const& b) {
                        seen = b;
                        return sql::session();
                    }),
                    effects::on<sql::commit>([] {}));

    CHECK(seen == sql::begin{{.isolation = sql::isolation::serializable, .read_only = true}});
    CHECK(seen != sql::begin{});
    CHECK(shown(seen) == "sql::begin{.isolation = serializable, .read_only = true}");
    CHECK(shown(sql::begin{}) == "sql::begin{}");
    CHECK(shown(sql::commit{}) == "sql::commit{}");
    CHECK(sql::commit{} == sql::commit{});
}

TEST_CASE("a transaction at a tag takes what is performed there, and nothing else", "[sql][transaction]") {
    struct audit;
    recorder shop, trail;
    trail.begun = 10;
    effects::handle(
        [] {
            int kept = sql::transaction(effects::at<audit>, [] {
                perform(effects::at<audit>(sql::query("insert into trail")));
                perform(sql::query("select from shop"));
                sql::transaction([] { perform(sql::query("update shop")); });
                sql::transaction(effects::at<audit>, {.read_only = true},
                                 [] { perform(effects::at<audit>(sql::query("select from trail"))); });
                return 7;
            });
            CHECK(kept == 7);
            perform(effects::at<audit>(sql::query("outside")));
        },
        shop, effects::at<audit>(trail));

    CHECK(shop.seen == trace{"select from shop in none", "begin in none", "update shop in 1", "commit 1"});
    CHECK(trail.seen == trace{"begin in none", "insert into trail in 11", "begin in 11", "select from trail in 12",
                              "commit 12", "commit 11", "outside in none"});
}

TEST_CASE("a transaction at a tag rolls back there", "[sql][transaction]") {
    struct audit;
    recorder shop, trail;
    effects::handle([] { CHECK_THROWS_AS(sql::transaction(effects::at<audit>, [] { throw 1; }), int); }, shop,
                    effects::at<audit>(trail));

    CHECK(shop.seen.empty());
    CHECK(trail.seen == trace{"begin in none", "rollback 1"});
}

TEST_CASE("a transaction without a database names the caller's line and what it needs", "[sql][transaction]") {
    unsigned line = 0;
    try {
        line = __LINE__ + 1;
        sql::transaction([] {});
        FAIL("it should have thrown");
    } catch (effects::unhandled_operation const& e) {
        CHECK(e.where().line() == line);
        CHECK_THAT(e.what(), Catch::Contains("sqlite::database"));
    }
}
