// SPDX-License-Identifier: BSL-1.0
#include <effects/test/mock.hpp>

struct find_price {
    using result_type = int;
    int sku = 0;
};

int main() {
    effects::test::mock world;
    world.on(find_price{1}).reply(2);
}
