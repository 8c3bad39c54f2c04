// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <effects/http/incoming.hpp>
#include <effects/http/request.hpp>
#include <effects/http/response.hpp>
#include <effects/operation.hpp>

namespace effects::http {

/// A handler of a route: called with the request, or with nothing; gives a response, or nothing (204).
template <class F>
concept route_handler = (std::invocable<F&, incoming const&> &&
                         (std::convertible_to<std::invoke_result_t<F&, incoming const&>, response> ||
                          std::is_void_v<std::invoke_result_t<F&, incoming const&>>)) ||
                        (std::invocable<F&> && (std::convertible_to<std::invoke_result_t<F&>, response> ||
                                                std::is_void_v<std::invoke_result_t<F&>>));

/// Says which function answers which request: what `http::serve` serves, and, without a socket, `http::in_process`.
///
///     http::router routes;
///     routes.get("/orders/{id}", [](http::incoming const& in) { return http::ok(find(in.param<long>("id"))); });
///     routes.get("/files/{path...}", [](http::incoming const& in) { return file(in.param("path")); });
///
/// `{name}` takes one segment of the path, decoded; `{name...}`, at the end, takes the rest. A fixed segment goes before a
/// parameter, a parameter before a rest. A path without a route is a 404; one without the method, a 405 with Allow. HEAD is answered by
/// GET without its body. A handler that throws `request_error` answers with its status and message; any other exception
/// goes to `on_error`, or the log (`os::log`), and the client gets a 500 without a word of it.
///
/// Copies share nothing. Add the routes first: answering is for many tasks and threads at once, adding is not.
class router {
public:
    using handler = std::function<response(incoming const&)>;
    using error_observer = std::function<void(incoming const&, std::exception_ptr)>;

    router();
    router(router const&);
    router(router&&) noexcept;
    router& operator=(router const&);
    router& operator=(router&&) noexcept;
    ~router();

    /// Throws `std::invalid_argument` for a malformed pattern or one that is there already for this method.
    router& route(std::string const& method, std::string const& pattern, handler answer);
    template <route_handler F>
        requires(!std::same_as<std::remove_cvref_t<F>, handler>)
    router& route(std::string const& method, std::string const& pattern, F answer) {
        return route(method, pattern, erased(std::move(answer)));
    }

    router& get(std::string const& pattern, route_handler auto f) { return route("GET", pattern, std::move(f)); }
    router& post(std::string const& pattern, route_handler auto f) { return route("POST", pattern, std::move(f)); }
    router& put(std::string const& pattern, route_handler auto f) { return route("PUT", pattern, std::move(f)); }
    router& patch(std::string const& pattern, route_handler auto f) { return route("PATCH", pattern, std::move(f)); }
    router& del(std::string const& pattern, route_handler auto f) { return route("DELETE", pattern, std::move(f)); }
    router& head(std::string const& pattern, route_handler auto f) { return route("HEAD", pattern, std::move(f)); }
    router& options(std::string const& pattern, route_handler auto f) {
        return route("OPTIONS", pattern, std::move(f));
    }

    /// Adds every route of `other` under a prefix: `routes.mount("/api/v1", api)`. Its `on_error` is not taken.
    router& mount(std::string const& prefix, router const& other);

    /// Sees every exception that became a 500, in place of the log, in the task that answers. It may perform effects, and must not throw.
    router& on_error(error_observer observer);

    /// Answers. Throws only what is no `std::exception`: cancellation and unwinding.
    response operator()(incoming in) const;

private:
    template <class F>
    static handler erased(F answer) {
        return [answer = std::move(answer)](incoming const& in) mutable -> response {
            auto call = [&]() -> decltype(auto) {
                if constexpr (std::invocable<F&, incoming const&>)
                    return answer(in);
                else
                    return answer();
            };
            if constexpr (std::is_void_v<decltype(call())>) {
                call();
                return no_content();
            } else {
                return call();
            }
        };
    }

    struct node;
    struct match;
    std::unique_ptr<node> root_;
    error_observer on_error_;
};

/// Answers `http::request` by a router, without a socket: to test a service, or to run two in one process.
///
///     auto answer = effects::handle([] { return perform(http::get("/orders/7")); }, http::in_process(routes));
///
/// Whatever the URL's host. Follows redirects as `http::client` does; has no cookies and knows no timeout.
class in_process {
public:
    using operations = effects::operations<request>;

    explicit in_process(router routes) : routes_(std::move(routes)) {}
    response operator()(request const& r) const;

private:
    router routes_;
};

} // namespace effects::http
