// SPDX-License-Identifier: BSL-1.0
#include <effects/os/in_memory_programs.hpp>

#include <algorithm>
#include <mutex>

#include <effects/os/detail/program_run.hpp>
#include <effects/os/detail/time_limit.hpp>
#include <effects/os/detail/wait_turn.hpp>
#include <effects/perform.hpp>

namespace effects::os {
namespace {

completed call(in_memory_programs::program const& f, operations::run const& op) {
    auto const& limit = op.options.timeout;
    if (!limit) return f(op);
    auto const passes = perform(detail::limit_time{*limit, detail::phase_of(op)});
    try {
        return f(op);
    } catch (...) {
        if (passes) passes->throw_if_passed();
        throw;
    }
}

} // namespace

in_memory_programs::in_memory_programs(std::initializer_list<std::pair<std::string, program>> programs) {
    for (auto const& [name, f] : programs) set(name, f);
}

void in_memory_programs::set(std::string name, program f) {
    auto made = std::make_shared<program const>(std::move(f));
    std::lock_guard lock(mutex_);
    programs_.insert_or_assign(std::move(name), std::move(made));
}

completed in_memory_programs::operator()(os::operations::run const& op) const {
    detail::check(op);
    perform(detail::wait_turn{"os::run"});
    std::shared_ptr<program const> f;
    {
        std::lock_guard lock(mutex_);
        if (auto const found = programs_.find(op.words.front()); found != programs_.end()) f = found->second;
    }
    if (!f) throw error(std::errc::no_such_file_or_directory, "run", op.words.front());

    completed result = call(*f, op);
    result.program = op.words.front();
    if (result.signal != 0) result.exit_code = 128 + result.signal;
    if (op.options.merge_stderr) result.out.append(std::exchange(result.err, {}));
    std::size_t const most = op.options.max_output;
    if (result.out.size() > most || result.err.size() > most - result.out.size()) {
        result.out.resize(std::min(result.out.size(), most));
        result.err.resize(std::min(result.err.size(), most - result.out.size()));
        detail::throw_too_much_output(op, std::move(result));
    }
    return result;
}

} // namespace effects::os
