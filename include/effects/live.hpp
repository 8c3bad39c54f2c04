// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/live/options.hpp>
#include <effects/live/run.hpp>
#include <effects/live/runtime.hpp>
#include <effects/live/shut_down.hpp>
#include <effects/live/system.hpp>
