// SPDX-License-Identifier: BSL-1.0
#include "support.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <effects/effects.hpp>
#include <effects/os.hpp>
#include <effects/sim.hpp>

using namespace std::chrono_literals;
using namespace support;
using effects::perform;
namespace async = effects::async;
namespace net = effects::net;
namespace os = effects::os;
namespace sim = effects::sim;

namespace {

template <class F>
void with_hosts(F f) {
    sim::run([&] { sim::with_hosts([&](sim::hosts& hosts) { f(hosts, sim::network::current()); }); });
}

void idle() {}

using files = std::map<std::string, std::string>;

} // namespace

TEST_CASE("a crash ends all tasks of the host at once, whatever shields them", "[sim][hosts][crash]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        int ended = 0;
        struct counted {
            int& n;
            ~counted() { ++n; }
        };
        hosts.start("a", [&] {
            async::task_group([&](async::group& g) {
                g.spawn([&] {
                    counted one{ended};
                    async::shield([] { async::sleep_for(1h); });
                });
                g.spawn([&] {
                    counted one{ended};
                    try {
                        async::sleep_for(1h);
                    } catch (async::cancelled const&) {
                        async::shield([] { async::sleep_for(1h); });
                        throw;
                    }
                });
            });
        });
        auto begun = async::now();
        hosts.crash("a");
        CHECK(ended == 2);
        CHECK(async::now() == begun);
        hosts.crash("a"); // nothing more to do
    });
}

TEST_CASE("a host may crash itself", "[sim][hosts][crash]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        bool survived = false;
        hosts.start("a", [&] {
            async::sleep_for(1s);
            hosts.crash("a");
            survived = true;
        });
        async::sleep_for(2s);
        CHECK(!survived);
        CHECK(!hosts.is_up("a"));
    });
}

TEST_CASE("a host may restart itself", "[sim][hosts][crash]") {
    for (bool from_run_on : {false, true})
        with_hosts([&](sim::hosts& hosts, sim::network&) {
            int started = 0;
            bool survived = false;
            auto program = [&] {
                ++started;
                if (started == 1) os::write_text("/lost", "as it was not synced");
                CHECK(os::exists("/lost") == (started == 1));
                if (from_run_on || started == 3) return serve_echo();
                async::sleep_for(1s);
                hosts.restart("a");
                survived = true;
            };
            hosts.start("a", program);
            if (from_run_on) CHECK_THROWS_AS(hosts.run_on("a", [&] { hosts.restart("a"); }), async::task_cancelled);
            async::sleep_for(10s);
            CHECK(started == (from_run_on ? 2 : 3));
            CHECK_FALSE(survived);
            CHECK(hosts.is_up("a"));
            auto peer = dial("a");
            CHECK(ask(peer, "hello") == "hello");
        });
}

TEST_CASE(
    "a host that restarts itself starts when all its tasks have ended, unless it is crashed before or all hosts end",
    "[sim][hosts][crash]") {
    int started = 0;
    int ended = 0;
    auto restarts_itself = [&](sim::hosts& hosts) {
        return [&] {
            CHECK(ended == started);
            if (++started > 1) return;
            async::task_group([&](async::group& g) {
                g.spawn([&] {
                    try {
                        async::shield([] { async::sleep_for(1h); });
                    } catch (...) {
                        async::shield([&] { async::sleep_for(1h); });
                    }
                });
                struct counted {
                    int& n;
                    ~counted() { ++n; }
                } const at_the_end{ended};
                async::sleep_for(1s);
                hosts.restart("a");
            });
        };
    };
    with_hosts([&](sim::hosts& hosts, sim::network&) {
        hosts.start("a", restarts_itself(hosts));
        async::sleep_for(1s);
        for (int i = 0; i < 100; ++i) async::yield();
        CHECK(async::now() == async::time_point(1s));
        CHECK(started == 2);
        CHECK(hosts.is_up("a"));
    });
    started = ended = 0;
    with_hosts([&](sim::hosts& hosts, sim::network&) {
        hosts.start("a", restarts_itself(hosts));
        while (hosts.is_up("a")) async::sleep_until(async::time_point(1s)), async::yield();
        hosts.crash("a");
        async::sleep_for(1h);
        CHECK(started == 1);
        CHECK_FALSE(hosts.is_up("a"));
    });
}

