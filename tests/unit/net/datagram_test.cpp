// SPDX-License-Identifier: BSL-1.0
#include "printed.hpp"

#include <effects/net.hpp>

#include <array>
#include <deque>
#include <sstream>
#include <stdexcept>

#include <catch2/catch.hpp>

#include <effects/handle.hpp>
#include <effects/perform.hpp>

namespace net = effects::net;
using effects::perform;

namespace {

// Gives what was put into it, and keeps what is sent.
class scripted final : public net::datagram_transport {
public:
    struct log {
        std::deque<net::datagram> comes;
        std::vector<std::string> sent;
        std::size_t asked_for = 0;
        int closes = 0;
    };
    explicit scripted(log& keep, std::optional<net::endpoint> peer = {}) : log_(keep), peer_(std::move(peer)) {}
    ~scripted() override { scripted::close(); }

    void send(std::span<std::byte const> bytes, net::endpoint const* to) override {
        log_.sent.push_back(std::string(reinterpret_cast<char const*>(bytes.data()), bytes.size()) + " to " +
                            (to ? to->text() : "the peer"));
    }
    net::received_datagram receive(std::span<std::byte> to) override {
        log_.asked_for = to.size();
        net::datagram const d = log_.comes.front();
        log_.comes.pop_front();
        std::size_t const size = std::min(to.size(), d.bytes.size());
        for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<std::byte>(d.bytes[i]);
        return {size, d.from, size < d.bytes.size()};
    }
    void join(std::string const& group) override { log_.sent.push_back("join " + group); }
    void leave(std::string const& group) override { log_.sent.push_back("leave " + group); }
    void close() noexcept override { ++log_.closes; }
    net::endpoint local() const override { return {"10.0.0.1", 1}; }
    std::optional<net::endpoint> remote() const override { return peer_; }

private:
    log& log_;
    std::optional<net::endpoint> peer_;
};

net::datagram_socket over(scripted::log& keep, std::optional<net::endpoint> peer = {}) {
    return net::datagram_socket(std::make_unique<scripted>(keep, std::move(peer)));
}

} // namespace

TEST_CASE("datagram operations print what is asked for", "[net][operations][datagram]") {
    std::array<std::byte, 3> bytes{};
    net::endpoint const to{"::1", 53};
    scripted::log log;
    scripted far_side(log);

    CHECK(printed(net::bind_datagram({"0.0.0.0", 53})) == "net::bind_datagram at 0.0.0.0:53");
    CHECK(printed(net::connect_datagram({"dns", 53})) == "net::connect_datagram to dns:53");
    CHECK(printed(net::connect_datagram({"dns", 53}, {}, net::endpoint{"10.0.0.1", 5})) ==
          "net::connect_datagram to dns:53 from 10.0.0.1:5");
    CHECK(printed(net::receive_datagram{&far_side, bytes}) == "net::receive_datagram of at most 3 bytes");
    CHECK(printed(net::send_datagram{&far_side, bytes, &to}) == "net::send_datagram of 3 bytes to [::1]:53");
    CHECK(printed(net::send_datagram{&far_side, bytes, nullptr}) == "net::send_datagram of 3 bytes");
    CHECK(printed(net::datagram{"abc", to}) == "3 bytes from [::1]:53");
    CHECK(printed(net::datagram{"abc", to, true}) == "3 bytes and more from [::1]:53");
}

TEST_CASE("datagram operations are equal when they ask for the same", "[net][operations][datagram]") {
    CHECK(net::bind_datagram({"a", 1}) == net::bind_datagram({"a", 1}));
    CHECK_FALSE(net::bind_datagram({"a", 1}) == net::bind_datagram({"a", 2}));
    CHECK_FALSE(net::bind_datagram({"a", 1}, {.broadcast = true}) == net::bind_datagram({"a", 1}));
    CHECK(net::connect_datagram({"a", 1}) == net::connect_datagram({"a", 1}));
    CHECK_FALSE(net::connect_datagram({"a", 1}) == net::connect_datagram({"b", 1}));
    CHECK_FALSE(net::connect_datagram({"a", 1}, {}, net::endpoint{"c", 1}) == net::connect_datagram({"a", 1}));
}

TEST_CASE("a datagram socket hands on to its far side, and closes it", "[net][datagram]") {
    scripted::log log;
    log.comes = {{"one", {"peer", 1}}, {"two", {"peer", 2}}, {"three", {"peer", 3}}};
    std::array<std::byte, 2> two{};
    {
        net::datagram_socket socket = over(log);
        CHECK(socket);
        CHECK(socket.receive() == net::datagram{"one", {"peer", 1}});
        CHECK(log.asked_for == net::datagram_socket::longest);
        CHECK(socket.receive(1 << 20) == net::datagram{"two", {"peer", 2}});
        CHECK(log.asked_for == net::datagram_socket::longest);
        CHECK(socket.receive(two) == net::received_datagram{2, {"peer", 3}, true});
        socket.send_to("x", {"peer", 4});
        socket.join("239.0.0.1");
        socket.leave("239.0.0.1");
        CHECK(socket.local() == net::endpoint{"10.0.0.1", 1});
        CHECK_FALSE(socket.remote());
        CHECK_THROWS_AS(socket.send("x"), std::logic_error);
    }
    net::datagram_socket(over(log, net::endpoint{"peer", 5})).send("y");
    CHECK(log.sent == std::vector<std::string>{"x to peer:4", "join 239.0.0.1", "leave 239.0.0.1", "y to the peer"});
    CHECK(log.closes == 2);
}

TEST_CASE("handlers see each datagram that is sent or received", "[net][datagram][operations]") {
    scripted::log log;
    log.comes = {{"real", {"peer", 1}}};
    int lost = 0;
    effects::handle(
        [&] {
            net::datagram_socket socket = perform(net::bind_datagram({"0.0.0.0", 9}));
            socket.send_to("lost", {"peer", 1});
            CHECK(socket.receive() == net::datagram{"made up", {"nobody", 1}});
        },
        [&](net::bind_datagram const& op) {
            CHECK(op.at.port == 9);
            return over(log);
        },
        [&](net::send_datagram const&) { ++lost; },
        [&](net::receive_datagram const& op) {
            std::string const text = "made up";
            for (std::size_t i = 0; i < text.size(); ++i) op.to[i] = static_cast<std::byte>(text[i]);
            return net::received_datagram{text.size(), {"nobody", 1}};
        });
    CHECK(lost == 1);
    CHECK(log.sent.empty());
}

TEST_CASE("an answer of more bytes than there is room for is told", "[net][datagram][error]") {
    scripted::log log;
    net::datagram_socket socket = over(log);
    effects::handle([&] { CHECK_THROWS_AS(socket.receive(4), std::logic_error); },
                    [](net::receive_datagram const&) {
                        return net::received_datagram{5, {"peer", 1}};
                    });
}
