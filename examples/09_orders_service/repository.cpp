// SPDX-License-Identifier: BSL-1.0
#include "repository.hpp"

#include <effects/effects.hpp>
#include <effects/sql.hpp>

using effects::perform;
namespace sql = effects::sql;

namespace shop {

std::optional<stock_line> find_stock(std::string const& sku) {
    return perform(sql::query("select qty, cents from stock where sku = $1", sku)).maybe_one<stock_line>();
}

std::optional<order> find_order(std::string const& id) {
    return perform(sql::query("select id, sku, qty, cents, charge from orders where id = $1", id)).maybe_one<order>();
}

order store(order const& o, payment const& by) {
    try {
        sql::transaction([&] {
            perform(sql::query("insert into orders (id, sku, qty, cents, charge) values ($1, $2, $3, $4, $5)", o.id,
                               o.sku, o.qty, o.cents, o.charge)); // first: it tells whether the order is there already
            auto paid = perform(sql::query("update payments set state = 'stored' "
                                           "where order_id = $1 and attempt = $2 and state = 'pending'",
                                           by.order, by.attempt));
            if (paid.rows_affected() == 0) throw order_conflict(o.id);
            auto taken =
                perform(sql::query("update stock set qty = qty - $1 where sku = $2 and qty >= $1", o.qty, o.sku));
            if (taken.rows_affected() == 0) throw out_of_stock(o.sku);
        });
    } catch (sql::unique_violation const&) {
        return find_order(o.id).value();
    }
    return o;
}

payment begin_payment(cart const& wanted, long cents) {
    return sql::transaction([&] {
        perform(sql::query("insert into payments (order_id, attempt, sku, qty, cents, state) "
                           "values ($1, 1, $2, $3, $4, 'pending') "
                           "on conflict (order_id) do update set attempt = payments.attempt + 1, sku = $2, qty = $3, "
                           "cents = $4, state = 'pending' where payments.state = 'refunded'",
                           wanted.id, wanted.sku, wanted.qty, cents));
        return perform(sql::query("select order_id, attempt, sku, qty, cents, state from payments where order_id = $1",
                                  wanted.id))
            .one<payment>();
    });
}

bool fail(payment const& p) {
    perform(
        sql::query("update payments set state = 'failed' where order_id = $1 and attempt = $2 and state <> 'stored'",
                   p.order, p.attempt));
    auto stored = perform(sql::query("select count(*) from payments "
                                     "where order_id = $1 and attempt = $2 and state = 'stored'",
                                     p.order, p.attempt));
    return stored.one<int>() == 0;
}

void refunded(payment const& p) {
    perform(sql::query("update payments set state = 'refunded' "
                       "where order_id = $1 and attempt = $2 and state <> 'stored'",
                       p.order, p.attempt));
}

} // namespace shop
