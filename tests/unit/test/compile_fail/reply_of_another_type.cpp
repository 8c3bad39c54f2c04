// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/test/mock.hpp>

struct find_price {
    using result_type = int;
    bool operator==(find_price const&) const = default;
};

int main() {
    effects::test::mock world;
    world.on(find_price{}).reply(std::string("five"));
}
