// SPDX-License-Identifier: BSL-1.0
#include "overflow.hpp"
#include "stack.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <utility>

#include <effects/detail/fiber.hpp>

extern "C" {
[[gnu::weak]] void __asan_unpoison_memory_region(void const volatile* address, std::size_t size);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fiber, unsigned flags);
}

namespace effects::detail {

constinit std::atomic<strand_namer*> name_of_strand{nullptr};

namespace {

constexpr std::size_t signal_stack_size = 64 * 1024;
struct sigaction before;

// Nothing here allocates or locks: it runs in a signal handler.
class line {
public:
    void add(char const* text) noexcept { add(text, std::strlen(text)); }
    void add(char const* text, std::size_t size) noexcept {
        size = size < sizeof(text_) - used_ ? size : sizeof(text_) - used_;
        std::memcpy(text_ + used_, text, size);
        used_ += size;
    }
    void add(std::size_t number) noexcept {
        char digits[20];
        std::size_t at = sizeof(digits);
        do {
            digits[--at] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number != 0);
        add(digits + at, sizeof(digits) - at);
    }
    void write() const noexcept {
        ssize_t written = ::write(STDERR_FILENO, text_, used_);
        (void)written;
    }

private:
    char text_[1024];
    std::size_t used_ = 0;
};

void report(fiber const& overflown, fiber const* strand) noexcept {
    line text;
    text.add("effects: stack overflow: ");
    char name[512];
    strand_namer* namer = name_of_strand.load(std::memory_order_relaxed);
    std::size_t named = strand && namer ? namer(*strand, name, sizeof(name)) : 0;
    if (&overflown != strand) text.add("the body of a handle with a control clause");
    if (&overflown != strand && named) text.add(" in ");
    if (named) {
        text.add("task ");
        text.add(name, named);
    }
    text.add(" has used up its stack of ");
    bool const usual =
        overflown.memory.reserved == default_stack_size; // else the guard page was added to what was asked for
    text.add((overflown.memory.reserved - (usual ? 0 : page_size())) / 1024);
    text.add(&overflown != strand
                 ? " KiB. It gets a larger one by handle({.stack_size = bytes}, body, …); what is large belongs on the "
                   "heap.\n"
                 : " KiB. A task gets a larger one by spawn({.stack_size = bytes}, …), all of a world's by its option "
                   "stack_size; what is large belongs on the heap.\n");
    text.write();
}

void pass_on(int signal, siginfo_t* info, void* context) noexcept {
    if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction) return before.sa_sigaction(signal, info, context);
    if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) return before.sa_handler(signal);
    // Whatever it was happens again, now to nobody.
    struct sigaction nobody {};
    nobody.sa_handler = SIG_DFL;
    ::sigaction(signal, &nobody, nullptr);
}

void met_a_guard(int signal, siginfo_t* info, void* context) noexcept {
    if (fiber const* running = this_thread()->running) {
        auto* address = static_cast<std::byte*>(info->si_addr);
        if (address >= running->memory.top - running->memory.reserved && address < lowest(running->memory))
            report(*running, this_thread()->strand);
    }
    pass_on(signal, info, context);
}

// A signal handler can't run on the stack that has just overflown.
struct signal_stack {
    void* memory = MAP_FAILED;

    signal_stack() noexcept {
        stack_t present{};
        if (::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return; // somebody else's
        memory =
            ::mmap(nullptr, signal_stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (memory == MAP_FAILED) return;
        stack_t ours{};
        ours.ss_sp = memory;
        ours.ss_size = signal_stack_size;
        ::sigaltstack(&ours, nullptr);
    }
    ~signal_stack() {
        if (memory == MAP_FAILED) return;
        stack_t present{};
        if (::sigaltstack(nullptr, &present) == 0 && present.ss_sp == memory) {
            stack_t none{};
            none.ss_flags = SS_DISABLE;
            ::sigaltstack(&none, nullptr);
        }
        ::munmap(memory, signal_stack_size);
    }
};

// Once over whatever stands there, and after that only where nobody does: another's handler may have been put above
// ours, and would be called by it in a circle.
void catch_faults() noexcept {
    static std::mutex one_at_a_time;
    static bool caught = false;
    std::lock_guard const lock(one_at_a_time);
    struct sigaction present {};
    ::sigaction(SIGSEGV, nullptr, &present);
    bool const nobody = (present.sa_flags & SA_SIGINFO) == 0 && present.sa_handler == SIG_DFL;
    if (std::exchange(caught, true) && !nobody) return;
    struct sigaction ours {};
    ours.sa_sigaction = &met_a_guard;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&ours.sa_mask);
    before = present;
    ::sigaction(SIGSEGV, &ours, nullptr);
}

} // namespace

void watch_for_overflow() noexcept {
    if (__asan_unpoison_memory_region || __tsan_switch_to_fiber) return; // they report it themselves
    static thread_local signal_stack mine;
    catch_faults();
    (void)mine;
}

} // namespace effects::detail
