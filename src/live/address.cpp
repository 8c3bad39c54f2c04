// SPDX-License-Identifier: BSL-1.0
#include "address.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include <sys/un.h>

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

sockaddr_un const& as_unix(address const& a) noexcept { return reinterpret_cast<sockaddr_un const&>(a.storage); }

// How much of `sun_path` is in use.
std::string_view unix_path(address const& a) noexcept {
    constexpr std::size_t before = offsetof(sockaddr_un, sun_path);
    return {as_unix(a).sun_path, a.size > before ? a.size - before : 0};
}

// The first one's family, then another, and so on in turn; each in the order that the system gave.
std::vector<address> by_turns(std::vector<address> all) {
    std::vector<address> out;
    out.reserve(all.size());
    while (!all.empty()) {
        auto next = out.empty() ? all.begin() : std::find_if(all.begin(), all.end(), [&](address const& a) {
            return a.family() != out.back().family();
        });
        if (next == all.end()) next = all.begin();
        out.push_back(*next);
        all.erase(next);
    }
    return out;
}

} // namespace

char const* address::file() const noexcept {
    if (family() != AF_UNIX || unix_path(*this).empty() || unix_path(*this)[0] == '\0') return nullptr;
    return as_unix(*this).sun_path;
}

net::endpoint address::text() const {
    if (family() == AF_UNIX) {
        std::string_view const path = unix_path(*this);
        if (char const* name = file())
            return net::endpoint::unix_socket(std::string_view(name, ::strnlen(name, path.size())));
        return net::endpoint::unix_socket(path.empty() ? std::string() : "@" + std::string(path.substr(1)));
    }
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

void address_search::take_unix_socket() {
    std::string_view const path = of_.path();
    sockaddr_un at{};
    bool const abstract = path.starts_with('@');
    std::size_t const most = sizeof at.sun_path - (abstract ? 0 : 1); // a file's ends with a zero
    status_ = EAI_SYSTEM;
    if (path.empty() || path.find('\0') != path.npos) {
        number_ = EINVAL;
        return;
    }
    if (path.size() > most) {
        number_ = ENAMETOOLONG;
        return;
    }
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, path.data(), path.size());
    if (abstract) at.sun_path[0] = '\0'; // unix(7)
    address& a = found_.emplace_back();
    a.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
    std::memcpy(&a.storage, &at, sizeof at);
    status_ = 0;
}

void address_search::run() noexcept {
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = flags_ | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (of_.is_unix_socket()) {
        try {
            take_unix_socket();
        } catch (std::bad_alloc const&) {
            status_ = EAI_MEMORY;
        }
        return;
    }
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
        found_ = by_turns(std::move(found_));
        if (found_.empty()) status_ = EAI_NONAME;
    } catch (std::bad_alloc const&) {
        status_ = EAI_MEMORY;
    }
    if (list) ::freeaddrinfo(list);
}

std::vector<address> address_search::result() const {
    switch (status_) {
    case 0:
        return found_;
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
