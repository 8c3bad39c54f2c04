// SPDX-License-Identifier: BSL-1.0
#include <effects/live/asio.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <catch2/catch.hpp>

#include <unistd.h>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/live.hpp>
#include <effects/sim.hpp>

namespace asio = boost::asio;
namespace async = effects::async;
namespace live = effects::live;
namespace sim = effects::sim;
using asio::ip::tcp;
using boost::system::error_code;
using boost::system::system_error;
using namespace std::chrono_literals;

namespace {

// An operation that hands its handler to `start`, which calls it when and where it likes.
template <class Signature, class Start, class Token>
auto operation(Start start, Token&& token) {
    return asio::async_initiate<Token, Signature>([start](auto handler) { start(std::move(handler)); }, token);
}

// One that completes in place, while it is initiated, with what is given.
template <class Signature, class Token, class... Args>
auto completes_with(Token&& token, Args&&... args) {
    return asio::async_initiate<Token, Signature>(
        [](auto handler, auto&&... given) { std::move(handler)(std::forward<decltype(given)>(given)...); }, token,
        std::forward<Args>(args)...);
}

// One that a signal ends, with `outcome`: what happens is told.
template <class Token>
auto ends_when_told(std::vector<std::string>& told, error_code outcome, Token&& token) {
    return operation<void(error_code, int)>(
        [&told, outcome](auto handler) {
            auto slot = asio::get_associated_cancellation_slot(handler);
            auto kept = std::make_shared<decltype(handler)>(std::move(handler));
            told.push_back("begun");
            slot.assign([&told, outcome, kept](asio::cancellation_type type) {
                told.push_back(type == asio::cancellation_type::terminal ? "told to end" : "told something else");
                asio::post(live::executor(), [&told, outcome, kept] {
                    told.push_back("completed");
                    std::move (*kept)(outcome, 7);
                });
            });
        },
        std::forward<Token>(token));
}

error_code const aborted = asio::error::operation_aborted;
error_code const eof = asio::error::eof;

struct both_ends {
    asio::posix::stream_descriptor out{live::executor()};
    asio::posix::stream_descriptor in{live::executor()};
    both_ends() {
        int fds[2];
        REQUIRE(::pipe(fds) == 0);
        out.assign(fds[0]);
        in.assign(fds[1]);
    }
};

std::string message_of(std::function<void()> const& f) {
    try {
        f();
    } catch (std::logic_error const& e) {
        return e.what();
    }
    return "(nothing thrown)";
}

} // namespace

TEST_CASE("an operation of Asio's suspends only the task that awaits it", "[live][asio]") {
    live::run([] {
        std::string order;
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                asio::steady_timer timer(live::executor(), 1ms);
                order += "a";
                timer.async_wait(live::use_task);
                order += "c";
            });
            order += "b";
        });
        CHECK(order == "abc");
    });
}

TEST_CASE("what an operation gives is what awaiting it returns", "[live][asio]") {
    live::run([] {
        auto const ok = error_code();
        completes_with<void()>(live::use_task);
        completes_with<void(error_code)>(live::use_task, ok);
        CHECK(completes_with<void(error_code, int)>(live::use_task, ok, 3) == 3);
        CHECK(completes_with<void(int)>(live::use_task, 4) == 4);
        CHECK(completes_with<void(error_code, int, std::string)>(live::use_task, ok, 3, "three") ==
              std::tuple(3, std::string("three")));
        CHECK(completes_with<void(int, error_code)>(live::use_task, 4, aborted) == std::tuple(4, aborted));
        CHECK(*completes_with<void(error_code, std::unique_ptr<int>)>(live::use_task, ok, std::make_unique<int>(5)) ==
              5);
        auto [one, two] = completes_with<void(std::unique_ptr<int>, std::unique_ptr<int>)>(
            live::use_task, std::make_unique<int>(1), std::make_unique<int>(2));
        CHECK(*one + *two == 3);
        CHECK(completes_with<void(std::exception_ptr, int)>(live::use_task, nullptr, 6) == 6);
        using optional = std::optional<int>;
        CHECK(completes_with<void(error_code, optional)>(live::use_task, ok, optional()) == std::nullopt);
        using refers = decltype(completes_with<void(error_code, std::string const&)>(live::use_task, ok, "text"));
        STATIC_REQUIRE(std::is_same_v<refers, std::string>);
    });
}