TEST_CASE("peers of a crashed host hear nothing, and are reset when they write after its restart",
          "[sim][hosts][crash]") {
    with_hosts([](sim::hosts& hosts, sim::network& net) {
        net.configure({.latency_min = 10ms, .latency_max = 10ms});
        hosts.start("db", serve_echo);
        auto peer = dial("db");
        CHECK(ask(peer, "hello") == "hello");

        hosts.crash("db");
        CHECK(!async::try_timeout(1h, [&] { return read(peer); }));
        CHECK(!peer.stale());
        hosts.restart("db");
        CHECK(!async::try_timeout(1h, [&] { return read(peer); })); // half-open
        auto begun = async::now();
        peer.write("are you there?");
        CHECK(code_of([&] { read(peer); }) == std::errc::connection_reset);
        CHECK(async::now() - begun == 20ms);
        CHECK(peer.stale());

        auto again = dial("db");
        CHECK(ask(again, "hello") == "hello");
    });
}

TEST_CASE("what was written to a crashed host resets the connection when it is back", "[sim][hosts][crash]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        hosts.start("db", serve_echo);
        auto peer = dial("db");
        hosts.crash("db");
        peer.write("lost");
        CHECK(!async::try_timeout(1min, [&] { return read(peer); }));
        async::task_group([&](async::group& g) {
            g.spawn([&] { CHECK(code_of([&] { read(peer); }) == std::errc::connection_reset); });
            hosts.restart("db");
        });
    });
}

TEST_CASE("what a crashed host never acknowledges breaks the connection in the end", "[sim][hosts][crash]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        hosts.start("db", serve_echo);
        auto peer = dial("db");
        hosts.crash("db");
        auto begun = async::now();
        peer.write("lost");
        CHECK(code_of([&] { read(peer); }) == std::errc::timed_out);
        CHECK(async::now() - begun == 924600ms); // tcp_retries2 of Linux
        CHECK(code_of([&] { peer.write("more"); }) == std::errc::timed_out);
        CHECK(peer.stale());
    });
}

TEST_CASE("a writer that waits for room at a crashed host gives up too", "[sim][hosts][crash]") {
    with_hosts([](sim::hosts& hosts, sim::network& net) {
        net.configure({.window = 100});
        hosts.start("db", [] {
            auto door = perform(net::listen({"0.0.0.0", 7}));
            auto peer = door.accept();
            async::sleep_for(24h);
        });
        auto peer = dial("db");
        async::task_group([&](async::group& g) {
            g.spawn([&] { CHECK(code_of([&] { peer.write(std::string(1000, 'x')); }) == std::errc::timed_out); });
            async::sleep_for(1s);
            hosts.crash("db");
        });
    });
}

TEST_CASE("connecting to a host that is down hangs until it is back, or for too long", "[sim][hosts][crash]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        hosts.start("db", serve_echo);
        hosts.crash("db");
        auto begun = async::now();
        CHECK(code_of([] { dial("db"); }) == std::errc::timed_out);
        CHECK(async::now() - begun == 127s);
        async::task_group([&](async::group& g) {
            g.spawn([] {
                auto peer = dial("db");
                CHECK(ask(peer, "hello") == "hello");
            });
            async::sleep_for(10s);
            hosts.restart("db");
        });
    });
}

TEST_CASE("a crash that nobody connected notices leaves no trace on the network", "[sim][hosts][crash]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        std::set<std::string> failures;
        hosts.start("db", [&] {
            auto door = perform(net::listen({"0.0.0.0", 7}));
            net::stream peer = door.accept();
            auto note = [&](auto f) {
                try {
                    f();
                } catch (effects::error const& e) {
                    failures.insert(e.code().message());
                }
            };
            try {
                async::sleep_for(1h);
            } catch (async::cancelled const&) {
                async::shield([&] {
                    note([&] { peer.write("goodbye"); });
                    note([&] { dial("witness"); });
                    note([&] { perform(net::listen({"0.0.0.0", 8})); });
                    note([&] { os::write_text("/note", "I was here"); });
                });
                throw;
            }
        });
        hosts.start("witness", serve_echo);
        auto peer = dial("db");
        async::sleep_for(1s);
        hosts.crash("db");
        CHECK(!async::try_timeout(1h, [&] { return read(peer); }));
        CHECK(failures.size() == 3); // closed, network down twice, input/output error
        CHECK(hosts.files("db").contents().empty());
    });
}

