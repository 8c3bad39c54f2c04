// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <type_traits>
#include <vector>

#include <effects/detail/frame.hpp>
#include <effects/operation.hpp>
#include <effects/test/describe.hpp>
#include <effects/test/failure.hpp>
#include <effects/unhandled_operation.hpp>

namespace effects::test::detail {

using effects::detail::operation_info;

class mock_state;
class expectation_base;

// Expectations that must be met in this order. All of one mock.
struct sequence {
    std::vector<expectation_base*> members;
};

// What a mock wants to see, or answers, as far as it is the same for all operations. Changed under the mock's lock.
class expectation_base {
public:
    expectation_base(mock_state& of, std::source_location at, bool is_stub) noexcept
        : owner(of), made(at), stub(is_stub) {}
    expectation_base(expectation_base const&) = delete;
    expectation_base& operator=(expectation_base const&) = delete;
    virtual ~expectation_base();

    virtual bool matches(void const* op) const = 0;
    virtual std::vector<std::string> differences(void const* op) const = 0;
    virtual std::string description() const = 0;

    std::size_t least() const noexcept;
    std::size_t most() const noexcept;
    bool has_replies_left() const noexcept;
    bool open() const noexcept { return used < most() && has_replies_left() && (sequences.empty() || in_turn()); }
    bool in_turn() const noexcept;
    std::string wanted_text() const; // "once"
    std::string why_closed() const;  // of one that matches and yet does not take the call
    void use(std::size_t call_number);
    void count_reply(bool once) noexcept; // one more; `once`: it can be given once only

    mock_state& owner;
    std::source_location const made;
    bool stub;
    bool counted = false; // `least` and `most` were given; else they follow from the replies
    bool first_reply_once = false;
    bool blamed = false; // reported as unmet
    std::size_t given_least = 0;
    std::size_t given_most = 0;
    std::size_t replies = 0;
    std::size_t used = 0;
    std::size_t used_before = 0; // by calls that had the first reply, more often than once, before there was a second
    std::vector<std::size_t> calls; // their numbers in the mock's log; of stubs none
    std::vector<std::shared_ptr<sequence>> sequences;
};

// All that a mock knows of one operation's type.
class book_base {
public:
    explicit book_base(operation_info const& of) noexcept : operation(&of) {}
    book_base(book_base const&) = delete;
    book_base& operator=(book_base const&) = delete;
    virtual ~book_base();

    virtual void record(void const* op) = 0;
    virtual std::string text_of_call(std::size_t index) const = 0;
    virtual std::string text_of(void const* op) const = 0;

    operation_info const* operation;
    std::vector<std::shared_ptr<expectation_base>> expectations;
    std::size_t recorded = 0;
};

template <class Op>
class book final : public book_base {
public:
    using book_base::book_base;

    void record(void const* op) override {
        if constexpr (std::is_copy_constructible_v<Op>)
            calls.push_back(*static_cast<Op const*>(op));
        else // it will be gone when the text is wanted
            calls.push_back(text_of(op));
        ++recorded;
    }
    std::string text_of_call(std::size_t index) const override {
        if constexpr (std::is_copy_constructible_v<Op>)
            return text_of(&calls[index]);
        else
            return calls[index];
    }
    std::string text_of(void const* op) const override { return describe(*static_cast<Op const*>(op)); }

    std::deque<std::conditional_t<std::is_copy_constructible_v<Op>, Op, std::string>> calls;
};

// The untyped part of a mock. Handlers of several threads may run at once; the lock is never held while an operation
// waits. It is recursive because the user's predicates run under it, and may ask the mock for its calls.
class mock_state {
public:
    // `name` is what an unhandled operation's diagnosis calls it.
    mock_state(std::string_view name, std::source_location made);
    mock_state(mock_state const&) = delete;
    mock_state& operator=(mock_state const&) = delete;
    ~mock_state();

    effects::detail::frame_table const* table() const noexcept { return &table_; }
    std::source_location made() const noexcept { return made_; }
    std::recursive_mutex& mutex() const noexcept { return mutex_; }

    // Null where the mock knows nothing of it.
    book_base* find(operation_info const& operation) const noexcept {
        for (auto const& b : books_)
            if (b->operation == &operation) return b.get();
        return nullptr;
    }
    void add(std::unique_ptr<book_base> new_book, effects::detail::any_function answer);

    // Notes the call and finds who answers it. Throws unexpected_operation, which says `where` it was performed.
    expectation_base& take(book_base& of, void const* op, std::source_location where);
    bool expects(operation_info const& operation) const;        // has expectations of it
    void note(operation_info const& operation, void const* op); // answered by default
    [[noreturn]] void fail_without_reply(expectation_base const& e, std::source_location where);

    std::vector<std::string> log() const;
    // By test::run, which tells what failed, also of a mock that is destroyed before it gets to that.
    void watched(bool by_run) noexcept { watched_ = by_run; }
    bool watched() const noexcept { return watched_; }
    // What failed and was not told before; also what was not met, which is told once.
    std::vector<failure> take_failures(bool unmet_too);

private:
    struct logged {
        book_base* of;
        std::size_t index;
    };

    static void on_unhandled(effects::detail::frame& home, unhandled_operation const& error);
    [[noreturn]] void refuse(book_base& of, void const* op, std::source_location where);
    std::string nearest_text(book_base const& of, void const* op, std::source_location& where) const;
    std::string calls_text(std::size_t count) const;
    std::string unhandled_text(unhandled_operation const& error) const;

    mutable std::recursive_mutex mutex_;
    std::source_location made_;
    std::vector<std::unique_ptr<book_base>> books_;
    std::vector<effects::detail::clause_entry> entries_;
    effects::detail::frame_table table_;
    std::vector<logged> log_;
    std::vector<failure> failures_;
    bool watched_ = false;
};

void put_in_order(std::vector<expectation_base*> expectations);

std::string place_text(std::source_location where); // "orders_test.cpp:12", with the path as the compiler was given it
std::string times_text(std::size_t count);          // "once", "3 times"
std::string indented(std::string text, std::size_t by = 4); // each of its lines

} // namespace effects::test::detail
