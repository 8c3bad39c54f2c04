// SPDX-License-Identifier: BSL-1.0
#include <effects/net.hpp>

#include <array>
#include <sstream>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "duplex.hpp"
#include "printed.hpp"

namespace net = effects::net;
using effects::test_support::scripted;

namespace {

class one_connection final : public net::acceptor {
public:
    explicit one_connection(int& closes) : closes_(closes) {}
    net::stream accept() override {
        if (closes_ != 0) throw net::error(net::errc::closed, "closed");
        return net::stream(std::make_unique<scripted>(std::vector<std::string>{"hello"}));
    }
    void close() noexcept override { ++closes_; }
    net::endpoint local() const override { return {"127.0.0.1", 4711}; }

private:
    int& closes_;
};

} // namespace

TEST_CASE("network operations print what is asked for", "[net][operations]") {
    std::array<std::byte, 3> bytes{};
    scripted far_side({});

    CHECK(printed(net::resolve("example.com", 80)) == "net::resolve example.com:80");
    CHECK(printed(net::connect({"::1", 80})) == "net::connect to [::1]:80");
    CHECK(printed(net::listen({"127.0.0.1", 0})) == "net::listen at 127.0.0.1:0");
    CHECK(printed(net::read{&far_side, bytes}) == "net::read of at most 3 bytes");
    CHECK(printed(net::write{&far_side, bytes}) == "net::write of 3 bytes");
}

TEST_CASE("network operations are equal when they ask for the same", "[net][operations]") {
    CHECK(net::resolve("a", 1) == net::resolve("a", 1));
    CHECK_FALSE(net::resolve("a", 1) == net::resolve("a", 2));
    CHECK(net::connect({"a", 1}) == net::connect({"a", 1}));
    CHECK_FALSE(net::connect({"a", 1}) == net::connect({"b", 1}));
    CHECK(net::listen({"a", 1}) == net::listen({"a", 1}));
    CHECK_FALSE(net::listen({"a", 1}, 5) == net::listen({"a", 1}));
}

TEST_CASE("an empty listener refuses to be used, and may be closed", "[net][listener]") {
    net::listener none;

    CHECK_FALSE(none);
    CHECK_THROWS_AS(none.accept(), std::logic_error);
    CHECK_THROWS_AS(none.local(), std::logic_error);
    CHECK_NOTHROW(none.close());
}

TEST_CASE("a listener hands on to its far side", "[net][listener]") {
    int closes = 0;
    net::listener door(std::make_unique<one_connection>(closes));

    CHECK(door);
    CHECK(door.local() == net::endpoint{"127.0.0.1", 4711});
    CHECK(door.accept().read_all() == "hello");
    door.close();
    CHECK(closes == 1);
    CHECK_THROWS_AS(door.accept(), net::error);
}

TEST_CASE("each of the network's error codes has its own text", "[net][error]") {
    std::vector<std::string> texts;
    for (int code = 1; code <= static_cast<int>(net::errc::tls_failed); ++code) {
        std::error_code const made = static_cast<net::errc>(code);
        CHECK(made.category() == net::category());
        CHECK(std::find(texts.begin(), texts.end(), made.message()) == texts.end());
        texts.push_back(made.message());
    }

    CHECK(std::string(net::category().name()) == "net");
    CHECK(net::category().message(4711) == "net error 4711");
    CHECK(make_error_code(net::errc::end_of_stream) == net::errc::end_of_stream);
    CHECK(make_error_code(net::errc::end_of_stream) != std::make_error_code(std::errc::invalid_argument));
}
