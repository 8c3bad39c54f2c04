// SPDX-License-Identifier: BSL-1.0
// What a request costs in CPU time: the thread of a hello-world server in direct style beside the same server on Beast's
// async callbacks, and the thread of a client beside one on Beast and asio::spawn. The other side is the same for both: a
// thread that speaks HTTP by plain sockets, over 16 keep-alive connections with a request at a time on each.
#include <benchmark/benchmark.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <effects/async.hpp>
#include <effects/http.hpp>
#include <effects/live.hpp>

namespace {

constexpr int connections = 16;

constexpr std::string_view greeting = "Hello, world!";

// ---- the load for servers ----

class load {
public:
    explicit load(unsigned short port) {
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
    load(load const&) = delete;
    load& operator=(load const&) = delete;
    ~load() {
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
            if (std::string_view(buffer.data(), got).ends_with(greeting)) return;
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
void server_hello(benchmark::State& state) {
    Server server;
    load clients(server.port());
    for (int i = 0; i < 50; ++i) clients.round();
    while (state.KeepRunningBatch(connections)) {
        double before = cpu_seconds(server.thread());
        clients.round();
        state.SetIterationTime(cpu_seconds(server.thread()) - before);
    }
}

// ---- the server for clients ----

// Answers each header section on each connection, whatever it says.
class peer {
public:
    peer() {
        door_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (door_ < 0 || ::bind(door_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(door_, 64) != 0 ||
            ::getsockname(door_, reinterpret_cast<sockaddr*>(&at), &size) != 0 ||
            ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stop_) != 0)
            throw std::runtime_error("cannot listen on loopback");
        port_ = ntohs(at.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    peer(peer const&) = delete;
    peer& operator=(peer const&) = delete;
    ~peer() {
        ::close(stop_[1]); // seen as readable by the other end
        thread_.join();
        ::close(stop_[0]);
        ::close(door_);
    }
    unsigned short port() const { return port_; }

private:
    void run() const {
        int const set = ::epoll_create1(EPOLL_CLOEXEC);
        auto const watch = [&](int fd) {
            epoll_event interest{};
            interest.events = EPOLLIN;
            interest.data.fd = fd;
            ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &interest);
        };
        watch(door_);
        watch(stop_[0]);
        std::vector<int> open;
        for (bool stopped = false; !stopped;) {
            std::array<epoll_event, connections> events;
            int const count = ::epoll_wait(set, events.data(), connections, -1);
            for (int i = 0; i < count; ++i) {
                int const fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == stop_[0]) {
                    stopped = true;
                } else if (fd == door_) {
                    open.push_back(::accept4(door_, nullptr, nullptr, SOCK_CLOEXEC));
                    int on = 1;
                    ::setsockopt(open.back(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    watch(open.back());
                } else if (!answer(fd)) {
                    ::epoll_ctl(set, EPOLL_CTL_DEL, fd, nullptr);
                }
            }
        }
        for (int fd : open) ::close(fd);
        ::close(set);
    }
    static bool answer(int fd) {
        std::array<char, 4096> buffer;
        ssize_t const got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got <= 0) return false;
        static constexpr std::string_view response =
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world!";
        if (!std::string_view(buffer.data(), static_cast<std::size_t>(got)).ends_with("\r\n\r\n")) return true;
        return ::send(fd, response.data(), response.size(), MSG_NOSIGNAL) > 0;
    }

    int door_ = -1;
    int stop_[2] = {-1, -1};
    unsigned short port_ = 0;
    std::thread thread_;
};

// `more()` for all connections of one benchmark, which runs on one thread.
class shared_iterations {
public:
    explicit shared_iterations(benchmark::State& state) : state_(state) {}
    bool more() {
        if (!over_) over_ = !state_.KeepRunning();
        return !over_;
    }

private:
    benchmark::State& state_;
    bool over_ = false;
};

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
            routes.get("/hello", [] { return http::ok_text(std::string(greeting)); });
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
BENCHMARK(server_hello<direct_style>)->Name("http/server/hello")->UseManualTime();

void client_hello(benchmark::State& state) {
    namespace http = effects::http;
    namespace async = effects::async;
    peer server;
    std::string const url = "http://127.0.0.1:" + std::to_string(server.port()) + "/hello";
    effects::live::run(
        {.handle_signals = false},
        [&] {
            shared_iterations iterations(state);
            async::task_group([&](async::group& g) {
                for (int i = 0; i < connections; ++i)
                    g.spawn([&] {
                        while (iterations.more()) benchmark::DoNotOptimize(effects::perform(http::get(url)));
                    });
            });
        },
        http::client{});
}
BENCHMARK(client_hello)->Name("http/client/hello");

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
        response_->body() = greeting;
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
BENCHMARK(server_hello<callbacks>)->Name("beast_callbacks/server/hello")->UseManualTime();

// ---- Beast, asio::spawn ----

void spawned_client_hello(benchmark::State& state) {
    namespace asio = boost::asio;
    peer server;
    asio::io_context loop(1);
    shared_iterations iterations(state);
    for (int i = 0; i < connections; ++i)
        asio::spawn(
            loop,
            [&](asio::yield_context yield) {
                tcp::socket socket(loop);
                socket.async_connect({asio::ip::address_v4::loopback(), server.port()}, yield);
                socket.set_option(tcp::no_delay(true));
                beast::flat_buffer buffer;
                while (iterations.more()) {
                    beast::http::request<beast::http::empty_body> request(beast::http::verb::get, "/hello", 11);
                    request.set(beast::http::field::host, "127.0.0.1");
                    request.set(beast::http::field::user_agent, "beast");
                    beast::http::async_write(socket, request, yield);
                    beast::http::response<beast::http::string_body> response;
                    beast::http::async_read(socket, buffer, response, yield);
                    benchmark::DoNotOptimize(response);
                }
            },
            [](std::exception_ptr error) {
                if (error) std::rethrow_exception(error);
            });
    loop.run();
}
BENCHMARK(spawned_client_hello)->Name("beast_spawn/client/hello");

} // namespace

BENCHMARK_MAIN();
