// SPDX-License-Identifier: BSL-1.0
#include "systems.hpp"

#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include <effects/async.hpp>

namespace os = effects::os;
namespace live = effects::live;
namespace async = effects::async;
using namespace std::chrono_literals;
using systems::code_of;

namespace {

template <class F>
void on_the_machine(F f) {
    systems::temporary_folder folder;
    effects::handle([&] { f(folder.path()); }, live::system_files{}, live::system_env{});
}

::mode_t mode_of(std::string const& path) {
    struct stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    return about.st_mode & 07777;
}

} // namespace

TEST_CASE("replacing a file keeps its permissions", "[os][files][live]") {
    on_the_machine([](std::string const& folder) {
        std::string const file = folder + "/secret";
        os::write_text(file, "old");
        REQUIRE(::chmod(file.c_str(), 0640) == 0);

        os::write_text(file, "new");

        CHECK(mode_of(file) == 0640);
        CHECK(os::read_text(file) == "new");
    });
}

TEST_CASE("a new file has the permissions that the umask leaves", "[os][files][live]") {
    on_the_machine([](std::string const& folder) {
        ::mode_t const before = ::umask(027);
        os::write_text(folder + "/a", "x");
        os::append_text(folder + "/b", "x");
        ::umask(before);

        CHECK(mode_of(folder + "/a") == 0640);
        CHECK(mode_of(folder + "/b") == 0640);
    });
}

TEST_CASE("whoever has the old file open goes on reading the old text", "[os][files][live]") {
    on_the_machine([](std::string const& folder) {
        os::write_text(folder + "/a", "old");
        auto const inode = [&] {
            struct stat about {};
            ::stat((folder + "/a").c_str(), &about);
            return about.st_ino;
        };
        REQUIRE(::link((folder + "/a").c_str(), (folder + "/opened").c_str()) == 0);
        auto const before = inode();

        os::write_text(folder + "/a", "new");

        CHECK(inode() != before);
        CHECK(os::read_text(folder + "/opened") == "old");
    });
}

TEST_CASE("writing through a symbolic link replaces what it leads to", "[os][files][live]") {
    on_the_machine([](std::string const& folder) {
        os::make_directories(folder + "/real");
        os::write_text(folder + "/real/a", "old");
        std::filesystem::create_symlink("real/a", folder + "/link");
        std::filesystem::create_symlink("real/fresh", folder + "/dangling");

        os::write_text(folder + "/link", "new");
        os::write_text(folder + "/dangling", "made");

        CHECK(std::filesystem::is_symlink(folder + "/link"));
        CHECK(os::read_text(folder + "/real/a") == "new");
        CHECK(std::filesystem::is_symlink(folder + "/dangling"));
        CHECK(os::read_text(folder + "/real/fresh") == "made");
    });
}

TEST_CASE("a symbolic link is removed itself, and one that leads nowhere does not exist", "[os][files][live]") {
    on_the_machine([](std::string const& folder) {
        os::write_text(folder + "/a", "x");
        std::filesystem::create_symlink("a", folder + "/link");
        std::filesystem::create_symlink("missing", folder + "/dangling");
        std::filesystem::create_symlink("circle", folder + "/circle");

        CHECK(os::remove(folder + "/link"));
        CHECK(os::exists(folder + "/a"));
        CHECK_FALSE(os::exists(folder + "/dangling"));
        CHECK(os::remove(folder + "/dangling"));
        CHECK(code_of([&] { os::exists(folder + "/circle"); }) == std::errc::too_many_symbolic_link_levels);
        CHECK(code_of([&] { os::write_text(folder + "/circle", "x"); }) == std::errc::too_many_symbolic_link_levels);
    });
}

TEST_CASE("devices are written to and not replaced", "[os][files][live]") {
    on_the_machine([](std::string const&) {
        os::write_text("/dev/null", "x");

        CHECK(os::read_text("/dev/null") == "");
        CHECK(std::filesystem::is_character_file("/dev/null"));
        CHECK(code_of([] { os::write_text("/dev/full", "x"); }) == std::errc::no_space_on_device);
        CHECK(code_of([] { os::append_text("/dev/full", "x"); }) == std::errc::no_space_on_device);
    });
}

TEST_CASE("files of /proc, which say that they are empty, are read whole", "[os][files][live]") {
    on_the_machine([](std::string const&) { CHECK_THAT(os::read_text("/proc/self/status"), Catch::Contains("Pid:")); });
}

TEST_CASE("a pipe that nobody writes to does not hang its reader", "[os][files][live]") {
    on_the_machine([](std::string const& folder) {
        REQUIRE(::mkfifo((folder + "/pipe").c_str(), 0600) == 0);

        CHECK(os::read_text(folder + "/pipe") == "");
    });
}

TEST_CASE("a write that fails leaves the old file and nothing else", "[os][files][live]") {
    on_the_machine([](std::string const& folder) {
        os::write_text(folder + "/d", "old");
        REQUIRE(::chmod((folder + "/d").c_str(), 0444) == 0);

        if (::geteuid() == 0) {
            os::write_text(folder + "/d", "new"); // root may
            CHECK(mode_of(folder + "/d") == 0444);
        } else {
            CHECK(code_of([&] { os::write_text(folder + "/d", "new"); }) == std::errc::permission_denied);
            CHECK(os::read_text(folder + "/d") == "old");
        }
        CHECK(os::list_directory(folder) == std::vector<std::string>{"d"});
    });
}

TEST_CASE("reading something without an end stops when its task is cancelled", "[os][files][live]") {
    auto endless = [] { return async::try_timeout(5ms, [] { return os::read_text("/dev/zero").size(); }); };

    CHECK(live::run({.handle_signals = false}, endless) == std::nullopt);
}

TEST_CASE("the machine's environment and arguments are the process's", "[os][env][live]") {
    on_the_machine([](std::string const&) {
        CHECK(os::variable("PATH") == std::string(std::getenv("PATH")));
        CHECK_THAT(os::arguments().at(0), Catch::Contains("conformance_os"));
    });
}

TEST_CASE("what the machine's log writes goes to standard error, in one line", "[os][log][live]") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    int const before = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    live::run({.handle_signals = false}, [] {
        os::log.debug("too small");
        os::log.info("written", {{"n", 1}});
    });
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    ::close(ends[1]);
    char text[256];
    auto const size = ::read(ends[0], text, sizeof text);
    ::close(ends[0]);

    REQUIRE(size > 0);
    std::string const line(text, static_cast<std::size_t>(size));
    CHECK_THAT(line, Catch::StartsWith("{\"time\":\"20"));
    CHECK_THAT(line, Catch::EndsWith("Z\",\"level\":\"info\",\"message\":\"written\",\"n\":1}\n"));
}
