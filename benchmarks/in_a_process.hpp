// SPDX-License-Identifier: BSL-1.0
// What something takes, in processor time and in memory, in a process of its own: there, no stack has been before.
#pragma once

#include <benchmark/benchmark.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>

namespace in_a_process {

inline double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    auto const seconds = [](timeval t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

inline double resident_bytes() {
    long total = 0;
    long resident = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    int const read = file ? std::fscanf(file, "%ld %ld", &total, &resident) : 0;
    if (file) std::fclose(file);
    return read == 2 ? static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) : 0;
}

struct cost {
    double seconds = 0;
    double bytes = 0;
};

/// Counts from when it is made.
class meter {
public:
    cost so_far() const { return {cpu_seconds() - begun_.seconds, resident_bytes() - begun_.bytes}; }

private:
    cost begun_{cpu_seconds(), resident_bytes()};
};

/// `run` returns what it took; false if it didn't, or ended otherwise.
template <class Run>
bool measured(Run run, cost& taken) {
    int ends[2];
    if (::pipe(ends) != 0) return false;
    pid_t const child = ::fork();
    if (child == 0) {
        cost const mine = run();
        _exit(::write(ends[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
    }
    ::close(ends[1]);
    bool const told = child > 0 && ::read(ends[0], &taken, sizeof taken) == sizeof taken;
    ::close(ends[0]);
    int status = 1;
    if (child > 0) ::waitpid(child, &status, 0);
    return told && status == 0;
}

/// The row's time and its counter "bytes" are those of one of `count`.
template <class Run>
void measure(benchmark::State& state, double count, Run run) {
    cost taken;
    for (auto _ : state) {
        if (!measured(run, taken)) {
            state.SkipWithError("its process did not tell what it took");
            break;
        }
        state.SetIterationTime(taken.seconds / count);
    }
    state.counters["bytes"] = taken.bytes / count;
}

} // namespace in_a_process
