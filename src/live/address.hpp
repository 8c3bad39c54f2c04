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
    char const* file() const noexcept; // of a Unix domain socket with one; null else
    net::endpoint text() const;        // with a numeric host, or the path of a Unix domain socket
};

address local_address(int socket);

// "connection refused", with its code.
net::error system_error(int number);

// A Unix domain socket's one address, or what `getaddrinfo` finds, families by turns (RFC 8305, section 4), so that one that leads
// nowhere holds nobody up for long; throws `errc::host_not_found` and the like. Blocks, unless `flags` has
// AI_NUMERICHOST.
class address_search {
public:
    address_search(net::endpoint const& of, int flags);
    void run() noexcept;
    bool not_numeric() const noexcept { return status_ == EAI_NONAME; }
    bool found() const noexcept { return status_ == 0; }
    std::vector<address> result() const;

private:
    void take_unix_socket();

    net::endpoint of_;
    int flags_;
    int status_ = EAI_AGAIN;
    int number_ = 0;
    std::vector<address> found_;
};

} // namespace effects::live::detail
