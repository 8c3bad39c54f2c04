// SPDX-License-Identifier: BSL-1.0
#include <effects/sim/hosts.hpp>

#include <exception>
#include <stdexcept>

#include <effects/async/detail/scheduler.hpp>
#include <effects/async/shield.hpp>
#include <effects/async/sleep.hpp>
#include <effects/detail/prompt.hpp>
#include <effects/sim/detail/machines.hpp>

namespace effects::sim {

using async::detail::current_task;
using detail::life;
using detail::machine;

namespace {

std::shared_ptr<life> running_on(machine const& m) {
    if (!m.alive) throw std::logic_error("sim::hosts: the host " + m.name + " is down");
    return m.alive;
}

// All tasks of a host, which can't keep it off by a shield. One that opens another shield, or is spawned, afterwards is for the next round.
void cancel_tasks(detail::machines const& all, life const& l) noexcept {
    if (!l.main) return;
    l.main->whole.cancel(async::reason::requested);
    for (auto* t = l.main->home->first_task(); t; t = t->next_task)
        if (all.of(*t).get() == &l)
            async::detail::scope::cancel_through_shields(*t->innermost, async::reason::requested);
}

} // namespace

struct hosts::state {
    network& net;
    async::group* tasks = nullptr;
    std::map<std::string, std::shared_ptr<machine>> mine = {};

    machine& get(std::string const& name) const {
        auto found = mine.find(name);
        if (found == mine.end()) throw std::invalid_argument("sim::hosts: there is no host called " + name);
        return *found->second;
    }

    void boot(std::shared_ptr<machine> m) {
        auto l = std::make_shared<life>(m);
        m->alive = l;
        net.catch_up();
        m->powered = true;
        m->starts_again = false;
        net.host_is_back();
        (void)tasks->spawn({.name = m->name, .daemon = true}, [this, l] { live(l); });
    }

    // A host's whole life, in its main task.
    void live(std::shared_ptr<life> l) {
        net.machines().began(l);
        struct end {
            state& all;
            life& of;
            ~end() {
                if (of.asked_to_end && of.of->alive.get() == &of) all.went_down(of);
                all.net.machines().ended(of);
            }
        } at_the_end{*this, *l};
        try {
            with_context([&] { return "on the host " + l->of->name; },
                         [&] {
                             async::task_group([&](async::group& g) {
                                 struct closed {
                                     life& of;
                                     ~closed() { of.tasks = nullptr; }
                                 } when_it_ends{*l};
                                 l->tasks = &g;
                                 (void)g.spawn({.name = "program"}, l->of->program);
                                 l->forever.wait();
                             });
                         });
        } catch (effects::detail::unwinding const&) {
            throw;
        } catch (...) { // what becomes of a program that was ended is nobody's failure
            if (!l->over) throw;
        }
    }

    // By itself: its system closes what it has left open.
    void went_down(life& l) {
        l.of->alive = nullptr;
        net.catch_up();
        net.hang_up(l);
    }

    // `again`: in a task of the host, it starts when that has ended, too.
    void end(machine& m, bool by_power_failure, bool again = false) {
        std::shared_ptr<life> const l = std::exchange(m.alive, nullptr);
        m.starts_again = false;
        net.catch_up();
        if (by_power_failure && m.powered) {
            m.powered = false;
            m.disk.lose_unsynced();
        }
        if (!l) return;
        if (by_power_failure)
            net.vanish(*l);
        else
            net.hang_up(*l);
        l->over = true;
        bool const own = net.machines().running() == l;
        cancel_tasks(net.machines(), *l);
        if (!own) return see_the_end(*l);
        m.starts_again = again;
        // A task of the host can't wait for the host's end.
        (void)tasks->spawn({.name = m.name + " ends", .daemon = true}, [this, l] {
            see_the_end(*l);
            async::checkpoint(); // no host begins any more when all of them end
            if (l->of->starts_again) boot(l->of);
        });
        async::checkpoint();
    }

    void see_the_end(life& l) {
        async::shield([&] {
            for (; l.main; cancel_tasks(net.machines(), l)) async::yield();
        });
    }
};

hosts::hosts() : state_(std::make_unique<state>(state{network::current()})) {}

hosts::~hosts() {
    for (auto& [name, m] : state_->mine) {
        m->alive = nullptr; // which refers to it
        state_->net.machines().remove(name);
    }
}

void hosts::live_in(async::group& g) noexcept { state_->tasks = &g; }

void hosts::start(std::string name, host_options how, std::function<void()> program) {
    if (!program) throw std::invalid_argument("sim::hosts: the host " + name + " has no program");
    if (name.empty() || name == "localhost" || state_->net.machines().find(name))
        throw std::invalid_argument("sim::hosts: there is a host called '" + name + "' already");
    auto m = std::make_shared<machine>(machine{.name = name, .program = std::move(program), .disk = {}});
    for (auto& [path, text] : how.files) {
        if (auto const slash = path.rfind('/'); slash != path.npos && slash > 0)
            m->disk(os::operations::make_directories{path.substr(0, slash)});
        m->disk(os::operations::write_text{path, std::move(text)});
        m->disk(os::operations::sync{path});
    }
    m->clock.jump(how.clock_offset);
    m->clock.drift(how.clock_drift_ppm, async::now());
    state_->net.machines().add(m);
    state_->net.know(name);
    state_->mine.emplace(std::move(name), m);
    state_->boot(std::move(m));
}

void hosts::crash(std::string const& name) { state_->end(state_->get(name), true); }

void hosts::kill(std::string const& name) { state_->end(state_->get(name), false); }

void hosts::restart(std::string const& name) {
    machine& m = state_->get(name);
    if (m.alive) state_->end(m, true, true);
    state_->boot(state_->mine.find(name)->second);
}

void hosts::shut_down(std::string const& name) {
    std::shared_ptr<life> const l = state_->get(name).alive;
    if (!l || !l->main) return;
    l->asked_to_end = true;
    l->main->whole.cancel(async::reason::shutdown);
    l->gone.wait();
}

bool hosts::is_up(std::string const& name) const { return state_->get(name).alive != nullptr; }

os::in_memory_files& hosts::files(std::string const& name) { return state_->get(name).disk; }

void hosts::jump_clock(std::string const& name, async::duration by) { state_->get(name).clock.jump(by); }

void hosts::set_clock_drift(std::string const& name, std::int64_t ppm) {
    state_->get(name).clock.drift(ppm, async::now());
}

// What `f` refers to is the caller's, so it has ended when this leaves; what it throws is the caller's as well, and no failure of the host.
void hosts::run_task(std::string const& name, std::function<void()> f) {
    std::shared_ptr<life> const l = running_on(state_->get(name));
    if (!l->tasks) throw std::logic_error("sim::hosts: the host " + name + " is ending");
    async::time_point const deadline = current_task().innermost->deadline();
    std::exception_ptr error;
    bool cut_short = false;
    auto task = l->tasks->spawn([&] {
        async::detail::scope const as_the_caller(deadline);
        try {
            f();
        } catch (async::cancelled const&) {
            if (current_task().whole.pending()) throw;
            cut_short = true;
            error = std::current_exception();
        } catch (effects::detail::unwinding const&) {
            throw;
        } catch (...) {
            error = std::current_exception();
        }
    });
    try {
        task.wait();
    } catch (async::cancelled const& c) {
        task.cancel(c.why());
        async::shield([&] { task.wait(); });
        throw;
    }
    if (cut_short) async::checkpoint(); // by the caller's deadline
    if (error) std::rethrow_exception(error);
    task.get();
}

} // namespace effects::sim
