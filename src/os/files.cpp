// SPDX-License-Identifier: BSL-1.0
#include <effects/os/files.hpp>

#include <ostream>
#include <utility>

#include <effects/perform.hpp>

#include "text.hpp"

namespace effects::os {

std::string read_text(std::string path, std::source_location where) {
    return perform(operations::read_text{std::move(path)}, where);
}
void write_text(std::string path, std::string text, std::source_location where) {
    perform(operations::write_text{std::move(path), std::move(text)}, where);
}
void append_text(std::string path, std::string text, std::source_location where) {
    perform(operations::append_text{std::move(path), std::move(text)}, where);
}
std::vector<std::string> list_directory(std::string path, std::source_location where) {
    return perform(operations::list_directory{std::move(path)}, where);
}
void make_directories(std::string path, std::source_location where) {
    perform(operations::make_directories{std::move(path)}, where);
}
bool remove(std::string path, std::source_location where) {
    return perform(operations::remove{std::move(path)}, where);
}
void rename(std::string from, std::string to, std::source_location where) {
    perform(operations::rename{std::move(from), std::move(to)}, where);
}
void sync(std::string path, std::source_location where) { perform(operations::sync{std::move(path)}, where); }
bool exists(std::string path, std::source_location where) {
    return perform(operations::exists{std::move(path)}, where);
}

namespace operations {

std::ostream& operator<<(std::ostream& out, read_text const& op) {
    return out << "os::read_text " << printable(op.path);
}
std::ostream& operator<<(std::ostream& out, write_text const& op) {
    return out << "os::write_text " << printable(op.path) << ", " << op.text.size() << " bytes";
}
std::ostream& operator<<(std::ostream& out, append_text const& op) {
    return out << "os::append_text " << printable(op.path) << ", " << op.text.size() << " bytes";
}
std::ostream& operator<<(std::ostream& out, list_directory const& op) {
    return out << "os::list_directory " << printable(op.path);
}
std::ostream& operator<<(std::ostream& out, make_directories const& op) {
    return out << "os::make_directories " << printable(op.path);
}
std::ostream& operator<<(std::ostream& out, remove const& op) { return out << "os::remove " << printable(op.path); }
std::ostream& operator<<(std::ostream& out, rename const& op) {
    return out << "os::rename " << printable(op.from) << " to " << printable(op.to);
}
std::ostream& operator<<(std::ostream& out, sync const& op) { return out << "os::sync " << printable(op.path); }
std::ostream& operator<<(std::ostream& out, exists const& op) { return out << "os::exists " << printable(op.path); }

} // namespace operations
} // namespace effects::os
