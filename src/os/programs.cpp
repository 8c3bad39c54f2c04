// SPDX-License-Identifier: BSL-1.0
#include <effects/os/programs.hpp>

#include <array>
#include <csignal>
#include <ostream>
#include <string_view>
#include <utility>

#include <effects/os/detail/program_run.hpp>
#include <effects/perform.hpp>

#include "text.hpp"

namespace effects::os {
namespace {

class status_category final : public std::error_category {
public:
    char const* name() const noexcept override { return "exit status"; }
    std::string message(int code) const override { return "exit status " + std::to_string(code); }
};

std::string_view name_of_signal(int number) noexcept {
    constexpr std::array<std::pair<int, std::string_view>, 12> known{{{SIGHUP, " (SIGHUP)"},
                                                                      {SIGINT, " (SIGINT)"},
                                                                      {SIGQUIT, " (SIGQUIT)"},
                                                                      {SIGILL, " (SIGILL)"},
                                                                      {SIGABRT, " (SIGABRT)"},
                                                                      {SIGBUS, " (SIGBUS)"},
                                                                      {SIGFPE, " (SIGFPE)"},
                                                                      {SIGKILL, " (SIGKILL)"},
                                                                      {SIGSEGV, " (SIGSEGV)"},
                                                                      {SIGPIPE, " (SIGPIPE)"},
                                                                      {SIGALRM, " (SIGALRM)"},
                                                                      {SIGTERM, " (SIGTERM)"}}};
    for (auto const& [signal, name] : known)
        if (signal == number) return name;
    return {};
}

std::string end_of(completed const& c) {
    if (c.signal == 0) return "exited with status " + std::to_string(c.exit_code);
    return "was killed by signal " + std::to_string(c.signal).append(name_of_signal(c.signal));
}

std::string shown(std::string const& program) { return program.empty() ? "the program" : printable(program); }

} // namespace

std::error_category const& exit_category() noexcept {
    static status_category const only;
    return only;
}

completed const& completed::raise_for_status() const& {
    if (ok()) return *this;
    std::string message = shown(program) + " " + end_of(*this);
    if (std::string const line = detail::last_line(err); !line.empty()) message.append(": ").append(line);
    throw program_error(std::error_code(signal != 0 ? 128 + signal : exit_code, exit_category()), std::move(message),
                        *this);
}

completed completed::raise_for_status() && {
    std::as_const(*this).raise_for_status();
    return std::move(*this);
}

std::ostream& operator<<(std::ostream& out, completed const& c) {
    return out << shown(c.program) << ' ' << end_of(c) << ", " << c.out.size() << " bytes out, " << c.err.size()
               << " err";
}

program_error::program_error(std::error_code code, std::string message, completed result)
    : error(code, std::move(message), result.program), result_(std::move(result)) {}

completed run(std::vector<std::string> words, run_options how, std::source_location where) {
    return perform(operations::run{std::move(words), std::move(how)}, where);
}

namespace operations {

std::ostream& operator<<(std::ostream& out, run const& op) {
    out << "os::run";
    for (std::string const& word : op.words) out << ' ' << (word.empty() ? "''" : printable(word));
    if (!op.options.input.empty()) out << ", " << op.options.input.size() << " bytes of input";
    return out;
}

} // namespace operations

namespace detail {

std::string const& program_of(operations::run const& op) noexcept {
    static std::string const none;
    return op.words.empty() ? none : op.words.front();
}

void check(operations::run const& op) {
    auto fail = [&](std::errc code) { throw error(code, "run", program_of(op)); };
    auto has_nul = [](std::string_view text) { return text.find('\0') != text.npos; };
    if (op.words.empty() || has_nul(op.options.directory)) fail(std::errc::invalid_argument);
    for (std::string const& word : op.words)
        if (has_nul(word)) fail(std::errc::invalid_argument);
    for (auto const& [name, value] : op.options.env)
        if (name.empty() || has_nul(name) || name.find('=') != name.npos || (value && has_nul(*value)))
            fail(std::errc::invalid_argument);
    if (op.words.front().empty()) fail(std::errc::no_such_file_or_directory);
}

std::string phase_of(operations::run const& op) { return "running " + printable(program_of(op)); }

std::string last_line(std::string_view text) {
    constexpr std::size_t most = 300;
    std::size_t const last = text.find_last_not_of(" \t\r\n");
    if (last == text.npos) return {};
    text = text.substr(0, last + 1);
    std::size_t const end_before = text.find_last_of("\r\n"); // also progress bars end their lines, by a return
    if (end_before != text.npos) text.remove_prefix(end_before + 1);
    return text.size() <= most ? printable(text) : printable(text.substr(0, most)) + "…";
}

void throw_too_much_output(operations::run const& op, completed so_far) {
    so_far.program = program_of(op);
    std::string message = shown(so_far.program) + " was stopped: it wrote more than " +
                          std::to_string(op.options.max_output) + " bytes (max_output)";
    throw program_error(std::make_error_code(std::errc::no_buffer_space), std::move(message), std::move(so_far));
}

} // namespace detail
} // namespace effects::os
