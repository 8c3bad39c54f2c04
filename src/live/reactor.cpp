// SPDX-License-Identifier: BSL-1.0
#include "reactor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <sys/timerfd.h>
#include <unistd.h>

namespace effects::live::detail {

namespace asio = boost::asio;

namespace {

using executor = asio::io_context::executor_type;
using asio_descriptor = asio::posix::basic_stream_descriptor<executor>;

// Room for one pending operation of Asio's, so that waiting does not allocate.
class op_room {
public:
    void* take(std::size_t size) {
        if (taken_ || size > sizeof(room_)) return ::operator new(size);
        taken_ = true;
        return room_;
    }
    void give_back(void* p) noexcept {
        if (p == room_)
            taken_ = false;
        else
            ::operator delete(p);
    }

private:
    alignas(std::max_align_t) std::byte room_[192];
    bool taken_ = false;
};

template <class T>
struct op_allocator {
    using value_type = T;
    op_room* room;

    explicit op_allocator(op_room& r) noexcept : room(&r) {}
    template <class U>
    op_allocator(op_allocator<U> const& other) noexcept : room(other.room) {}
    T* allocate(std::size_t n) { return static_cast<T*>(room->take(n * sizeof(T))); }
    void deallocate(T* p, std::size_t) noexcept { room->give_back(p); }
    template <class U>
    bool operator==(op_allocator<U> const& other) const noexcept {
        return room == other.room;
    }
};

} // namespace

// ---- the reactor -------------------------------------------------------------------------------------------------------

struct reactor::state {
    asio::io_context io{1};
    asio::executor_work_guard<executor> stay{io.get_executor()};
    descriptor::state* first = nullptr; // all that are open
    int alarm_fd = -1;
    async::time_point alarm_at = async::never; // what it is set to
    std::unique_ptr<bell> alarm;

    ~state();
};

// ---- descriptors -------------------------------------------------------------------------------------------------------

// Shared by the descriptor and by Asio's pending waits. A wait is never taken back when the task that asked for it is
// cancelled: it stays for whoever waits next.
struct descriptor::state {
    struct side {
        op_room room;
        async::detail::waiter_list waiting;
        bool armed = false;
    };

    // The completion of a wait.
    struct arrival {
        state* of;
        direction which;

        arrival(state& s, direction d) noexcept : of(&s), which(d) { ++of->holders; }
        arrival(arrival&& other) noexcept : of(std::exchange(other.of, nullptr)), which(other.which) {}
        arrival& operator=(arrival&&) = delete;
        ~arrival() {
            if (of) of->let_go();
        }

        using allocator_type = op_allocator<std::byte>;
        allocator_type get_allocator() const noexcept { return allocator_type(of->at(which).room); }
        void operator()(boost::system::error_code) const noexcept {
            of->at(which).armed = false;
            of->at(which).waiting.wake_all();
        }
    };

    state(reactor::state& r, int fd) : home(&r) {
        boost::system::error_code problem;
        watched.emplace(r.io.get_executor()).assign(fd, problem);
        if (problem) throw std::system_error(problem.value(), std::system_category(), "watching a descriptor");
        next = home->first;
        if (next) next->previous = this;
        home->first = this;
    }

    side& at(direction d) noexcept { return sides[static_cast<std::size_t>(d)]; }

    void close() noexcept {
        if (!home) return;
        (previous ? previous->next : home->first) = next;
        if (next) next->previous = previous;
        home = nullptr;
        watched.reset();
        for (side& s : sides) s.waiting.wake_all();
    }

    void let_go() noexcept {
        if (--holders == 0) delete this;
    }

    reactor::state* home;                   // null: closed
    std::optional<asio_descriptor> watched; // Asio's object must not outlive the reactor; a stream may
    side sides[2];
    state* previous = nullptr;
    state* next = nullptr;
    int holders = 1;
};

descriptor::descriptor(reactor& of, int fd) {
    try {
        state_ = new state(of.inside(), fd);
    } catch (...) {
        ::close(fd);
        throw;
    }
}

descriptor::~descriptor() {
    if (!state_) return;
    state_->close();
    state_->let_go();
}

int descriptor::fd() const noexcept { return state_->watched ? state_->watched->native_handle() : -1; }

void descriptor::wait(direction d, char const* what) {
    if (!state_->home) return;
    state::side& side = state_->at(d);
    if (!side.armed) {
        state_->watched->async_wait(d == direction::read ? asio_descriptor::wait_read : asio_descriptor::wait_write,
                                    state::arrival(*state_, d));
        side.armed = true;
    }
    async::detail::waiter w(what, state_);
    side.waiting.push_back(w);
    w.wait();
}

bool descriptor::anyone_waits(direction d) const noexcept { return !state_->at(d).waiting.empty(); }

void descriptor::close() noexcept { state_->close(); }

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
    while (first) first->close();
    alarm.reset();
    if (alarm_fd >= 0) ::close(alarm_fd);
}

reactor::reactor() : state_(std::make_unique<state>()) {
    state_->alarm_fd = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (state_->alarm_fd < 0) throw std::system_error(errno, std::system_category(), "timerfd_create");
    state_->alarm = std::make_unique<bell>(*this, state_->alarm_fd, [s = state_.get()] {
        std::uint64_t count = 0;
        if (::read(s->alarm_fd, &count, sizeof count) > 0) s->alarm_at = async::never;
    });
}

reactor::~reactor() = default;

void reactor::post(std::function<void()> f) { asio::post(state_->io, std::move(f)); }

void reactor::poll() { state_->io.poll(); }

// epoll counts in milliseconds, rounded up: good for what is far, and costs no call. The last stretch is the alarm's.
void reactor::wait(async::time_point now, async::time_point limit) {
    using namespace std::chrono_literals;
    constexpr async::duration near = 5ms;
    if (limit == async::never) {
        state_->io.run_one();
    } else if (limit - now > near) {
        state_->io.run_one_for(std::min<async::duration>(limit - now - near, 1h));
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
        state_->io.run_one();
    }
}

} // namespace effects::live::detail
