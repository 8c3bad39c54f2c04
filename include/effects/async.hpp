// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/async/all.hpp>
#include <effects/async/as_completed.hpp>
#include <effects/async/backoff.hpp>
#include <effects/async/barrier.hpp>
#include <effects/async/blocking.hpp>
#include <effects/async/cancelled.hpp>
#include <effects/async/channel.hpp>
#include <effects/async/dump.hpp>
#include <effects/async/event.hpp>
#include <effects/async/every.hpp>
#include <effects/async/group.hpp>
#include <effects/async/local.hpp>
#include <effects/async/map.hpp>
#include <effects/async/mutex.hpp>
#include <effects/async/outcome.hpp>
#include <effects/async/promise.hpp>
#include <effects/async/race.hpp>
#include <effects/async/retry.hpp>
#include <effects/async/select.hpp>
#include <effects/async/semaphore.hpp>
#include <effects/async/shield.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/task.hpp>
#include <effects/async/time.hpp>
#include <effects/async/timeout.hpp>
