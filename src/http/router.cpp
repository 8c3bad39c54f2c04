// SPDX-License-Identifier: BSL-1.0
#include <effects/http/router.hpp>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include <effects/async/cancelled.hpp>
#include <effects/async/detail/task_base.hpp>
#include <effects/http/error.hpp>
#include <effects/http/url.hpp>
#include <effects/os/log.hpp>

#include "hop.hpp"
#include "text.hpp"

namespace effects::http {

// A tree of segments. Children are few: a scan of a short vector beats a hash of the segment.
struct router::node {
    struct route {
        std::string method;
        std::vector<std::string> names; // of the parameters on the way, in order
        handler answer;
    };

    std::string segment;         // fixed text; of no matter for a parameter and a rest
    std::vector<node> fixed;     // children
    std::vector<node> parameter; // none or one
    std::vector<route> routes;   // of a path that ends here
    std::vector<route> rest;     // of a path that ends anywhere below
};

struct router::match {
    std::vector<node::route> const* routes = nullptr;
    std::vector<std::string> values;
};

namespace {

std::vector<std::string_view> segments(std::string_view path) {
    if (path.starts_with('/')) path.remove_prefix(1);
    std::vector<std::string_view> parts;
    if (path.empty()) return parts;
    for (;;) {
        auto end = path.find('/');
        parts.push_back(path.substr(0, end));
        if (end == std::string_view::npos) return parts;
        path.remove_prefix(end + 1);
    }
}

[[noreturn]] void refuse(std::string const& pattern, std::string const& why) {
    throw std::invalid_argument("route pattern " + quoted(pattern) + ": " + why);
}

// Finds the first route that fits, fixed segments before parameters before rests.
template <class Node, class Match>
bool find(Node const& at, std::vector<std::string> const& path, std::size_t depth, Match& found) {
    if (depth == path.size() && !at.routes.empty()) {
        found.routes = &at.routes;
        return true;
    }
    if (depth < path.size()) {
        for (auto const& child : at.fixed)
            if (child.segment == path[depth] && find(child, path, depth + 1, found)) return true;
        for (auto const& child : at.parameter) {
            if (path[depth].empty()) continue;
            found.values.push_back(path[depth]);
            if (find(child, path, depth + 1, found)) return true;
            found.values.pop_back();
        }
    }
    if (at.rest.empty()) return false;
    std::string rest;
    for (auto i = depth; i < path.size(); ++i) (i > depth ? rest += '/' : rest) += path[i];
    found.values.push_back(std::move(rest));
    found.routes = &at.rest;
    return true;
}

template <class Routes>
auto find_method(Routes const& routes, std::string_view method) {
    return std::find_if(routes.begin(), routes.end(), [&](auto const& r) { return r.method == method; });
}

response not_allowed(std::vector<std::string> methods) {
    if (std::find(methods.begin(), methods.end(), "GET") != methods.end()) methods.emplace_back("HEAD");
    std::sort(methods.begin(), methods.end());
    methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
    std::string allow;
    for (auto const& m : methods) allow.append(allow.empty() ? "" : ", ").append(m);
    return problem(405).with_header("Allow", allow);
}

void log_failure(incoming const& in, std::exception_ptr const& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (std::exception const& e) {
        os::log.error("a route's handler failed",
                      {{"method", in.method()}, {"target", redacted_url(in.target())}, {"error", e.what()}});
    } catch (...) {
        os::log.error("a route's handler failed", {{"method", in.method()},
                                                   {"target", redacted_url(in.target())},
                                                   {"error", "it let out a cancellation that was not its own"}});
    }
}

// A `cancelled` that comes from elsewhere (kept, or thrown by hand) is a bug of the handler, as any exception is.
bool this_task_is_cancelled() {
    auto* task = async::detail::current_task_or_null();
    return task && task->innermost->pending();
}

template <class Node, class F>
void each_route(Node const& at, std::string const& path, F const& f) {
    for (auto const& r : at.routes) f(path.empty() ? "/" : path, r, false);
    for (auto const& r : at.rest) f(path, r, true);
    for (auto const& child : at.fixed) each_route(child, path + "/" + percent_encode(child.segment), f);
    for (auto const& child : at.parameter) each_route(child, path + "/{}", f);
}

// "/a/{}/b" with its names put back.
std::string named(std::string pattern, std::vector<std::string> const& names, bool rest) {
    std::size_t from = 0;
    std::size_t used = 0;
    while ((from = pattern.find("{}", from)) != std::string::npos) {
        pattern.insert(from + 1, names[used]);
        from += names[used++].size() + 2;
    }
    if (rest) pattern += "/{" + names.back() + "...}";
    return pattern;
}

} // namespace

router::router() : root_(std::make_unique<node>()) {}
router::router(router const& other) : root_(std::make_unique<node>(*other.root_)), on_error_(other.on_error_) {}
router::router(router&& other) noexcept = default;
router& router::operator=(router const& other) { return *this = router(other); }
router& router::operator=(router&&) noexcept = default;
router::~router() = default;

router& router::route(std::string const& method, std::string const& pattern, handler answer) {
    if (!is_token(method)) throw std::invalid_argument("HTTP method " + quoted(method) + " is not a token");
    if (!pattern.starts_with('/')) refuse(pattern, "does not begin with '/'");
    if (!answer) refuse(pattern, "has an empty handler");

    std::vector<std::string> names;
    auto* at = root_.get();
    auto* routes = static_cast<std::vector<node::route>*>(nullptr);
    auto const parts = segments(pattern);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto part = parts[i];
        bool is_parameter = part.size() > 2 && part.front() == '{' && part.back() == '}';
        if (!is_parameter) {
            if (part.find_first_of("{}") != std::string_view::npos)
                refuse(pattern, "a parameter is a whole segment: /{name}/");
            std::string fixed;
            try {
                fixed = percent_decode(part);
            } catch (std::invalid_argument const& e) {
                refuse(pattern, e.what());
            }
            auto child =
                std::find_if(at->fixed.begin(), at->fixed.end(), [&](node const& n) { return n.segment == fixed; });
            if (child == at->fixed.end()) child = at->fixed.insert(child, node{fixed, {}, {}, {}, {}});
            at = &*child;
            continue;
        }
        part = part.substr(1, part.size() - 2);
        bool rest = part.size() > 3 && part.ends_with("...");
        if (rest) part.remove_suffix(3);
        if (!is_token(part) || part.find('.') != std::string_view::npos)
            refuse(pattern, quoted(part) + " is no name for a parameter");
        if (std::find(names.begin(), names.end(), part) != names.end())
            refuse(pattern, "has the parameter {" + std::string(part) + "} twice");
        names.emplace_back(part);
        if (rest) {
            if (i + 1 != parts.size()) refuse(pattern, "{" + std::string(part) + "...} has to be its end");
            routes = &at->rest;
        } else {
            if (at->parameter.empty()) at->parameter.emplace_back();
            at = &at->parameter.front();
        }
    }
    if (!routes) routes = &at->routes;
    if (find_method(*routes, method) != routes->end()) refuse(pattern, "is there already for " + method);
    routes->push_back({method, std::move(names), std::move(answer)});
    return *this;
}