TEST_CASE("a killed program's connections are closed by its system, and its files stay", "[sim][hosts][kill]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        hosts.start("db", [] {
            auto door = perform(net::listen({"0.0.0.0", 7}));
            os::write_text("/data", "written"); // a wait: who dials at once shall find the door open
            auto quiet = door.accept();
            auto unread = door.accept();
            async::sleep_for(1h);
        });
        auto quiet = dial("db");
        auto unread = dial("db");
        unread.write("x");
        async::sleep_for(1s);
        hosts.kill("db");

        CHECK(read(quiet) == "");
        CHECK(code_of([&] { read(unread); }) == std::errc::connection_reset);
        CHECK(code_of([] { dial("db"); }) == std::errc::connection_refused); // the machine is up
        CHECK(hosts.files("db").contents() == files{{"/data", "written"}});
        hosts.restart("db");
        CHECK(dial("db"));
    });
}

TEST_CASE("a program that is asked to shut down finishes what it shields, and is waited for",
          "[sim][hosts][shutdown]") {
    auto why = async::reason::requested; // here: the program outlives the body of with_hosts
    int starts = 0;
    with_hosts([&](sim::hosts& hosts, sim::network&) {
        hosts.start("db", [&] {
            ++starts;
            auto door = perform(net::listen({"0.0.0.0", 7}));
            auto peer = door.accept();
            try {
                async::sleep_for(1h);
            } catch (async::cancelled const& c) {
                if (starts == 1) {
                    why = c.why();
                    async::shield([&] {
                        async::sleep_for(5s);
                        os::write_text("/data", "flushed");
                        peer.write("bye");
                    });
                }
                throw;
            }
        });
        auto peer = dial("db");
        async::sleep_for(1s);
        auto begun = async::now();
        CHECK(!async::try_timeout(3s, [&] { hosts.shut_down("db"); })); // it goes on to end
        CHECK(hosts.is_up("db"));
        hosts.shut_down("db");

        CHECK(why == async::reason::shutdown);
        CHECK(async::now() - begun == 5s);
        CHECK(!hosts.is_up("db"));
        CHECK(read(peer) == "bye");
        CHECK(hosts.files("db").contents() == files{{"/data", "flushed"}});
        CHECK(code_of([] { dial("db"); }) == std::errc::connection_refused); // the machine is up
        hosts.shut_down("db");                                               // nothing more to do
        hosts.restart("db");
        CHECK(dial("db"));
    });
}

TEST_CASE("a program that was asked to shut down does so while nobody waits", "[sim][hosts][shutdown]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        hosts.start("db", [] { async::shield([] { async::sleep_for(5s); }); });
        CHECK(!async::try_timeout(3s, [&] { hosts.shut_down("db"); }));
        async::sleep_for(3s);
        CHECK(!hosts.is_up("db"));
        hosts.restart("db");
        CHECK(hosts.is_up("db"));
    });
}

TEST_CASE("a program that does not shut down in time can be killed", "[sim][hosts][shutdown]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        hosts.start("db", [] {
            auto door = perform(net::listen({"0.0.0.0", 7}));
            auto peer = door.accept();
            async::shield([] { async::sleep_for(1h); });
        });
        auto peer = dial("db");
        bool returned = false;
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                hosts.shut_down("db");
                returned = true;
            });
            async::sleep_for(10s);
            CHECK(!returned);
            hosts.kill("db");
        });
        CHECK(returned);
        CHECK(!hosts.is_up("db"));
        CHECK(read(peer) == "");
    });
}

TEST_CASE("a program's failure while it shuts down is a failure", "[sim][hosts][shutdown]") {
    CHECK_THROWS_WITH(with_hosts([](sim::hosts& hosts, sim::network&) {
                          hosts.start("db", [] {
                              try {
                                  async::sleep_for(1h);
                              } catch (async::cancelled const&) {
                                  throw std::runtime_error("the journal is full");
                              }
                          });
                          hosts.shut_down("db");
                          async::sleep_for(1s);
                      }),
                      Catch::Contains("the journal is full"));
}

