// SPDX-License-Identifier: BSL-1.0
#include <effects/sql.hpp>

struct mine : effects::sql::session::state {};

int main() { return effects::sql::session().as<mine>() ? 1 : 0; }
