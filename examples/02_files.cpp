// SPDX-License-Identifier: BSL-1.0
// A program that uses files, the environment and an operation of its own, run twice: for real, in a temporary folder, and
// with everything that it meets invented by handlers. `leave_note` is the same function both times.
#include <filesystem>
#include <iostream>
#include <string>

#include <effects/effects.hpp>
#include <effects/live.hpp>
#include <effects/os.hpp>

namespace live = effects::live;
namespace os = effects::os;

// An operation of our own: asks somebody a question.
struct ask {
    using result_type = std::string;
    std::string question;
};

// Business logic: which disk, whose environment and who answers is decided elsewhere.
std::string leave_note() {
    std::string const folder = effects::perform(ask{"In which folder?"});
    std::string const file = folder + "/" + effects::perform(ask{"In which file?"});
    std::string const name = effects::perform(ask{"And who are you?"});
    os::make_directories(folder);
    os::append_text(file, name + " was here, from " + os::variable("HOME").value_or("nowhere") + "\n");
    os::log.info("left a note", {{"by", name}});
    return os::read_text(file);
}

// Answers from a list instead of a keyboard.
auto somebody_who_says(std::string folder, std::string file, std::string name) {
    return effects::on<ask>([=](ask const& op) {
        if (op.question == "In which folder?") return folder;
        return op.question == "In which file?" ? file : name;
    });
}

int main() {
    // For real: the machine's files and environment.
    auto const folder = std::filesystem::temp_directory_path() / ("effects-02-" + live::run(os::uuid));
    std::string const written = live::run(leave_note, somebody_who_says(folder, "notes.txt", "Ada"));
    std::cout << "on disk: " << written << "it is there: " << std::boolalpha
              << std::filesystem::exists(folder / "notes.txt") << '\n';
    std::filesystem::remove_all(folder);

    // Invented: nothing of the machine is touched, and a test can look at all that happened.
    os::in_memory_files disk{{"/notes/today", "Bob was here before\n"}};
    os::collected_log log;
    effects::handle(leave_note, somebody_who_says("/notes", "today", "Eve"), disk, log, os::in_memory_env{});
    std::cout << "in memory: " << disk.contents().at("/notes/today") << "logged: " << log.messages().at(0) << '\n';

    // A disk that is full, which no machine at hand is.
    try {
        effects::handle(
            leave_note, somebody_who_says("/notes", "today", "Eve"),
            [](os::operations::append_text const& op) {
                throw os::error(std::errc::no_space_on_device, "append to", op.path);
            },
            disk, os::in_memory_env{});
    } catch (os::error const& e) {
        std::cout << e.what() << '\n';
    }
}
