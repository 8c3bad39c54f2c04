// SPDX-License-Identifier: BSL-1.0
#include <effects/net/connect.hpp>

#include <ostream>

namespace effects::net {

std::ostream& operator<<(std::ostream& out, resolve const& op) {
    return out << "net::resolve " << endpoint{op.host, op.port};
}

std::ostream& operator<<(std::ostream& out, connect const& op) { return out << "net::connect to " << op.to; }

std::ostream& operator<<(std::ostream& out, read const& op) {
    return out << "net::read of at most " << op.to.size() << " bytes";
}

std::ostream& operator<<(std::ostream& out, write const& op) {
    return out << "net::write of " << op.from.size() << " bytes";
}

} // namespace effects::net
