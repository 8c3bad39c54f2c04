// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <effects/handle.hpp>
#include <effects/http/error.hpp>
#include <effects/http/router.hpp>
#include <effects/os/log.hpp>
#include <effects/perform.hpp>

namespace http = effects::http;

namespace {

struct next_id {
    using result_type = int;
};

// Answers with the pattern and what its parameters took.
http::router::handler says(std::string what) {
    return [what](http::incoming const&) { return http::ok_text(what); };
}

std::string body_of(http::router const& r, std::string const& target, std::string const& method = "GET") {
    auto answer = r(http::incoming(method, target));
    return answer.status == 200 ? answer.body : std::to_string(answer.status);
}

} // namespace

TEST_CASE("a route takes parameters out of the path, decoded", "[http][router]") {
    http::router r;
    r.get("/shops/{shop}/orders/{id}", [](http::incoming const& in) {
        return http::ok_text(in.param("shop") + ":" + std::to_string(in.param<long>("id") + 1));
    });

    CHECK(body_of(r, "/shops/a%2Fb%20c/orders/41") == "a/b c:42");
    CHECK(body_of(r, "/shops/a/orders/41?x=/y") == "a:42");
    CHECK(body_of(r, "/shops//orders/41") == "404");
    CHECK(body_of(r, "/shops/a/orders") == "404");
    CHECK(body_of(r, "/shops/a/orders/1/2") == "404");
    CHECK(body_of(r, "/shops/a/orders/1/") == "404");
}

TEST_CASE("a fixed segment goes before a parameter, a parameter before a rest", "[http][router]") {
    http::router r;
    r.get("/{rest...}", says("rest")).get("/a/{x}", says("parameter")).get("/a/b", says("fixed"));
    r.get("/a/{x}/c", says("parameter c"));

    CHECK(body_of(r, "/a/b") == "fixed");
    CHECK(body_of(r, "/a/z") == "parameter");
    CHECK(body_of(r, "/a/b/c") == "parameter c");
    CHECK(body_of(r, "/a/b/d") == "rest");
    CHECK(body_of(r, "/") == "rest");
}

TEST_CASE("a rest takes all that is left, also nothing", "[http][router]") {
    http::router r;
    r.get("/files/{path...}", [](http::incoming const& in) { return http::ok_text("[" + in.param("path") + "]"); });

    CHECK(body_of(r, "/files/a/b%20c/d.txt") == "[a/b c/d.txt]");
    CHECK(body_of(r, "/files/") == "[]");
    CHECK(body_of(r, "/files") == "[]");
    CHECK(body_of(r, "/file") == "404");
}

TEST_CASE("routes of one shape may name their parameters each its own way", "[http][router]") {
    http::router r;
    r.get("/x/{a}", [](http::incoming const& in) { return http::ok_text("get " + in.param("a")); });
    r.put("/x/{b}", [](http::incoming const& in) { return http::ok_text("put " + in.param("b")); });

    CHECK(body_of(r, "/x/1") == "get 1");
    CHECK(body_of(r, "/x/2", "PUT") == "put 2");
}

TEST_CASE("a path without the method is a 405 that says which there are", "[http][router]") {
    http::router r;
    r.get("/a", says("a")).post("/a", says("a")).del("/b", says("b"));

    auto answer = r(http::incoming("PATCH", "/a"));
    CHECK(answer.status == 405);
    CHECK(answer.header("Allow") == "GET, HEAD, POST");
    CHECK(r(http::incoming("GET", "/b")).header("Allow") == "DELETE");
    CHECK(r(http::incoming("GET", "/c")).status == 404);
}

TEST_CASE("HEAD is answered by GET, without its body", "[http][router]") {
    http::router r;
    r.get("/a", says("hello"));

    auto answer = r(http::incoming("HEAD", "/a"));

    CHECK(answer.status == 200);
    CHECK(answer.body.empty());
    CHECK(answer.header("Content-Length") == "5");
}

TEST_CASE("handlers may take nothing and give nothing", "[http][router]") {
    http::router r;
    int calls = 0;
    r.post("/a", [&] { ++calls; }).get("/b", [] { return http::ok_text("b"); });
    r.put("/c", [&](http::incoming const& in) { calls += static_cast<int>(in.body().size()); });

    CHECK(r(http::incoming("POST", "/a")).status == 204);
    CHECK(body_of(r, "/b") == "b");
    CHECK(r(http::incoming("PUT", "/c", {}, "four")).status == 204);
    CHECK(calls == 5);
}

