// SPDX-License-Identifier: BSL-1.0
#include <effects/async/threads.hpp>

#include <stdexcept>
#include <string>

namespace effects::async {

void run_on_thread::default_answer(run_on_thread const& op) {
    if (op.thread != 0)
        throw std::out_of_range("async::on(" + std::to_string(op.thread) +
                                ", …): this world has one thread, number 0; live::run({.threads = …}) has more");
    op.work();
}

} // namespace effects::async
