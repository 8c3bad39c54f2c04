// SPDX-License-Identifier: BSL-1.0
#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/http.hpp>
#include <effects/live.hpp>
#include <effects/net.hpp>
#include <effects/os.hpp>
#include <effects/sim.hpp>
#include <effects/sql.hpp>
#include <effects/sqlite.hpp>
#include <effects/test.hpp>

int main() {}
