// SPDX-License-Identifier: BSL-1.0
#include <effects/net/error.hpp>

namespace effects::net {
namespace {

class net_category final : public std::error_category {
public:
    char const* name() const noexcept override { return "net"; }

    std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
        case errc::host_not_found:
            return "host not found";
        case errc::end_of_stream:
            return "end of stream";
        case errc::tls_handshake_failed:
            return "TLS handshake failed";
        case errc::certificate_not_trusted:
            return "certificate not trusted";
        case errc::certificate_name_mismatch:
            return "certificate is for another name";
        case errc::closed:
            return "closed on this side";
        case errc::tls_failed:
            return "TLS failed";
        }
        return "net error " + std::to_string(code);
    }
};

} // namespace

std::error_category const& category() noexcept {
    static net_category const instance;
    return instance;
}

bool error::transient() const noexcept { return effects::error::transient() || code() == errc::end_of_stream; }

} // namespace effects::net