TEST_CASE("an error that comes first is thrown", "[live][asio][error]") {
    live::run([] {
        try {
            completes_with<void(error_code, int)>(live::use_task, eof, 0);
            FAIL("nothing was thrown");
        } catch (system_error const& e) {
            CHECK(e.code() == asio::error::eof);
        }
        CHECK_THROWS_WITH(completes_with<void(std::exception_ptr)>(
                              live::use_task, std::make_exception_ptr(std::runtime_error("from over there"))),
                          "from over there");
        CHECK(std::uncaught_exceptions() == 0);
    });
}

TEST_CASE("an error is said where it is wanted", "[live][asio][error]") {
    live::run([] {
        error_code ec = asio::error::eof;
        CHECK(completes_with<void(error_code, int)>(live::use_task[ec], error_code(), 1) == 1);
        CHECK_FALSE(ec);
        CHECK(completes_with<void(error_code, int)>(live::use_task[ec], eof, 2) == 2);
        CHECK(ec == asio::error::eof);
        completes_with<void()>(live::use_task[ec]);
        CHECK_FALSE(ec);

        CHECK(completes_with<void(error_code, int)>(asio::redirect_error(live::use_task, ec), eof, 3) == 3);
        CHECK(ec == asio::error::eof);

        auto [problem, n] = completes_with<void(error_code, int)>(asio::as_tuple(live::use_task), eof, 4);
        CHECK(problem == asio::error::eof);
        CHECK(n == 4);
        auto [alone] = completes_with<void(error_code)>(asio::as_tuple(live::use_task), error_code());
        CHECK_FALSE(alone);
        STATIC_REQUIRE(std::is_same_v<decltype(completes_with<void()>(asio::as_tuple(live::use_task))), std::tuple<>>);
    });
}

TEST_CASE("a value that can't be taken over is the awaiting task's error", "[live][asio][error]") {
    struct refuses {
        refuses() = default;
        refuses(refuses&&) { throw std::runtime_error("not to be moved"); }
    };
    live::run([] {
        CHECK_THROWS_WITH(operation<void(refuses)>([](auto handler) { std::move(handler)(refuses()); }, live::use_task),
                          "not to be moved");
    });
}

TEST_CASE("a pipe is read as it fills", "[live][asio]") {
    live::run([] {
        both_ends pipe;
        std::string got;
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                std::array<char, 3> some;
                for (;;) {
                    error_code ec;
                    std::size_t const n = pipe.out.async_read_some(asio::buffer(some), live::use_task[ec]);
                    got.append(some.data(), n);
                    if (!ec) continue;
                    CHECK(ec == asio::error::eof);
                    return;
                }
            });
            for (std::string part : {"hello", ", ", "world"}) {
                CHECK(asio::async_write(pipe.in, asio::buffer(part), live::use_task) == part.size());
                async::yield();
            }
            pipe.in.close();
        });
        CHECK(got == "hello, world");
        std::array<char, 1> one;
        CHECK_THROWS_AS(asio::async_read(pipe.out, asio::buffer(one), live::use_task), system_error);
    });
}

TEST_CASE("tasks serve and call over Asio's sockets", "[live][asio][net]") {
    live::run([] {
        tcp::acceptor door(live::executor(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        constexpr int calls = 20;
        int answered = 0;
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                for (int i = 0; i < calls; ++i) {
                    tcp::socket peer = door.async_accept(live::use_task);
                    g.spawn([peer = std::move(peer)]() mutable {
                        std::array<char, 4> text;
                        asio::async_read(peer, asio::buffer(text), live::use_task);
                        asio::async_write(peer, asio::buffer(text), live::use_task);
                    });
                }
            });
            for (int i = 0; i < calls; ++i)
                g.spawn([&] {
                    auto socket = live::use_task_t::as_default_on(tcp::socket(live::executor()));
                    socket.async_connect(door.local_endpoint());
                    asio::async_write(socket, asio::buffer("ping", 4));
                    std::string back(4, ' ');
                    CHECK(asio::async_read(socket, asio::buffer(back)) == 4);
                    CHECK(back == "ping");
                    ++answered;
                });
        });
        CHECK(answered == calls);
    });
}

