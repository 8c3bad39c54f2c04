// SPDX-License-Identifier: BSL-1.0
#include <effects/test/mock.hpp>

#include <exception>

#include <effects/sql/transaction.hpp>
#include <effects/test/detail/report.hpp>

namespace effects::test {

namespace detail {

namespace {

constexpr std::size_t most_calls_shown = 20;

std::string performed_text(std::source_location where) {
    return "performed at " + place_text(where) + " in `" + where.function_name() + "`\n";
}

} // namespace

mock_state::mock_state(std::string_view name, std::source_location at)
    : made_(at), table_{.entries = nullptr,
                        .size = 0,
                        .handler = name,
                        .told_of_unhandled = &mock_state::on_unhandled,
                        .grows = true,
                        .wants_place = true} {}

mock_state::~mock_state() = default;

void mock_state::add(std::unique_ptr<book_base> new_book, effects::detail::any_function answer) {
    books_.reserve(books_.size() + 1);
    entries_.push_back({new_book->operation, answer, effects::detail::clause_kind::on});
    books_.push_back(std::move(new_book));
    table_.entries = entries_.data();
    table_.size = entries_.size();
}

bool mock_state::expects(operation_info const& operation) const {
    std::lock_guard lock(mutex_);
    book_base* of = find(operation);
    return of && !of->expectations.empty();
}

void mock_state::note(operation_info const& operation, void const* op) {
    std::lock_guard lock(mutex_);
    book_base& of = *find(operation);
    of.record(op);
    log_.push_back({&of, of.recorded - 1});
}

expectation_base& mock_state::take(book_base& of, void const* op, std::source_location where) {
    of.record(op);
    log_.push_back({&of, of.recorded - 1});
    for (auto const& e : of.expectations)
        if (!e->stub && e->open() && e->matches(op)) {
            e->use(log_.size());
            return *e;
        }
    for (auto e = of.expectations.rbegin(); e != of.expectations.rend(); ++e)
        if ((*e)->stub && (*e)->open() && (*e)->matches(op)) {
            (*e)->use(log_.size());
            return **e;
        }
    refuse(of, op, where);
}

void mock_state::refuse(book_base& of, void const* op, std::source_location where) {
    std::source_location about = made_;
    std::string text = "unexpected operation " + std::string(of.operation->name) + "\n" + indented(of.text_of(op)) +
                       "\n" + performed_text(where) + nearest_text(of, op, about) + calls_text(log_.size() - 1);
    failures_.push_back({text, about});
    throw unexpected_operation(text);
}

std::string mock_state::nearest_text(book_base const& of, void const* op, std::source_location& where) const {
    expectation_base const* nearest = nullptr;
    std::vector<std::string> differences;
    for (auto const& e : of.expectations) {
        auto found = e->differences(op);
        bool nearer = !nearest || found.size() < differences.size() ||
                      (found.size() == differences.size() && !nearest->open() && e->open());
        if (!nearer) continue;
        nearest = e.get();
        differences = std::move(found);
    }
    if (!nearest) return {};
    where = nearest->made;
    if (differences.empty()) differences.push_back(nearest->why_closed());
    std::string text = of.expectations.size() == 1
                           ? "the only expectation of its type"
                           : "the nearest of " + describe(of.expectations.size()) + " expectations of its type";
    text += " (" + nearest->wanted_text() + "), made at " + place_text(where) + "\n" +
            indented(nearest->description()) + "\n";
    for (auto const& line : differences) text += indented(line, 6) + "\n";
    return text;
}

std::string mock_state::calls_text(std::size_t count) const {
    if (count == 0) return "calls before it: none";
    std::string text = "calls before it:";
    std::size_t first = count > most_calls_shown ? count - most_calls_shown : 0;
    if (first > 0) text += "\n    (" + describe(first) + " more)";
    for (std::size_t i = first; i < count; ++i)
        text += "\n" + indented(describe(i + 1) + ". " + log_[i].of->text_of_call(log_[i].index));
    return text;
}

void mock_state::fail_without_reply(expectation_base const& e, std::source_location where) {
    std::string text = "no reply was given for\n" + indented(e.description()) + "\n" + performed_text(where) +
                       "say .reply(…), .fail(…), .hang() or .hold() at " + place_text(e.made);
    failures_.push_back({text, e.made});
    throw unexpected_operation(text);
}

void mock_state::on_unhandled(effects::detail::frame& home, unhandled_operation const& error) {
    auto& self = *static_cast<mock_state*>(home.self);
    std::lock_guard lock(self.mutex_);
    self.failures_.push_back({self.unhandled_text(error), error.where()});
}

std::string mock_state::unhandled_text(unhandled_operation const& error) const {
    constexpr std::size_t most_shown = 20;
    std::string text = "unexpected operation " + error.operation() + "\n";
    if (!error.value().empty()) text += indented(error.value()) + "\n";
    text += performed_text(error.where());
    std::string wanted;
    std::size_t count = 0;
    for (auto const& b : books_)
        for (auto const& e : b->expectations)
            if (++count <= most_shown)
                wanted +=
                    "\n" + indented(e->wanted_text() + ", as " + place_text(e->made) + " says:\n" + e->description());
    if (count > most_shown) wanted += "\n    (" + describe(count - most_shown) + " more)";
    text += "nobody handles its type; the mock ";
    if (made_.line() != 0) text += "made at " + place_text(made_) + " ";
    text += wanted.empty() ? "expects nothing" : "expects" + wanted;
    return text + "\n" + calls_text(log_.size());
}

std::vector<std::string> mock_state::log() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> lines;
    lines.reserve(log_.size());
    for (auto const& entry : log_) lines.push_back(entry.of->text_of_call(entry.index));
    return lines;
}

std::vector<failure> mock_state::take_failures(bool unmet_too) {
    std::lock_guard lock(mutex_);
    std::vector<failure> all = std::exchange(failures_, {});
    if (!unmet_too) return all;
    for (auto const& b : books_)
        for (auto const& e : b->expectations) {
            if (e->used >= e->least() || std::exchange(e->blamed, true)) continue;
            all.push_back({"expected " + e->wanted_text() + ", came " + (e->used == 0 ? "never" : times_text(e->used)) +
                               ":\n" + indented(e->description()) + "\n  expected at " + place_text(e->made),
                           e->made});
        }
    return all;
}

std::shared_ptr<mock_state> new_state(std::source_location made) {
    auto state = std::make_shared<mock_state>("test::mock", made);
    answer_by_default<sql::begin>(*state);
    answer_by_default<sql::commit>(*state);
    answer_by_default<sql::rollback>(*state);
    return state;
}

} // namespace detail

mock::mock(std::source_location made) : state_(detail::new_state(made)) {}

mock::~mock() {
    if (!state_ || state_->watched()) return;
    // When an exception ends the test, what did not come any more is no news.
    bool unwinding = std::uncaught_exceptions() > 0;
    detail::report_late(state_->take_failures(!unwinding), !unwinding);
}

void mock::verify() { detail::conclude(state_->take_failures(true), nullptr); }

} // namespace effects::test
