// SPDX-License-Identifier: BSL-1.0
#include <effects/detail/fiber.hpp>

#include "overflow.hpp"
#include "stack.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <new>
#include <ostream>
#include <utility>
#include <vector>

#include <effects/stack.hpp>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0u
#define VALGRIND_STACK_DEREGISTER(id) (void)(id)
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
constexpr std::size_t kept_by_depot = 1024;   // and all threads together, beyond that

// Linux 6.13: a guard that costs no mapping of its own. Older headers don't have the name.
constexpr int advice_guard_install = 102;

bool on_valgrind() noexcept {
    static bool const yes = RUNNING_ON_VALGRIND != 0;
    return yes;
}

// Several ranges, up to `at_once` of them, in one system call, which flushes the processors' address caches once; where the system
// has none for it (Linux before 6.14, a sandbox), one by one. Gives how many have been advised.
constexpr std::size_t at_once = 64;
std::size_t advise(iovec* ranges, std::size_t count, int advice) noexcept {
    static std::atomic<bool> together{true};
    constexpr int this_process = -10000; // PIDFD_SELF
    std::size_t done = 0;
#ifdef SYS_process_madvise
    while (together.load(std::memory_order_relaxed) && done < count && !on_valgrind()) {
        long bytes = ::syscall(SYS_process_madvise, this_process, ranges + done, count - done, advice, 0u);
        if (bytes <= 0) together.store(false, std::memory_order_relaxed);
        for (; bytes > 0 && done < count; ++done) { // it may end early, within a range: that one is done again
            if (static_cast<std::size_t>(bytes) < ranges[done].iov_len) break;
            bytes -= static_cast<long>(ranges[done].iov_len);
        }
    }
#endif
    for (; done < count; ++done)
        if (::madvise(ranges[done].iov_base, ranges[done].iov_len, advice) != 0) break;
    return done;
}

enum class guard_method : int { light, mapping, none };
std::atomic<guard_method> guards{guard_method::light};

void say_once_unguarded() noexcept {
    static std::atomic<bool> said{false};
    if (said.exchange(true)) return;
    std::fputs("effects: stacks have no guard pages any more: the system gives out no further mappings "
               "(vm.max_map_count); an overflow would go unnoticed\n",
               stderr);
}

// In the lowest page of each of `count` stacks of `size` bytes, which follow each other; `at_once` at most.
void install_guards(std::byte* block, std::size_t size, std::size_t count) noexcept {
    auto method = guards.load(std::memory_order_relaxed);
    std::size_t done = 0;
    if (method == guard_method::light) {
        iovec pages[at_once];
        for (std::size_t i = 0; i < count; ++i) pages[i] = {block + i * size, page_size()};
        done = advise(pages, count, advice_guard_install);
        if (done == count) return;
        guards.store(method = guard_method::mapping, std::memory_order_relaxed);
    }
    for (; method == guard_method::mapping && done < count; ++done)
        if (::mprotect(block + done * size, page_size(), PROT_NONE) != 0)
            guards.store(method = guard_method::none, std::memory_order_relaxed);
    if (method == guard_method::none) say_once_unguarded();
}

std::byte* map(std::size_t size) {
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    ::madvise(memory, size, MADV_NOHUGEPAGE); // or the first touch of a stack would commit all of it
    return static_cast<std::byte*>(memory);
}

// The stacks that Valgrind knows, by their lowest addresses, and its numbers of them. What is unmapped has to be taken back, or
// it would take several that lie there later for one, and each switch between them for growth.
class valgrind_stacks {
public:
    void add(std::byte* begin, std::byte* end) {
        std::lock_guard lock(mutex_);
        known_[begin] = VALGRIND_STACK_REGISTER(begin, end);
    }
    void remove(std::byte* begin, std::byte* end) noexcept {
        std::lock_guard lock(mutex_);
        auto first = known_.lower_bound(begin);
        auto last = known_.lower_bound(end);
        for (auto at = first; at != last; ++at) {
            VALGRIND_STACK_DEREGISTER(at->second);
        }
        known_.erase(first, last);
    }

private:
    std::mutex mutex_;
    std::map<std::byte*, unsigned> known_;
};

