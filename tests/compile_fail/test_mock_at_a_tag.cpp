// SPDX-License-Identifier: BSL-1.0
#include <effects/test.hpp>

struct audit;

int main() {
    effects::test::mock world;
    effects::handle([] {}, effects::at<audit>(world));
}
