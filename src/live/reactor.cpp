// SPDX-License-Identifier: BSL-1.0
#include "reactor.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

#include <effects/live/asio.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "address.hpp"

namespace effects::live::detail {

namespace asio = boost::asio;

namespace {

using executor = asio::io_context::executor_type;
using asio_descriptor = asio::posix::basic_stream_descriptor<executor>;

} // namespace

// ---- the reactor -------------------------------------------------------------------------------------------------------

// The tasks' descriptors stand in an epoll set of their own, each registered once, for both directions and for edges; Asio
// waits for that set. Asio's own wait for a descriptor would cost a system call (epoll_ctl) each time.
struct reactor::state {
    asio::io_context io{1};
    asio::executor_work_guard<executor> stay{io.get_executor()};
    std::shared_ptr<asio_door> const door = std::make_shared<asio_door>(io);
    descriptor::state* first = nullptr; // all that are open
    int watched_fd = -1;                // the epoll set
    std::optional<asio_descriptor> watched;
    bool watching = false; // Asio waits for it
    std::atomic<bool> posted{false};
    unsigned polls = 0;
    int alarm_fd = -1;
    async::time_point alarm_at = async::never; // what it is set to
    std::unique_ptr<bell> alarm;

    ~state();
    void collect() noexcept;
    void watch();

    // Users' own handlers run there, too: one that throws ends the program, and one that stops the context does not stop the loop.
    template <class F>
    void go_on(F f) noexcept {
        f();
        if (io.stopped()) io.restart();
    }
};

// ---- descriptors -------------------------------------------------------------------------------------------------------

struct descriptor::state {
    struct side {
        async::detail::waiter_list waiting;
        bool exhausted = false; // nothing more until the next edge
    };

    state(reactor::state& r, int fd_) : fd(fd_), home(&r) {
        epoll_event interest{};
        interest.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        interest.data.ptr = this;
        if (::epoll_ctl(home->watched_fd, EPOLL_CTL_ADD, fd, &interest) != 0)
            throw system_error(errno); // a net::error: one connection's failure, not the program's
        next = home->first;
        if (next) next->previous = this;
        home->first = this;
    }

    side& at(direction d) noexcept { return sides[static_cast<std::size_t>(d)]; }

    // Only tasks are woken here: none runs, so no descriptor goes while the events of one batch are looked at.
    void arrived(std::uint32_t events) noexcept {
        bool const over = (events & (EPOLLERR | EPOLLHUP)) != 0;
        if (over || (events & EPOLLRDHUP) != 0) no_more_edges = true;
        if (over || (events & (EPOLLIN | EPOLLRDHUP)) != 0) arrived(at(direction::read));
        if (over || (events & EPOLLOUT) != 0) arrived(at(direction::write));
    }
    static void arrived(side& s) noexcept {
        s.exhausted = false;
        s.waiting.wake_all();
    }

    void close() noexcept {
        if (!home) return;
        (previous ? previous->next : home->first) = next;
        if (next) next->previous = previous;
        // Closing alone would leave it in the set as long as a forked child has it.
        ::epoll_ctl(home->watched_fd, EPOLL_CTL_DEL, fd, nullptr);
        ::close(std::exchange(fd, -1));
        home = nullptr;
        for (side& s : sides) s.waiting.wake_all();
    }

    int fd;
    reactor::state* home;       // null: closed
    bool no_more_edges = false; // the peer's end, or an error, was seen: it may lie behind what is read now
    side sides[2];
    state* previous = nullptr;
    state* next = nullptr;
};

descriptor::descriptor(reactor& of, int fd) {
    try {
        state_ = std::make_unique<state>(of.inside(), fd);
    } catch (...) {
        ::close(fd);
        throw;
    }
}

descriptor::descriptor(descriptor&&) noexcept = default;

descriptor::~descriptor() {
    if (state_) state_->close();
}

int descriptor::fd() const noexcept { return state_->fd; }

void descriptor::wait(direction d, char const* what) {
    if (!state_->home) return;
    async::detail::waiter w(what, state_.get());
    state_->at(d).waiting.push_back(w);
    w.wait();
}

bool descriptor::anyone_waits(direction d) const noexcept { return !state_->at(d).waiting.empty(); }

void descriptor::exhausted(direction d) noexcept { state_->at(d).exhausted = true; }

bool descriptor::would_block(direction d) const noexcept { return state_->at(d).exhausted && !state_->no_more_edges; }

void descriptor::close() noexcept { state_->close(); }

void reactor::state::collect() noexcept {
    constexpr int most = 64;
    epoll_event events[most];
    int count = 0;
    do {
        count = ::epoll_wait(watched_fd, events, most, 0);
        for (int i = 0; i < count; ++i) static_cast<descriptor::state*>(events[i].data.ptr)->arrived(events[i].events);
    } while (count == most);
}

void reactor::state::watch() {
    if (std::exchange(watching, true)) return;
    watched->async_wait(asio_descriptor::wait_read, [this](boost::system::error_code problem) {
        watching = false;
        if (!problem) collect();
    });
}

// ---- bells -------------------------------------------------------------------------------------------------------------

struct bell::state : std::enable_shared_from_this<bell::state> {
    state(reactor::state& r, int fd, std::function<void()> f)
        : watched(std::in_place, r.io.get_executor(), fd), ring(std::move(f)) {}

