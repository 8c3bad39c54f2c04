// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "program.hpp"

#include <array>

#include <rapidcheck.h>

namespace property {

// How often each step is chosen, against the others.
using mix = std::array<int, step_kinds>;
mix even_mix() noexcept;

rc::Gen<program> programs(mix const& of);

} // namespace property
