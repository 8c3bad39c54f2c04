// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <utility>

#include <rapidcheck.h>

// What the folders' tests share: how many programs, by which seed, and what RapidCheck says at the end.
namespace property {

// The same programs each time, unless RC_PARAMS has a seed: a change that is green stays so.
inline constexpr std::uint64_t usual_seed = 2;

// `usual`: the programs of all properties of a test together, which EFFECTS_PROGRAMS replaces; `share`: in a hundred of them.
inline rc::detail::TestParams parameters(int usual, int share) {
    rc::detail::TestParams params = rc::detail::configuration().testParams;
    char const* asked = std::getenv("RC_PARAMS");
    char const* given = std::getenv("EFFECTS_PROGRAMS");
    int const all = given ? std::atoi(given) : 0;
    if (!asked || !std::strstr(asked, "seed")) params.seed = usual_seed;
    if (!asked || !std::strstr(asked, "max_success"))
        params.maxSuccess = std::max(1, (all > 0 ? all : usual) * share / 100);
    return params;
}

inline std::string how_to_rerun(std::string const& test, std::string const& title,
                                rc::detail::TestParams const& params) {
    return "RC_PARAMS=\"seed=" + std::to_string(params.seed) + " max_success=" + std::to_string(params.maxSuccess) +
           "\" " + test + " '" + title + "'";
}

struct outcome {
    bool success;
    std::string said;
};

template <class Property>
outcome check(std::string const& title, rc::detail::TestParams const& params, Property&& holds) {
    auto const result =
        rc::detail::checkTestable(std::forward<Property>(holds), rc::detail::TestMetadata{title, title}, params);
    std::ostringstream said;
    rc::detail::printResultMessage(result, said);
    return {result.template is<rc::detail::SuccessResult>(), said.str()};
}

} // namespace property
