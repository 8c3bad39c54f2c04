// SPDX-License-Identifier: BSL-1.0
// A user of two components: one function performs both, SQLite answers one of them and a lambda the other.
#include <effects/effects.hpp>
#include <effects/http.hpp>
#include <effects/sqlite.hpp>

#include <cstdio>
#include <string>

namespace http = effects::http;
namespace sql = effects::sql;

int main() {
    effects::sqlite::database db{":memory:"};
    int const answer = effects::handle(
        [] {
            int const qty = effects::perform(sql::query("select $1 + 1", 40)).one<int>();
            return qty + std::stoi(effects::perform(http::get("https://stock.example/more")).text());
        },
        [](http::request const&) { return http::ok_text("1"); }, db);
    std::printf("http and sqlite say %d\n", answer);
    return answer == 42 ? 0 : 1;
}
