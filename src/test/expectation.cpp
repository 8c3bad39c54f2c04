// SPDX-License-Identifier: BSL-1.0
#include <effects/test/detail/mock_state.hpp>

#include <algorithm>
#include <stdexcept>

#include <effects/test/expectation.hpp>

namespace effects::test::detail {

expectation_base::~expectation_base() = default;
book_base::~book_base() = default;

std::size_t expectation_base::least() const noexcept {
    if (stub) return 0;
    return counted ? given_least : std::max<std::size_t>(replies, 1);
}

std::size_t expectation_base::most() const noexcept {
    if (stub) return how_often::no_limit;
    return counted ? given_most : std::max<std::size_t>(replies, 1);
}

void expectation_base::count_reply(bool once) noexcept {
    ++replies;
    if (replies == 1) first_reply_once = once;
    if (replies == 2 && used > 0) used_before = used - 1;
}

bool expectation_base::has_replies_left() const noexcept {
    if (replies > 1) return used - used_before < replies;
    return used == 0 || !first_reply_once;
}

// Those before it have been met, and none after it has come.
bool expectation_base::in_turn() const noexcept {
    for (auto const& s : sequences) {
        bool before = true;
        for (expectation_base const* e : s->members) {
            if (e == this)
                before = false;
            else if (before ? e->used < e->least() : e->used > 0)
                return false;
        }
    }
    return true;
}

void expectation_base::use(std::size_t call_number) {
    ++used;
    if (!stub) calls.push_back(call_number);
}

std::string expectation_base::wanted_text() const {
    if (stub) return "any number of times";
    std::size_t low = least(), high = most();
    if (high == 0) return "never";
    if (low == high) return times_text(low);
    if (high == how_often::no_limit) return "at least " + times_text(low);
    if (low == 0) return "at most " + times_text(high);
    return describe(low) + " to " + times_text(high);
}

std::string expectation_base::why_closed() const {
    if (most() == 0) return "matches, but is never to come";
    if (used >= most()) {
        std::string text = "matches, but has come " + times_text(used) + " already: call";
        if (calls.size() > 1) text += 's';
        for (std::size_t i = 0; i < calls.size(); ++i) text.append(i ? ", " : " ").append(describe(calls[i]));
        return text;
    }
    if (!has_replies_left())
        return replies > 1 ? "matches, but its " + describe(replies) + " replies are used up"
                           : "matches, but its reply, which can't be copied, is used up";
    for (auto const& s : sequences) {
        bool before = true;
        for (expectation_base const* e : s->members) {
            if (e == this)
                before = false;
            else if (before && e->used < e->least())
                return "matches, but comes too early: before it must come, as " + place_text(e->made) + " says,\n" +
                       e->description();
            else if (!before && e->used > 0)
                return "matches, but comes too late: after it was to come, as " + place_text(e->made) + " says,\n" +
                       e->description();
        }
    }
    return {};
}

void put_in_order(std::vector<expectation_base*> expectations) {
    auto order = std::make_shared<sequence>();
    order->members = std::move(expectations);
    if (order->members.empty()) return;
    mock_state& owner = order->members.front()->owner;
    std::lock_guard lock(owner.mutex());
    for (expectation_base* e : order->members) {
        if (&e->owner != &owner) throw std::invalid_argument("in_order: the expectations belong to different mocks");
        if (std::count(order->members.begin(), order->members.end(), e) > 1)
            throw std::invalid_argument("in_order: an expectation is given twice; use .times(n), or expect it twice");
    }
    for (expectation_base* e : order->members) e->sequences.push_back(order);
}

std::string place_text(std::source_location where) {
    return std::string(where.file_name()) + ":" + describe(where.line());
}

std::string waiting_text(operation_info const& operation, char const* how, expectation_base const& as) {
    return "a mocked " + std::string(operation.name) + " that " + how + ", " +
           (as.stub ? "stubbed at " : "expected at ") + place_text(as.made);
}

std::string times_text(std::size_t count) { return count == 1 ? "once" : describe(count) + " times"; }

std::string indented(std::string text, std::size_t by) {
    while (text.ends_with('\n')) text.pop_back();
    std::string margin(by, ' ');
    for (std::size_t at = 0; (at = text.find('\n', at)) != text.npos; ++at) text.insert(at + 1, margin);
    return margin + text;
}

} // namespace effects::test::detail
