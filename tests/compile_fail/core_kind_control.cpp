// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>
#include <effects/multishot.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

// What the others get wrong, done right.
struct shop {
    int open(effects::can<ask> fx) const { return fx.perform(ask{}); }
};

int main() {
    namespace handled = effects::KIND;
    auto resumes = effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); });
    auto two = [](other const&) { return 2; };
    shop const s;
    int sum = handled::handle([] { return effects::perform(ask{}); }, resumes);
    sum += handled::handle([](effects::can<ask> fx) { return fx.perform(ask{}); }, resumes);
    sum += handled::handle([](auto fx) { return fx.perform(ask{}); }, resumes);
    sum += handled::handle([&](effects::can<ask> fx) { return s.open(fx); }, resumes, two);
    sum += effects::handle(
        [&](effects::can<other> fx) {
            return handled::handle(
                fx, [](effects::can<ask, other> in) { return in.perform(ask{}) + in.perform(other{}); }, resumes);
        },
        two);
    return sum;
}
