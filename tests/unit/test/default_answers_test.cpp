// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <stdexcept>

#include <effects/sql.hpp>

#include "shop.hpp"

namespace sql = effects::sql;
namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace shop;

namespace {

struct greeting {
    using result_type = int;
    static int default_answer(greeting const&) { return 42; }
    bool operator==(greeting const&) const = default;
};

void insert_in_transaction() {
    sql::transaction([] { perform(sql::query("insert into t values (1)")); });
}

} // namespace

TEST_CASE("transactions need no expectations", "[test][defaults]") {
    test::mock world;
    world.expect(sql::query("insert into t values (1)")).reply(sql::affected(1));

    handle(insert_in_transaction, world);

    CHECK(world.calls<sql::begin>().size() == 1);
    CHECK(world.calls<sql::commit>().size() == 1);
    CHECK(world.calls<sql::rollback>().empty());
    CHECK(verified(world) == "");
}

TEST_CASE("a transaction that fails is seen to roll back", "[test][defaults]") {
    test::mock world;
    world.on(test::matching<sql::query>()).fail(std::runtime_error("constraint"));

    CHECK_THROWS_AS(handle(insert_in_transaction, world), std::runtime_error);
    CHECK(world.calls<sql::rollback>().size() == 1);
    CHECK(world.calls<sql::commit>().empty());
}

TEST_CASE("a transaction can be expected, and its commit made to fail", "[test][defaults]") {
    test::mock world;
    test::in_order(world.expect(sql::begin{}).reply(sql::session{}),
                   world.expect(sql::query("insert into t values (1)")).reply(sql::affected(1)),
                   world.expect(sql::commit{}).fail(std::runtime_error("lost")));

    CHECK(thrown_by<std::runtime_error>([&] { handle(insert_in_transaction, world); }) == "lost");
    CHECK(verified(world) == "");
}

TEST_CASE("a mock that expects one transaction is strict about a second", "[test][defaults]") {
    test::mock world;
    world.expect(sql::begin{}).reply(sql::session{});
    world.on(test::matching<sql::query>()).reply(sql::affected(1));

    CHECK_THROWS_AS(handle(
                        [] {
                            insert_in_transaction();
                            insert_in_transaction();
                        },
                        world),
                    test::unexpected_operation);
    CHECK(verified(world) != "");
}

TEST_CASE("what a mock would answer by default goes to the handler further out that answers it", "[test][defaults]") {
    test::mock payments, database;
    database.expect(sql::begin{}).reply(sql::session{});
    database.expect(sql::commit{});
    database.on(test::matching<sql::query>()).reply(sql::affected(1));

    handle(insert_in_transaction, payments, database);

    CHECK(verified(database) == "");
    CHECK(payments.log().empty());
}

TEST_CASE("of nested mocks without expectations the outer one answers a transaction", "[test][defaults]") {
    test::mock inner, outer;
    inner.on(test::matching<sql::query>()).reply(sql::affected(1));

    handle(insert_in_transaction, inner, outer);

    CHECK(outer.log().size() == 2);
}

TEST_CASE("an operation's own default answer stands where the mock knows nothing of it", "[test][defaults]") {
    test::mock world;

    CHECK(handle([] { return perform(greeting{}); }, world) == 42);
    world.on(greeting{}).reply(1);
    CHECK(handle([] { return perform(greeting{}); }, world) == 1);
    CHECK(verified(world) == "");
}

TEST_CASE("an expected transaction needs no replies", "[test][defaults]") {
    test::mock world;
    test::in_order(world.expect(sql::begin{}),
                   world.expect(sql::query("insert into t values (1)")).reply(sql::affected(1)),
                   world.expect(sql::commit{}));

    handle(insert_in_transaction, world);
    CHECK(verified(world) == "");
}

TEST_CASE("begin, commit and rollback take a reply without a value", "[test][defaults]") {
    test::mock world;
    world.expect(sql::begin{}).fail(sql::connection_failure()).reply();
    world.on(sql::query("insert into t values (1)")).reply(sql::affected(1));
    world.expect(sql::commit{}).reply();

    CHECK_THROWS_AS(handle(insert_in_transaction, world), sql::connection_failure);
    handle(insert_in_transaction, world);
    CHECK(verified(world) == "");
}
