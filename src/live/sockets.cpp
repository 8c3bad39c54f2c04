// SPDX-License-Identifier: BSL-1.0
#include "sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <effects/async/event.hpp>
#include <effects/async/group.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/timeout.hpp>
#include <effects/live/detail/event_loop.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reactor.hpp"
#include "socket_calls.hpp"

namespace effects::live::detail {
namespace {

class socket final : public net::transport {
public:
    socket(event_loop& loop, descriptor fd, address const& peer) : loop_(&loop), fd_(std::move(fd)), peer_(peer) {
        int const on = 1; // fails where the peer is gone already; the first read says so
        ::setsockopt(fd_.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    std::size_t read_some(std::span<std::byte> to) override {
        if (to.empty()) return 0;
        return move_some(direction::read, reads_in_a_row_, "net::read", to.size(),
                         [&](int fd) { return ::recv(fd, to.data(), to.size(), 0); });
    }

    std::size_t write_some(std::span<std::byte const> from) override {
        if (from.empty()) return 0;
        return move_some(direction::write, writes_in_a_row_, "net::write", from.size(),
                         [&](int fd) { return ::send(fd, from.data(), from.size(), MSG_NOSIGNAL); });
    }

    void shutdown_write() override {
        if (fd_.fd() < 0) throw closed_here("the stream", "ending " + remote().text());
        if (::shutdown(fd_.fd(), SHUT_WR) != 0) throw failure(direction::write, errno);
    }

    void close() noexcept override {
        try {
            if (fd_.fd() >= 0) closed_at_ = local_address(fd_.fd()).text();
        } catch (...) { // then it is not known any more
        }
        fd_.close();
    }

    bool stale() noexcept override {
        char byte = 0;
        if (fd_.fd() < 0 || fd_.anyone_waits(direction::read)) return true;
        return ::recv(fd_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    }

    net::endpoint local() const override { return fd_.fd() < 0 ? closed_at_ : local_address(fd_.fd()).text(); }
    net::endpoint remote() const override { return peer_.text(); }

private:
    template <class Call>
    std::size_t move_some(direction d, unsigned& in_a_row, char const* what, std::size_t wanted, Call call) {
        enter(*loop_, in_a_row);
        if (fd_.anyone_waits(d))
            throw std::logic_error(d == direction::read ? "two tasks read from one stream at once"
                                                        : "two tasks write to one stream at once");
        for (;;) {
            if (fd_.fd() < 0) throw closed_here("the stream", doing(d));
            if (!fd_.would_block(d)) {
                ssize_t const size = call(fd_.fd());
                if (size >= 0) {
                    ++in_a_row;
                    // A stream's buffer that was not filled has emptied the socket's, and the other way round (epoll(7)).
                    if (size > 0 && static_cast<std::size_t>(size) < wanted) fd_.exhausted(d);
                    return static_cast<std::size_t>(size);
                }
                if (errno == EINTR) continue;
                if (errno != EAGAIN && errno != EWOULDBLOCK) throw failure(d, errno);
                fd_.exhausted(d);
            }
            in_a_row = 0;
            fd_.wait(d, what);
        }
    }

    std::string doing(direction d) const {
        return (d == direction::read ? "reading from " : "writing to ") + remote().text();
    }

    net::error failure(direction d, int number) const {
        net::error e = system_error(number);
        e.add_context(doing(d));
        return e;
    }

    event_loop* loop_;
    descriptor fd_;
    address peer_;
    net::endpoint closed_at_; // its own address, once it is closed
    unsigned reads_in_a_row_ = 0;
    unsigned writes_in_a_row_ = 0;
};

// The file of a Unix domain socket that is bound here: goes with the listener, unless another one has taken its place.
class bound_file {
public:
    explicit bound_file(address const& at) noexcept(false) {
        if (!at.file()) return;
        struct stat now {};
        if (::lstat(at.file(), &now) != 0) return;
        path_ = at.file();
        device_ = now.st_dev;
        inode_ = now.st_ino;
    }
    bound_file(bound_file const&) = delete;
    bound_file& operator=(bound_file const&) = delete;
    ~bound_file() { remove(); }

    void remove() noexcept {
        struct stat now {};
        std::string const path = std::exchange(path_, {});
        if (!path.empty() && ::lstat(path.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_)
            ::unlink(path.c_str());
    }

private:
    std::string path_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

class listening_socket final : public net::acceptor {
public:
    listening_socket(event_loop& loop, int fd, address const& at)
        : loop_(&loop), file_(at), fd_(loop.io(), fd), local_(local_address(fd).text()) {}

    net::stream accept() override {
        enter(*loop_, in_a_row_);
        for (;;) {
            if (fd_.fd() < 0) throw closed_here("the listener", "accepting at " + local_.text());
            address peer;
            int const fd = ::accept4(fd_.fd(), peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd >= 0) {
                ++in_a_row_;
                return net::stream(std::make_unique<socket>(*loop_, descriptor(loop_->io(), fd), peer));
            }
            switch (errno) {
            case EAGAIN:
                in_a_row_ = 0;
                fd_.wait(direction::read, "net::accept");
                break;
            // The peer is gone before it was here: accept(2) says to take these like EAGAIN.
            case EINTR:
            case ECONNABORTED:
            case ENETDOWN:
            case EPROTO:
            case ENOPROTOOPT:
            case EHOSTDOWN:
            case ENONET:
            case EHOSTUNREACH:
            case EOPNOTSUPP:
            case ENETUNREACH:
                break;
            default: {
                net::error e = system_error(errno);
                e.add_context("accepting at " + local_.text());
                throw e;
            }
            }
        }
    }

    void close() noexcept override {
        file_.remove();
        fd_.close();
    }
    net::endpoint local() const override { return local_; }

private:
    event_loop* loop_;
    bound_file file_;
    descriptor fd_;
    net::endpoint local_;
    unsigned in_a_row_ = 0;
};

int open_socket(int family) { return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

// Interrupted by a signal, a TCP connect goes on all the same. A Unix domain socket whose listener has no room left tells nobody
// when it has (connect(2), EAGAIN).
bool begin_connect(int fd, address const& to) {
    using namespace std::chrono_literals;
    for (async::duration pause = 1ms;; pause = std::min<async::duration>(2 * pause, 50ms)) {
        if (::connect(fd, to.get(), to.size) == 0) return true;
        if (errno == EINPROGRESS || (errno == EINTR && to.family() != AF_UNIX)) return false;
        if (errno == EINTR) continue;
        if (errno != EAGAIN || to.family() != AF_UNIX) throw system_error(errno);
        async::sleep_for(pause);
    }
}

// A socket's file outlives who listened on it, if that one was killed.
bool nobody_listens(char const* file, address const& at) {
    struct stat found {};
    if (::lstat(file, &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
    owned_fd probe(open_socket(AF_UNIX));
    return ::connect(probe.get(), at.get(), at.size) != 0 && errno == ECONNREFUSED;
}

void bind_to(int fd, address const& at) {
    if (::bind(fd, at.get(), at.size) == 0) return;
    int const number = errno;
    bool const replaced =
        number == EADDRINUSE && at.file() && nobody_listens(at.file(), at) && ::unlink(at.file()) == 0;
    if (!replaced) throw system_error(number);
    if (::bind(fd, at.get(), at.size) != 0) throw system_error(errno);
}

net::stream connect_one(event_loop& loop, address const& to) {
    owned_fd fd(open_socket(to.family()));
    bool const connected = begin_connect(fd.get(), to);
    int const raw = fd.get();
    descriptor watched(loop.io(), fd.release());
    while (!connected) {
        pollfd now{raw, POLLOUT, 0};
        if (::poll(&now, 1, 0) > 0) {
            int number = 0;
            socklen_t size = sizeof number;
            if (::getsockopt(raw, SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
            if (number != 0) throw system_error(number);
            break;
        }
        watched.wait(direction::write, "net::connect");
    }
    return net::stream(std::make_unique<socket>(loop, std::move(watched), to));
}

} // namespace

// The next address is tried when the last one has failed, or has not answered for so long (RFC 8305, section 5): one that
// swallows packets must not use up the caller's time.
net::stream connect_to(event_loop& loop, net::endpoint const& name, std::vector<address> const& addresses) {
    constexpr auto head_start = std::chrono::milliseconds(250);
    unsigned in_a_row = 0;
    enter(loop, in_a_row);
    async::detail::refuse_what_waits(async::detail::current_task(), "net::connect");
    std::vector<std::optional<net::error>> failures(addresses.size());
    net::stream made;
    auto attempt = [&](std::size_t i) {
        try {
            auto s = connect_one(loop, addresses[i]);
            if (!made) made = std::move(s);
        } catch (net::error const& e) {
            failures[i] = e;
        }
    };
    if (addresses.size() == 1)
        attempt(0);
    else
        async::task_group([&](async::group& g) {
            async::event changed;
            std::size_t running = 0;
            for (std::size_t i = 0; i < addresses.size() && !made; ++i) {
                changed.reset();
                ++running;
                g.spawn([&, i] {
                    attempt(i);
                    --running;
                    changed.set();
                });
                async::try_timeout(head_start, [&] { changed.wait(); });
            }
            while (!made && running != 0) {
                changed.reset();
                changed.wait();
            }
            g.cancel();
        });
    if (made) return made;
    std::string tried;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        net::endpoint const at = addresses[i].text();
        if (addresses.size() > 1 || at.host != name.host) tried += (tried.empty() ? "" : ", ") + at.text() + ": ";
        tried += failures[i]->message();
    }
    throw net::error(failures.back()->code(), tried);
}

net::listener listen_at(event_loop& loop, std::vector<address> const& addresses, int backlog, bool reuse_port) {
    unsigned in_a_row = 0;
    enter(loop, in_a_row);
    std::optional<net::error> first;
    for (address const& a : addresses) {
        try {
            owned_fd fd(open_socket(a.family()));
            set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
            if (reuse_port && a.family() != AF_UNIX) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
            bind_to(fd.get(), a);
            if (::listen(fd.get(), backlog) != 0) throw system_error(errno);
            return net::listener(std::make_unique<listening_socket>(loop, fd.release(), a));
        } catch (net::error const& e) {
            if (!first) first = e;
        }
    }
    throw *first;
}

} // namespace effects::live::detail