TEST_CASE("a parameter that is no number is a 400 that says which", "[http][router]") {
    http::router r;
    r.get("/n/{n}", [](http::incoming const& in) { return http::ok(in.param<int>("n")); });
    r.get("/q", [](http::incoming const& in) { return http::ok(in.query<double>("x").value_or(-1)); });
    r.get("/b", [](http::incoming const& in) { return http::ok(in.query<bool>("on").value_or(false)); });

    CHECK(body_of(r, "/n/-7") == "-7");
    for (std::string const bad : {"abc", "7x", "99999999999", "1.5",
                                  "%20"
                                  "1"}) {
        CAPTURE(bad);
        auto answer = r(http::incoming("GET", "/n/" + bad));
        CHECK(answer.status == 400);
        CHECK_THAT(answer.body, Catch::Contains("path parameter n"));
    }
    CHECK(body_of(r, "/q?x=2.5") == "2.5");
    CHECK(body_of(r, "/q") == "-1.0");
    CHECK(body_of(r, "/q?x=") == "400");
    CHECK(body_of(r, "/b?on=1") == "true");
    CHECK(body_of(r, "/b?on=maybe") == "400");
}

TEST_CASE("a malformed JSON body is a 400 that says where", "[http][router][json]") {
    http::router r;
    r.post("/a", [](http::incoming const& in) { return http::ok(in.json().at("x")); });

    CHECK(r(http::incoming("POST", "/a", {}, R"({"x": 5})")).body == "5");
    auto answer = r(http::incoming("POST", "/a", {}, R"({"x": )"));
    CHECK(answer.status == 400);
    CHECK_THAT(answer.body, Catch::Contains("malformed JSON at byte 6"));
    CHECK(r(http::incoming("POST", "/a")).status == 400);
}

TEST_CASE("a handler answers with an error by throwing it", "[http][router]") {
    http::router r;
    r.get("/a", []() -> http::response { throw http::request_error(409, "already paid"); });

    auto answer = r(http::incoming("GET", "/a"));

    CHECK(answer.status == 409);
    CHECK(answer.json() == nlohmann::json{{"error", "already paid"}});
}

TEST_CASE("any other exception is a 500 without a word of it, and the observer sees it", "[http][router]") {
    http::router r;
    std::string seen;
    r.get("/a", []() -> http::response { throw std::runtime_error("password is s3cret"); });
    r.on_error([&](http::incoming const& in, std::exception_ptr e) {
        try {
            std::rethrow_exception(e);
        } catch (std::exception const& x) {
            seen = in.path() + " " + x.what();
        }
    });

    auto answer = r(http::incoming("GET", "/a"));

    CHECK(answer.status == 500);
    CHECK_THAT(answer.body, !Catch::Contains("s3cret"));
    CHECK(seen == "/a password is s3cret");
}

TEST_CASE("an exception that no observer sees is in the log", "[http][router]") {
    http::router r;
    r.get("/a", []() -> http::response { throw std::runtime_error("disk on fire"); });
    effects::os::collected_log lines;

    effects::handle([&] { return r(http::incoming("GET", "/a?token=s3cret")); }, lines);

    REQUIRE(lines.records().size() == 1);
    CHECK(lines.records()[0].level == effects::os::level::error);
    CHECK(lines.records()[0].fields[1] == effects::os::log_field{"target", "/a?token=***"});
    CHECK(lines.records()[0].fields[2] == effects::os::log_field{"error", "disk on fire"});
}

TEST_CASE("malformed JSON of another service is a 500, not the client's fault", "[http][router][json]") {
    http::router r;
    r.get("/a", [] { return http::ok(http::respond(200, "{").json()); });

    CHECK(r(http::incoming("GET", "/a")).status == 500);
}

TEST_CASE("a malformed path or target is a 400", "[http][router]") {
    http::router r;
    r.get("/{x}", says("x"));

    CHECK(body_of(r, "/%zz") == "400");
    CHECK(body_of(r, "/%2") == "400");
    CHECK(body_of(r, "no-slash") == "400");
    CHECK(body_of(r, "") == "400");
    CHECK(body_of(r, "http://host/ok") == "x");
    CHECK(body_of(r, "http://host") == "404");
}