valgrind_stacks& known_to_valgrind() noexcept {
    static valgrind_stacks& all = *new valgrind_stacks; // as the depot
    return all;
}

// Makes `count` stacks of a block; `at_once` at most.
void carve(std::byte* block, std::size_t size, std::size_t count) {
    install_guards(block, size, count);
    if (on_valgrind()) [[unlikely]]
        for (std::size_t i = 0; i < count; ++i)
            known_to_valgrind().add(block + i * size + page_size(), block + (i + 1) * size);
}

void unmap(std::byte* begin, std::size_t size) noexcept {
    if (on_valgrind()) [[unlikely]]
        known_to_valgrind().remove(begin, begin + size);
    ::munmap(begin, size);
}

// Which pages are in memory.
struct resident {
    std::byte* lowest; // of them; where there are none, the end
    std::size_t bytes = 0;
};

// Only whole pages are looked at, but for one at the end that begins in the range: a stack that a thread was given need not be aligned.
resident find_resident(std::byte* begin, std::byte* end) noexcept {
    constexpr std::size_t most = 256;
    unsigned char in_memory[most];
    std::size_t const page = page_size();
    resident found{end};
    std::size_t count = most;
    std::byte* at = end + (page - reinterpret_cast<std::uintptr_t>(end) % page) % page;
    while ((count = std::min(count, static_cast<std::size_t>(at - begin) / page)) != 0) {
        if (::mincore(at - count * page, count * page, in_memory) != 0) {
            if (count == 1) break; // not mapped, nor anything below it: the main thread's stack grows as it is used
            count /= 2;
            continue;
        }
        at -= count * page;
        for (std::size_t i = count; i-- > 0;)
            if ((in_memory[i] & 1) != 0) {
                found.lowest = at + i * page;
                found.bytes += page;
            }
    }
    return found;
}

static_assert(stacks_in_slab <= at_once);
constexpr std::size_t slab_size = stacks_in_slab * default_stack_size;

enum class when_freed : bool { now, if_many };

// Stacks of the default size that no thread holds.
class depot {
public:
    std::byte* take() {
        std::lock_guard lock(mutex_);
        if (warm_.empty() && idle_.empty()) add_slab();
        std::vector<std::byte*>& from = warm_.empty() ? idle_ : warm_;
        std::byte* top = from.back();
        from.pop_back();
        (void)VALGRIND_MAKE_MEM_UNDEFINED(lowest({top, default_stack_size}), default_stack_size - page_size());
        return top;
    }

    // Its addresses stay, its memory goes back to the system: at once, or when enough others are kept as they are. A computation
    // that suspends more bodies than a thread keeps idle, over and over, would else fault in the same pages each time.
    // `at_once` tops at most.
    void give(std::byte* const* tops, std::size_t count, when_freed when) noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            iovec const all = memory_of(tops[i]);
            // Nobody's until it is taken; and a search for leaks need not go through gigabytes of it.
            (void)VALGRIND_MAKE_MEM_NOACCESS(all.iov_base, all.iov_len);
        }
        std::size_t kept = 0;
        if (when == when_freed::if_many) {
            std::lock_guard lock(mutex_);
            for (; kept < count && warm_.size() < kept_by_depot; ++kept) warm_.push_back(tops[kept]);
        }
        if (kept == count) return;
        free_memory(tops + kept, count - kept);
        std::lock_guard lock(mutex_);
        idle_.insert(idle_.end(), tops + kept, tops + count);
    }

    // Gives back what memory the idle ones have, and unmaps the slabs all of whose stacks are here: what is left of those is
    // page tables and guards. How many bytes of memory that was.
    std::size_t trim() noexcept {
        std::lock_guard lock(mutex_);
        std::size_t given_back = 0;
        for (std::byte* top : warm_) given_back += find_resident(lowest({top, default_stack_size}), top).bytes;
        for (std::size_t i = 0; i < warm_.size(); i += at_once)
            free_memory(warm_.data() + i, std::min(at_once, warm_.size() - i));
        idle_.insert(idle_.end(), warm_.begin(), warm_.end());
        warm_.clear();
        std::sort(idle_.begin(), idle_.end());
        std::erase_if(slabs_, [this](std::byte* slab) {
            auto first = std::upper_bound(idle_.begin(), idle_.end(), slab); // a top is a stack's end
            auto last = std::upper_bound(first, idle_.end(), slab + slab_size);
            if (static_cast<std::size_t>(last - first) != stacks_in_slab) return false;
            idle_.erase(first, last);
            unmap(slab, slab_size);
            return true;
        });
        return given_back;
    }

