// SPDX-License-Identifier: BSL-1.0
#include <map>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include <effects/effects.hpp>
#include <effects/os/in_memory_files.hpp>

namespace os = effects::os;

namespace {

template <class F>
std::errc code_of(F f) {
    try {
        f();
    } catch (os::error const& e) {
        return static_cast<std::errc>(e.code().value());
    }
    return {};
}

} // namespace

// What every handler of files does is in tests/conformance/os; here is what only this one can show.

TEST_CASE("files in memory are there from the start, and their folders", "[os][files]") {
    os::in_memory_files disk{{"/etc/motd", "hi"}, {"/etc/ssl/key", "k"}, {"relative", "r"}};

    effects::handle(
        [] {
            CHECK(os::read_text("/etc/motd") == "hi");
            CHECK(os::list_directory("/etc") == std::vector<std::string>{"motd", "ssl"});
            CHECK(os::list_directory("/") == std::vector<std::string>{"etc", "relative"});
        },
        disk);
}

TEST_CASE("one file between braces is a file", "[os][files]") {
    CHECK(effects::handle([] { return os::read_text("/a"); }, os::in_memory_files{{"/a", "x"}}) == "x");
}

TEST_CASE("a test can look at all files afterwards", "[os][files]") {
    os::in_memory_files disk{{"/a", "1"}};

    effects::handle(
        [] {
            os::make_directories("/b/c");
            os::write_text("/b/c/d", "2");
            os::append_text("/a", "+");
        },
        disk);

    CHECK(disk.contents() == std::map<std::string, std::string>{{"/a", "1+"}, {"/b/c/d", "2"}});
}

TEST_CASE("files in memory can be moved before they are installed", "[os][files]") {
    os::in_memory_files first{{"/a", "1"}};
    os::in_memory_files second = std::move(first);

    CHECK(second.contents().at("/a") == "1");
}

TEST_CASE("the root can neither be removed, renamed nor written to", "[os][files]") {
    os::in_memory_files disk{{"/a", "1"}};

    effects::handle(
        [] {
            CHECK(code_of([] { os::remove("/"); }) == std::errc::device_or_resource_busy);
            CHECK(code_of([] { os::rename("/", "/b"); }) == std::errc::device_or_resource_busy);
            CHECK(code_of([] { os::write_text("/", "x"); }) == std::errc::is_a_directory);
            CHECK(os::exists("/"));
            CHECK(os::exists("/../.."));
        },
        disk);

    CHECK(disk.contents().size() == 1);
}

TEST_CASE("files in memory that contradict each other are refused", "[os][files]") {
    CHECK_THROWS_AS((os::in_memory_files{{"/a", "file"}, {"/a/b", "in a file"}}), os::error);
}

TEST_CASE("a clause can make a disk full", "[os][files]") {
    os::in_memory_files disk;

    effects::handle(
        [] {
            CHECK(code_of([] { os::write_text("/a", "x"); }) == std::errc::no_space_on_device);
            os::make_directories("/still/works");
        },
        [](os::operations::write_text const& op) { throw os::error(std::errc::no_space_on_device, "write", op.path); },
        disk);

    CHECK(effects::handle([] { return os::exists("/still/works"); }, disk));
}

TEST_CASE("the operations of files print, without the text", "[os][files]") {
    std::ostringstream out;
    using namespace os::operations;
    out << read_text{"/a"} << '\n'
        << write_text{"/a", "secret"} << '\n'
        << append_text{"/a", "secret"} << '\n'
        << list_directory{"/"} << '\n'
        << make_directories{"/b"} << '\n'
        << os::operations::remove{"\n"} << '\n'
        << os::operations::rename{"/a", "/b"} << '\n'
        << os::operations::sync{"/a"} << '\n'
        << exists{"/a"} << '\n';

    CHECK(out.str() == "os::read_text /a\nos::write_text /a, 6 bytes\nos::append_text /a, 6 bytes\n"
                       "os::list_directory /\nos::make_directories /b\nos::remove \\x0a\nos::rename /a to /b\n"
                       "os::sync /a\nos::exists /a\n");
    CHECK(write_text{"/a", "x"} == write_text{"/a", "x"});
    CHECK(write_text{"/a", "x"} != write_text{"/a", "y"});
}

TEST_CASE("a power failure leaves what was synced", "[os][files][sync]") {
    os::in_memory_files disk{{"/etc/motd", "hi"}};

    effects::handle(
        [&] {
            os::make_directories("/data");
            os::write_text("/data/kept", "one");
            os::append_text("/data/kept", " two");
            os::sync("/data/kept");
            os::append_text("/data/kept", " three");
            os::write_text("/lost", "x");
            os::write_text("/etc/motd", "bye");
            disk.lose_unsynced();
            CHECK(disk.contents() ==
                  std::map<std::string, std::string>{{"/data/kept", "one two"}, {"/etc/motd", "hi"}});
            os::append_text("/data/kept", "!");
            CHECK(os::read_text("/data/kept") == "one two!");
        },
        disk);
}

TEST_CASE("after a power failure a file that was written anew has its old text or, once synced, its new one",
          "[os][files][sync]") {
    for (bool synced : {false, true}) {
        os::in_memory_files disk{{"/a", "old"}};
        effects::handle(
            [&] {
                os::write_text("/a", "new");
                if (synced) os::sync("/a");
            },
            disk);

        disk.lose_unsynced();

        CHECK(disk.contents() == std::map<std::string, std::string>{{"/a", synced ? "new" : "old"}});
    }
}

TEST_CASE("removals and renamings last when their folder is synced", "[os][files][sync]") {
    for (bool synced : {false, true}) {
        os::in_memory_files disk{{"/a", "1"}, {"/b", "2"}, {"/d/c", "3"}};
        effects::handle(
            [&] {
                os::remove("/a");
                os::rename("/b", "/moved");
                os::append_text("/fresh", "never synced itself");
                if (synced) os::sync("/");
            },
            disk);

        disk.lose_unsynced();

        if (synced)
            CHECK(disk.contents() ==
                  std::map<std::string, std::string>{{"/moved", "2"}, {"/d/c", "3"}, {"/fresh", ""}});
        else
            CHECK(disk.contents() == std::map<std::string, std::string>{{"/a", "1"}, {"/b", "2"}, {"/d/c", "3"}});
    }
}

TEST_CASE("folders that move into each other between power failures stay a tree", "[os][files][sync]") {
    os::in_memory_files disk{{"/x/1", "1"}, {"/y/2", "2"}};
    effects::handle(
        [&] {
            os::rename("/x", "/y/x");
            os::sync("/y");
            os::rename("/y/x", "/x");
            os::rename("/y", "/x/y");
            os::sync("/x");
        },
        disk);

    disk.lose_unsynced();

    CHECK(disk.contents() == std::map<std::string, std::string>{{"/x/1", "1"}, {"/x/y/2", "2"}});
}
