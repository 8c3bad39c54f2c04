// SPDX-License-Identifier: BSL-1.0
// The tour's test, with the lines that all of its programs share.
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/http.hpp>
#include <effects/test.hpp>
#include <effects/test/catch2.hpp>

using effects::perform;
using namespace std::chrono_literals;
namespace async = effects::async;
namespace http = effects::http;
namespace test = effects::test;

#include "tour_test_block.cpp"