TEST_CASE("a malformed or repeated pattern is refused when it is added", "[http][router]") {
    http::router r;
    r.get("/a/{x}", says("x"));
    for (std::string const bad :
         {"a", "", "/a{x}", "/{", "/{}", "/{a b}", "/{x}/{x}", "/{r...}/x", "/a/{other}", "/%zz"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(r.get(bad, says("x")), std::invalid_argument);
    }
    CHECK_THROWS_AS(r.route("GE T", "/b", says("x")), std::invalid_argument);
    CHECK_THROWS_AS(r.route("GET", "/b", http::router::handler()), std::invalid_argument);
    CHECK_NOTHROW(r.put("/a/{other}", says("x")));
}

TEST_CASE("a router can be mounted under a prefix", "[http][router]") {
    http::router api;
    api.get("/", says("root")).get("/orders/{id}", [](http::incoming const& in) {
        return http::ok_text(in.param("id"));
    });
    api.get("/files/{path...}", [](http::incoming const& in) { return http::ok_text(in.param("path")); });
    http::router r;
    r.mount("/api/v1", api).mount("/{tenant}/x", api);

    CHECK(body_of(r, "/api/v1") == "root");
    CHECK(body_of(r, "/api/v1/orders/7") == "7");
    CHECK(body_of(r, "/api/v1/files/a/b") == "a/b");
    CHECK(body_of(r, "/me/x/orders/8") == "8");
    CHECK_THROWS_AS(r.mount("/", api), std::invalid_argument);
    CHECK_THROWS_AS(r.mount("/api/v1", api), std::invalid_argument);
}

TEST_CASE("copies of a router share nothing", "[http][router]") {
    http::router a;
    a.get("/a", says("a"));
    http::router b = a;
    b.get("/b", says("b"));

    CHECK(body_of(a, "/b") == "404");
    CHECK(body_of(b, "/a") == "a");
}

TEST_CASE("a router answers requests in process, and its handlers perform effects", "[http][router]") {
    http::router r;
    r.post("/orders", [](http::incoming const& in) {
        return http::created({{"id", effects::perform(next_id{})}, {"sku", in.json().at("sku")}});
    });

    auto answer = effects::handle(
        [] {
            return effects::perform(http::post("https://shop.example/orders?x=1").json({{"sku", "A1"}}));
        },
        http::in_process(r), [](next_id const&) { return 7; });

    CHECK(answer.status == 201);
    CHECK(answer.json() == nlohmann::json{{"id", 7}, {"sku", "A1"}});
    CHECK(answer.url == "https://shop.example/orders?x=1");
}

TEST_CASE("in process, redirects are followed as the client does", "[http][router][redirect]") {
    http::router r;
    r.post("/a", [] { return http::redirect("/b?from=a", 303); });
    r.get("/b", [](http::incoming const& in) { return http::ok_text(in.query("from").value_or("?")); });
    r.get("/loop", [] { return http::redirect("/loop"); });
    auto ask = [&](http::request const& q) {
        return effects::handle([&] { return effects::perform(q); }, http::in_process(r));
    };

    CHECK(ask(http::post("/a")).body == "a");
    CHECK(ask(http::post("/a")).history == std::vector<std::string>{"http://in-process/a"});
    CHECK(ask(http::post("/a").follow_redirects(false)).status == 303);
    try {
        ask(http::get("/loop?token=s3cret"));
        FAIL("no exception");
    } catch (http::error const& e) {
        CHECK(e.code() == http::errc::too_many_redirects);
        CHECK(std::string(e.what()) ==
              "while GET /loop?token=***: more than 10 redirects, the last to http://in-process/loop");
    }
}

TEST_CASE("an incoming request gives its parts", "[http][incoming]") {
    http::incoming in("POST", "/a/b?x=1&x=2&y=a%20b", {{"Cookie", "a=1; sid = s ; b=2"}, {"X-A", "v"}}, "k=v&k2=v+2");

    CHECK(in.path() == "/a/b");
    CHECK(in.query("x") == "1");
    CHECK(in.query("y") == "a b");
    CHECK(in.query("z") == std::nullopt);
    CHECK(in.query().size() == 3);
    CHECK(in.cookie("sid") == "s");
    CHECK(in.cookie("none") == std::nullopt);
    CHECK(in.header("x-a") == "v");
    CHECK(in.form() == std::vector<http::field>{{"k", "v"}, {"k2", "v 2"}});
    CHECK_THROWS_AS(in.param("id"), std::logic_error);
}