private:
    void add_slab() {
        slabs_.reserve(slabs_.size() + 1);
        idle_.reserve((slabs_.size() + 1) * stacks_in_slab); // so that giving back never allocates
        warm_.reserve(kept_by_depot);
        std::byte* slab = map(slab_size);
        slabs_.push_back(slab);
        carve(slab, default_stack_size, stacks_in_slab);
        for (std::size_t i = stacks_in_slab; i > 0; --i) idle_.push_back(slab + i * default_stack_size);
    }

    static iovec memory_of(std::byte* top) noexcept {
        std::byte* bottom = lowest({top, default_stack_size});
        return {bottom, static_cast<std::size_t>(top - bottom)};
    }
    static void free_memory(std::byte* const* tops, std::size_t count) noexcept {
        iovec ranges[at_once];
        std::transform(tops, tops + count, ranges, memory_of);
        advise(ranges, count, MADV_DONTNEED);
    }

    std::mutex mutex_;
    std::vector<std::byte*> idle_;  // their tops
    std::vector<std::byte*> warm_;  // and of those that have their memory still
    std::vector<std::byte*> slabs_; // their lowest addresses
};

depot& shared_depot() {
    static depot& the_depot = *new depot; // threads may end after the statics are destroyed
    return the_depot;
}

// Whether a tool has to hear of each stack that is released.
bool tools_want_to_know() noexcept { return on_valgrind() || __asan_unpoison_memory_region; }

void give_back(thread_state& thread, std::uint32_t count, when_freed when) noexcept {
    while (count > 0 && thread.idle_stacks) {
        std::byte* tops[at_once];
        std::size_t size = 0;
        for (; size < at_once && count > 0 && thread.idle_stacks; --count) {
            std::byte* top = tops[size++] = thread.idle_stacks;
            thread.idle_stacks = next_idle(top);
            --thread.idle_count;
        }
        shared_depot().give(tops, size, when);
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
        give_back(thread, thread.idle_count, when_freed::now);
    }
};

// Whether this thread may keep idle stacks: it gives them back at its end.
[[gnu::noinline]] bool may_keep() {
    if (thread_books == books::closed) return false;
    static thread_local thread_end at_the_end;
    (void)at_the_end;
    return true;
}

// The running thread's own stack, found out once.
stack_extent own_extent() noexcept {
    static constinit thread_local stack_extent known{};
    if (known.end) return known;
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return {};
    void* begin = nullptr;
    std::size_t size = 0;
    if (::pthread_attr_getstack(&attributes, &begin, &size) == 0)
        known = {static_cast<std::byte*>(begin), static_cast<std::byte*>(begin) + size};
    ::pthread_attr_destroy(&attributes);
    return known;
}

} // namespace

