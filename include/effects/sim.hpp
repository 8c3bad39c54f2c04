// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/sim/network.hpp>
#include <effects/sim/run.hpp>
#include <effects/sim/scheduler.hpp>
#include <effects/sim/world.hpp>
