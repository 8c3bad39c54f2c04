// SPDX-License-Identifier: BSL-1.0
#pragma once

// SQL as operations: query, script and transaction, and the plain values they are asked with and answered by.

#include <effects/sql/error.hpp>
#include <effects/sql/query.hpp>
#include <effects/sql/result.hpp>
#include <effects/sql/row.hpp>
#include <effects/sql/session.hpp>
#include <effects/sql/transaction.hpp>
#include <effects/sql/value.hpp>