router& router::mount(std::string const& prefix, router const& other) {
    if (!prefix.starts_with('/') || prefix.size() < 2 || prefix.ends_with('/'))
        refuse(prefix, "a prefix begins with '/' and does not end with it");
    auto copy = other; // which may be *this
    each_route(*copy.root_, "", [&](std::string const& path, node::route const& r, bool rest) {
        auto below = path == "/" && !rest ? std::string{} : path;
        // A parameter of the prefix has its name in the prefix; the names below belong to what is mounted.
        route(r.method, prefix + named(below, r.names, rest), r.answer);
    });
    return *this;
}

router& router::on_error(error_observer observer) {
    on_error_ = std::move(observer);
    return *this;
}

response router::operator()(incoming in) const {
    std::vector<std::string> path;
    auto const raw = in.path();
    if (raw.starts_with('/')) {
        try {
            for (auto part : segments(raw)) path.push_back(percent_decode(part));
        } catch (std::invalid_argument const& e) {
            return bad_request(std::string("malformed path: ") + e.what());
        }
    } else if (raw != "*" || in.method() != "OPTIONS") { // of the whole server (RFC 9112, section 3.2.4)
        return bad_request("malformed request target");
    }

    match found;
    if (!find(*root_, path, 0, found)) return not_found();
    auto chosen = find_method(*found.routes, in.method());
    bool const head_by_get = chosen == found.routes->end() && in.method() == "HEAD";
    if (head_by_get) chosen = find_method(*found.routes, "GET");
    if (chosen == found.routes->end()) {
        std::vector<std::string> methods;
        for (auto const& r : *found.routes) methods.push_back(r.method);
        return not_allowed(std::move(methods));
    }
    in.parameters_.clear();
    for (std::size_t i = 0; i < chosen->names.size(); ++i)
        in.parameters_.push_back({chosen->names[i], std::move(found.values[i])});

    std::exception_ptr failure;
    response answer;
    try {
        answer = chosen->answer(in);
    } catch (request_error const& e) {
        answer = problem(e.status(), e.message());
    } catch (async::cancelled const&) {
        if (this_task_is_cancelled()) throw;
        failure = std::current_exception();
        answer = internal_error();
    } catch (std::exception const&) {
        failure = std::current_exception();
        answer = internal_error();
    }
    if (failure && on_error_)
        on_error_(in, failure);
    else if (failure)
        log_failure(in, failure);
    if (in.method() == "HEAD") {
        answer.headers.set("Content-Length", std::to_string(answer.body.size()));
        answer.body.clear();
    }
    return answer;
}

namespace {

response follow(router const& routes, request const& r) {
    client_options options;
    options.base_url = "http://in-process/";
    options.decompress = false;
    options.user_agent.clear();
    auto h = first_hop(r, options);
    std::vector<std::string> history;
    for (;;) {
        auto answer = routes(incoming(h.method, h.to.target, h.headers, h.body));
        auto next = r.follow_redirects().value_or(true) ? next_hop(h, answer.status, answer.headers) : std::nullopt;
        if (!next) {
            answer.url = std::move(h.url);
            answer.history = std::move(history);
            return answer;
        }
        if (history.size() >= static_cast<std::size_t>(options.max_redirects))
            throw error(errc::too_many_redirects, "more than " + std::to_string(options.max_redirects) +
                                                      " redirects, the last to " + redacted_url(next->url));
        history.push_back(std::move(h.url));
        h = std::move(*next);
    }
}

} // namespace

response in_process::operator()(request const& r) const {
    return with_context([&] { return r.method() + " " + redacted_url(r.url()); }, [&] { return follow(routes_, r); });
}

} // namespace effects::http
