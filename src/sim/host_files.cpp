// SPDX-License-Identifier: BSL-1.0
#include <effects/sim/host_files.hpp>

namespace effects::sim {

os::in_memory_files& host_files::disk() const {
    auto const l = machines_.running();
    if (!l) return otherwise_;
    if (l->over) throw os::error(std::errc::io_error, "reach the disk of the host", l->of->name);
    return l->of->disk;
}

} // namespace effects::sim
