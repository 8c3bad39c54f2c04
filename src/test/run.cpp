// SPDX-License-Identifier: BSL-1.0
#include <effects/test/run.hpp>

#include <iterator>

#include <effects/test/detail/report.hpp>

namespace effects::test::detail {

std::shared_ptr<mock_state> strict_state() { return std::make_shared<mock_state>("test::run", std::source_location{}); }

void verdict::conclude_all(std::exception_ptr thrown) {
    std::vector<failure> failures;
    for (auto const& m : mocks_) {
        m->watched(false);
        auto more = m->take_failures(true);
        failures.insert(failures.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    conclude(failures, std::move(thrown));
}

} // namespace effects::test::detail
