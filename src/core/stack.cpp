// SPDX-License-Identifier: BSL-1.0
#include <effects/detail/fiber.hpp>

#include "overflow.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_MAKE_MEM_UNDEFINED(start, size) 0
#define VALGRIND_MAKE_MEM_NOACCESS(start, size) 0
#define RUNNING_ON_VALGRIND 0
#endif

extern "C" {
[[gnu::weak]] void __asan_unpoison_memory_region(void const volatile* address, std::size_t size);
}

namespace effects::detail {

namespace {

constexpr std::size_t stacks_in_slab = 64;    // 16 MiB of address space, committed page by page as it is touched
constexpr std::uint32_t kept_by_thread = 256; // ended stacks that a thread keeps as they are

// Linux 6.13: a guard that costs no mapping of its own. Older headers don't have the name.
constexpr int advice_guard_install = 102;

enum class guard_method : int { light, mapping, none };
std::atomic<guard_method> guards{guard_method::light};

std::size_t page_size() noexcept {
    static auto const size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

void say_once_unguarded() noexcept {
    static std::atomic<bool> said{false};
    if (said.exchange(true)) return;
    std::fputs("effects: stacks have no guard pages any more: the system gives out no further mappings "
               "(vm.max_map_count); an overflow would go unnoticed\n",
               stderr);
}

void install_guard(std::byte* page) noexcept {
    auto method = guards.load(std::memory_order_relaxed);
    if (method == guard_method::light) {
        if (::madvise(page, page_size(), advice_guard_install) == 0) return;
        guards.store(method = guard_method::mapping, std::memory_order_relaxed);
    }
    if (method == guard_method::mapping) {
        if (::mprotect(page, page_size(), PROT_NONE) == 0) return;
        guards.store(guard_method::none, std::memory_order_relaxed);
    }
    say_once_unguarded();
}

std::byte* map(std::size_t size) {
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    ::madvise(memory, size, MADV_NOHUGEPAGE); // or the first touch of a stack would commit all of it
    return static_cast<std::byte*>(memory);
}

std::byte* carve(std::byte* block, std::size_t size) noexcept {
    install_guard(block);
    (void)VALGRIND_STACK_REGISTER(block + page_size(), block + size);
    return block + size;
}

// Stacks of the default size that no thread holds.
class depot {
public:
    std::byte* take() {
        std::lock_guard lock(mutex_);
        if (idle_.empty()) add_slab();
        std::byte* top = idle_.back();
        idle_.pop_back();
        (void)VALGRIND_MAKE_MEM_UNDEFINED(lowest({top, default_stack_size}), default_stack_size - page_size());
        return top;
    }

    // Frees its memory but not its addresses.
    void give(std::byte* top) noexcept {
        std::byte* bottom = lowest({top, default_stack_size});
        ::madvise(bottom, static_cast<std::size_t>(top - bottom), MADV_DONTNEED);
        // Nobody's until it is taken; and a search for leaks need not go through gigabytes of it.
        (void)VALGRIND_MAKE_MEM_NOACCESS(bottom, static_cast<std::size_t>(top - bottom));
        std::lock_guard lock(mutex_);
        idle_.push_back(top);
    }

private:
    void add_slab() {
        idle_.reserve(total_ += stacks_in_slab); // so that giving back never allocates
        std::byte* slab = map(stacks_in_slab * default_stack_size);
        for (std::size_t i = stacks_in_slab; i-- > 0;)
            idle_.push_back(carve(slab + i * default_stack_size, default_stack_size));
    }

    std::mutex mutex_;
    std::vector<std::byte*> idle_;
    std::size_t total_ = 0;
};

depot& shared_depot() {
    static depot& the_depot = *new depot; // threads may end after the statics are destroyed
    return the_depot;
}

// Whether a tool has to hear of each stack that is released.
bool tools_want_to_know() noexcept {
    static bool const on_valgrind = RUNNING_ON_VALGRIND != 0;
    return on_valgrind || __asan_unpoison_memory_region;
}

void tell_tools_released(stack s) noexcept {
    if (!tools_want_to_know()) return;
    std::byte* bottom = lowest(s);
    // Valgrind took what lay below the stack pointer for gone; the next one may build its frames there.
    (void)VALGRIND_MAKE_MEM_UNDEFINED(bottom, static_cast<std::size_t>(s.top - bottom));
    if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(bottom, static_cast<std::size_t>(s.top - bottom));
}

void give_back(thread_state& thread, std::uint32_t count) noexcept {
    for (; count > 0 && thread.idle_stacks; --count) {
        std::byte* top = thread.idle_stacks;
        thread.idle_stacks = next_idle(top);
        --thread.idle_count;
        shared_depot().give(top);
    }
}

// A stack may be released after this has been destroyed, at a thread's end; nothing is kept any more then.
enum class books : unsigned char { not_open, open, closed };
constinit thread_local books thread_books = books::not_open;

struct thread_end {
    thread_end() noexcept { thread_books = books::open; }
    ~thread_end() {
        thread_books = books::closed;
        thread_state& thread = *this_thread();
        thread.idle_limit = 0;
        give_back(thread, thread.idle_count);
    }
};

// Whether this thread may keep idle stacks: it gives them back at its end.
[[gnu::noinline]] bool may_keep() {
    if (thread_books == books::closed) return false;
    static thread_local thread_end at_the_end;
    (void)at_the_end;
    return true;
}

} // namespace

std::byte* lowest(stack s) noexcept { return s.top - s.reserved + page_size(); }

stack acquire_slowly(std::size_t size) {
    static thread_local bool watched = false;
    if (!std::exchange(watched, true) || size > default_stack_size) watch_for_overflow();
    if (size > default_stack_size) {
        std::size_t page = page_size();
        size = (size + page - 1) / page * page + page;
        return {carve(map(size), size), size};
    }
    return {shared_depot().take(), default_stack_size};
}

void release_slowly(stack s) noexcept {
    tell_tools_released(s);
    if (s.reserved != default_stack_size) {
        ::munmap(s.top - s.reserved, s.reserved);
        return;
    }
    if (!may_keep()) {
        shared_depot().give(s.top);
        return;
    }
    thread_state& thread = *this_thread();
    thread.idle_limit = tools_want_to_know() ? 0 : kept_by_thread;
    next_idle(s.top) = thread.idle_stacks;
    thread.idle_stacks = s.top;
    if (++thread.idle_count > kept_by_thread) give_back(thread, kept_by_thread / 2);
}

} // namespace effects::detail
