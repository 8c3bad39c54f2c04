// SPDX-License-Identifier: BSL-1.0
// A user's program that -fno-rtti compiled, over a library that was compiled as usual: what is thrown and asked for by type crosses
// from one to the other.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/net.hpp>
#include <effects/sim.hpp>
#include <effects/sql.hpp>

#ifdef __cpp_rtti
#error "this test is about -fno-rtti"
#endif

namespace async = effects::async;
namespace net = effects::net;
namespace sim = effects::sim;
namespace sql = effects::sql;
using effects::handle;
using effects::perform;
using namespace std::chrono_literals;

namespace shop {

struct ask {
    using result_type = int;
};
struct price {
    using result_type = int;
    std::string sku;
};

class out_of_stock : public effects::error { // its table of virtual functions is made here, and names no type
public:
    explicit out_of_stock(std::string sku)
        : error(std::make_error_code(std::errc::no_message), "out of stock"), sku_(std::move(sku)) {}
    std::string const& sku() const noexcept { return sku_; }
    [[noreturn]] void throw_copy() const override { throw *this; }

private:
    std::string sku_;
};

struct never_copied : effects::error { // says nothing of copies
    never_copied() : error(std::make_error_code(std::errc::no_message), "alone") {}
};

struct plain : std::runtime_error {
    using runtime_error::runtime_error;
};

class counter {
public:
    using operations = effects::operations<ask, price>;
    int operator()(ask const&) { return ++count_; }
    int operator()(price const& op) { return static_cast<int>(op.sku.size()); }

private:
    int count_ = 0;
};

struct wire final : net::transport {
    std::size_t read_some(std::span<std::byte>) override { return 0; }
    std::size_t write_some(std::span<std::byte const> from) override { return from.size(); }
    void shutdown_write() override {}
    void close() noexcept override {}
    bool stale() noexcept override { return false; }
    net::endpoint local() const override { return {}; }
    net::endpoint remote() const override { return {}; }
};

} // namespace shop