std::size_t page_size() noexcept {
    static auto const size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

stack_extent extent_of(fiber const* f) noexcept {
    return f ? stack_extent{lowest(f->memory), f->memory.top} : own_extent();
}

stack_use use_of(fiber const* f, void const* stack_pointer) noexcept {
    stack_use use;
    use.owner = !f ? stack_owner::thread : is_task(*f) ? stack_owner::task : stack_owner::body;
    stack_extent const all = extent_of(f);
    auto* at = static_cast<std::byte const*>(stack_pointer);
    if (at < all.begin || at > all.end) return use; // somebody has put this thread on a stack that we don't know
    use.size = static_cast<std::size_t>(all.end - all.begin);
    use.used = static_cast<std::size_t>(all.end - at);
    // What is in use was touched, even if it has been swapped out.
    use.touched = std::max(use.used, static_cast<std::size_t>(all.end - find_resident(all.begin, all.end).lowest));
    return use;
}

std::ostream& print_fill(std::ostream& out, stack_use const& use) {
    constexpr std::size_t kib = 1024;
    return out << (use.used + kib - 1) / kib << " KiB of " << use.size / kib << " KiB in use, " << use.touched / kib
               << " KiB touched";
}

std::byte* lowest(stack s) noexcept { return s.top - s.reserved + page_size(); }

stack acquire_slowly(std::size_t size) {
    static thread_local bool watched = false;
    if (!std::exchange(watched, true) || size > default_stack_size) watch_for_overflow();
    if (size > default_stack_size) {
        if (size > std::size_t{1} << 46) throw std::bad_alloc(); // or rounding it up might make it small
        std::size_t page = page_size();
        size = (size + page - 1) / page * page + page;
        std::byte* block = map(size);
        carve(block, size, 1);
        return {block + size, size};
    }
    return {shared_depot().take(), default_stack_size};
}

void frames_gone(stack s, std::byte* below) noexcept {
    if (!tools_want_to_know()) [[likely]]
        return;
    std::byte* bottom = lowest(s);
    // Valgrind took what lay below the stack pointer for gone; the next one may build its frames there.
    (void)VALGRIND_MAKE_MEM_UNDEFINED(bottom, static_cast<std::size_t>(below - bottom));
    if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(bottom, static_cast<std::size_t>(below - bottom));
}

void release_slowly(stack s) noexcept {
    frames_gone(s, s.top);
    if (s.reserved != default_stack_size) {
        unmap(s.top - s.reserved, s.reserved);
        return;
    }
    if (!may_keep()) {
        shared_depot().give(&s.top, 1, when_freed::now);
        return;
    }
    thread_state& thread = *this_thread();
    thread.idle_limit = tools_want_to_know() ? 0 : kept_by_thread;
    next_idle(s.top) = thread.idle_stacks;
    thread.idle_stacks = s.top;
    if (++thread.idle_count > kept_by_thread) give_back(thread, kept_by_thread / 2, when_freed::if_many);
}

} // namespace effects::detail

namespace effects {

stack_use stack_usage() noexcept { return detail::use_of(detail::this_thread()->running, __builtin_frame_address(0)); }

std::size_t stack_left() noexcept {
    detail::stack_extent const all = detail::extent_of(detail::this_thread()->running);
    auto* at = static_cast<std::byte const*>(__builtin_frame_address(0));
    return at < all.begin || at > all.end ? 0 : static_cast<std::size_t>(at - all.begin);
}

std::size_t trim_stacks() noexcept {
    detail::thread_state& thread = *detail::this_thread();
    std::size_t given_back = 0;
    for (std::byte* top = thread.idle_stacks; top; top = detail::next_idle(top))
        given_back += detail::find_resident(detail::lowest({top, detail::default_stack_size}), top).bytes;
    detail::give_back(thread, thread.idle_count, detail::when_freed::now);
    return given_back + detail::shared_depot().trim();
}

std::ostream& operator<<(std::ostream& out, stack_use const& use) {
    out << (use.owner == stack_owner::thread ? "the thread's own stack"
            : use.owner == stack_owner::task ? "the stack of a task"
                                             : "the stack of a handled body");
    return detail::print_fill(out << ": ", use);
}

} // namespace effects
