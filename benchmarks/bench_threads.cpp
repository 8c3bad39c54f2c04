// SPDX-License-Identifier: BSL-1.0
// What a second thread adds: requests that are answered in process, by a router whose handlers parse and print JSON, from tasks of each thread.
// The clock is the wall's, so the machine must have two cores to itself.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/http.hpp>
#include <effects/live.hpp>

#include <nlohmann/json.hpp>

namespace {

namespace async = effects::async;
namespace http = effects::http;
namespace live = effects::live;

constexpr int tasks = 16;     // on each thread
constexpr int requests = 200; // of each task

http::router orders() {
    http::router r;
    r.post("/orders/{id}", [](http::incoming const& in) {
        auto const order = in.json();
        double total = 0;
        for (auto const& line : order.at("lines"))
            total += line.at("price").get<double>() * line.at("count").get<int>();
        async::yield();
        return http::ok({{"id", in.param<long>("id")}, {"total", total}});
    });
    return r;
}

void serve(benchmark::State& state) {
    auto const threads = static_cast<std::size_t>(state.range(0));
    http::router routes = orders();
    std::string const body = R"({"lines":[{"sku":"tea","price":3.5,"count":2},{"sku":"pot","price":20,"count":1}]})";
    live::run(
        {.threads = threads},
        [&] {
            for (auto _ : state)
                async::on_each_thread([&] {
                    async::task_group([&](async::group& g) {
                        for (int t = 0; t < tasks; ++t)
                            g.spawn([&] {
                                for (int i = 0; i < requests; ++i)
                                    benchmark::DoNotOptimize(
                                        effects::perform(http::post("http://orders.example/orders/7").body(body)));
                            });
                    });
                });
        },
        http::in_process(std::move(routes)));
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(threads) * tasks *
                            requests);
}
BENCHMARK(serve)->Name("threads/serve")->Arg(1)->Arg(2)->UseRealTime();

} // namespace

BENCHMARK_MAIN();
