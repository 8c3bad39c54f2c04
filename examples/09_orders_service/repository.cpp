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

order store(order const& o) {
    try {
        sql::transaction([&] {
            perform(sql::query("insert into orders (id, sku, qty, cents, charge) values ($1, $2, $3, $4, $5)", o.id,
                               o.sku, o.qty, o.cents, o.charge)); // first: it tells whether the order is there already
            auto taken =
                perform(sql::query("update stock set qty = qty - $1 where sku = $2 and qty >= $1", o.qty, o.sku));
            if (taken.rows_affected() == 0) throw out_of_stock(o.sku);
        });
    } catch (sql::unique_violation const&) {
        return find_order(o.id).value();
    }
    return o;
}

} // namespace shop
