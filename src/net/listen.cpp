// SPDX-License-Identifier: BSL-1.0
#include <effects/net/listen.hpp>

#include <ostream>
#include <stdexcept>

namespace effects::net {

std::ostream& operator<<(std::ostream& out, listen const& op) { return out << "net::listen at " << op.at; }

stream listener::accept() {
    if (!acceptor_) throw std::logic_error("net::listener: accept on an empty listener");
    return acceptor_->accept();
}

void listener::close() noexcept {
    if (acceptor_) acceptor_->close();
}

endpoint listener::local() const {
    if (!acceptor_) throw std::logic_error("net::listener: local on an empty listener");
    return acceptor_->local();
}

} // namespace effects::net
