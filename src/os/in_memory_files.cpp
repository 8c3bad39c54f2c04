// SPDX-License-Identifier: BSL-1.0
#include <effects/os/in_memory_files.hpp>

#include <algorithm>
#include <mutex>
#include <string_view>

#include <effects/os/detail/wait_turn.hpp>
#include <effects/perform.hpp>

namespace effects::os {
namespace {

constexpr std::size_t longest_name = 255;  // NAME_MAX
constexpr std::size_t longest_path = 4095; // PATH_MAX, less the NUL

// What survives a power failure: of a file, which is only ever added to, a part; of a folder, other names. A file that is written anew is
// another node of the same name, durable itself: only its name has to be synced.
struct node {
    using names = std::map<std::string, std::shared_ptr<node>, std::less<>>;
    bool folder = false;
    std::string text = {};
    std::size_t synced_size = 0;
    names entries = {};
    names synced_entries = {};
};

// Where a path leads, as the kernel walks it: "missing/.." leads nowhere.
struct place {
    std::errc problem{};        // that kept the walk from reaching the last name
    std::vector<node*> folders; // from the root to the one that holds the last name
    std::string_view name;      // empty where there is none (the root)
    node* found = nullptr;
    bool wants_folder = false; // the path ends with a slash

    bool reached() const noexcept { return problem == std::errc{}; }
    bool plain_name() const noexcept { return !name.empty() && name != "." && name != ".."; }
    auto& siblings() const noexcept { return folders.back()->entries; }
};

std::vector<std::string_view> names_in(std::string_view path) {
    std::vector<std::string_view> names;
    while (!path.empty()) {
        std::size_t const length = std::min(path.find('/'), path.size());
        if (length > 0) names.push_back(path.substr(0, length));
        path.remove_prefix(std::min(length + 1, path.size()));
    }
    return names;
}

std::errc problem_of(std::string_view path) noexcept {
    if (path.empty()) return std::errc::no_such_file_or_directory;
    if (path.find('\0') != path.npos) return std::errc::invalid_argument;
    if (path.size() > longest_path) return std::errc::filename_too_long;
    return {};
}

// One name further: what it leads to, in `at.found`; a folder then becomes the last of `folders` by `enter`.
void step(place& at, std::string_view name) {
    at.name = name;
    at.found = nullptr;
    if (name == ".") {
        at.found = at.folders.back();
    } else if (name == "..") {
        at.found = at.folders[at.folders.size() > 1 ? at.folders.size() - 2 : 0];
    } else if (name.size() > longest_name) {
        at.problem = std::errc::filename_too_long;
    } else if (auto entry = at.siblings().find(name); entry != at.siblings().end()) {
        at.found = entry->second.get();
    }
}

void enter(place& at) {
    if (!at.found)
        at.problem = std::errc::no_such_file_or_directory;
    else if (!at.found->folder)
        at.problem = std::errc::not_a_directory;
    else if (at.name != "..")
        (at.name == ".") ? void() : at.folders.push_back(at.found);
    else if (at.folders.size() > 1)
        at.folders.pop_back();
}

place find(node& root, std::string_view path) {
    place at;
    at.problem = problem_of(path);
    at.folders.push_back(&root);
    at.found = &root;
    if (!at.reached()) return at;
    at.wants_folder = path.back() == '/';
    bool first = true;
    for (std::string_view name : names_in(path)) {
        if (!std::exchange(first, false)) enter(at);
        if (at.reached()) step(at, name);
        if (!at.reached()) break;
    }
    return at;
}

node& add(place const& at, node made) {
    return *(at.siblings()[std::string(at.name)] = std::make_shared<node>(std::move(made)));
}

// Nodes of its own: a name that moved from folder to folder may be in both.
node durable_copy(node const& of) {
    node copy{.folder = of.folder, .text = of.text.substr(0, of.synced_size), .synced_size = of.synced_size};
    for (auto const& [name, entry] : of.synced_entries)
        copy.entries.emplace(name, std::make_shared<node>(durable_copy(*entry)));
    copy.synced_entries = copy.entries;
    return copy;
}

void sync_all(node& of) {
    of.synced_size = of.text.size();
    of.synced_entries = of.entries;
    for (auto const& [name, entry] : of.entries) sync_all(*entry);
}

void collect(std::map<std::string, std::string>& into, std::string const& path, node const& from) {
    if (!from.folder) into.emplace(path, from.text);
    for (auto const& [name, entry] : from.entries) collect(into, path + '/' + name, *entry);
}

// Where there is a file to write to, or none yet.
place writable(node& root, char const* verb, std::string const& path) {
    place at = find(root, path);
    if (!at.reached()) throw error(at.problem, verb, path);
    if (at.wants_folder || (at.found && at.found->folder)) throw error(std::errc::is_a_directory, verb, path);
    return at;
}

bool is_one_of(node const* n, std::vector<node*> const& folders) {
    return std::find(folders.begin(), folders.end(), n) != folders.end();
}

// In the kernel's order (do_renameat2), so that the same error wins.
std::errc problem_of_renaming(place const& from, place const& to) {
    if (!from.reached()) return from.problem;
    if (!to.reached()) return to.problem;
    if (!from.plain_name() || !to.plain_name()) return std::errc::device_or_resource_busy;
    if (!from.found) return std::errc::no_such_file_or_directory;
    if (!from.found->folder && (from.wants_folder || to.wants_folder)) return std::errc::not_a_directory;
    if (is_one_of(from.found, to.folders)) return std::errc::invalid_argument; // into itself
    if (!to.found || to.found == from.found) return {};
    if (is_one_of(to.found, from.folders)) return std::errc::directory_not_empty;
    if (from.found->folder && !to.found->folder) return std::errc::not_a_directory;
    if (!from.found->folder && to.found->folder) return std::errc::is_a_directory;
    if (!to.found->entries.empty()) return std::errc::directory_not_empty;
    return {};
}

} // namespace

struct in_memory_files::tree {
    mutable std::mutex mutex;
    node root{.folder = true};

