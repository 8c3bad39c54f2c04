// SPDX-License-Identifier: BSL-1.0
#include <effects/detail/fiber.hpp>

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
#define RUNNING_ON_VALGRIND 0
#endif

extern "C" {
[[gnu::weak]] void __asan_unpoison_memory_region(void const volatile* address, std::size_t size);
}

namespace effects::detail {

namespace {

constexpr std::size_t stacks_in_slab = 64;  // 16 MiB of address space, committed page by page as it is touched
constexpr std::size_t kept_by_thread = 256; // ended stacks that a thread keeps as they are

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

stack carve(std::byte* block, std::size_t size) noexcept {
    install_guard(block);
    stack s{block + page_size(), block + size, size};
    (void)VALGRIND_STACK_REGISTER(s.bottom, s.top);
    return s;
}

// Stacks of the default size that no thread holds.
class depot {
public:
    void take(std::vector<stack>& into, std::size_t count) {
        std::lock_guard lock(mutex_);
        if (idle_.empty()) add_slab();
        for (; count > 0 && !idle_.empty(); --count) {
            into.push_back(idle_.back());
            idle_.pop_back();
        }
    }

    // Frees their memory but not their addresses.
    void give(std::vector<stack>& from, std::size_t count) noexcept {
        std::lock_guard lock(mutex_);
        for (; count > 0 && !from.empty(); --count) {
            stack s = from.back();
            from.pop_back();
            ::madvise(s.bottom, static_cast<std::size_t>(s.top - s.bottom), MADV_DONTNEED);
            idle_.push_back(s);
        }
    }

private:
    void add_slab() {
        idle_.reserve(total_ += stacks_in_slab); // so that giving back never allocates
        std::byte* slab = map(stacks_in_slab * default_stack_size);
        for (std::size_t i = stacks_in_slab; i-- > 0;)
            idle_.push_back(carve(slab + i * default_stack_size, default_stack_size));
    }

    std::mutex mutex_;
    std::vector<stack> idle_;
    std::size_t total_ = 0;
};

depot& shared_depot() {
    static depot& the_depot = *new depot; // threads may end after the statics are destroyed
    return the_depot;
}

struct thread_stacks {
    std::vector<stack> idle;
    thread_stacks() { idle.reserve(kept_by_thread + 1); }
    ~thread_stacks();
};

// Not a class member's destructor order: a stack may be released after this thread's own list has gone.
constinit thread_local thread_stacks* mine = nullptr;
constinit thread_local bool thread_ending = false;

thread_stacks::~thread_stacks() {
    mine = nullptr;
    thread_ending = true;
    shared_depot().give(idle, idle.size());
}

[[gnu::noinline, gnu::cold]] thread_stacks* make_mine() {
    if (thread_ending) return nullptr;
    static thread_local thread_stacks list;
    return mine = &list;
}

[[gnu::noinline]] thread_stacks* my_stacks() {
    thread_stacks* list = mine;
    return list ? list : make_mine();
}

} // namespace

stack acquire_stack(std::size_t size) {
    if (size <= default_stack_size) {
        if (thread_stacks* list = my_stacks()) {
            if (list->idle.empty()) [[unlikely]]
                shared_depot().take(list->idle, stacks_in_slab);
            stack s = list->idle.back();
            list->idle.pop_back();
            return s;
        }
        std::vector<stack> one;
        shared_depot().take(one, 1);
        return one.back();
    }
    std::size_t page = page_size();
    size = (size + page - 1) / page * page + page;
    return carve(map(size), size);
}

void release_stack(stack s) noexcept {
    // Valgrind took what lay below the stack pointer for gone; the next one may build its frames there.
    static bool const on_valgrind = RUNNING_ON_VALGRIND != 0;
    if (on_valgrind) [[unlikely]]
        (void)VALGRIND_MAKE_MEM_UNDEFINED(s.bottom, static_cast<std::size_t>(s.top - s.bottom));
    if (__asan_unpoison_memory_region)
        __asan_unpoison_memory_region(s.bottom, static_cast<std::size_t>(s.top - s.bottom));
    if (s.reserved != default_stack_size) {
        ::munmap(s.top - s.reserved, s.reserved);
        return;
    }
    if (thread_stacks* list = my_stacks()) {
        list->idle.push_back(s);
        if (list->idle.size() > kept_by_thread) [[unlikely]]
            shared_depot().give(list->idle, kept_by_thread / 2);
        return;
    }
    std::vector<stack> one{s};
    shared_depot().give(one, 1);
}

} // namespace effects::detail
