// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace core_test;
using Catch::Contains;
using effects::control;
using effects::handle;
using effects::perform;

namespace shop {

class till {
public:
    using operations = effects::operations<core_test::ask, core_test::choose>;
    int operator()(core_test::ask) const { return 1; }
    bool operator()(core_test::choose) const { return true; }
};

} // namespace shop

namespace {

std::string dumped() {
    std::ostringstream out;
    effects::dump(out);
    return out.str();
}

// The parts are in the text, in this order.
void check_order(std::string const& text, std::vector<std::string> const& parts) {
    std::size_t at = 0;
    for (std::string const& part : parts) {
        CAPTURE(part, text);
        std::size_t const found = text.find(part, at);
        REQUIRE(found != text.npos);
        at = found + part.size();
    }
}

std::string place_of(int line) { return "dump_test.cpp:" + std::to_string(line); }

} // namespace

TEST_CASE("without a handler a dump says so, and where one is", "[core][dump]") {
    std::string const text = dumped();

    check_order(text, {"handlers in force, innermost first\n", "  on the thread's own stack, ", " in use, ",
                       " touched:\n", "    none\n"});
}

TEST_CASE("a dump shows each handler in force with its kind, operations and place, innermost first", "[core][dump]") {
    std::string text;
    int const line = __LINE__ + 1;
    auto holds = effects::on<hold>([](hold) { return 0; });
    auto fails = effects::aborts<fail>([](fail const&) {});
    handle([&] { text = dumped(); }, shop::till{}, [](tell const&) {}, holds, fails);

    check_order(text, {"on the thread's own stack", "\n    shop::till: core_test::ask, core_test::choose",
                       "\n    on core_test::tell", "\n    on core_test::hold, made at ", place_of(line),
                       "\n    aborts core_test::fail, made at ", place_of(line + 1), "\n"});
    CHECK_THAT(text, !Contains("none"));
}

namespace {

[[gnu::noinline]] std::string dump_within_till() {
    return handle([] { return dumped(); }, shop::till{});
}

} // namespace

TEST_CASE("a handler object and a bare lambda show the body that they were installed around", "[core][dump]") {
#ifdef __clang__
    std::string const where = ", installed around (lambda at ";
    CHECK_THAT(dump_within_till(), Contains("core_test::choose" + where) && Contains("dump_test.cpp:"));
#else
    CHECK_THAT(dump_within_till(),
               Contains("core_test::choose, installed around ") && Contains("dump_within_till()::<lambda()>"));
#endif
    std::string asked = handle([] { return dumped(); }, [](ask) { return 1; });
    CHECK_THAT(asked, Contains("on core_test::ask, installed around "));
}

namespace {

std::string dump_there() { return dumped(); }

} // namespace

TEST_CASE("a body that is a function says nothing of where a handler was installed", "[core][dump]") {
    CHECK_THAT(handle(dump_there, shop::till{}), Contains("core_test::choose\n"));
}

TEST_CASE("a dump groups handlers by the stack that they lie on", "[core][dump]") {
    std::string text;
    handle(
        [&] {
            handle(
                [&] {
                    handle([&] { text = dumped(); }, effects::on<tell>([](tell const&) {}));
                    perform(ask{});
                },
                control<ask>([](ask, auto k) { std::move(k).resume(1); }));
        },
        effects::on<hold>([](hold) { return 0; }));

    check_order(text, {"  on the stack of a handled body, ", " KiB in use, ", "    on core_test::tell, made at ",
                       "    control core_test::ask, made at ", "  on the thread's own stack, ",
                       "    on core_test::hold, made at "});
}

TEST_CASE("a dump in a clause shows what the clause sees", "[core][dump]") {
    std::string text;
    handle([] { perform(ask{}); }, effects::on<ask>([&](ask) {
               text = dumped();
               return 1;
           }),
           effects::on<hold>([](hold) { return 0; }));

    CHECK_THAT(text, !Contains("core_test::ask") && Contains("on core_test::hold"));
}

TEST_CASE("an unhandled operation shows handlers as a dump does", "[core][dump][unhandled]") {
    std::string dump;
    std::string error;
    handle(
        [&] {
            dump = dumped();
            try {
                perform(numbered<1>{});
            } catch (effects::unhandled_operation const& e) {
                error = e.what();
            }
        },
        shop::till{}, effects::on<hold>([](hold) { return 0; }));

    std::string const lines = dump.substr(dump.find("    shop::till"));
    CHECK_THAT(error + "\n", Contains(lines));
    CHECK_THAT(error, Contains("installed around "));
}