    void write(std::string const& path, std::string&& text);
    void make_folders(std::string const& path);
};

void in_memory_files::tree::write(std::string const& path, std::string&& text) {
    std::lock_guard lock(mutex);
    place const at = writable(root, "write", path);
    std::size_t const size = text.size();
    add(at, {.text = std::move(text), .synced_size = size});
}

void in_memory_files::tree::make_folders(std::string const& path) {
    std::lock_guard lock(mutex);
    place at;
    at.folders.push_back(&root);
    at.found = &root;
    at.problem = problem_of(path);
    auto const names = at.reached() ? names_in(path) : std::vector<std::string_view>{};
    for (std::size_t i = 0; i < names.size() && at.reached(); ++i) {
        step(at, names[i]);
        if (!at.reached()) break;
        if (!at.found) at.found = &add(at, {.folder = true});
        bool const last = i + 1 == names.size();
        enter(at);
        if (last && !at.reached()) at.problem = std::errc::file_exists;
    }
    if (!at.reached()) throw error(at.problem, "make the folder", path);
}

in_memory_files::in_memory_files() : tree_(std::make_unique<tree>()) {}

in_memory_files::in_memory_files(std::initializer_list<std::pair<std::string, std::string>> files) : in_memory_files() {
    for (auto const& [path, text] : files) {
        if (auto const slash = path.rfind('/'); slash != path.npos && slash > 0)
            tree_->make_folders(path.substr(0, slash));
        tree_->write(path, std::string(text));
    }
    sync_all(tree_->root);
}

in_memory_files::in_memory_files(in_memory_files&&) noexcept = default;
in_memory_files& in_memory_files::operator=(in_memory_files&&) noexcept = default;
in_memory_files::~in_memory_files() = default;

std::map<std::string, std::string> in_memory_files::contents() const {
    std::lock_guard lock(tree_->mutex);
    std::map<std::string, std::string> all;
    collect(all, "", tree_->root);
    return all;
}

void in_memory_files::lose_unsynced() {
    std::lock_guard lock(tree_->mutex);
    tree_->root = durable_copy(tree_->root);
}

std::string in_memory_files::operator()(os::operations::read_text const& op) const {
    perform(detail::wait_turn{"os::read_text"});
    std::lock_guard lock(tree_->mutex);
    place const at = find(tree_->root, op.path);
    if (!at.reached()) throw error(at.problem, "read", op.path);
    if (!at.found) throw error(std::errc::no_such_file_or_directory, "read", op.path);
    if (at.found->folder) throw error(std::errc::is_a_directory, "read", op.path);
    if (at.wants_folder) throw error(std::errc::not_a_directory, "read", op.path);
    return at.found->text;
}

void in_memory_files::operator()(os::operations::write_text op) {
    perform(detail::wait_turn{"os::write_text"});
    tree_->write(op.path, std::move(op.text));
}

void in_memory_files::operator()(os::operations::append_text const& op) {
    perform(detail::wait_turn{"os::append_text"});
    std::lock_guard lock(tree_->mutex);
    place const at = writable(tree_->root, "append to", op.path);
    (at.found ? *at.found : add(at, {})).text += op.text;
}

std::vector<std::string> in_memory_files::operator()(os::operations::list_directory const& op) const {
    perform(detail::wait_turn{"os::list_directory"});
    std::lock_guard lock(tree_->mutex);
    place const at = find(tree_->root, op.path);
    if (!at.reached()) throw error(at.problem, "list", op.path);
    if (!at.found) throw error(std::errc::no_such_file_or_directory, "list", op.path);
    if (!at.found->folder) throw error(std::errc::not_a_directory, "list", op.path);
    std::vector<std::string> names;
    for (auto const& [name, entry] : at.found->entries) names.push_back(name);
    return names;
}

void in_memory_files::operator()(os::operations::make_directories const& op) {
    perform(detail::wait_turn{"os::make_directories"});
    tree_->make_folders(op.path);
}

bool in_memory_files::operator()(os::operations::remove const& op) {
    perform(detail::wait_turn{"os::remove"});
    std::lock_guard lock(tree_->mutex);
    place const at = find(tree_->root, op.path);
    if (at.problem == std::errc::no_such_file_or_directory || at.problem == std::errc::not_a_directory) return false;
    if (!at.reached()) throw error(at.problem, "remove", op.path);
    if (!at.found || (at.wants_folder && !at.found->folder)) return false;
    if (at.name.empty()) throw error(std::errc::device_or_resource_busy, "remove", op.path);
    if (at.name == ".") throw error(std::errc::invalid_argument, "remove", op.path);
    if (at.name == ".." || !at.found->entries.empty()) throw error(std::errc::directory_not_empty, "remove", op.path);
    at.siblings().erase(at.siblings().find(at.name));
    return true;
}

void in_memory_files::operator()(os::operations::rename const& op) {
    perform(detail::wait_turn{"os::rename"});
    std::lock_guard lock(tree_->mutex);
    place const from = find(tree_->root, op.from);
    place const to = find(tree_->root, op.to);
    if (auto const problem = problem_of_renaming(from, to); problem != std::errc{})
        throw error(problem, "rename", op.from, op.to);
    if (from.found == to.found) return;
    auto const old = from.siblings().find(from.name);
    auto moved = std::move(old->second);
    from.siblings().erase(old);
    // A folder that moved is in its old place or in its new one, and never in both: the two could come to lie in each other.
    if (node& left = *from.folders.back(), &entered = *to.folders.back(); moved->folder && &left != &entered) {
        std::erase_if(left.synced_entries, [&](auto const& entry) { return entry.second == moved; });
        entered.synced_entries[std::string(to.name)] = moved;
    }
    to.siblings()[std::string(to.name)] = std::move(moved);
}

void in_memory_files::operator()(os::operations::sync const& op) {
    perform(detail::wait_turn{"os::sync"});
    std::lock_guard lock(tree_->mutex);
    place const at = find(tree_->root, op.path);
    if (!at.reached()) throw error(at.problem, "sync", op.path);
    if (!at.found) throw error(std::errc::no_such_file_or_directory, "sync", op.path);
    if (at.wants_folder && !at.found->folder) throw error(std::errc::not_a_directory, "sync", op.path);
    at.found->synced_size = at.found->text.size();
    at.found->synced_entries = at.found->entries;
    for (node* folder : at.folders) folder->synced_entries = folder->entries;
}

bool in_memory_files::operator()(os::operations::exists const& op) const {
    perform(detail::wait_turn{"os::exists"});
    std::lock_guard lock(tree_->mutex);
    place const at = find(tree_->root, op.path);
    if (at.problem == std::errc::no_such_file_or_directory || at.problem == std::errc::not_a_directory) return false;
    if (!at.reached()) throw error(at.problem, "look for", op.path);
    return at.found && (at.found->folder || !at.wants_folder);
}

} // namespace effects::os
