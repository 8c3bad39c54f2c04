// SPDX-License-Identifier: BSL-1.0
#include "child.hpp"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace core_test {

ending in_child(std::function<void()> const& f) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    pid_t child = ::fork();
    if (child < 0) std::abort();
    if (child == 0) {
        ::close(ends[0]);
        ::dup2(ends[1], STDERR_FILENO);
        rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        for (int s : {SIGSEGV, SIGBUS, SIGABRT}) std::signal(s, SIG_DFL); // not the test framework's
        std::set_terminate(std::abort);
        f();
        ::_exit(0);
    }
    ::close(ends[1]);
    ending e;
    char buffer[512];
    for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        e.errors.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    e.exited = WIFEXITED(status);
    e.code = e.exited ? WEXITSTATUS(status) : WTERMSIG(status);
    return e;
}

} // namespace core_test
