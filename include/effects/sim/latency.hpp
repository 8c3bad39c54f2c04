// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

#include <effects/async/time.hpp>

namespace effects::sim {

/// How long a piece of data is under way, one way: a distribution that is drawn from by the world's seed, to the same nanosecond on
/// every compiler and library.
///
///     auto lan = sim::latency::uniform(200us, 900us);
///     auto far = sim::latency::exponential(30ms, 10ms, 2s);      // 30 ms at least, 10 ms more on average, never above 2 s
///     auto bad = sim::latency::long_tail(5ms, 20ms, 10s);        // half of them within 20 ms, one in a hundred takes 1.5 s
///
/// A negative time, and one that is shorter than `least` where it must not be, is a `std::invalid_argument` that names both.
class latency {
public:
    latency() = default; ///< none
    static latency constant(async::duration always);
    static latency uniform(async::duration least, async::duration most);
    /// `least`, and a time of the exponential distribution with this `mean`; `most` at most.
    static latency exponential(async::duration least, async::duration mean, async::duration most);
    /// From `least` on, below `median` as often as above, with a tail that only `most` ends: n times as far above `least` as the median is takes one
    /// in n + 1 (the log-logistic distribution of shape 1).
    static latency long_tail(async::duration least, async::duration median, async::duration most);

    /// The next one, by the generator whose state this is. One that can't vary draws nothing.
    async::duration draw(std::uint64_t& random) const noexcept;

    bool operator==(latency const&) const = default;

private:
    enum class kind : unsigned char { uniform, exponential, long_tail };
    latency(kind k, async::duration least, async::duration middle, async::duration most) noexcept
        : kind_(k), least_(least), middle_(middle), most_(most) {}

    kind kind_ = kind::uniform;
    async::duration least_{0};
    async::duration middle_{0};
    async::duration most_{0};
};

} // namespace effects::sim
