// SPDX-License-Identifier: BSL-1.0
#include "systems.hpp"

namespace os = effects::os;
using namespace std::string_literals;
using systems::code_of;
using names = std::vector<std::string>;

EFFECTS_ON_EVERY_SYSTEM("what is written is read back", "[os][files]") {
    os::write_text(folder + "/a", "one");
    CHECK(os::read_text(folder + "/a") == "one");

    os::write_text(folder + "/a", "");
    CHECK(os::read_text(folder + "/a") == "");
    CHECK(os::list_directory(folder) == names{"a"}); // nothing else was left behind
}

EFFECTS_ON_EVERY_SYSTEM("text is bytes: NUL, line ends and broken UTF-8 come back as they are", "[os][files]") {
    std::string const text = "\0a\r\n\xFF\xC3\0"s;
    os::write_text(folder + "/a", text);
    os::append_text(folder + "/a", text);

    CHECK(os::read_text(folder + "/a") == text + text);
}

EFFECTS_ON_EVERY_SYSTEM("a big file comes back whole", "[os][files]") {
    std::string text(3 * 1024 * 1024 + 17, 'x');
    for (std::size_t i = 0; i < text.size(); i += 4099) text[i] = static_cast<char>('a' + i % 26);
    os::write_text(folder + "/big", text);

    CHECK((os::read_text(folder + "/big") == text)); // not printed when it fails
}

EFFECTS_ON_EVERY_SYSTEM("a missing file is an error with its path", "[os][files]") {
    try {
        os::read_text(folder + "/missing");
        FAIL("it was read");
    } catch (os::error const& e) {
        CHECK(e.code() == std::errc::no_such_file_or_directory);
        CHECK(e.path() == folder + "/missing");
        CHECK(e.what() == "cannot read " + folder + "/missing: No such file or directory");
    }
}

EFFECTS_ON_EVERY_SYSTEM("a folder is no file", "[os][files]") {
    os::make_directories(folder + "/d");

    CHECK(code_of([&] { os::read_text(folder + "/d"); }) == std::errc::is_a_directory);
    CHECK(code_of([&] { os::write_text(folder + "/d", "x"); }) == std::errc::is_a_directory);
    CHECK(code_of([&] { os::write_text(folder + "/d/", "x"); }) == std::errc::is_a_directory);
    CHECK(code_of([&] { os::append_text(folder + "/d", "x"); }) == std::errc::is_a_directory);
    CHECK(os::list_directory(folder + "/d").empty());
}

EFFECTS_ON_EVERY_SYSTEM("a file is no folder", "[os][files]") {
    std::string const file = folder + "/f";
    os::write_text(file, "x");

    CHECK(code_of([&] { os::list_directory(file); }) == std::errc::not_a_directory);
    CHECK(code_of([&] { os::read_text(file + "/g"); }) == std::errc::not_a_directory);
    CHECK(code_of([&] { os::read_text(file + "/"); }) == std::errc::not_a_directory);
    CHECK(code_of([&] { os::write_text(file + "/g", "x"); }) == std::errc::not_a_directory);
    CHECK(code_of([&] { os::append_text(file + "/g", "x"); }) == std::errc::not_a_directory);
    CHECK(code_of([&] { os::make_directories(file + "/g"); }) == std::errc::not_a_directory);
    CHECK(code_of([&] { os::make_directories(file); }) == std::errc::file_exists);
    CHECK(os::read_text(file) == "x");
}

EFFECTS_ON_EVERY_SYSTEM("writing into a folder that is missing is an error", "[os][files]") {
    auto const missing = std::errc::no_such_file_or_directory;

    CHECK(code_of([&] { os::write_text(folder + "/no/a", "x"); }) == missing);
    CHECK(code_of([&] { os::append_text(folder + "/no/a", "x"); }) == missing);
    CHECK(code_of([&] { os::list_directory(folder + "/no"); }) == missing);
    CHECK(os::list_directory(folder).empty());
}

EFFECTS_ON_EVERY_SYSTEM("a new file's name does not end with a slash", "[os][files]") {
    CHECK(code_of([&] { os::write_text(folder + "/new/", "x"); }) == std::errc::is_a_directory);
    CHECK(code_of([&] { os::append_text(folder + "/new/", "x"); }) == std::errc::is_a_directory);
    CHECK(os::list_directory(folder).empty());
}

EFFECTS_ON_EVERY_SYSTEM("appending makes the file, then adds to it", "[os][files]") {
    os::append_text(folder + "/log", "a\n");
    os::append_text(folder + "/log", "");
    os::append_text(folder + "/log", "b\n");

    CHECK(os::read_text(folder + "/log") == "a\nb\n");
}

