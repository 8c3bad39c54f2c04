// SPDX-License-Identifier: BSL-1.0
// Guard pages on kernels of several ages: a child process is told by a filter of its system calls that it can't have them.
#include "child.hpp"
#include "operations.hpp"

#if defined(__linux__) && !defined(UNDER_SANITIZER) // a sanitizer protects pages, too

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::control;
using effects::handle;
using effects::perform;
using effects::resumption;

namespace {

constexpr unsigned guard_install = 102; // MADV_GUARD_INSTALL, of Linux 6.13

// From here on this process's calls of `number` fail whose argument at `index` is `value`.
bool refuse(long number, unsigned index, unsigned value, unsigned error) {
    auto const argument = static_cast<unsigned>(offsetof(seccomp_data, args) + index * sizeof(std::uint64_t));
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog const filter{static_cast<unsigned short>(std::size(program)), program};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}
bool refuse_advice_at_once() { return refuse(SYS_process_madvise, 4, 0, EPERM); }
bool refuse_light_guards() {
    return refuse(SYS_madvise, 2, guard_install, EINVAL) && refuse(SYS_process_madvise, 3, guard_install, EINVAL);
}
bool refuse_protecting() { return refuse(SYS_mprotect, 2, PROT_NONE, ENOMEM); }

// A child ends with this where it could not set up what it tests.
constexpr int no_filter = 77;

long mappings() {
    std::ifstream maps("/proc/self/maps");
    return std::count(std::istreambuf_iterator<char>(maps), {}, '\n');
}

std::vector<resumption<hold, int>> suspend_1000() {
    effects::trim_stacks(); // so that there are new ones among them
    std::vector<resumption<hold, int>> all;
    for (int i = 0; i < 1000; ++i)
        handle([] { return perform(hold{}); }, control<hold>([&](hold, resumption<hold, int> k) {
                   all.push_back(std::move(k));
                   return 0;
               }));
    return all;
}

// How many more mappings the process has for the stacks of 1,000 bodies.
long mappings_of_1000() {
    long const before = mappings();
    auto all = suspend_1000();
    return mappings() - before;
}

[[gnu::noinline]] int eat_stack(int depth) {
    char volatile frame[1024];
    frame[0] = static_cast<char>(depth);
    return depth == 0 ? frame[0] : eat_stack(depth - 1) + frame[0];
}
int volatile forever = 1 << 30;

void overflow() {
    std::signal(SIGSEGV, SIG_DFL); // the test framework's
    std::thread([] {
        handle([] { return perform(ask{}) + eat_stack(forever); },
               control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
    }).join();
}

bool has_light_guards() {
    auto const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* memory = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool const has = ::madvise(memory, page, guard_install) == 0;
    ::munmap(memory, page);
    return has;
}

} // namespace

TEST_CASE("guard pages cost no mapping each where the kernel can do without", "[core][stack][guards][death]") {
    if (!has_light_guards()) return;
    auto end = in_child([] { std::_Exit(mappings_of_1000() < 100 ? 0 : 1); });

    CHECK(end.exited);
    CHECK(end.code == 0);
}

TEST_CASE("where the system takes no advice about many stacks at once, it is advised of each",
          "[core][stack][guards][death]") {
    auto end = in_child([] {
        bool const light = has_light_guards();
        if (!refuse_advice_at_once()) std::_Exit(no_filter);
        if (light && mappings_of_1000() >= 100) std::_Exit(1);
        effects::trim_stacks();
        std::vector<std::uintptr_t> places;
        std::thread([&] {
            std::vector<resumption<hold, int>> all;
            for (int i = 0; i < 100; ++i)
                handle(
                    [&] {
                        places.push_back(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
                        return perform(hold{});
                    },
                    control<hold>([&](hold, resumption<hold, int> k) {
                        all.push_back(std::move(k));
                        return 0;
                    }));
        }).join();
        auto const page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
        for (std::uintptr_t place : places) {
            unsigned char resident = 0;
            if (::mincore(reinterpret_cast<void*>(place / page * page), page, &resident) != 0) std::_Exit(2);
            if ((resident & 1) != 0) std::_Exit(3);
        }
        std::_Exit(places.size() == 100 ? 0 : 4);
    });
    if (end.exited && end.code == no_filter) return;

    CHECK(end.exited);
    CHECK(end.code == 0);
    CHECK(end.errors.empty());
}

TEST_CASE("on an older kernel each stack's guard is a mapping", "[core][stack][guards][death]") {
    auto counted = in_child([] {
        if (!refuse_light_guards()) std::_Exit(no_filter);
        std::_Exit(mappings_of_1000() >= 500 ? 0 : 1);
    });
    if (counted.exited && counted.code == no_filter) return; // nor may this process filter
    CHECK(counted.exited);
    CHECK(counted.code == 0);
    CHECK(counted.errors.empty());

    auto overflown = in_child([] {
        refuse_light_guards();
        overflow();
    });
    CHECK_FALSE(overflown.exited);
    CHECK(overflown.code == SIGSEGV);
    CHECK_THAT(overflown.errors, Catch::Contains("stack overflow"));
}

TEST_CASE("stacks without guards still work, and it is said once", "[core][stack][guards][death]") {
    auto end = in_child([] {
        if (!refuse_light_guards() || !refuse_protecting()) std::_Exit(no_filter);
        auto all = suspend_1000();
        int sum = 0;
        for (auto& k : all) sum += std::move(k).resume(1);
        std::_Exit(sum == 1000 ? 0 : 1);
    });
    if (end.exited && end.code == no_filter) return;

    CHECK(end.exited);
    CHECK(end.code == 0);
    CHECK_THAT(end.errors, Catch::StartsWith("effects: stacks have no guard pages any more"));
    CHECK(std::count(end.errors.begin(), end.errors.end(), '\n') == 1);
}

#endif
