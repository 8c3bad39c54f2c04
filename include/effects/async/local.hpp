// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <effects/clause.hpp>
#include <effects/detail/type_name.hpp>
#include <effects/handle.hpp>
#include <effects/perform.hpp>

namespace effects::async {

template <class T>
class local;

/// What `local<T>::find` performs: which value is in force?
template <class T>
struct find_local {
    using result_type = T const*;
    local<T> const* of;

    static T const* default_answer(find_local const& op) noexcept { return op.of->otherwise(); }
};

namespace detail {
[[noreturn]] void throw_no_local(std::string_view type);
}

/// A value for all that a body calls, and for the tasks of the groups that are made in it: a request's id, a tenant, a log's fields. It is
/// known by the `local` itself, which is best a constant at namespace scope, and shared by all threads.
///
///     inline async::local<std::string> const request_id;
///     request_id.with(id, [&] { serve(request); });                // and wherever that leads:
///     os::log(os::level::info, "saved", {{"request", request_id.get()}});
///
/// A binding is a handler of `find_local<T>`, installed around the body: so an inner one hides an outer one until its body ends, a task sees the
/// bindings that were in force where its *group* was made (and no others: it may outlive those at its `spawn`), and what is not
/// bound costs nothing. Reading costs a perform, and one more for each other local of the same type that is bound further in.
template <class T>
class local {
    static_assert(std::is_object_v<T>, "an async::local has values; bind a pointer or a std::reference_wrapper");

public:
    local() = default;
    /// With a value for where none is bound.
    explicit local(T otherwise) : otherwise_(std::move(otherwise)) {}
    local(local const&) = delete;
    local& operator=(local const&) = delete;

    /// Runs `body` with `value` in force; gives what it returns. The value lasts until then, and is not changed.
    template <class F>
    decltype(auto) with(T value, F&& body) const {
        return handle(std::forward<F>(body), bound_to(std::move(value)));
    }
    /// The binding as a handler, to install with others.
    ///
    ///     live::run(serve, tenant.bound_to("acme"), http::client{});
    auto bound_to(T value) const {
        return effects::on<find_local<T>>([this, value = std::move(value)](find_local<T> const& op) -> T const* {
            return op.of == this ? std::addressof(value) : perform(op);
        });
    }

    /// The value in force; null where none is.
    T const* find() const { return perform(find_local<T>{this}); }
    /// The value in force; `std::logic_error` where none is.
    T const& get() const {
        T const* value = find();
        if (!value) detail::throw_no_local(effects::detail::type_name<T>());
        return *value;
    }
    /// That for where none is bound.
    T const* otherwise() const noexcept { return otherwise_ ? std::addressof(*otherwise_) : nullptr; }

private:
    std::optional<T> otherwise_;
};

} // namespace effects::async