EFFECTS_ON_EVERY_SYSTEM("names are bytes, sorted as bytes", "[os][files]") {
    for (char const* name : {"b", "a", "B", "\xC3\xA9", "\xFF\xFE", ".hidden", "a b", "a\nb", "10", "9"})
        os::write_text(folder + "/" + name, name);

    CHECK(os::list_directory(folder) ==
          names{".hidden", "10", "9", "B", "a", "a\nb", "a b", "b", "\xC3\xA9", "\xFF\xFE"});
    CHECK(os::read_text(folder + "/\xFF\xFE") == "\xFF\xFE");
}

EFFECTS_ON_EVERY_SYSTEM("a path that no system takes is an error, and never another file's", "[os][files]") {
    os::write_text(folder + "/a", "x");
    std::string const nul = folder + "/a\0b"s;
    std::string const long_name = folder + "/" + std::string(256, 'n');
    std::string const long_path = folder + [] {
        std::string p;
        for (int i = 0; i < 500; ++i) p += "/123456789";
        return p;
    }();

    CHECK(code_of([&] { os::read_text(nul); }) == std::errc::invalid_argument);
    CHECK(code_of([&] { os::write_text(nul, "y"); }) == std::errc::invalid_argument);
    CHECK(code_of([&] { os::append_text(nul, "y"); }) == std::errc::invalid_argument);
    CHECK(code_of([&] { os::remove(nul); }) == std::errc::invalid_argument);
    CHECK(code_of([&] { os::exists(nul); }) == std::errc::invalid_argument);
    CHECK(code_of([&] { os::list_directory(nul); }) == std::errc::invalid_argument);
    CHECK(code_of([&] { os::make_directories(nul); }) == std::errc::invalid_argument);
    CHECK(code_of([&] { os::rename(nul, folder + "/c"); }) == std::errc::invalid_argument);
    CHECK(code_of([&] { os::rename(folder + "/a", nul); }) == std::errc::invalid_argument);
    CHECK(code_of([&] { os::read_text(""); }) == std::errc::no_such_file_or_directory);
    CHECK(code_of([&] { os::write_text("", "y"); }) == std::errc::no_such_file_or_directory);
    CHECK(code_of([&] { os::make_directories(""); }) == std::errc::no_such_file_or_directory);
    CHECK(code_of([&] { os::write_text(long_name, "y"); }) == std::errc::filename_too_long);
    CHECK(code_of([&] { os::exists(long_name); }) == std::errc::filename_too_long);
    CHECK(code_of([&] { os::read_text(long_path); }) == std::errc::filename_too_long);
    CHECK(os::exists("") == false);
    CHECK(os::remove("") == false);
    CHECK(os::read_text(folder + "/a") == "x");
}

EFFECTS_ON_EVERY_SYSTEM("a name of 255 bytes is fine", "[os][files]") {
    std::string const name(255, 'n');
    os::write_text(folder + "/" + name, "x");
    os::write_text(folder + "/" + name, "y");

    CHECK(os::list_directory(folder) == names{name});
    CHECK(os::read_text(folder + "/" + name) == "y");
}

EFFECTS_ON_EVERY_SYSTEM("folders are made with those above them, and again is fine", "[os][files]") {
    os::make_directories(folder + "/a/b//c/");
    os::make_directories(folder + "/a/b/c");
    os::make_directories("/");

    CHECK(os::list_directory(folder + "/a/b") == names{"c"});
    CHECK(os::exists(folder + "/a/b/c/"));
}

EFFECTS_ON_EVERY_SYSTEM("dots in a path lead where they lead in a shell", "[os][files]") {
    os::make_directories(folder + "/a/b");
    os::write_text(folder + "/a/./b/../f", "x");

    CHECK(os::read_text(folder + "//a/f") == "x");
    CHECK(os::exists(folder + "/missing/../a") == false);
    CHECK(code_of([&] { os::read_text(folder + "/a/f/../f"); }) == std::errc::not_a_directory);
    CHECK(os::list_directory(folder + "/a/b/..") == names{"b", "f"});
}

EFFECTS_ON_EVERY_SYSTEM("removing says whether there was anything", "[os][files]") {
    os::write_text(folder + "/f", "x");
    os::make_directories(folder + "/d/e");

    CHECK(os::remove(folder + "/f"));
    CHECK_FALSE(os::remove(folder + "/f"));
    CHECK_FALSE(os::remove(folder + "/no/f"));
    CHECK(code_of([&] { os::remove(folder + "/d"); }) == std::errc::directory_not_empty);
    CHECK(code_of([&] { os::remove(folder + "/d/."); }) == std::errc::invalid_argument);
    CHECK(code_of([&] { os::remove(folder + "/d/e/.."); }) == std::errc::directory_not_empty);
    CHECK(os::remove(folder + "/d/e"));
    CHECK(os::remove(folder + "/d/"));
    CHECK(os::list_directory(folder).empty());
}

