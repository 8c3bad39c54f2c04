// SPDX-License-Identifier: BSL-1.0
#pragma once

// Testing business logic: mocks, and `test::run`, which runs it in a simulated world. For Catch2 also
// <effects/test/catch2.hpp>.
#include <effects/test/describe.hpp>
#include <effects/test/expectation.hpp>
#include <effects/test/failure.hpp>
#include <effects/test/http.hpp>
#include <effects/test/matching.hpp>
#include <effects/test/mock.hpp>
#include <effects/test/pattern.hpp>
#include <effects/test/run.hpp>
#include <effects/test/sql.hpp>
#include <effects/test/text.hpp>