TEST_CASE("a host may shut itself down", "[sim][hosts][shutdown]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        bool survived = false;
        hosts.start("a", [&] {
            hosts.shut_down("a");
            survived = true;
        });
        async::sleep_for(1s);
        CHECK(!survived);
        CHECK(!hosts.is_up("a"));
    });
}

TEST_CASE("a crash loses what was not synced, and a restart runs the program again", "[sim][hosts][files]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        int starts = 0;
        hosts.start("db", {.files = {{"/etc/db.conf", "port 7"}}}, [&] {
            ++starts;
            CHECK(os::read_text("/etc/db.conf") == "port 7");
            std::string const before = os::exists("/journal") ? os::read_text("/journal") : "";
            CHECK(before == (starts == 1 ? "" : "kept\n"));
            if (starts > 1) return;
            os::append_text("/journal", "kept\n");
            os::sync("/journal");
            os::append_text("/journal", "lost\n");
        });
        hosts.start("other", idle);
        async::sleep_for(1s);
        CHECK(hosts.files("db").contents() == files{{"/etc/db.conf", "port 7"}, {"/journal", "kept\nlost\n"}});
        CHECK(hosts.files("other").contents().empty());
        CHECK(!os::exists("/journal")); // the world's own
        hosts.restart("db");
        async::sleep_for(1s);
        CHECK(starts == 2);
        CHECK(hosts.files("db").contents() == files{{"/etc/db.conf", "port 7"}, {"/journal", "kept\n"}});
    });
}

TEST_CASE("a task that is about to write when its program is killed does not, not even under a shield",
          "[sim][hosts][files][kill]") {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        INFO("seed " << seed);
        sim::run({.seed = seed}, [] {
            sim::with_hosts([](sim::hosts& hosts) {
                hosts.start("db", [] {
                    for (int i = 0; i < 2; ++i) {
                        try {
                            async::shield([] {
                                for (;;) os::append_text("/journal", "x");
                            });
                        } catch (...) { // goes on as if nothing had happened
                        }
                    }
                    async::sleep_for(1h);
                });
                for (int i = 0; i < 5; ++i) async::yield();
                hosts.kill("db");
                auto const left = hosts.files("db").contents();
                async::sleep_for(1s);
                CHECK(hosts.files("db").contents() == left);
            });
        });
    }
}

TEST_CASE("a server learns that its client crashed when it writes to it", "[sim][hosts][crash]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        std::vector<std::error_code> failures;
        hosts.start("server", [&] {
            auto door = perform(net::listen({"0.0.0.0", 7}));
            auto peer = door.accept();
            CHECK(read(peer) == "hello");
            CHECK(!async::try_timeout(1h, [&] { return read(peer); }));
            peer.write("are you there?");
            failures.push_back(code_of([&] { read(peer); }));
        });
        int starts = 0;
        hosts.start("client", [&] {
            if (++starts > 1) return;
            auto peer = dial("server");
            peer.write("hello");
            async::sleep_for(24h);
        });
        async::sleep_for(1s);
        hosts.crash("client");
        async::sleep_for(2h);
        hosts.restart("client");
        CHECK(failures == std::vector{std::make_error_code(std::errc::timed_out)});
    });
}

TEST_CASE("who was not accepted before a crash is half-open as well", "[sim][hosts][crash]") {
    with_hosts([](sim::hosts& hosts, sim::network&) {
        hosts.start("db", [] {
            auto door = perform(net::listen({"0.0.0.0", 7}));
            async::sleep_for(24h);
        });
        auto peer = dial("db");
        peer.write("x");
        hosts.crash("db");
        CHECK(!async::try_timeout(1h, [&] { return read(peer); }));
        hosts.restart("db");
        peer.write("x");
        CHECK(code_of([&] { read(peer); }) == std::errc::connection_reset);
    });
}

TEST_CASE("who connects while the host crashes waits until it is back", "[sim][hosts][crash]") {
    with_hosts([](sim::hosts& hosts, sim::network& net) {
        net.configure({.latency_min = 1s, .latency_max = 1s});
        hosts.start("db", serve_echo);
        async::task_group([&](async::group& g) {
            g.spawn([] {
                auto peer = dial("db");
                CHECK(ask(peer, "x") == "x");
            });
            async::sleep_for(500ms);
            hosts.crash("db");
            async::sleep_for(10s);
            hosts.restart("db");
        });
    });
}
