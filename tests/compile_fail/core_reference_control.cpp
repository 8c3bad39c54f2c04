// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct find_name {
    using result_type = std::string const&;
    static std::string const& default_answer(find_name const&);
};

struct named : std::string {
    using std::string::string;
};
named name("there");

std::string const& find_name::default_answer(find_name const&) { return name; }

// What the others get wrong, done right.
int main() {
    auto body = []() -> std::string const& { return effects::perform(find_name{}); };
    effects::perform(find_name{});
    effects::handle(body, [](find_name) -> std::string const& { return name; });
    effects::handle(body, [](find_name) -> named& { return name; });
    effects::handle(body, effects::control<find_name>(
                              [](find_name, auto k) -> std::string const& { return std::move(k).resume(name); }));
    effects::handle(body, effects::control<find_name>([](find_name, auto k) -> effects::tail<std::string const&> {
                        if (!k) return name;
                        return std::move(k).resume_tail(name);
                    }));
    effects::handle(body, effects::aborts<find_name>([](find_name) -> std::string& { return name; }));
}