    void arm() {
        watched->async_wait(asio_descriptor::wait_read, [self = shared_from_this()](boost::system::error_code problem) {
            if (problem || !self->ring) return;
            self->ring();
            if (self->ring) self->arm();
        });
    }

    std::optional<asio_descriptor> watched;
    std::function<void()> ring;
};

bell::bell(reactor& of, int fd, std::function<void()> f)
    : state_(std::make_shared<state>(of.inside(), fd, std::move(f))) {
    state_->arm();
}

bell::~bell() {
    state_->ring = nullptr;
    state_->watched->release();
    state_->watched.reset();
}

// ---- the reactor's life ------------------------------------------------------------------------------------------------

reactor::state::~state() {
    {
        std::lock_guard const lock(door->mutex);
        door->open = false;
    }
    while (first) first->close();
    watched.reset(); // and closes it
    alarm.reset();
    if (alarm_fd >= 0) ::close(alarm_fd);
}

reactor::reactor() : state_(std::make_unique<state>()) {
    state_->watched_fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (state_->watched_fd < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
    state_->watched.emplace(state_->io.get_executor(), state_->watched_fd);
    state_->alarm_fd = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (state_->alarm_fd < 0) throw std::system_error(errno, std::system_category(), "timerfd_create");
    state_->alarm = std::make_unique<bell>(*this, state_->alarm_fd, [s = state_.get()] {
        std::uint64_t count = 0;
        if (::read(s->alarm_fd, &count, sizeof count) > 0) s->alarm_at = async::never;
    });
}

reactor::~reactor() = default;

std::shared_ptr<asio_door> const& reactor::door() const noexcept { return state_->door; }

void reactor::post(std::function<void()> f) {
    asio::post(state_->io, std::move(f));
    state_->posted.store(true, std::memory_order_release);
}

void reactor::poll() {
    constexpr unsigned turns = 8;
    state_->collect(); // here rather than by Asio, which would have to be told to watch the set again
    // What else Asio looks at (signals, the alarm) is rare, unless tasks await operations of its own.
    if (state_->posted.exchange(false, std::memory_order_acquire) || state_->door->awaited > 0 ||
        ++state_->polls % turns == 0)
        state_->go_on([&] { state_->io.poll(); });
}

// epoll counts in milliseconds, rounded up: good for what is far, and costs no call. The last stretch is the alarm's.
void reactor::wait(async::time_point now, async::time_point limit) {
    using namespace std::chrono_literals;
    constexpr async::duration near = 5ms;
    state_->watch();
    if (limit == async::never) {
        state_->go_on([&] { state_->io.run_one(); });
    } else if (limit - now > near) {
        state_->go_on([&] { state_->io.run_one_for(std::min<async::duration>(limit - now - near, 1h)); });
    } else {
        if (state_->alarm_at != limit) {
            auto const at = std::max<async::duration>(limit.time_since_epoch(), 1ns); // zero would disarm it
            auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(at);
            itimerspec when{};
            when.it_value.tv_sec = static_cast<std::time_t>(seconds.count());
            when.it_value.tv_nsec = static_cast<long>((at - seconds).count());
            ::timerfd_settime(state_->alarm_fd, TFD_TIMER_ABSTIME, &when, nullptr); // CLOCK_MONOTONIC is steady_clock
            state_->alarm_at = limit;
        }
        state_->go_on([&] { state_->io.run_one(); });
    }
}

} // namespace effects::live::detail
