// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include <effects/net/endpoint.hpp>
#include <effects/net/error.hpp>

#include <netdb.h>
#include <sys/socket.h>

namespace effects::live::detail {

// An address as the system has it.
struct address {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    int family() const noexcept { return storage.ss_family; }
    sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    sockaddr const* get() const noexcept { return reinterpret_cast<sockaddr const*>(&storage); }
    net::endpoint text() const; // with a numeric host
};

address local_address(int socket);

// "connection refused", with its code.
net::error system_error(int number);

// The addresses that `getaddrinfo` finds; throws `errc::host_not_found` and the like. Blocks, unless `flags` has
// AI_NUMERICHOST.
class address_search {
public:
    address_search(net::endpoint const& of, int flags);
    void run() noexcept;
    bool not_numeric() const noexcept { return status_ == EAI_NONAME; }
    std::vector<address> result();

private:
    net::endpoint of_;
    int flags_;
    int status_ = EAI_AGAIN;
    int number_ = 0;
    std::vector<address> found_;
};

} // namespace effects::live::detail
