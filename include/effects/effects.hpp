// SPDX-License-Identifier: BSL-1.0
#pragma once

// The core: operations, performing and handling them. Each vocabulary has a header of its own: <effects/async.hpp>,
// <effects/http.hpp>, <effects/sql.hpp>, …
#include <effects/at.hpp>
#include <effects/can.hpp>
#include <effects/clause.hpp>
#include <effects/dump.hpp>
#include <effects/error.hpp>
#include <effects/finally.hpp>
#include <effects/generator.hpp>
#include <effects/handle.hpp>
#include <effects/handle_options.hpp>
#include <effects/handlers.hpp>
#include <effects/mask.hpp>
#include <effects/multishot.hpp>
#include <effects/operation.hpp>
#include <effects/perform.hpp>
#include <effects/resumption.hpp>
#include <effects/shallow.hpp>
#include <effects/stack.hpp>
#include <effects/tagged.hpp>
#include <effects/unhandled_operation.hpp>
