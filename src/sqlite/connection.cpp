// SPDX-License-Identifier: BSL-1.0
#include "connection.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include <sqlite3.h>

#include <effects/sql/detail/quote.hpp>

#include "errors.hpp"
#include "statement_text.hpp"

namespace effects::sqlite {
namespace {

constexpr std::size_t longest_text_kept = 64 * 1024; // bigger ones are made by programs, and not twice the same

// Where a statement is left, whatever happens: reset, with no pointer into the caller's parameters.
class run {
public:
    explicit run(sqlite3_stmt* s) noexcept : statement_(s) {}
    run(run const&) = delete;
    run& operator=(run const&) = delete;
    ~run() {
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_);
    }

private:
    sqlite3_stmt* statement_;
};

[[noreturn]] void throw_about(std::string_view sqlstate, std::string message, std::string_view statement) {
    try {
        sql::throw_error(sqlstate, std::move(message));
    } catch (effects::error& e) {
        e.add_context(sql::detail::running(statement));
        throw;
    }
}

bool only_blanks(std::string_view text) noexcept {
    return text.find_first_not_of(" \t\r\n\f;") == std::string_view::npos;
}

struct binder {
    sqlite3_stmt* statement;
    int place;

    int operator()(sql::null_t) const { return sqlite3_bind_null(statement, place); }
    int operator()(bool b) const { return sqlite3_bind_int(statement, place, b ? 1 : 0); }
    int operator()(std::int64_t i) const { return sqlite3_bind_int64(statement, place, i); }
    int operator()(double d) const { return sqlite3_bind_double(statement, place, d); }
    int operator()(std::string const& text) const {
        return sqlite3_bind_text64(statement, place, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(sql::blob const& bytes) const {
        if (bytes.empty()) return sqlite3_bind_zeroblob(statement, place, 0); // a null pointer would bind null
        return sqlite3_bind_blob64(statement, place, bytes.data(), bytes.size(), SQLITE_STATIC);
    }
    int operator()(sql::timestamp t) const {
        auto text = sql::to_text(t);
        return sqlite3_bind_text64(statement, place, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
};

// Called for each thing that a statement will do, when it is compiled.
int note_what_readers_lack(void* counts, int action, char const* name, char const* argument, char const* database,
                           char const*) {
    constexpr std::array answer_changing{"case_sensitive_like", "full_column_names",         "short_column_names",
                                         "trusted_schema",      "reverse_unordered_selects", "writable_schema"};
    bool differs = false;
    switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW:
        differs = true;
        break;
    case SQLITE_CREATE_VTABLE:
        differs = database && std::string_view(database) != "main";
        break;
    case SQLITE_PRAGMA:
        differs = argument && std::any_of(answer_changing.begin(), answer_changing.end(),
                                          [&](char const* p) { return sqlite3_stricmp(p, name) == 0; });
        break;
    default:
        break;
    }
    if (differs) static_cast<connection_counts*>(counts)->writer_differs = true;
    return SQLITE_OK;
}

} // namespace

void close_connection::operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
void finalize_statement::operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }

connection::connection(connection_settings settings, connection_counts& counts)
    : settings_(std::move(settings)), counts_(&counts) {
    if (settings_.path.empty() || settings_.path.find('\0') != std::string::npos)
        throw sql::connection_failure("08001", "the path of a database file is empty or has a zero byte in it", {});
    int access = settings_.read_only ? SQLITE_OPEN_READONLY
                                     : SQLITE_OPEN_READWRITE | (settings_.create ? SQLITE_OPEN_CREATE : 0);
    sqlite3* db = nullptr;
    int code = sqlite3_open_v2(settings_.path.c_str(), &db,
                               access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE, nullptr);
    db_.reset(db); // there is one even where opening failed, for its message
    try {
        if (code != SQLITE_OK) fail(code, {});
        configure();
        if (!settings_.query_only && !is_in_memory())
            sqlite3_set_authorizer(db_.get(), &note_what_readers_lack, counts_);
    } catch (effects::error& e) {
        e.add_context("opening the database " + settings_.path);
        throw;
    }
}

void connection::configure() {
    wait_when_busy(settings_.busy_timeout);
    // "sku" in double quotes is a column, never a string: a misspelt column is an error then.
    sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    execute(settings_.foreign_keys ? "pragma foreign_keys = on" : "pragma foreign_keys = off", {});
    execute("pragma schema_version", {}); // reads the file: what is no database is known now
    if (!is_in_memory()) {
        if (settings_.wal && !is_read_only() && !settings_.query_only) execute("pragma journal_mode = wal", {});
        wal_ = execute("pragma journal_mode", {}).one<std::string>() == "wal";
        execute(settings_.full_sync ? "pragma synchronous = full" : "pragma synchronous = normal", {});
    }
    if (settings_.query_only) execute("pragma query_only = on", {});
    wait_when_busy(std::chrono::milliseconds(0));
    cached_.clear();
    recent_.clear();
}

void connection::fail(int code, std::string_view text) const {
    // The message belongs to the last call; what SQLite has no message for, it names by the code.
    bool same = sqlite3_extended_errcode(db_.get()) == code;
    throw_failure({code, same ? sqlite3_errmsg(db_.get()) : sqlite3_errstr(code),
                   same && (code & 0xFF) == SQLITE_ERROR ? sqlite3_error_offset(db_.get()) : -1},
                  text);
}

bool connection::in_transaction() const noexcept { return sqlite3_get_autocommit(db_.get()) == 0; }
bool connection::is_in_memory() const noexcept {
    char const* file = sqlite3_db_filename(db_.get(), "main");
    return !file || !*file;
}
bool connection::is_read_only() const noexcept { return sqlite3_db_readonly(db_.get(), "main") == 1; }

void connection::wait_when_busy(std::chrono::milliseconds limit) noexcept {
    auto clamped = std::clamp<std::chrono::milliseconds::rep>(limit.count(), 0, std::numeric_limits<int>::max());
    sqlite3_busy_timeout(db_.get(), static_cast<int>(clamped));
}

connection::watched::watched(connection& c, std::atomic<bool> const& stop) noexcept : db_(c.db_.get()) {
    constexpr int instructions = 1000; // of SQLite's machine, between two looks: some 10 µs
    auto stopped = [](void* flag) { return static_cast<std::atomic<bool> const*>(flag)->load() ? 1 : 0; };
    sqlite3_progress_handler(db_, instructions, stopped, const_cast<std::atomic<bool>*>(&stop));
}
connection::watched::~watched() { sqlite3_progress_handler(db_, 0, nullptr, nullptr); }

connection::statement connection::prepare(std::string const& text, bool keep) {
    if (text.find('\0') != std::string::npos) throw_about("42601", "a zero byte in the text of the statement", text);
    if (text.size() >= static_cast<std::size_t>(std::numeric_limits<int>::max()))
        throw_about("54000", "the text of the statement is too long", text);

    auto compile = [&](std::string_view part, char const** rest) {
        sqlite3_stmt* made = nullptr;
        int code = sqlite3_prepare_v3(db_.get(), part.data(), static_cast<int>(part.size()) + 1,
                                      keep ? SQLITE_PREPARE_PERSISTENT : 0, &made, rest);
        return std::pair(code, std::unique_ptr<sqlite3_stmt, finalize_statement>(made));
    };
    statement s;
    char const* end = nullptr;
    auto [code, handle] = compile(text, &end);
    if (code != SQLITE_OK) fail(code, text);
    if (!handle) throw_about("42601", "there is no statement in the text", text);

    std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (!only_blanks(rest)) { // comments are not a second statement
        auto [rest_code, second] = compile(rest, nullptr);
        if (rest_code != SQLITE_OK || second)
            throw_about("42601", "more than one statement in the text (sql::script runs several)", text);
    }
    counts_->prepared.fetch_add(1, std::memory_order_relaxed);
    s.text = text;
    s.handle = std::move(handle);
    find_places(s);
    return s;
}

connection::statement& connection::prepared(std::string const& text) {
    if (auto found = cached_.find(text); found != cached_.end()) {
        counts_->reused.fetch_add(1, std::memory_order_relaxed);
        recent_.splice(recent_.begin(), recent_, found->second);
        return recent_.front();
    }
    bool keep = settings_.statement_cache > 0 && text.size() <= longest_text_kept;
    auto made = prepare(text, keep);
    // One that is not to be kept stands first until the next one comes, under no key.
    if (!recent_.empty() && !cached_.contains(recent_.front().text)) recent_.pop_front();
    while (recent_.size() >= std::max<std::size_t>(settings_.statement_cache, 1)) {
        cached_.erase(recent_.back().text);
        recent_.pop_back();
    }
    recent_.push_front(std::move(made));
    if (keep) cached_.emplace(recent_.front().text, recent_.begin());
    return recent_.front();
}

// SQLite numbers its placeholders in the order in which names first appear; ours carry their numbers as names.
void connection::find_places(statement& s) const {
    int count = sqlite3_bind_parameter_count(s.handle.get());
    bool dollars = false, others = false;
    for (int i = 1; i <= count; ++i) {
        char const* name = sqlite3_bind_parameter_name(s.handle.get(), i);
        std::string_view shown = name ? name : "";
        if (shown.empty() || shown.front() == '?') { // "?", "?3", or the gap before a "?3"
            others = true;
            s.places.push_back(static_cast<std::size_t>(i) - 1);
            s.wanted = std::max(s.wanted, static_cast<std::size_t>(i));
            continue;
        }
        int number = 0;
        char const* last = shown.data() + shown.size();
        auto [end, error] = std::from_chars(shown.data() + 1, last, number);
        bool numbered = shown.front() == '$' && error == std::errc() && number > 0 && shown[1] != '0';
        if (numbered && std::string_view(end, static_cast<std::size_t>(last - end)).starts_with("::"))
            throw_about("42601",
                        "SQLite has no cast like '" + std::string(shown) + "': write cast(" +
                            std::string(shown.substr(0, static_cast<std::size_t>(end - shown.data()))) + " as …)",
                        s.text);
        if (!numbered || end != last || number > 32766)
            throw_about("42601", "a placeholder is written $1, $2, …: '" + std::string(shown) + "' is none", s.text);
        dollars = true;
        s.places.push_back(static_cast<std::size_t>(number) - 1);
        s.wanted = std::max(s.wanted, static_cast<std::size_t>(number));
    }
    if (dollars && others) throw_about("42601", "placeholders are all of one kind: $1, $2, … or ?, ?, …", s.text);
    if (dollars) {
        std::vector<bool> used(s.wanted);
        for (auto place : s.places) used[place] = true;
        for (std::size_t i = 0; i < s.wanted; ++i)
            if (!used[i])
                throw_about("07001",
                            "the statement uses $" + std::to_string(s.wanted) + " but not $" + std::to_string(i + 1),
                            s.text);
    }
}

void connection::bind(statement& s, std::vector<sql::value> const& parameters) const {
    if (parameters.size() != s.wanted)
        throw_about("07001",
                    "the statement takes " + std::to_string(s.wanted) +
                        (s.wanted == 1 ? " parameter, " : " parameters, ") + std::to_string(parameters.size()) +
                        (parameters.size() == 1 ? " was given" : " were given"),
                    s.text);
    for (std::size_t i = 0; i < s.places.size(); ++i) {
        auto const& given = parameters[s.places[i]];
        if (auto const* d = std::get_if<double>(&given.alternatives()); d && std::isnan(*d))
            throw_about("22023",
                        "parameter $" + std::to_string(s.places[i] + 1) +
                            " is not a number (NaN), which SQLite would store as null",
                        s.text);
        int code = std::visit(binder{s.handle.get(), static_cast<int>(i) + 1}, given.alternatives());
        if (code != SQLITE_OK) fail(code, s.text);
    }
}

void connection::refresh_layout(statement& s) const {
    int prepared_again = sqlite3_stmt_status(s.handle.get(), SQLITE_STMTSTATUS_REPREPARE, 0);
    if (s.layout && s.layout_of == prepared_again) return;
    auto layout = std::make_shared<sql::row_layout>();
    layout->query = s.text;
    int columns = sqlite3_column_count(s.handle.get());
    for (int i = 0; i < columns; ++i) {
        char const* name = sqlite3_column_name(s.handle.get(), i);
        layout->columns.emplace_back(name ? name : "");
    }
    s.layout = std::move(layout);
    s.layout_of = prepared_again;
}

sql::result connection::execute(std::string const& text, std::vector<sql::value> const& parameters) {
    statement& s = prepared(text);
    sqlite3_stmt* handle = s.handle.get();
    run guard(handle);
    bind(s, parameters);

    auto changes_before = sqlite3_total_changes64(db_.get());
    std::vector<sql::value> cells;
    int columns = -1;
    for (;;) {
        int code = sqlite3_step(handle);
        if (code == SQLITE_DONE) break;
        if (code != SQLITE_ROW) fail(sqlite3_extended_errcode(db_.get()), text);
        if (columns < 0) columns = sqlite3_data_count(handle);
        for (int i = 0; i < columns; ++i) {
            switch (sqlite3_column_type(handle, i)) {
            case SQLITE_INTEGER:
                cells.emplace_back(static_cast<std::int64_t>(sqlite3_column_int64(handle, i)));
                break;
            case SQLITE_FLOAT:
                cells.emplace_back(sqlite3_column_double(handle, i));
                break;
            case SQLITE_TEXT: {
                auto const* chars = sqlite3_column_text(handle, i);
                if (!chars) fail(SQLITE_NOMEM, text);
                auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle, i));
                cells.emplace_back(std::string(reinterpret_cast<char const*>(chars), size));
                break;
            }
            case SQLITE_BLOB: {
                auto const* bytes = static_cast<std::byte const*>(sqlite3_column_blob(handle, i));
                auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle, i));
                if (!bytes && size > 0) fail(SQLITE_NOMEM, text);
                cells.emplace_back(size ? sql::blob(bytes, bytes + size) : sql::blob());
                break;
            }
            default:
                cells.emplace_back();
                break;
            }
        }
    }
    refresh_layout(s);         // after the first step, which is where SQLite prepares again when the schema has changed
    std::int64_t affected = 0; // `changes` is left over from an earlier statement unless this one changed something
    if (sqlite3_total_changes64(db_.get()) != changes_before) affected = sqlite3_changes64(db_.get());
    return {s.layout, std::move(cells), affected};
}

