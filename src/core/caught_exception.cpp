// SPDX-License-Identifier: BSL-1.0
#include <effects/detail/caught_exception.hpp>

#ifdef EFFECTS_RAISES_AGAIN

#include <cstring>
#include <typeinfo>

#include <cxxabi.h>

#include <effects/detail/switch.hpp>

namespace effects::detail {

namespace {

// __cxa_exception (Itanium C++ ABI, 2.2.1), which lies before what was thrown. std::rethrow_exception's
// __cxa_dependent_exception has other things in the place of the first two, and the rest where it is here.
struct exception_header {
    std::type_info* type;
    void (*destructor)(void*);
    void (*unexpected_handler)();
    void (*terminate_handler)();
    exception_header* next_exception; // being handled, further out
    int handler_count;                // catch clauses that handle it now
    int handler_switch_value;
    void const* action_record;
    void const* language_specific_data;
    void* catch_temp;
    void* adjusted_pointer;
    _Unwind_Exception unwind_header;
};

exception_globals& globals() noexcept { return *reinterpret_cast<exception_globals*>(abi::__cxa_get_globals()); }

bool is_of_cxx(_Unwind_Exception const& e) noexcept { // thrown by this runtime, so that it has the header
    constexpr char ours[] = {'G', 'N', 'U', 'C', 'C', '+', '+'};
    char bytes[8];
    for (int i = 0; i != 8; ++i) bytes[i] = static_cast<char>(e.exception_class >> (56 - 8 * i));
    return std::memcmp(bytes, ours, sizeof ours) == 0;
}

} // namespace

// What __cxa_end_catch does to an exception that `throw;` has raised again: it is not being handled any more, and lives on. The
// clause's own __cxa_end_catch then finds nothing to end.
void caught_exception::take() noexcept {
    auto* handled = static_cast<exception_header*>(globals().caught);
    if (!handled) return;
    if (is_of_cxx(handled->unwind_header)) {
        globals().caught = handled->next_exception;
        handled->handler_count = 0;
    } else {
        globals().caught = nullptr;
    }
    held_ = &handled->unwind_header;
}

void caught_exception::count_in_flight(pointer e) noexcept {
    if (is_of_cxx(*e)) ++globals().uncaught; // __cxa_begin_catch counts down for these alone
}

void caught_exception::not_caught(pointer e) noexcept {
    abi::__cxa_begin_catch(e);
    std::terminate();
}

void caught_exception::discard() noexcept { _Unwind_DeleteException(held_); }

} // namespace effects::detail

#endif // EFFECTS_RAISES_AGAIN