TEST_CASE("a deferred operation begins when it is awaited", "[live][asio]") {
    live::run([] {
        asio::steady_timer timer(live::executor(), 100us);
        auto wait = timer.async_wait(asio::deferred);
        timer.expires_after(1h);
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] { CHECK_THROWS_AS(std::move(wait)(live::use_task), system_error); });
            async::yield();
            CHECK_FALSE(t.done());
            timer.expires_after(0s); // gives the wait up
        });
    });
}

TEST_CASE("channels of Asio's pass values between tasks", "[live][asio]") {
    live::run([] {
        asio::experimental::channel<void(error_code, std::unique_ptr<int>)> numbers(live::executor(), 1);
        int sum = 0;
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                error_code ec;
                for (;;) {
                    auto n = numbers.async_receive(live::use_task[ec]);
                    if (ec) break;
                    sum += *n;
                }
                CHECK(ec == asio::experimental::error::channel_closed);
            });
            for (int i = 1; i <= 10; ++i) numbers.async_send(error_code(), std::make_unique<int>(i), live::use_task);
            numbers.close();
        });
        CHECK(sum == 55);
    });
}

TEST_CASE("posting and dispatching to the loop come back on it", "[live][asio]") {
    live::run([] {
        auto const here = std::this_thread::get_id();
        asio::post(live::executor(), live::use_task);
        asio::dispatch(live::executor(), live::use_task);
        asio::post(live::use_task);
        asio::dispatch(live::use_task);
        auto strand = asio::make_strand(live::executor());
        asio::post(strand, live::use_task);
        asio::thread_pool elsewhere(1);
        asio::post(elsewhere, live::use_task);
        asio::dispatch(elsewhere, live::use_task);
        CHECK(std::this_thread::get_id() == here);
    });
}

TEST_CASE("the steps of a composed operation run on the task's thread", "[live][asio][threads]") {
    asio::thread_pool elsewhere(2);
    live::run([&] {
        auto const here = std::this_thread::get_id();
        std::vector<std::thread::id> steps;
        auto timer = std::make_unique<asio::steady_timer>(elsewhere);
        auto count_to = [&](int most, auto&& token) {
            return asio::async_compose<decltype(token), void(error_code, int)>(
                [&, most, i = 0](auto& self, error_code ec = {}) mutable {
                    steps.push_back(std::this_thread::get_id());
                    if (ec || i++ == most) return self.complete(ec, i - 1);
                    timer->expires_after(10us);
                    timer->async_wait(std::move(self));
                },
                token, *timer);
        };
        CHECK(count_to(5, live::use_task) == 5);
        CHECK(steps == std::vector(6, here));
    });
}

TEST_CASE("operations that complete on other threads wake their tasks", "[live][asio][threads][stress]") {
    asio::thread_pool elsewhere(2);
    asio::io_context other(1);
    auto busy = asio::make_work_guard(other);
    std::thread runs_other([&] { other.run(); });
    int done = 0;
    for (int round = 0; round < 5; ++round) // the loop goes while the others' threads are perhaps still in it
        live::run([&] {
            async::task_group([&](async::group& g) {
                for (int i = 0; i < 40; ++i)
                    g.spawn([&, i] {
                        asio::steady_timer one(elsewhere, std::chrono::microseconds(i));
                        one.async_wait(live::use_task);
                        asio::steady_timer two(other, std::chrono::microseconds(i));
                        two.async_wait(live::use_task);
                        CHECK(operation<void(error_code, int)>(
                                  [&, i](auto handler) {
                                      asio::post(elsewhere, [i, h = std::move(handler)]() mutable {
                                          std::move(h)(error_code(), i); // by no executor: right there
                                      });
                                  },
                                  live::use_task) == i);
                        ++done;
                    });
            });
        });
    busy.reset();
    runs_other.join();
    CHECK(done == 200);
}

