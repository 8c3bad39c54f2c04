// SPDX-License-Identifier: BSL-1.0
#include <effects/async/outcome_predicate.hpp>

#include <stdexcept>
#include <string>

namespace effects::async {

bool outcome_predicate::error(std::exception_ptr const& e) const { return errors_ && errors_(e); }

bool outcome_predicate::value_of(std::string_view const& type, void const* v) const {
    for (auto const& p : values_)
        if (p.type == &type && p.says_yes(v)) return true;
    return false;
}

void outcome_predicate::check_type(std::string_view const& result, std::string_view whose) const {
    for (auto const& p : values_)
        if (p.type != &result)
            throw std::invalid_argument(
                std::string(whose) + ": a predicate of `when` looks at values of type " + std::string(*p.type) +
                ", but the function returns " + std::string(result) +
                "; predicates over exceptions take what derives from std::exception, or a std::exception_ptr");
}

} // namespace effects::async
