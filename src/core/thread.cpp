// SPDX-License-Identifier: BSL-1.0
#include <effects/detail/thread.hpp>

#include <atomic>

namespace effects::detail {

namespace {
constexpr frame_table no_clauses{nullptr, 0, "the thread's own"};
std::atomic<std::uint64_t> stamps_given{1};
} // namespace

constinit frame root_frame{
    .cache = {},
    .outer = nullptr,
    .below = nullptr,
    .table = &no_clauses,
    .self = nullptr,
    .home = nullptr,
    .stamp = 0,
    .installed = {},
    .body = nullptr,
};

extern "C" {
thread_local constinit thread_state effects_thread_state{
    .top = &root_frame,
    .frames = nullptr,
    .running = nullptr,
    .strand = nullptr,
    .pinned = 0,
    .next_stamp = 0,
    .last_stamp = 0,
    .exception_globals = nullptr,
    .starting = nullptr,
    .task = nullptr,
    .idle_stacks = nullptr,
    .idle_count = 0,
    .idle_limit = 0,
    .performed_at = {},
    .masked = 0,
};
}

#if !(defined(__x86_64__) && defined(__linux__))
[[gnu::noinline, gnu::noipa]] thread_state* this_thread_out_of_line() noexcept { return &effects_thread_state; }
#endif

void refill_stamps(thread_state& thread) noexcept {
    constexpr std::uint64_t block = std::uint64_t{1} << 24;
    thread.next_stamp = stamps_given.fetch_add(block, std::memory_order_relaxed);
    thread.last_stamp = thread.next_stamp + block;
}

void forget_lookups(frame& f) noexcept {
    for (lookup_slot& slot : f.cache) slot.operation = nullptr;
}

} // namespace effects::detail