TEST_CASE("an operation on another thread may complete while it is initiated", "[live][asio][threads]") {
    live::run([] {
        std::thread other;
        CHECK(operation<void(std::string)>(
                  [&](auto handler) {
                      other = std::thread([h = std::move(handler)]() mutable { std::move(h)("from a thread"); });
                      other.join();
                  },
                  live::use_task) == "from a thread");
    });
}

TEST_CASE("tasks that only yield to each other keep no operation waiting", "[live][asio]") {
    live::run([] {
        bool over = false;
        async::task_group([&](async::group& g) {
            for (int i = 0; i < 2; ++i)
                g.spawn([&] {
                    while (!over) async::yield();
                });
            asio::steady_timer timer(live::executor(), 100us);
            timer.async_wait(live::use_task);
            asio::thread_pool elsewhere(1);
            asio::post(elsewhere, live::use_task);
            over = true;
        });
        CHECK(over);
    });
}

TEST_CASE("coroutines of Asio's can be awaited in tasks", "[live][asio]") {
    live::run([] {
        auto doubled = [](int n) -> asio::awaitable<int> {
            asio::steady_timer timer(co_await asio::this_coro::executor, 100us);
            co_await timer.async_wait(asio::use_awaitable);
            if (n < 0) throw std::invalid_argument("negative");
            co_return 2 * n;
        };
        CHECK(asio::co_spawn(live::executor(), doubled(21), live::use_task) == 42);
        CHECK_THROWS_AS(asio::co_spawn(live::executor(), doubled(-1), live::use_task), std::invalid_argument);
        bool let_go = false;
        auto endless = [&]() -> asio::awaitable<void> {
            struct at_end {
                bool& told;
                ~at_end() { told = true; }
            } const e{let_go};
            asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
            co_await timer.async_wait(asio::use_awaitable);
        };
        CHECK_THROWS_AS(async::timeout(1ms, [&] { asio::co_spawn(live::executor(), endless(), live::use_task); }),
                        async::timed_out);
        CHECK(let_go);
    });
}

// ---- cancellation ----

TEST_CASE("cancelling a task ends the operation that it awaits, and waits for it", "[live][asio][cancel]") {
    live::run([] {
        std::vector<std::string> told;
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] {
                try {
                    ends_when_told(told, aborted, live::use_task);
                    FAIL("it went on");
                } catch (async::cancelled const& c) {
                    told.push_back("thrown: " + std::string(to_string(c.why())));
                    throw;
                }
            });
            async::yield();
            t.cancel();
            t.cancel();
            t.wait();
        });
        CHECK(told == std::vector<std::string>{"begun", "told to end", "completed", "thrown: requested"});
    });
}

TEST_CASE("a time limit ends what Asio does", "[live][asio][cancel]") {
    live::run([] {
        asio::steady_timer timer(live::executor(), 1h);
        CHECK_THROWS_AS(async::timeout(1ms, [&] { timer.async_wait(live::use_task); }), async::timed_out);
        CHECK_THROWS_AS(async::timeout(1ms, [&] { timer.async_wait(asio::as_tuple(live::use_task)); }),
                        async::timed_out);
        error_code ec;
        CHECK_THROWS_AS(async::timeout(1ms, [&] { timer.async_wait(live::use_task[ec]); }), async::timed_out);

        both_ends pipe;
        CHECK_FALSE(async::try_timeout(1ms, [&] {
            std::array<char, 10> text; // gone with the wait
            asio::async_read(pipe.out, asio::buffer(text), live::use_task);
        }));
        asio::write(pipe.in, asio::buffer("late", 4));
        std::string late(4, ' ');
        CHECK(asio::async_read(pipe.out, asio::buffer(late), live::use_task) == 4);
        CHECK(late == "late");
    });
}

TEST_CASE("a lost race ends what Asio does, also on other threads", "[live][asio][cancel][threads]") {
    asio::thread_pool elsewhere(2);
    live::run([&] {
        for (int i = 0; i < 20; ++i) {
            auto after = [](auto&& executor, async::duration time, int value) {
                asio::steady_timer timer(executor, time);
                timer.async_wait(live::use_task);
                return value;
            };
            CHECK(async::race([&] { return after(live::executor(), 1h, 1); }, [&] { return after(elsewhere, 50us, 2); },
                              [&] { return after(elsewhere, 1h, 3); }) == 2);
        }
    });
}

