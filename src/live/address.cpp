// SPDX-License-Identifier: BSL-1.0
#include "address.hpp"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace effects::live::detail {
namespace {

// "Connection refused" as the middle of a sentence; "Not a TTY" keeps its capitals.
std::string lower_first(std::string text) {
    auto const is_upper = [&](std::size_t i) {
        return i < text.size() && std::isupper(static_cast<unsigned char>(text[i])) != 0;
    };
    if (is_upper(0) && !is_upper(1)) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

// As it may stand in a message, whoever made it up.
std::string printable(std::string text) {
    if (text.empty()) return "\"\"";
    if (text.size() > 255) text = text.substr(0, 255) + "...";
    for (char& c : text)
        if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = '?';
    return text;
}

} // namespace

net::endpoint address::text() const {
    char host[NI_MAXHOST] = {};
    char port[NI_MAXSERV] = {};
    if (::getnameinfo(get(), size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return {"?", 0};
    return {host, static_cast<std::uint16_t>(std::stoul(port))};
}

address local_address(int socket) {
    address a;
    if (::getsockname(socket, a.get(), &a.size) != 0) throw system_error(errno);
    return a;
}

net::error system_error(int number) {
    std::error_code const code(number, std::system_category());
    return net::error(code, lower_first(code.message()));
}

address_search::address_search(net::endpoint const& of, int flags) : of_(of), flags_(flags) {}

void address_search::run() noexcept {
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = flags_ | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (of_.host.empty() || of_.host.find('\0') != of_.host.npos) {
        status_ = EAI_NONAME;
        return;
    }
    try {
        status_ = ::getaddrinfo(of_.host.c_str(), std::to_string(of_.port).c_str(), &wanted, &list);
        number_ = errno;
        if (status_ != 0) return;
        for (addrinfo* i = list; i; i = i->ai_next) {
            if (i->ai_addrlen > sizeof(sockaddr_storage)) continue;
            address& a = found_.emplace_back();
            std::memcpy(&a.storage, i->ai_addr, i->ai_addrlen);
            a.size = i->ai_addrlen;
        }
        if (found_.empty()) status_ = EAI_NONAME;
    } catch (std::bad_alloc const&) {
        status_ = EAI_MEMORY;
    }
    if (list) ::freeaddrinfo(list);
}

std::vector<address> address_search::result() {
    switch (status_) {
    case 0:
        return std::move(found_);
    case EAI_MEMORY:
        throw std::bad_alloc();
    case EAI_SYSTEM:
        throw system_error(number_);
    default:
        throw net::error(net::errc::host_not_found,
                         "host not found: " + printable(of_.host) + " (" + lower_first(::gai_strerror(status_)) + ")");
    }
}

} // namespace effects::live::detail
