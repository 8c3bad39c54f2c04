// SPDX-License-Identifier: BSL-1.0
#include <effects/net/stream.hpp>

#include <effects/net/connect.hpp>
#include <effects/perform.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>

namespace effects::net {
namespace {

constexpr std::size_t step = 16 * 1024;

// The only places where bytes leave or enter. A handler may answer, so its answer is checked.
std::size_t ask(net::read const& op) {
    std::size_t const count = perform(op);
    if (count > op.to.size()) throw std::logic_error("net::read was answered with more bytes than were asked for");
    return count;
}

std::size_t ask(net::write const& op) {
    std::size_t const count = perform(op);
    if (count == 0 || count > op.from.size())
        throw std::logic_error("net::write was answered with " + std::to_string(count) + " of " +
                               std::to_string(op.from.size()) + " bytes");
    return count;
}

error too_long(std::string const& what) { return error(std::make_error_code(std::errc::message_size), what); }

// What `release` gives where bytes were read ahead.
class with_bytes_ahead final : public transport {
public:
    with_bytes_ahead(std::string ahead, std::unique_ptr<transport>&& rest) noexcept
        : ahead_(std::move(ahead)), rest_(std::move(rest)) {}

    std::size_t read_some(std::span<std::byte> to) override {
        if (taken_ == ahead_.size()) return rest_->read_some(to);
        std::size_t const count = std::min(to.size(), ahead_.size() - taken_);
        if (count != 0) std::memcpy(to.data(), ahead_.data() + taken_, count);
        taken_ += count;
        if (taken_ == ahead_.size()) ahead_ = {}, taken_ = 0;
        return count;
    }
    std::size_t write_some(std::span<std::byte const> from) override { return rest_->write_some(from); }
    void shutdown_write() override { rest_->shutdown_write(); }
    void close() noexcept override {
        ahead_.clear();
        taken_ = 0;
        rest_->close();
    }
    bool stale() noexcept override { return taken_ != ahead_.size() || rest_->stale(); }
    endpoint local() const override { return rest_->local(); }
    endpoint remote() const override { return rest_->remote(); }

private:
    std::string ahead_;
    std::size_t taken_ = 0;
    std::unique_ptr<transport> rest_;
};

} // namespace

transport& stream::far_side() const {
    if (!transport_)
        throw std::logic_error("net::stream: used while empty (default-constructed, moved from or released)");
    return *transport_;
}

std::size_t stream::read_some(std::span<std::byte> to) {
    transport& from = far_side();
    if (to.empty()) return 0;
    if (ahead() == 0) return ask(net::read{&from, to});
    std::size_t const count = std::min(to.size(), ahead());
    std::memcpy(to.data(), ahead_.data() + taken_, count);
    taken_ += count;
    if (ahead() == 0) ahead_ = {}, taken_ = 0;
    return count;
}

std::size_t stream::write_some(std::span<std::byte const> from) {
    transport& to = far_side();
    return from.empty() ? 0 : ask(net::write{&to, from});
}

void stream::read_exactly(std::span<std::byte> to) {
    far_side();
    std::size_t done = 0;
    try {
        while (done < to.size()) {
            std::size_t const count = read_some(to.subspan(done));
            if (count == 0)
                throw error(errc::end_of_stream, "the stream ended after " + std::to_string(done) + " of " +
                                                     std::to_string(to.size()) + " bytes");
            done += count;
        }
    } catch (error const& e) {
        if (e.code() != errc::closed) put_back(to.first(done)); // which drops what was read ahead
        throw;
    } catch (...) {
        put_back(to.first(done));
        throw;
    }
}

// In front of what was read ahead since.
void stream::put_back(std::span<std::byte const> bytes) {
    auto const* const first = reinterpret_cast<char const*>(bytes.data());
    ahead_.insert(ahead_.begin() + static_cast<std::ptrdiff_t>(taken_), first, first + bytes.size());
}

// Reads more behind what was read ahead; 0 at the end of the stream. The buffer is its own: `ahead_` may be dropped by
// `close` in another task while this one waits.
std::size_t stream::fill(std::size_t at_most) {
    transport& from = far_side();
    std::size_t const size = std::min(at_most, step);
    auto const buffer = std::make_unique_for_overwrite<std::byte[]>(size);
    std::size_t const count = ask(net::read{&from, {buffer.get(), size}});
    if (count == 0) return 0;
    auto const* const bytes = reinterpret_cast<char const*>(buffer.get());
    ahead_.erase(ahead_.begin(), ahead_.end() - static_cast<std::ptrdiff_t>(ahead()));
    taken_ = 0;
    ahead_.insert(ahead_.end(), bytes, bytes + count);
    return count;
}

std::string stream::take(std::size_t count) {
    std::string out(ahead_.data() + taken_, count);
    taken_ += count;
    if (ahead() == 0) ahead_ = {}, taken_ = 0;
    return out;
}

std::string stream::read_until(std::string_view delimiter, std::size_t limit) {
    far_side();
    if (delimiter.empty()) throw std::invalid_argument("net::stream::read_until: the delimiter is empty");
    std::size_t searched = 0;
    for (;;) {
        std::string_view const have = std::string_view(ahead_.data() + taken_, ahead()).substr(0, limit);
        // A delimiter may begin in what was searched before and end in what came since.
        std::size_t const from = searched < delimiter.size() ? 0 : searched - (delimiter.size() - 1);
        if (auto const at = have.find(delimiter, from); at != have.npos) return take(at + delimiter.size());
        if (ahead() >= limit)
            throw too_long("no delimiter in the first " + std::to_string(limit) + " bytes of a stream");
        searched = have.size();
        if (fill(step) == 0)
            throw error(errc::end_of_stream,
                        "the stream ended after " + std::to_string(ahead()) + " bytes without the delimiter");
    }
}

std::string stream::read_all(std::size_t limit) {
    far_side();
    do {
        if (ahead() > limit) throw too_long("a stream of more than " + std::to_string(limit) + " bytes");
        // One byte beyond the limit tells a stream that ends there from one that goes on.
    } while (fill(limit - ahead() + (limit != std::numeric_limits<std::size_t>::max() ? 1 : 0)) != 0);
    return take(ahead());
}

void stream::write(std::span<std::byte const> from) {
    far_side();
    while (!from.empty()) from = from.subspan(write_some(from));
}

void stream::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void stream::shutdown_write() { far_side().shutdown_write(); }

void stream::close() noexcept {
    if (!transport_) return;
    transport_->close();
    ahead_.clear();
    taken_ = 0;
}

bool stream::stale() noexcept { return !transport_ || ahead() != 0 || transport_->stale(); }

endpoint stream::local() const { return far_side().local(); }

endpoint stream::remote() const { return far_side().remote(); }

std::unique_ptr<transport> stream::release() {
    if (!transport_ || ahead() == 0) return std::move(transport_);
    std::string bytes(ahead_.data() + taken_, ahead());
    auto wrapped = std::make_unique<with_bytes_ahead>(std::move(bytes), std::move(transport_));
    ahead_ = {};
    taken_ = 0;
    return wrapped;
}

} // namespace effects::net