EFFECTS_ON_EVERY_SYSTEM("a file with a slash behind its name is not there", "[os][files]") {
    os::write_text(folder + "/f", "x");

    CHECK_FALSE(os::exists(folder + "/f/"));
    CHECK_FALSE(os::remove(folder + "/f/"));
    CHECK_FALSE(os::exists(folder + "/f/g"));
    CHECK(os::exists(folder + "/f"));
}

EFFECTS_ON_EVERY_SYSTEM("renaming over a file replaces it", "[os][files]") {
    os::write_text(folder + "/a", "new");
    os::write_text(folder + "/b", "old");
    os::rename(folder + "/a", folder + "/b");

    CHECK(os::list_directory(folder) == names{"b"});
    CHECK(os::read_text(folder + "/b") == "new");
    os::rename(folder + "/b", folder + "/b");
    CHECK(os::read_text(folder + "/b") == "new");
}

EFFECTS_ON_EVERY_SYSTEM("renaming a folder takes along what is in it", "[os][files]") {
    os::make_directories(folder + "/a/deep");
    os::make_directories(folder + "/empty");
    os::write_text(folder + "/a/deep/f", "x");
    os::rename(folder + "/a", folder + "/empty");

    CHECK(os::read_text(folder + "/empty/deep/f") == "x");
    CHECK_FALSE(os::exists(folder + "/a"));
    os::rename(folder + "/empty/", folder + "/b/");
    CHECK(os::list_directory(folder) == names{"b"});
}

EFFECTS_ON_EVERY_SYSTEM("renaming that makes no sense changes nothing", "[os][files]") {
    os::make_directories(folder + "/d/e");
    os::make_directories(folder + "/full/x");
    os::make_directories(folder + "/empty");
    os::write_text(folder + "/f", "x");
    auto renaming = [&](std::string const& from, std::string const& to) {
        return code_of([&] { os::rename(folder + from, folder + to); });
    };

    CHECK(renaming("/missing", "/g") == std::errc::no_such_file_or_directory);
    CHECK(renaming("/f", "/no/g") == std::errc::no_such_file_or_directory);
    CHECK(renaming("/f", "/d") == std::errc::is_a_directory);
    CHECK(renaming("/d", "/f") == std::errc::not_a_directory);
    CHECK(renaming("/d", "/full") == std::errc::directory_not_empty);
    CHECK(renaming("/d", "/d/e/g") == std::errc::invalid_argument);
    CHECK(renaming("/d/e", "/d") == std::errc::directory_not_empty);
    CHECK(renaming("/f", "/g/") == std::errc::not_a_directory);
    CHECK(renaming("/f/", "/g") == std::errc::not_a_directory);
    CHECK(renaming("/f", "/f/g") == std::errc::not_a_directory);
    CHECK(renaming("/d/.", "/g") == std::errc::device_or_resource_busy);
    CHECK(os::list_directory(folder) == names{"d", "empty", "f", "full"});
    CHECK(os::list_directory(folder + "/d") == names{"e"});
}

EFFECTS_ON_EVERY_SYSTEM("a renaming that fails names both paths", "[os][files]") {
    try {
        os::rename(folder + "/a", folder + "/b");
        FAIL("it was renamed");
    } catch (os::error const& e) {
        CHECK(e.what() == "cannot rename " + folder + "/a to " + folder + "/b: No such file or directory");
        CHECK(e.path() == folder + "/a");
    }
}

EFFECTS_ON_EVERY_SYSTEM("syncing changes nothing that can be seen", "[os][files]") {
    os::make_directories(folder + "/d");
    os::write_text(folder + "/d/a", "one");
    os::append_text(folder + "/d/a", " two");

    os::sync(folder + "/d/a");
    os::sync(folder + "/d");
    os::sync(folder + "/d/");

    CHECK(os::read_text(folder + "/d/a") == "one two");
    CHECK(os::list_directory(folder + "/d") == names{"a"});
}

EFFECTS_ON_EVERY_SYSTEM("what is not there can't be synced", "[os][files]") {
    os::write_text(folder + "/f", "x");

    CHECK(code_of([&] { os::sync(folder + "/missing"); }) == std::errc::no_such_file_or_directory);
    CHECK(code_of([&] { os::sync(folder + "/f/"); }) == std::errc::not_a_directory);
    CHECK(code_of([&] { os::sync(folder + "/f/g"); }) == std::errc::not_a_directory);
    CHECK(code_of([&] { os::sync(folder + std::string("/f\0g", 4)); }) == std::errc::invalid_argument);
}
