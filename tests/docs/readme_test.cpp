// SPDX-License-Identifier: BSL-1.0
// The README's test, with its logic.
#include <catch2/catch.hpp>

#include <effects/test.hpp>
#include <effects/test/catch2.hpp>

#include "readme_parts.hpp"

namespace test = effects::test;

#include "orders_test.cpp"
