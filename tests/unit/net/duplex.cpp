// SPDX-License-Identifier: BSL-1.0
#include "duplex.hpp"

#include <algorithm>
#include <cstring>

namespace effects::test_support {
namespace {

class end_of_duplex final : public net::transport {
public:
    end_of_duplex(turns& scheduler, std::string name, std::shared_ptr<pipe> in, std::shared_ptr<pipe> out)
        : scheduler_(scheduler), name_(std::move(name)), in_(std::move(in)), out_(std::move(out)) {}
    ~end_of_duplex() override { close(); }

    std::size_t read_some(std::span<std::byte> to) override {
        if (to.empty()) return 0;
        scheduler_.wait_until("bytes to read at the " + name_ + "'s end",
                              [&] { return closed_ || !in_->bytes.empty() || in_->ended; });
        if (closed_) throw net::error(net::errc::closed, "closed on this side");
        std::size_t const count = std::min({to.size(), in_->bytes.size(), in_->step});
        if (count == 0) return 0;
        std::memcpy(to.data(), in_->bytes.data(), count);
        in_->bytes.erase(0, count);
        return count;
    }

    std::size_t write_some(std::span<std::byte const> from) override {
        if (from.empty()) return 0;
        if (out_->before_write) out_->before_write();
        scheduler_.wait_until("room to write at the " + name_ + "'s end",
                              [&] { return closed_ || out_->broken || out_->bytes.size() < out_->capacity; });
        if (closed_) throw net::error(net::errc::closed, "closed on this side");
        if (out_->broken)
            throw net::error(std::make_error_code(std::errc::connection_reset), "connection reset by peer");
        std::size_t const count = std::min({from.size(), out_->capacity - out_->bytes.size(), out_->step});
        auto const* bytes = reinterpret_cast<char const*>(from.data());
        for (std::size_t i = 0; i < count; ++i, ++out_->passed)
            out_->bytes += out_->damage ? out_->damage(out_->passed, bytes[i]) : bytes[i];
        return count;
    }

    void shutdown_write() override { out_->ended = true; }
    void close() noexcept override {
        closed_ = true;
        out_->ended = true;
        in_->broken = true;
    }
    bool stale() noexcept override { return closed_ || in_->ended || !in_->bytes.empty(); }
    net::endpoint local() const override { return {name_, 1}; }
    net::endpoint remote() const override { return {"peer of " + name_, 2}; }

private:
    turns& scheduler_;
    std::string name_;
    std::shared_ptr<pipe> in_;
    std::shared_ptr<pipe> out_;
    bool closed_ = false;
};

} // namespace

duplex::duplex(turns& scheduler) : to_server(std::make_shared<pipe>()), to_client(std::make_shared<pipe>()) {
    client = net::stream(std::make_unique<end_of_duplex>(scheduler, "client", to_client, to_server));
    server = net::stream(std::make_unique<end_of_duplex>(scheduler, "server", to_server, to_client));
}

scripted::scripted(std::vector<std::string> chunks, std::shared_ptr<log> keep)
    : chunks_(chunks.begin(), chunks.end()), log_(std::move(keep)) {}

std::size_t scripted::read_some(std::span<std::byte> to) {
    if (before_read) before_read(log_->read_sizes.size());
    log_->read_sizes.push_back(to.size());
    if (chunks_.empty() || to.empty()) return 0;
    std::string& next = chunks_.front();
    std::size_t const count = std::min(to.size(), next.size());
    std::memcpy(to.data(), next.data(), count);
    next.erase(0, count);
    if (next.empty()) chunks_.pop_front();
    return count;
}

std::size_t scripted::write_some(std::span<std::byte const> from) {
    std::size_t const count = std::min(from.size(), write_step);
    log_->written.append(reinterpret_cast<char const*>(from.data()), count);
    return count;
}

} // namespace effects::test_support
