// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/sim/host_files.hpp>
#include <effects/sim/hosts.hpp>
#include <effects/sim/latency.hpp>
#include <effects/sim/link.hpp>
#include <effects/sim/network.hpp>
#include <effects/sim/run.hpp>
#include <effects/sim/scheduler.hpp>
#include <effects/sim/world.hpp>
