// SPDX-License-Identifier: BSL-1.0
#pragma once

// HTTP: the request as an operation, the client that answers it over the network, and a server.
#include <effects/http/client.hpp>
#include <effects/http/error.hpp>
#include <effects/http/headers.hpp>
#include <effects/http/incoming.hpp>
#include <effects/http/request.hpp>
#include <effects/http/response.hpp>
#include <effects/http/router.hpp>
#include <effects/http/serve.hpp>
#include <effects/http/url.hpp>
