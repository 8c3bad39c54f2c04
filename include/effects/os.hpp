// SPDX-License-Identifier: BSL-1.0
#pragma once

// Clock, random numbers, environment, log, files, programs: functions that perform, and the pure handlers of what they perform.
#include <effects/os/clock.hpp>
#include <effects/os/env.hpp>
#include <effects/os/error.hpp>
#include <effects/os/files.hpp>
#include <effects/os/in_memory_files.hpp>
#include <effects/os/in_memory_programs.hpp>
#include <effects/os/log.hpp>
#include <effects/os/programs.hpp>
#include <effects/os/random.hpp>
