// SPDX-License-Identifier: BSL-1.0
// Posting JSON with a session's headers, from a function that knows neither client nor token. A caller runs it to its end from
// plain `main`, once and ten at once, against a real server on a loopback port.
#include <iostream>
#include <string>
#include <vector>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/http.hpp>
#include <effects/live.hpp>
#include <nlohmann/json.hpp>

using effects::perform;
namespace async = effects::async;
namespace http = effects::http;
namespace live = effects::live;
namespace net = effects::net;

// ---- business logic: a path and a body, nothing else ----

std::string send_note(std::string const& text) {
    http::response answer = perform(http::post("/notes").json({{"text", text}}));
    return answer.raise_for_status().json().at("id").get<std::string>();
}

// ---- who listens: a service that wants a token ----

http::router notes() {
    http::router routes;
    routes.post("/notes", [n = 0](http::incoming const& in) mutable -> http::response {
        if (in.header("Authorization") != "Bearer s3cret") return http::unauthorized("who are you?");
        if (in.json().at("text").get<std::string>().empty()) return http::unprocessable("an empty note");
        return http::created({{"id", "note-" + std::to_string(++n)}});
    });
    return routes;
}

// ---- plain main: which client, which token ----

int main() {
    http::router const routes = notes();

    live::run([&] {
        async::task_group([&](async::group& g) {
            net::listener door = perform(net::listen({"127.0.0.1", 0}));
            http::client session{{.base_url = "http://" + door.local().text(),
                                  .headers = {{"Authorization", "Bearer s3cret"}, {"X-Trace", "example"}}}};
            g.spawn([&routes](net::listener at) { http::serve(std::move(at), routes); }, std::move(door));

            effects::handle(
                [] {
                    std::cout << "sent " << send_note("one") << '\n';

                    std::vector<std::string> texts(10, "one of ten");
                    std::cout << "sent " << async::map(texts, {.limit = 10}, send_note).size() << " at once\n";

                    try {
                        send_note("");
                    } catch (http::status_error const& e) {
                        std::cout << "refused with " << e.status() << '\n';
                    }
                },
                session);
            g.cancel();
        });
    });
}
