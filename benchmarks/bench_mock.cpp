// SPDX-License-Identifier: BSL-1.0
// What a mocked HTTP call costs in a unit test, beside the fake that people write by hand behind an interface of their own.
#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <effects/http.hpp>
#include <effects/test.hpp>

namespace {

namespace http = effects::http;
namespace test = effects::test;

char const* const url = "https://bank.example/rates";

// ---- by hand ----

struct http_port {
    virtual ~http_port() = default;
    virtual http::response send(http::request const& r) = 0;
};

class fake final : public http_port {
public:
    void answer(std::string method, std::string at, http::response with) {
        answers_[{std::move(method), std::move(at)}] = std::move(with);
    }
    http::response send(http::request const& r) override {
        calls_.push_back(r);
        return answers_.at({r.method(), r.url()});
    }

private:
    std::map<std::pair<std::string, std::string>, http::response> answers_;
    std::vector<http::request> calls_;
};

void call(http_port& through) { benchmark::DoNotOptimize(through.send(http::get(url))); }

constexpr int calls = 1000; // of one test, so that what is recorded stays small

void fake_call(benchmark::State& state) {
    while (state.KeepRunningBatch(calls)) {
        fake world;
        world.answer("GET", url, http::ok_text("1.09"));
        for (int i = 0; i < calls; ++i) call(world);
    }
}
BENCHMARK(fake_call)->Name("fake/http_call");

void fake_run(benchmark::State& state) {
    for (auto _ : state) {
        fake world;
        world.answer("GET", url, http::ok_text("1.09"));
        call(world);
    }
}
BENCHMARK(fake_run)->Name("fake/run");

// ---- ours ----

void call() { benchmark::DoNotOptimize(effects::perform(http::get(url))); }

void mock_call(benchmark::State& state) {
    while (state.KeepRunningBatch(calls)) {
        test::mock world;
        world.on(http::get(url)).reply(http::ok_text("1.09"));
        test::run(
            [] {
                for (int i = 0; i < calls; ++i) call();
            },
            world);
    }
}
BENCHMARK(mock_call)->Name("mock/http_call");

void mock_run(benchmark::State& state) {
    for (auto _ : state) {
        test::mock world;
        world.expect(http::get(url)).reply(http::ok_text("1.09"));
        test::run([] { call(); }, world);
    }
}
BENCHMARK(mock_run)->Name("mock/run");

} // namespace

BENCHMARK_MAIN();
