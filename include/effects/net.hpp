// SPDX-License-Identifier: BSL-1.0
/// Connections as operations: resolve, connect, listen, a stream of bytes, TLS over any stream, datagrams. A world
/// (`effects::live`, `effects::sim`) answers them.
#pragma once

#include <effects/net/connect.hpp>
#include <effects/net/datagram.hpp>
#include <effects/net/endpoint.hpp>
#include <effects/net/error.hpp>
#include <effects/net/listen.hpp>
#include <effects/net/stream.hpp>
#include <effects/net/tls.hpp>
#include <effects/net/transport.hpp>
