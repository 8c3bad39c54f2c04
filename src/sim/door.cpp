// SPDX-License-Identifier: BSL-1.0
#include "door.hpp"

#include <utility>

#include <effects/sim/network.hpp>

#include "failure.hpp"

namespace effects::sim::detail {

void door::close() noexcept {
    if (std::exchange(closed, true)) return;
    for (auto& c : waiting) {
        c->ends[0].reset_at = async::time_point{};
        c->ends[1].closed = true;
        c->wake_all();
    }
    waiting.clear();
    acceptors.wake_all();
    if (net) net->closed(*this);
}

void door::vanish() noexcept {
    closed = true;
    waiting.clear();
    acceptors.wake_all();
    if (net) net->closed(*this);
}

namespace {

class door_end final : public net::acceptor {
public:
    explicit door_end(std::shared_ptr<door> d) : door_(std::move(d)) {}
    ~door_end() override { door_end::close(); }

    net::stream accept() override {
        async::detail::suspension_point("net::accept");
        for (;;) {
            if (door_->closed)
                fail(net::errc::closed, "accepting at " + door_->at.text(), "the listener was closed on this side");
            if (!door_->waiting.empty()) {
                auto c = std::move(door_->waiting.front());
                door_->waiting.pop_front();
                if (!door_->waiting.empty()) door_->acceptors.wake_one();
                return net::stream(end_of(std::move(c), 1));
            }
            async::detail::waiter w("net::accept", door_.get());
            door_->acceptors.push_back(w);
            w.wait();
        }
    }

    void close() noexcept override { door_->close(); }

    net::endpoint local() const override { return door_->at; }

private:
    std::shared_ptr<door> door_;
};

} // namespace

std::unique_ptr<net::acceptor> behind(std::shared_ptr<door> d) { return std::make_unique<door_end>(std::move(d)); }

} // namespace effects::sim::detail
