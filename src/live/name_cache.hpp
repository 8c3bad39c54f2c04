// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <map>
#include <memory>
#include <vector>

#include <effects/async/time.hpp>
#include <effects/net/endpoint.hpp>

#include "address.hpp"

namespace effects::live::detail {

class event_loop;

// The addresses of names, for the tasks of one loop, in the order in which to try them. Who asks for a name that is being looked up
// waits for that lookup; what was found is kept for a while, a failure is not.
class name_cache {
public:
    name_cache(event_loop& loop, async::duration keep) noexcept;
    name_cache(name_cache const&) = delete;
    name_cache& operator=(name_cache const&) = delete;
    ~name_cache();

    // In a task, which it suspends.
    std::vector<address> find(net::endpoint const& of);
    // What was found led nowhere: the next one who asks has it looked up.
    void forget(net::endpoint const& of) noexcept { known_.erase(of); }

private:
    class lookup;
    struct entry {
        std::vector<address> addresses;
        async::time_point until;
    };

    void keep(net::endpoint const& name, std::vector<address> addresses);
    void finished(lookup& l) noexcept;

    event_loop& loop_;
    async::duration const keep_;
    std::map<net::endpoint, entry> known_;
    std::map<net::endpoint, std::shared_ptr<lookup>> under_way_;
};

} // namespace effects::live::detail
