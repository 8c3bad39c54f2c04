// SPDX-License-Identifier: BSL-1.0
#include <effects/async/detail/scheduler.hpp>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <effects/async/detail/debugger.hpp>
#include <effects/async/detail/waiter.hpp>
#include <effects/async/time.hpp>
#include <effects/detail/prompt.hpp>
#include <effects/detail/switch.hpp>
#include <effects/perform.hpp>

#include "suspension_point.hpp"

namespace effects::async::detail {

// ---- tasks ----

namespace {

void let_go(lineage* l) noexcept {
    while (l && --l->holders == 0) delete std::exchange(l, l->parent);
}

} // namespace

task_base::task_base(scheduler& home_, task_base* parent, scope* outer)
    : home(&home_), innermost(&whole), whole(scope::root_tag{}, *this, outer),
      serial(core::new_stamp(*core::this_thread())) {
    strand = this;
    if (parent) {
        from_ = &parent->as_parent();
        number = ++from_->children;
        ++from_->holders;
    }
    home->adopt(*this);
}

task_base::~task_base() {
    if (!from_) keep_suppressed(std::move(suppressed));
    home->release(*this);
    let_go(own_);
    let_go(from_);
}

lineage& task_base::as_parent() {
    if (!own_) {
        own_ = new lineage{from_, word(), number};
        if (from_) ++from_->holders;
    }
    return *own_;
}

// No path may stand for two tasks, nor may a parent with ever new children remember all of their names.
bool lineage::takes(std::string const& name) {
    constexpr std::size_t most_names = 16;
    if (names.size() == most_names || name.find_first_of("#/") != name.npos ||
        name.find_first_not_of("0123456789") == name.npos || std::find(names.begin(), names.end(), name) != names.end())
        return false;
    names.push_back(name);
    return true;
}

namespace {

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// Names stand in reports, where each line is about one task.
std::string printable(std::string given) {
    if (std::none_of(given.begin(), given.end(), is_control)) return given;
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out;
    for (char c : given) {
        if (!is_control(c)) {
            out += c;
            continue;
        }
        auto const byte = static_cast<unsigned char>(c);
        out.append("\\x").append({hex[byte >> 4], hex[byte & 15]});
    }
    return out;
}

} // namespace

void task_base::be_called(std::string given) {
    given = printable(std::move(given));
    shows_number_ = from_ && !from_->takes(given);
    name_ = std::move(given);
}

std::string task_base::word() const {
    if (name_.empty()) return from_ ? std::to_string(number) : "main";
    return shows_number_ ? name_ + "#" + std::to_string(number) : name_;
}

std::string task_base::path() const {
    std::string text = word();
    for (lineage* l = from_; l; l = l->parent) text.insert(0, l->word + "/");
    return text;
}

std::size_t write_path(core::fiber const& strand, char* buffer, std::size_t size) noexcept {
    std::size_t used = 0;
    auto add = [&](char const* text, std::size_t length) {
        for (; length > 0 && used < size; --length) buffer[used++] = *text++;
    };
    auto add_text = [&](std::string const& text) { add(text.data(), text.size()); };
    auto& task = static_cast<task_base const&>(strand);
    constexpr std::size_t most = 64;
    lineage const* above[most];
    std::size_t count = 0;
    for (lineage const* l = task.from_; l && count < most; l = l->parent) above[count++] = l;
    while (count > 0) {
        add_text(above[--count]->word);
        add("/", 1);
    }
    add_text(task.name_);
    if (task.name_.empty() && !task.from_) add("main", 4);
    if (task.name_.empty() ? task.from_ != nullptr : task.shows_number_) {
        char digits[21] = "#";
        char* const end = std::to_chars(digits + 1, digits + sizeof(digits), task.number).ptr;
        char* const from = task.name_.empty() ? digits + 1 : digits;
        add(from, static_cast<std::size_t>(end - from));
    }
    return used;
}

core::stack acquire_task_stack(std::size_t size) {
    if (size == 0) size = current_task().home->stack_size();
    return core::acquire_stack(size);
}

// splitmix64 (Steele, Lea, Flood 2014).
std::uint64_t task_base::place(std::uint64_t seed) const noexcept {
    auto with = [](std::uint64_t so_far, std::uint64_t n) {
        std::uint64_t z = so_far + 0x9e3779b97f4a7c15u * (n + 1);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    };
    std::uint64_t made = with(seed, number);
    for (lineage* l = from_; l; l = l->parent) made = with(made, l->number);
    return made;
}

std::uint64_t task_base::draw() noexcept { return place(home->jitter_seed() + 0x9e3779b97f4a7c15u * ++draws); }

void throw_no_task_runs() {
    throw std::logic_error("no task is running on this thread: tasks, timeouts and waiting need a world around them "
                           "(live::run, sim::run, test::run)");
}

// ---- running and parking ----

namespace {

// The thread's state of whoever runs a task (the loop, or the task that spawns it), put back afterwards.
class runner {
public:
    explicit runner(core::thread_state const& thread) noexcept
        : strand_(thread.strand), pinned_(thread.pinned), task_(thread.task) {}
    void put_back(core::thread_state& thread) const noexcept {
        thread.strand = strand_;
        thread.pinned = pinned_;
        thread.task = task_;
    }

private:
    core::fiber* strand_;
    std::uint32_t pinned_;
    void* task_;
};

void make_running(task_base& task, core::thread_state& thread) noexcept {
    thread.strand = &task;
    thread.pinned = task.pinned_count;
    thread.task = &task;
    task.state = task_base::state_type::running;
}

} // namespace

// A task that parks goes on straight with the next ready one, where the world has one to run: half the switches of
// going through the loop. Not from a task's first stretch, after which the one that spawned it goes on.
[[gnu::always_inline]] inline void scheduler::park(task_base& task, core::thread_state& thread) noexcept {
    core::context here;
    task.parked_at = &here;
    task.pinned_count = thread.pinned;
    if (task.by_loop)
        if (task_base* next = next_to_run()) {
            make_running(*next, thread);
            if (next == &task) return; // nobody else is ready
            next->resumer = task.resumer;
            next->by_loop = true;
            core::switch_to(thread, here, *next->parked_at);
            return;
        }
    core::switch_to(thread, here, *task.resumer);
}

// Until it parks or ends, with those that went on after it; gives the last one.
[[gnu::always_inline]] inline task_base& scheduler::resume(task_base& task) {
    core::thread_state& thread = *core::this_thread();
    runner before(thread);
    make_running(task, thread);
    core::context here;
    task.resumer = &here;
    task.by_loop = true;
    core::switch_to(thread, here, *task.parked_at);
    auto& last = *static_cast<task_base*>(core::this_thread()->task); // `task`, or one that went on after it
    before.put_back(*core::this_thread());
    return last;
}

void scheduler::run(task_base& task) {
    task_base& last = resume(task);
    if (last.state == task_base::state_type::ended) last.destroy(&last);
}

void scheduler::run_watched(task_base& task) {
    debugger_->begins(task);
    resume(task);
    debugger_->ends(task);
    if (task.state == task_base::state_type::ended) task.destroy(&task);
}

[[gnu::always_inline]] inline void scheduler::enter(task_base& task) {
    runner before(*core::this_thread());
    make_running(task, *core::this_thread());
    core::context here;
    core::start_on_stack(task, reinterpret_cast<std::byte*>(&task), here, task.top, nullptr);
    before.put_back(*core::this_thread());
}

void scheduler::start(task_base& task) {
    enter(task);
    if (task.state == task_base::state_type::ended) task.destroy(&task);
}

void scheduler::start_watched(task_base& task) {
    debugger_->begins(task);
    enter(task);
    debugger_->ends(task);
    if (task.state == task_base::state_type::ended) task.destroy(&task);
}

namespace {
constinit std::mutex list_of_schedulers;
}
constinit scheduler* scheduler::newest_ = nullptr;

scheduler::scheduler() {
    core::name_of_strand.store(&write_path, std::memory_order_relaxed);
    std::lock_guard const lock(list_of_schedulers);
    older_ = newest_;
    if (older_) older_->newer_ = this;
    newest_ = this;
}

scheduler::~scheduler() {
    std::lock_guard const lock(list_of_schedulers);
    (newer_ ? newer_->older_ : newest_) = older_;
    if (older_) older_->newer_ = newer_;
}

void scheduler::adopt(task_base& task) noexcept {
    task.next_task = first_task_;
    if (first_task_) first_task_->previous_task = &task;
    first_task_ = &task;
    ++task_count_;
}

void scheduler::release(task_base& task) noexcept {
    disarm(task);
    (task.previous_task ? task.previous_task->next_task : first_task_) = task.next_task;
    if (task.next_task) task.next_task->previous_task = task.previous_task;
    --task_count_;
}

void scheduler::operator()(spawn const& op) {
    if (debugger_) [[unlikely]]
        start_watched(*op.task);
    else
        start(*op.task);
}

void scheduler::operator()(suspend const& op) {
    core::thread_state& thread = *core::this_thread();
    task_base& task = current_task();
    if (thread.running != &task) core::refuse_in_unwinding(op.what); // a task's own stack is never dropped
    if (task.holds) [[unlikely]]
        refuse_under_hold(task, op);
    task.waits_for = op.what;
    task.waits_on = op.on;
    if (op.ready) {
        task.state = task_base::state_type::ready;
        enqueue(task);
    } else {
        task.wakes_at = op.until;
        if (time_point at = std::min(op.until, task.innermost->nearest()); at != never) arm(task, at);
        task.state = task_base::state_type::parked;
    }
    park(task, thread);
    task.waits_for = nullptr;
}

void scheduler::wake(task_base& task) noexcept {
    if (task.state != task_base::state_type::parked) return;
    task.state = task_base::state_type::ready;
    enqueue(task);
}

void scheduler::interrupt(task_base& task) noexcept {
    if (!task.interruptible || task.state != task_base::state_type::parked) return;
    if (task.waits_in) task.waits_in->withdraw();
    wake(task);
}

// ---- timers ----

void scheduler::place(std::size_t i, timer t) noexcept {
    timers_[i] = t;
    t.task->timer_index = i;
}

void scheduler::sift_up(std::size_t i, timer t) noexcept {
    while (i > 0) {
        std::size_t parent = (i - 1) / 4;
        if (!t.before(timers_[parent])) break;
        place(i, timers_[parent]);
        i = parent;
    }
    place(i, t);
}

void scheduler::sift_down(std::size_t i, timer t) noexcept {
    for (;;) {
        std::size_t first = 4 * i + 1;
        if (first >= timers_.size()) break;
        std::size_t least = first;
        for (std::size_t c = first + 1; c < std::min(first + 4, timers_.size()); ++c)
            if (timers_[c].before(timers_[least])) least = c;
        if (!timers_[least].before(t)) break;
        place(i, timers_[least]);
        i = least;
    }
    place(i, t);
}

// An entry that is early enough stays: it is looked at again when it fires. So a deadline over many short waits costs
// one entry, not one a wait.
void scheduler::arm(task_base& task, time_point at) {
    if (task.timer_index == task_base::no_timer) {
        timers_.push_back({});
        sift_up(timers_.size() - 1, {at, timer_order_++, &task});
    } else if (at < timers_[task.timer_index].at) {
        sift_up(task.timer_index, {at, timer_order_++, &task});
    }
}

void scheduler::disarm(task_base& task) noexcept {
    std::size_t i = task.timer_index;
    if (i == task_base::no_timer) return;
    task.timer_index = task_base::no_timer;
    timer last = timers_.back();
    timers_.pop_back();
    if (i == timers_.size()) return;
    if (i > 0 && last.before(timers_[(i - 1) / 4]))
        sift_up(i, last);
    else
        sift_down(i, last);
}

time_point scheduler::next_timer() noexcept {
    while (!timers_.empty()) {
        task_base& task = *timers_.front().task;
        bool parked = task.state == task_base::state_type::parked;
        time_point wanted = parked ? std::min(task.wakes_at, task.innermost->nearest()) : never;
        if (wanted == timers_.front().at) return wanted;
        disarm(task); // nobody waits for it any more, or not as early
        if (wanted != never) arm(task, wanted);
    }
    return never;
}

void scheduler::fire_timers() noexcept {
    time_point instant = now();
    while (next_timer() <= instant) {
        task_base& task = *timers_.front().task;
        disarm(task);
        scope::expire(*task.innermost, instant);
        if (task.state != task_base::state_type::parked) continue;
        if (task.wakes_at <= instant)
            wake(task);
        else if (time_point at = std::min(task.wakes_at, task.innermost->nearest()); at != never)
            arm(task, at);
    }
}

} // namespace effects::async::detail

namespace effects::async {
time_point now() { return detail::current_task().home->now(); }
time_point deadline() { return detail::current_task().innermost->deadline(); }
} // namespace effects::async