TEST_CASE("a cancellation and a completion on another thread meet", "[live][asio][cancel][threads][stress]") {
    asio::thread_pool elsewhere(2);
    live::run([&] {
        int ended = 0;
        for (int i = 0; i < 200; ++i) {
            try {
                async::timeout(std::chrono::microseconds(i), [&] {
                    asio::steady_timer timer(elsewhere, std::chrono::microseconds(i + 40));
                    timer.async_wait(live::use_task);
                });
            } catch (async::timed_out const&) {
            }
            ++ended;
        }
        CHECK(ended == 200);
    });
}

TEST_CASE("what succeeds although it was cancelled is not lost", "[live][asio][cancel]") {
    live::run([] {
        std::vector<std::string> told;
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] {
                CHECK(ends_when_told(told, {}, live::use_task) == 7);
                told.push_back("kept");
                try {
                    async::yield();
                } catch (async::cancelled const&) {
                    told.push_back("thrown later");
                    throw;
                }
            });
            t.cancel();
        });
        CHECK(told == std::vector<std::string>{"begun", "told to end", "completed", "kept", "thrown later"});
    });
}

TEST_CASE("an operation that hears no signal is waited for", "[live][asio][cancel]") {
    live::run([] {
        std::function<void()> complete;
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] {
                CHECK(operation<void(int)>(
                          [&](auto handler) {
                              complete = [h = std::make_shared<decltype(handler)>(std::move(handler))] {
                                  std::move (*h)(9);
                              };
                          },
                          live::use_task) == 9);
            });
            t.cancel();
            async::yield();
            async::yield();
            CHECK_FALSE(t.done());
            complete();
            t.wait();
        });
    });
}

TEST_CASE("a cancelled task's operation that fails in its own words is cancelled", "[live][asio][cancel]") {
    live::run([] {
        asio::experimental::channel<void(error_code, int)> nothing(live::executor());
        CHECK_THROWS_AS(async::timeout(1ms, [&] { nothing.async_receive(live::use_task); }), async::timed_out);
        CHECK_FALSE(nothing.try_send(error_code(), 1)); // nobody waits there any more
    });
}

TEST_CASE("a redirected error shows that the operation was cancelled", "[live][asio][cancel]") {
    live::run([] {
        error_code ec;
        asio::steady_timer timer(live::executor(), 1h);
        CHECK_THROWS_AS(async::timeout(1ms,
                                       [&] {
                                           timer.async_wait(asio::redirect_error(live::use_task, ec));
                                           CHECK(ec == aborted);
                                           async::yield();
                                       }),
                        async::timed_out);
    });
}

TEST_CASE("a task that is cancelled already begins no operation, unless it is shielded", "[live][asio][cancel]") {
    live::run([] {
        async::task_group([](async::group& g) {
            g.cancel();
            auto never_begun = [](auto) { FAIL("it began"); };
            CHECK_THROWS_AS((operation<void(int)>(never_begun, live::use_task)), async::cancelled);
            async::shield([] {
                asio::steady_timer timer(live::executor(), 100us);
                timer.async_wait(live::use_task);
            });
        });
    });
}

TEST_CASE("debug mode takes no operation that succeeded for a swallowed cancellation", "[live][asio][cancel][debug]") {
    std::vector<async::debug_report> found;
    live::run(
        {.debug = true,
         .debugging = {.slow_task = async::duration::max(), .report = [&](auto const& r) { found.push_back(r); }}},
        [] {
            std::vector<std::string> told;
            async::task_group([&](async::group& g) {
                g.spawn([&] {
                     ends_when_told(told, {}, live::use_task);
                     async::yield();
                 }).cancel();
            });
            CHECK_FALSE(async::try_timeout(1ms, [] {
                asio::steady_timer timer(live::executor(), 1h);
                timer.async_wait(live::use_task);
            }));
        });
    CHECK(found.empty());
}

