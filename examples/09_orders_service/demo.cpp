// SPDX-License-Identifier: BSL-1.0
// The orders service under load, all of it real: the service with a SQLite file, a payment provider, a client, each talking to the
// other over loopback sockets. Ends with 0 when what happened is what should have.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include <effects/async.hpp>
#include <effects/http.hpp>
#include <effects/live.hpp>
#include <effects/sqlite.hpp>
#include <nlohmann/json.hpp>

#include "provider.hpp"
#include "repository.hpp"
#include "service.hpp"

using effects::perform;
namespace async = effects::async;
namespace http = effects::http;
namespace live = effects::live;
namespace net = effects::net;
namespace sql = effects::sql;
namespace sqlite = effects::sqlite;

namespace {

constexpr int orders = 200;
constexpr int at_once = 16;
constexpr int articles = 4;
constexpr int stock_each = 90; // 200 orders of 1 to 3 want about 100 of each: some will find it sold out

struct answer {
    int status = 0;
    double ms = 0;
};

struct temporary_folder {
    std::filesystem::path path;
    temporary_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "effects-orders-XXXXXX").string();
        if (!::mkdtemp(name.data()))
            throw std::system_error(errno, std::generic_category(), name); // new, and ours alone
        path = name;
    }
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

std::string address_of(net::listener const& door) { return "http://" + door.local().text(); }

// What a customer does: order number i, twice now and then, because the first answer was lost.
answer place(int i) {
    auto request = http::put("/orders/order-" + std::to_string(i))
                       .json({{"sku", "article-" + std::to_string(i % articles)}, {"qty", 1 + i % 3}});
    auto begun = async::now();
    if (i % 25 == 0) async::all([&] { perform(request); }, [&] { perform(request); });
    int status = perform(request).status;
    return {status, std::chrono::duration<double, std::milli>(async::now() - begun).count()};
}

bool check(bool holds, char const* what) {
    std::printf("  %-6s %s\n", holds ? "ok" : "FAILED", what);
    return holds;
}

bool report(std::vector<answer> answers, demo::provider const& provider) {
    std::map<int, int> by_status;
    for (answer const& a : answers) ++by_status[a.status];
    std::sort(answers.begin(), answers.end(), [](auto& a, auto& b) { return a.ms < b.ms; });
    auto percentile = [&](std::size_t p) { return answers[(answers.size() - 1) * p / 100].ms; };

    auto stored = perform(sql::query("select id, sku, qty, cents, charge from orders")).all<shop::order>();
    auto stock = perform(sql::query("select sku, qty from stock")).all<std::pair<std::string, int>>();
    int charges = 0, refunds = 0;
    for (auto& [order, e] : provider.ledger()) charges += e.charged, refunds += e.refunded;

    std::printf("  %d orders sent, %d at once\n", orders, at_once);
    for (auto [status, n] : by_status) std::printf("  %5d answered %d\n", n, status);
    std::printf("  %5zu stored\n  %5d charges, %d refunds\n", stored.size(), charges, refunds);
    std::printf("  %5d requests to the payment provider, of which it refused %d: as many were tried again\n",
                provider.requests(), provider.refusals());
    std::printf("  p50 %.1f ms, p99 %.1f ms\n", percentile(50), percentile(99));

    bool charged_once = true, kept_match = true, others_refunded = true;
    std::map<std::string, shop::order> by_id;
    for (auto& o : stored) by_id[o.id] = o;
    for (auto& [order, e] : provider.ledger()) {
        charged_once = charged_once && e.charged == 1;
        auto kept = by_id.find(order);
        if (kept == by_id.end())
            others_refunded = others_refunded && e.refunded == 1;
        else
            kept_match = kept_match && e.refunded == 0 && e.cents == kept->second.cents;
    }
    for (auto& o : stored) kept_match = kept_match && provider.ledger().count(o.id) == 1;
    std::map<std::string, int> sold;
    for (auto& o : stored) sold[o.sku] += o.qty;
    bool stock_right = stock.size() == articles;
    for (auto& [sku, left] : stock) stock_right = stock_right && left >= 0 && left + sold[sku] == stock_each;

    bool all = check(by_id.size() == stored.size() && by_status[201] == static_cast<int>(stored.size()),
                     "every order that was confirmed is stored, exactly once");
    all &= check(charged_once, "nothing was charged twice");
    all &= check(kept_match, "every stored order was charged its price");
    all &= check(others_refunded, "every charge without an order was refunded");
    all &= check(stock_right, "the stock adds up, and is nowhere negative");
    return all;
}

bool run_demo(std::filesystem::path const& file) {
    demo::provider provider;
    http::router const payment_routes = provider.routes();
    http::router const shop_routes = shop::routes();
    sqlite::database database{file.string(), {.schema = shop::schema}};
    bool good = false;

    net::listener payment_door = perform(net::listen({"127.0.0.1", 0}));
    net::listener shop_door = perform(net::listen({"127.0.0.1", 0}));
    http::client to_payment{{.base_url = address_of(payment_door)}};
    http::client to_shop{{.base_url = address_of(shop_door)}};
    std::printf("  payment provider at %s, shop at %s, database %s\n", address_of(payment_door).c_str(),
                address_of(shop_door).c_str(), file.c_str());

    effects::handle(
        [] {
            for (int i = 0; i < articles; ++i)
                perform(sql::query("insert into stock (sku, qty, cents) values ($1, $2, $3)",
                                   "article-" + std::to_string(i), stock_each, 500 + 100 * i));
        },
        database);

    async::task_group([&](async::group& servers) {
        servers.spawn([&](net::listener door) { http::serve(std::move(door), payment_routes); },
                      std::move(payment_door));
        servers.spawn(
            [&](net::listener door) {
                effects::handle([&] { http::serve(std::move(door), shop_routes); }, to_payment, database);
            },
            std::move(shop_door));

        std::vector<int> numbers(orders);
        for (int i = 0; i < orders; ++i) numbers[static_cast<std::size_t>(i)] = i;
        auto answers = effects::handle([&] { return async::map(numbers, {.limit = at_once}, place); }, to_shop);
        good = effects::handle([&] { return report(answers, provider); }, database);
        servers.cancel();
    });
    return good;
}

} // namespace

int main() {
    temporary_folder folder;
    return live::run([&] { return run_demo(folder.path / "shop.db"); }) ? 0 : 1;
}
