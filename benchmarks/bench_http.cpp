// SPDX-License-Identifier: BSL-1.0
// A hello-world server in direct style beside the same one on Beast's async callbacks: what a request costs the server's
// thread in CPU time. One client thread keeps 16 keep-alive connections busy, a request at a time on each.
#include <benchmark/benchmark.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <effects/async.hpp>
#include <effects/http.hpp>
#include <effects/live.hpp>

namespace {

constexpr int connections = 16;

// ---- the load ----

class client {
public:
    explicit client(unsigned short port) {
        for (int& fd : sockets_) {
            fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_port = htons(port);
            to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
                throw std::runtime_error("cannot connect to the server under test");
            int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
    }
    client(client const&) = delete;
    client& operator=(client const&) = delete;
    ~client() {
        for (int fd : sockets_) ::close(fd);
    }

    // One request and its response on every connection.
    void round() {
        static constexpr std::string_view request = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
        for (int fd : sockets_)
            if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
                throw std::runtime_error("cannot send to the server under test");
        for (int fd : sockets_) receive(fd);
    }

private:
    static void receive(int fd) {
        std::array<char, 4096> buffer;
        std::size_t got = 0;
        for (;;) {
            ssize_t n = ::recv(fd, buffer.data() + got, buffer.size() - got, 0);
            if (n <= 0) throw std::runtime_error("the server under test closed the connection");
            got += static_cast<std::size_t>(n);
            if (std::string_view(buffer.data(), got).ends_with("Hello, world!")) return;
        }
    }

    std::array<int, connections> sockets_{};
};

double cpu_seconds(pthread_t thread) {
    clockid_t clock{};
    timespec spent{};
    ::pthread_getcpuclockid(thread, &clock);
    ::clock_gettime(clock, &spent);
    return static_cast<double>(spent.tv_sec) + 1e-9 * static_cast<double>(spent.tv_nsec);
}

template <class Server>
void hello(benchmark::State& state) {
    Server server;
    client load(server.port());
    for (int i = 0; i < 50; ++i) load.round();
    while (state.KeepRunningBatch(connections)) {
        double before = cpu_seconds(server.thread());
        load.round();
        state.SetIterationTime(cpu_seconds(server.thread()) - before);
    }
}

// ---- ours ----

class direct_style {
public:
    direct_style() {
        std::promise<unsigned short> port;
        auto chosen = port.get_future();
        thread_ = std::thread([this, &port] {
            namespace http = effects::http;
            namespace async = effects::async;
            http::router routes;
            routes.get("/hello", [] { return http::ok_text("Hello, world!"); });
            effects::live::run({.handle_signals = false}, [&] {
                auto door = effects::perform(effects::net::listen({"127.0.0.1", 0}));
                port.set_value(door.local().port);
                async::race([&] { http::serve(std::move(door), routes, {.grace = {}}); }, [this] { stop_.get(); });
            });
        });
        port_ = chosen.get();
    }
    ~direct_style() {
        stop_.set_value();
        thread_.join();
    }
    unsigned short port() const { return port_; }
    pthread_t thread() { return thread_.native_handle(); }

private:
    effects::async::promise<void> stop_;
    std::thread thread_;
    unsigned short port_ = 0;
};
BENCHMARK(hello<direct_style>)->Name("http/server/hello")->UseManualTime();

// ---- Beast, async callbacks ----

namespace beast = boost::beast;
using tcp = boost::asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket socket) : socket_(std::move(socket)) {}
    void read() {
        request_ = {};
        beast::http::async_read(socket_, buffer_, request_, [self = shared_from_this()](auto error, std::size_t) {
            if (!error) self->write();
        });
    }

private:
    void write() {
        response_.emplace(beast::http::status::ok, request_.version());
        response_->set(beast::http::field::content_type, "text/plain; charset=utf-8");
        response_->keep_alive(request_.keep_alive());
        response_->body() = "Hello, world!";
        response_->prepare_payload();
        beast::http::async_write(socket_, *response_, [self = shared_from_this()](auto error, std::size_t) {
            if (!error) self->read();
        });
    }

    tcp::socket socket_;
    beast::flat_buffer buffer_;
    beast::http::request<beast::http::string_body> request_;
    std::optional<beast::http::response<beast::http::string_body>> response_;
};

class callbacks {
public:
    callbacks() : door_(loop_, {boost::asio::ip::address_v4::loopback(), 0}) {
        accept();
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~callbacks() {
        loop_.stop();
        thread_.join();
    }
    unsigned short port() const { return door_.local_endpoint().port(); }
    pthread_t thread() { return thread_.native_handle(); }

private:
    void accept() {
        door_.async_accept([this](auto error, tcp::socket socket) {
            if (error) return;
            socket.set_option(tcp::no_delay(true));
            std::make_shared<session>(std::move(socket))->read();
            accept();
        });
    }

    boost::asio::io_context loop_{1};
    tcp::acceptor door_;
    std::thread thread_;
};
BENCHMARK(hello<callbacks>)->Name("beast_callbacks/server/hello")->UseManualTime();

} // namespace

BENCHMARK_MAIN();