// ---- what goes wrong ----

TEST_CASE("no operation is awaited where the task must not suspend", "[live][asio][error]") {
    std::vector<async::debug_report> found;
    live::run(
        {.debug = true,
         .debugging = {.slow_task = async::duration::max(), .report = [&](auto const& r) { found.push_back(r); }}},
        [] {
            async::must_not_suspend const here("a thing of its thread");
            auto never_begun = [](auto) { FAIL("it began"); };
            CHECK_THAT(message_of([&] { operation<void()>(never_begun, live::use_task); }),
                       Catch::Contains("task main would wait in live::use_task while it holds a thing of its thread"));
        });
    REQUIRE(found.size() == 1);
    CHECK(found[0].finding == async::debug_finding::lock_over_suspension);
}

TEST_CASE("outside a live world there is no operation of Asio's to await", "[live][sim][asio][error]") {
    auto waits = [] { operation<void()>([](auto) { FAIL("it began"); }, live::use_task); };
    auto const no_task = "live::use_task needs a live world (live::run, live::runtime): no task runs on this thread";
    auto const no_asio = "live::use_task needs a live world (live::run, live::runtime): this task's world has no Asio; "
                         "let a handler answer an operation of yours instead";
    CHECK(message_of(waits) == no_task);
    CHECK_THAT(message_of([] { live::executor(); }), Catch::StartsWith("live::executor needs a live world"));
    sim::run([&] { CHECK(message_of(waits) == no_asio); });
    live::run([&] {
        sim::run([&] { CHECK(message_of(waits) == no_asio); });
        CHECK(async::blocking([&] { return message_of(waits); }) == no_task);
        std::string in_handler;
        bool called = false;
        asio::post(live::executor(), [&] {
            in_handler = message_of(waits);
            called = true;
        });
        while (!called) async::yield();
        CHECK(in_handler == no_task);
    });
}

TEST_CASE("a handler that is destroyed without a call does not leave its task waiting", "[live][asio][error]") {
    live::run([] {
        auto drop = [](auto handler) { auto const gone = std::move(handler); };
        try {
            operation<void(error_code, int)>(drop, live::use_task);
            FAIL("nothing was thrown");
        } catch (system_error const& e) {
            CHECK(e.code() == aborted);
            CHECK_THAT(e.what(), Catch::Contains("destroyed without having been called"));
        }
        error_code ec;
        CHECK_THROWS_AS((operation<void(error_code, int)>(drop, live::use_task[ec])), system_error);

        std::optional<asio::thread_pool> elsewhere(std::in_place, 1);
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                auto const timer = new asio::steady_timer(*elsewhere, 1h); // the pool's services outlive no pool
                CHECK_THROWS_AS(timer->async_wait(live::use_task), system_error);
                ::operator delete(timer);
            });
            elsewhere->stop();
            elsewhere->join();
            std::thread([&] { elsewhere.reset(); }).join();
        });
    });
}

TEST_CASE("an initiation that throws is waited for", "[live][asio][error]") {
    live::run([] {
        bool completed = false;
        auto begins_and_throws = [&](auto handler) {
            asio::post(live::executor(), [&, h = std::move(handler)]() mutable {
                completed = true;
                std::move(h)(1);
            });
            throw std::runtime_error("begun all the same");
        };
        CHECK_THROWS_WITH((operation<void(int)>(begins_and_throws, live::use_task)), "begun all the same");
        CHECK(completed);
        CHECK_THROWS_WITH((operation<void(int)>([](auto) { throw std::runtime_error("not begun"); }, live::use_task)),
                          "not begun");
    });
}

TEST_CASE("stopping the loop's io_context stops nothing", "[live][asio]") {
    live::run([] {
        live::executor().context().stop();
        asio::steady_timer timer(live::executor(), 100us);
        timer.async_wait(live::use_task);
        live::executor().context().stop();
        async::sleep_for(1ms);
    });
}

