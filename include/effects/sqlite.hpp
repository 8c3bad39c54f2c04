// SPDX-License-Identifier: BSL-1.0
#pragma once

// The handler of SQL's operations that is embedded in the program.

#include <effects/sql.hpp>
#include <effects/sqlite/database.hpp>