namespace {

int failures = 0;

void check(bool right, char const* what) {
    if (right) return;
    ++failures;
    std::fprintf(stderr, "FAILED: %s\n", what);
}

bool mentions(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

struct noted {
    std::string& log;
    char name;
    ~noted() { log += name; }
};

void the_core() {
    check(handle([] { return perform(shop::ask{}) + perform(shop::price{"A1"}); }, shop::counter{}) == 3,
          "an object handles");

    int const resumed =
        handle([] { return perform(shop::ask{}) + 1; },
               effects::control<shop::ask>([](shop::ask, auto k) { return std::move(k).resume(4) * 2; }));
    check(resumed == 10, "control resumes");

    std::string log;
    int const dropped = handle(
        [&] {
            noted a{log, 'a'};
            noted b{log, 'b'};
            return perform(shop::ask{});
        },
        effects::control<shop::ask>([](shop::ask, auto) { return -1; }));
    check(dropped == -1 && log == "ba", "a dropped resumption unwinds");

    int const aborted =
        handle([] { return perform(shop::ask{}) + 1; }, effects::aborts<shop::ask>([](shop::ask const&) { return 7; }),
               effects::returns([](int x) { return x + 100; }));
    check(aborted == 7, "aborts gives the answer");

    effects::generator<int> three([](auto yield) {
        for (int i = 1; i <= 3; ++i) yield(i);
    });
    int sum = 0;
    for (int i : three) sum += i;
    check(sum == 6, "a generator yields");

    auto both = effects::multishot::handle(
        [] {
            int const tens = perform(shop::ask{});
            return tens * 10 + perform(shop::ask{});
        },
        effects::control<shop::ask>([](shop::ask, auto k) {
            auto first = k.resume(1);
            auto second = k.resume(2);
            first.insert(first.end(), second.begin(), second.end());
            return first;
        }),
        effects::returns([](int x) { return std::vector{x}; }));
    check(both == std::vector{11, 12, 21, 22}, "a multi-shot handler resumes twice");
}

void exceptions() {
    bool caught = false;
    try {
        handle([] { return perform(shop::ask{}); }, [](shop::ask const&) -> int { throw shop::plain("no"); });
    } catch (shop::plain const& e) {
        caught = std::string_view(e.what()) == "no";
    }
    check(caught, "what a clause throws leaves perform and handle");

    int const passed = handle(
        [] {
            try {
                return perform(shop::ask{});
            } catch (shop::plain const&) {
                return 5;
            }
        },
        effects::control<shop::ask>(
            [](shop::ask, auto k) { return std::move(k).resume_with_exception(shop::plain("no")); }));
    check(passed == 5, "resume_with_exception throws in the body");

    try {
        perform(shop::price{"A1"});
        check(false, "an unhandled operation throws");
    } catch (effects::unhandled_operation const& e) {
        check(e.operation() == "shop::price" && mentions(e.what(), "without_rtti.cpp"), e.what());
    }
    try {
        perform(shop::price{"A1"});
    } catch (std::logic_error const&) {
        caught = true;
    } catch (...) {
        caught = false;
    }
    check(caught, "the library's exceptions are caught by a base");
}

void errors() {
    std::exception_ptr const kept = std::make_exception_ptr(shop::out_of_stock("A1"));
    async::promise<int> failed;
    failed.set_exception(kept);
    for (int i = 0; i < 2; ++i) try {
            effects::with_context("paying", [&] { return failed.get(); });
            check(false, "the promise throws");
        } catch (shop::out_of_stock const& e) {
            check(std::string_view(e.what()) == "while paying: out of stock" && e.sku() == "A1",
                  "a shared error is copied, as what it is, before it gets context");
        }

    async::promise<int> alone;
    alone.set_exception(shop::never_copied());
    try {
        effects::with_context("paying", [&] { return alone.get(); });
        check(false, "the promise throws");
    } catch (shop::never_copied const& e) {
        check(std::string_view(e.message()) == "alone", "a shared error that says nothing of copies is thrown itself");
    }

    check(!async::is_transient(shop::out_of_stock("A1")), "an error of the user's is not transient");
    check(async::is_transient(async::timed_out("x", 1s, 1s)), "an expiry is transient");
    check(!sql::is_transient(shop::out_of_stock("A1")), "an error of the user's is none of a database");
}

void tasks() {
    int const sum = sim::run(
        [&] {
            auto const before = async::now();
            auto [a, b] = async::all(
                [] {
                    async::sleep_for(24h);
                    return 1;
                },
                [] { return perform(shop::ask{}); });
            check(async::now() - before == 24h, "virtual time passes");
            return a + b;
        },
        shop::counter{});
    check(sum == 2, "tasks run and give values");

    std::string log;
    sim::run([&] {
        check(!async::try_timeout(1s,
                                  [&] {
                                      noted a{log, 'a'};
                                      async::sleep_for(2s);
                                  }),
              "a timeout ends what waits");
    });
    check(log == "a", "a cancelled task unwinds");

    bool caught = false;
    try {
        sim::run([] { async::task_group([](async::group& g) { g.spawn([] { throw shop::out_of_stock("B2"); }); }); });
    } catch (shop::out_of_stock const& e) {
        caught = e.sku() == "B2";
    }
    check(caught, "what a task throws leaves its group and its world");

    int attempts = 0;
    int const at_last = sim::run([&] {
        return async::retry(
            {.attempts = 5,
             .when = {[](int x) { return x < 2; }, [](shop::out_of_stock const& e) { return e.sku() == "C3"; }}},
            [&] {
                if (++attempts == 2) throw shop::out_of_stock("C3");
                return attempts - 1;
            });
    });
    check(at_last == 2 && attempts == 3, "retry looks at values and at exceptions");
    try {
        sim::run([] { async::retry({.when = [](long) { return true; }}, [] { return 1; }); });
        check(false, "a predicate over another type is refused");
    } catch (std::invalid_argument const& e) {
        check(mentions(e.what(), "values of type long") && mentions(e.what(), "returns int;"), e.what());
    }

    try {
        sim::run([] { async::event().wait(); });
        check(false, "a deadlock throws");
    } catch (sim::deadlock const& e) {
        check(mentions(e.what(), "event"), e.what());
    }
}

void what_the_library_asks_for_its_type() {
    check(!net::tls::session_of(net::stream(std::make_unique<shop::wire>())), "a transport of the user's is no TLS");
}

} // namespace

int main() {
    the_core();
    exceptions();
    errors();
    tasks();
    what_the_library_asks_for_its_type();
    std::printf("%d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