TEST_CASE("a dump says who awaits an operation", "[live][asio]") {
    live::run([] {
        asio::steady_timer timer(live::executor(), 1h);
        async::task_group([&](async::group& g) {
            g.spawn({.name = "timed"}, [&] { timer.async_wait(asio::as_tuple(live::use_task)); });
            std::ostringstream out;
            async::dump(out);
            CHECK_THAT(out.str(), Catch::Contains("timed waits in live::use_task"));
            timer.cancel();
        });
    });
}

// ---- worlds ----

TEST_CASE("each thread of a world awaits operations in its own loop", "[live][asio][threads]") {
    asio::thread_pool elsewhere(1);
    std::atomic<int> done{0};
    live::run({.threads = 3}, [&] {
        async::on_each_thread([&] {
            auto const here = std::this_thread::get_id();
            for (int i = 0; i < 20; ++i) {
                asio::steady_timer mine(live::executor(), 10us);
                mine.async_wait(live::use_task);
                if (std::this_thread::get_id() != here) return; // Catch2's assertions are for one thread
                asio::post(elsewhere, live::use_task);
                asio::steady_timer theirs(elsewhere, 10us);
                theirs.async_wait(live::use_task);
                if (std::this_thread::get_id() == here) ++done;
            }
        });
        auto const mine = live::executor();
        CHECK(async::on(0, [] { return live::executor(); }) == mine);
        CHECK_FALSE(async::on(1, [] { return live::executor(); }) == mine);
        asio::steady_timer timer(mine, 10us); // of another loop, as of any other context
        async::on(1, [&] {
            auto const here = std::this_thread::get_id();
            timer.async_wait(live::use_task);
            if (std::this_thread::get_id() == here) ++done;
        });
    });
    CHECK(done == 61);
}

TEST_CASE("at the end of a world nothing of its operations is left", "[live][asio][signals]") {
    auto const witness = std::make_shared<int>(0);
    auto const forgotten = std::make_shared<int>(0);
    CHECK_THROWS_AS(live::run([&] {
                        asio::steady_timer timer(live::executor(), 1h);
                        timer.async_wait([forgotten](error_code) {}); // nobody's
                        async::task_group([&](async::group& g) {
                            for (int i = 0; i < 10; ++i)
                                g.spawn([&, witness] {
                                    asio::steady_timer mine(live::executor(), 1h);
                                    mine.async_wait(live::use_task);
                                    FAIL("it went on");
                                });
                            CHECK(witness.use_count() == 11);
                            std::raise(SIGTERM);
                        });
                    }),
                    live::shut_down);
    CHECK(witness.use_count() == 1);
    CHECK(forgotten.use_count() == 1);

    live::runtime rt;
    asio::thread_pool elsewhere(1);
    auto left = rt.submit([&, witness] {
        asio::steady_timer timer(elsewhere, 1h);
        timer.async_wait(live::use_task);
    });
    rt.stop();
    CHECK_THROWS_AS(left.get(), live::shut_down);
    CHECK(witness.use_count() == 1);
}

TEST_CASE("an operation's executor may outlive the loop, and then does nothing", "[live][asio][threads]") {
    std::optional<asio::any_io_executor> kept;
    live::run([&] {
        operation<void()>(
            [&](auto handler) {
                kept = asio::get_associated_executor(handler);
                std::move(handler)();
            },
            live::use_task);
        bool run = false;
        asio::post(*kept, [&] { run = true; });
        while (!run) async::yield();
    });
    auto const witness = std::make_shared<int>(0);
    asio::post(*kept, [witness] { FAIL("there is nobody to run it"); });
    std::thread([&] { asio::post(*kept, [witness] { FAIL("there is nobody to run it"); }); }).join();
    CHECK(witness.use_count() == 1);
}

TEST_CASE("an operation is awaited in a body that clauses handle", "[live][asio]") {
    struct ask {
        using result_type = int;
    };
    live::run([] {
        auto wait = [] {
            asio::steady_timer timer(live::executor(), 10us);
            timer.async_wait(live::use_task);
        };
        CHECK(effects::handle(
                  [&] {
                      wait();
                      return effects::perform(ask{});
                  },
                  effects::control<ask>([&](ask, auto k) {
                      wait();
                      return std::move(k).resume(8);
                  })) == 8);
    });
}