void connection::run_script(std::string const& text) {
    if (text.find('\0') != std::string::npos) throw_about("42601", "a zero byte in the text of the script", text);
    if (text.size() >= static_cast<std::size_t>(std::numeric_limits<int>::max()))
        throw_about("54000", "the text of the script is too long", text);
    char const* const end = text.data() + text.size();
    char const* at = text.data();
    while (at != end) {
        sqlite3_stmt* made = nullptr;
        char const* next = nullptr;
        int code = sqlite3_prepare_v3(db_.get(), at, static_cast<int>(end - at) + 1, 0, &made, &next);
        std::unique_ptr<sqlite3_stmt, finalize_statement> handle(made);
        std::string_view one(at, static_cast<std::size_t>(next ? next - at : end - at));
        if (auto start = one.find_first_not_of(" \t\r\n\f"); start != std::string_view::npos) one.remove_prefix(start);
        if (code != SQLITE_OK) fail(code, one);
        at = next;
        if (!handle) continue; // a comment, or nothing
        if (sqlite3_bind_parameter_count(made) > 0) throw_about("07001", "a script has no parameters", one);
        if (kind_of(one) == statement_kind::transaction_control)
            throw std::logic_error("while " + sql::detail::running(one) +
                                   ": a script is one transaction; its statements neither begin nor end any");
        while ((code = sqlite3_step(made)) == SQLITE_ROW) {
        }
        if (code != SQLITE_DONE) fail(sqlite3_extended_errcode(db_.get()), one);
    }
}

bool connection::reads_only(std::string const& text) { return sqlite3_stmt_readonly(prepared(text).handle.get()) != 0; }

} // namespace effects::sqlite
