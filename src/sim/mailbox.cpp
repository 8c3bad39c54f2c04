// SPDX-License-Identifier: BSL-1.0
// A datagram socket, as its holder uses it.
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <effects/sim/detail/machines.hpp>

#include "datagrams.hpp"
#include "failure.hpp"
#include "names.hpp"

namespace effects::sim::detail {

namespace {

class datagram_end final : public net::datagram_transport {
public:
    explicit datagram_end(std::shared_ptr<mailbox> m) noexcept : mailbox_(std::move(m)) {}
    ~datagram_end() override { mailbox_->close(); }

    void send(std::span<std::byte const> bytes, net::endpoint const* to) override {
        async::detail::suspension_point();
        auto const doing = [&] {
            return "sending " + std::to_string(bytes.size()) + " bytes to " + (to ? *to : mailbox_->peer->shown).text();
        };
        check_open();
        mailbox_->net->settle(*mailbox_);
        with_context(doing, [&] {
            hear_of_refusal();
            mailbox_->net->send(mailbox_, bytes, to);
        });
    }

    net::received_datagram receive(std::span<std::byte> to) override {
        async::detail::suspension_point();
        mailbox& m = *mailbox_;
        if (!m.readers.empty()) throw std::logic_error("two tasks receive from one datagram socket at once");
        for (;;) {
            check_open();
            m.net->settle(m);
            with_context(
                [&] { return m.peer ? "receiving from " + m.peer->shown.text() : "receiving at " + m.local.text(); },
                [&] { hear_of_refusal(); });
            if (!m.waiting.empty()) return take(to);
            async::detail::waiter w("net::receive_datagram", &m);
            m.readers.push_back(w);
            w.wait_until(m.net->next_change(m));
        }
    }

    void join(std::string const& group) override {
        check_open();
        std::string const doing = "joining the group " + group;
        if (!is_group(group)) fail(std::errc::invalid_argument, doing, "invalid argument");
        if (is_ipv6(group) != is_ipv6(mailbox_->host))
            fail(std::errc::address_family_not_supported, doing, "address family not supported by protocol");
        mailbox_->net->settle(*mailbox_);
        if (!mailbox_->groups.insert(group).second) fail(std::errc::address_in_use, doing, "address already in use");
    }
    void leave(std::string const& group) override {
        check_open();
        mailbox_->net->settle(*mailbox_);
        if (mailbox_->groups.erase(group) == 0)
            fail(std::errc::address_not_available, "leaving the group " + group, "cannot assign requested address");
    }

    void close() noexcept override { mailbox_->close(); }
    net::endpoint local() const override { return mailbox_->local; }
    std::optional<net::endpoint> remote() const override {
        return mailbox_->peer ? std::optional(mailbox_->peer->shown) : std::nullopt;
    }

private:
    void check_open() const {
        if (mailbox_->closed || !mailbox_->net || (mailbox_->on && mailbox_->on->over))
            throw net::error(net::errc::closed, "the datagram socket was closed on this side");
    }

    // Once: it is sent, or received, again after that.
    void hear_of_refusal() {
        if (mailbox_->refused_at > async::now()) return;
        mailbox_->refused_at = async::never;
        throw net::error(std::make_error_code(std::errc::connection_refused), "connection refused");
    }

    net::received_datagram take(std::span<std::byte> to) {
        net::datagram d = std::move(mailbox_->waiting.front());
        mailbox_->waiting.pop_front();
        mailbox_->kept -= d.bytes.size() + mailbox::overhead;
        std::size_t const size = std::min(to.size(), d.bytes.size());
        if (size != 0) std::memcpy(to.data(), d.bytes.data(), size);
        return {size, std::move(d.from), size < d.bytes.size()};
    }

    std::shared_ptr<mailbox> mailbox_;
};

} // namespace

void mailbox::close() noexcept {
    if (std::exchange(closed, true)) return;
    waiting.clear();
    readers.wake_all();
    if (net) net->closed(*this);
}

std::unique_ptr<net::datagram_transport> behind(std::shared_ptr<mailbox> m) {
    return std::make_unique<datagram_end>(std::move(m));
}

} // namespace effects::sim::detail
