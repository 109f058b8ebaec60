// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/archive/scrub.h"

#include "base/file.h"
#include "base/text.h"
#include "collector/recorder/archive/copy.h"
#include "collector/recorder/archive/secrets.h"
#include "schemas/sqlite/attach.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <unistd.h>

namespace ridge::archive {
namespace fs = std::filesystem;
namespace {

// How the texts of a column are treated.
enum class Rule : std::uint8_t { kText, kPath, kHost, kDevice, kByName, kString, kSystem };

bool containsAny(std::string_view name, std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

bool isNumber(std::string_view text) {
    return !text.empty() && text.size() <= 20 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0 || c == '.' || c == '-'; });
}

// What TARGET_INFO_SYSTEM_ENV says of the machine that a reader of performance needs; all else that is no number goes.
bool isListedProperty(std::string_view name) {
    static const std::set<std::string_view> kListed = {
        "SupportedABIs", "Supported64BitABIs", "HardwarePlatform", "SoftwarePlatform", "OsDescription", "SoftwareReleaseVersion",
        "KernelVersion", "GpuInfo", "GpuMetricsConfig", "NvDriverVersion", "OfedDriverVersion", "LinuxPerfInfo", "SocInfo", "ArmCores", "SupportedFTraceEvents"};
    return kListed.contains(name) || name.starts_with("Cpu") || name.starts_with("Cuda") || name.starts_with("Gpu");
}

// Names of META_DATA_* and RIDGE_ENVIRONMENT whose value is one host or user, and nothing else.
bool isHostKey(std::string_view name) { return name == "EXPORT_HOST" || name == "host.name" || name == "os.boot_id" || name == "Hostname" || containsAny(name, {"HOST_NAME", "HOSTNAME", "DISPLAY_NAME"}); }
bool isUserKey(std::string_view name) { return name == "EXPORT_USER" || containsAny(name, {"USER_NAME", "USERNAME"}); }

Rule ruleFor(const std::string& table, const std::string& column) {
    const auto is = [&](std::string_view t, std::string_view c) { return table == t && column == c; };
    if (is("StringIds", "value")) return Rule::kString;
    if (is("TARGET_INFO_SYSTEM_ENV", "value")) return Rule::kSystem;
    if (is("RIDGE_ENVIRONMENT", "value") || is("META_DATA_CAPTURE", "value") || is("META_DATA_EXPORT", "value") || is("EXPORT_META_DATA", "value")) return Rule::kByName;
    if (is("RIDGE_RANK", "host")) return Rule::kHost;
    if (column == "devStateName" || is("TARGET_INFO_NIC_INFO", "stateName")) return Rule::kDevice;
    if (is("OSRT_FILE_ACCESS_DESCRIPTORS", "filePath") || is("RIDGE_RUN", "workingDirectory") || is("ANALYSIS_FILE", "filename") || is("PROCESSES", "name") || is("TARGET_INFO_GPU", "ctrlDevPath")) return Rule::kPath;
    return Rule::kText;
}

class Scrub {
public:
    Scrub(Database db, FileShape shape, const ScrubOptions& options) : m_db(std::move(db)), m_shape(std::move(shape)), m_options(options) {}

    Result<ScrubOutcome> run(const std::string& input) {
        RIDGE_TRY_STATUS(m_db.execute(fmt::format(
            "PRAGMA trusted_schema = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = {}; PRAGMA encoding = '{}'; "
            "PRAGMA application_id = {}; PRAGMA user_version = {}",
            m_shape.pageSize, m_shape.encoding, m_shape.applicationId, m_shape.userVersion)));
        RIDGE_TRY_STATUS(attachForReading(m_db, input, "src"));
        for (const std::string& word : m_options.words) m_words.insert(word);
        registerFunctions();
        RIDGE_TRY_STATUS(learnAll());
        RIDGE_TRY_STATUS(m_db.execute("BEGIN"));
        for (const TableShape& table : m_shape.tables)
            if (auto done = copy(table); !done.ok()) return withContext(std::move(done).takeError(), toValidUtf8(table.name));
        RIDGE_TRY_STATUS(restoreSequences(m_db, m_shape.sequences));
        for (const std::string& sql : m_shape.afterwards)
            if (auto made = m_db.execute(sql); !made.ok()) m_outcome.notes.push_back(fmt::format("left out: {}", made.error().message));
        RIDGE_TRY_STATUS(m_db.execute("COMMIT; DETACH src"));
        for (std::size_t i = 0; i < kRemovedKinds; ++i)
            if (m_cleaner.counts()[i] != 0) m_outcome.removed.emplace_back(removedName(static_cast<Removed>(i)), m_cleaner.counts()[i]);
        m_outcome.notes.insert(m_outcome.notes.begin(), m_shape.leftOut.begin(), m_shape.leftOut.end());
        return std::move(m_outcome);
    }

private:
    static std::string_view textOf(sqlite3_value* value) {
        // As UTF-8 whatever the encoding of the file; with its length, for it may hold NULs.
        const void* bytes = sqlite3_value_type(value) == SQLITE_TEXT ? static_cast<const void*>(sqlite3_value_text(value)) : sqlite3_value_blob(value);
        return bytes == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_value_bytes(value)));
    }
    static bool isText(sqlite3_value* value) {
        const int type = sqlite3_value_type(value);
        return type == SQLITE_TEXT || type == SQLITE_BLOB;
    }

    void registerFunctions() {
        constexpr int kFlags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
        sqlite3_create_function_v2(m_db.handle(), "ridge_learn", 2, kFlags, this, &Scrub::learnCall, nullptr, nullptr, nullptr);
        sqlite3_create_function_v2(m_db.handle(), "ridge_clean", 3, kFlags, this, &Scrub::cleanCall, nullptr, nullptr, nullptr);
    }

    // Exceptions must not cross SQLite: out of memory is an error of the statement.
    static void learnCall(sqlite3_context* context, int, sqlite3_value** values) {
        try {
            auto* self = static_cast<Scrub*>(sqlite3_user_data(context));
            if (!isText(values[1])) return;
            const std::string_view text = textOf(values[1]);
            if (isText(values[0])) {
                const std::string_view name = textOf(values[0]);
                if (isHostKey(name)) self->learnHost(text);
                if (isUserKey(name)) self->m_cleaner.addUser(text);
            }
            self->m_cleaner.learn(text);
        } catch (const std::exception& error) {
            sqlite3_result_error(context, error.what(), -1);
        }
    }

    static void cleanCall(sqlite3_context* context, int, sqlite3_value** values) {
        try {
            auto* self = static_cast<Scrub*>(sqlite3_user_data(context));
            if (!isText(values[2])) {
                sqlite3_result_value(context, values[2]);
                return;
            }
            const auto cleaned = self->clean(static_cast<Rule>(sqlite3_value_int(values[0])), values[1], textOf(values[2]));
            if (!cleaned) {
                sqlite3_result_value(context, values[2]);
            } else if (sqlite3_value_type(values[2]) == SQLITE_TEXT) {
                sqlite3_result_text64(context, cleaned->data(), cleaned->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
            } else {
                sqlite3_result_blob64(context, cleaned->data(), cleaned->size(), SQLITE_TRANSIENT);
            }
        } catch (const std::exception& error) {
            sqlite3_result_error(context, error.what(), -1);
        }
    }

    // "node7.cluster.org" is known as "node7" too.
    void learnHost(std::string_view name) {
        m_cleaner.addHost(name);
        if (const std::size_t dot = name.find('.'); dot != std::string_view::npos) m_cleaner.addHost(name.substr(0, dot));
    }

    std::optional<std::string> whole(Removed kind, std::string_view text) {
        if (text.empty() || text == kScrubbed) return {};
        m_cleaner.count(kind);
        return std::string(kScrubbed);
    }

    std::optional<std::string> clean(Rule rule, sqlite3_value* key, std::string_view text) {
        std::optional<std::string> result = byRule(rule, key, text);
        if (rule != Rule::kHost || !result)
            if (auto cleaned = m_cleaner.clean(result ? std::string_view(*result) : text)) result = std::move(cleaned);
        for (const std::string& word : m_words) takeOut(word, text, result);
        return result;
    }

    void takeOut(const std::string& word, std::string_view text, std::optional<std::string>& result) {
        if (word.empty()) return;
        std::string current = result ? *result : std::string(text);
        bool found = false;
        for (std::size_t at = current.find(word); at != std::string::npos; at = current.find(word, at + kScrubbed.size())) {
            current.replace(at, word.size(), kScrubbed);
            m_cleaner.count(Removed::kSecret);
            found = true;
        }
        if (found) result = std::move(current);
    }

    std::optional<std::string> byRule(Rule rule, sqlite3_value* key, std::string_view text) {
        switch (rule) {
            case Rule::kText: return {};
            case Rule::kPath: return m_options.paths ? m_cleaner.withoutFolders(text) : std::nullopt;
            case Rule::kHost: return m_cleaner.hostAlias(text);
            case Rule::kDevice: return text.starts_with("Local") ? std::nullopt : whole(Removed::kHost, text);
            case Rule::kString: {
                const std::int64_t id = sqlite3_value_int64(key);
                if (m_outputs.contains(id)) return whole(Removed::kOutput, text);
                return m_options.paths && m_pathStrings.contains(id) ? m_cleaner.withoutFolders(text) : std::nullopt;
            }
            case Rule::kSystem: {
                const std::string_view name = textOf(key);
                if (isListedProperty(name) || isNumber(text)) return {};
                const bool environment = containsAny(name, {"Environment", "Env"});
                return whole(environment ? Removed::kEnvironment : name == "Hostname" ? Removed::kHost : Removed::kValue, text);
            }
            case Rule::kByName: return byName(textOf(key), text);
        }
        return {};
    }

    std::optional<std::string> byName(std::string_view name, std::string_view text) {
        if (isHostKey(name)) return whole(Removed::kHost, text);
        if (isUserKey(name)) return whole(Removed::kUser, text);
        if (name.starts_with("env.")) return isListedVariable(name.substr(4)) ? std::nullopt : whole(Removed::kEnvironment, text);
        if (name.find("ENVIRONMENT") != std::string_view::npos || name.ends_with(":ENV") || name.ends_with("_ENV")) return isNumber(text) || text == "true" || text == "false" ? std::nullopt : whole(Removed::kEnvironment, text);
        if (m_options.paths && containsAny(name, {"_PATH", "_DIR", ":COMMAND", "_FILE"})) return m_cleaner.withoutFolders(text);
        return {};
    }

    // Which strings hold what programs printed, and which are paths of modules and files.
    Status findStrings() {
        const auto collect = [&](const char* table, const char* column, std::set<std::int64_t>& ids) -> Status {
            const auto found = std::find_if(m_shape.tables.begin(), m_shape.tables.end(), [&](const TableShape& t) { return t.name == table; });
            if (found == m_shape.tables.end() || std::find(found->columns.begin(), found->columns.end(), column) == found->columns.end()) return {};
            RIDGE_TRY(Statement statement, m_db.prepare(fmt::format("SELECT DISTINCT {} FROM src.{}", column, table)));
            for (;;) {
                RIDGE_TRY(const bool row, statement.step());
                if (!row) return {};
                if (!statement.isNull(0)) ids.insert(statement.integer(0));
            }
        };
        RIDGE_TRY_STATUS(collect("ProcessStreams", "contentId", m_outputs));
        RIDGE_TRY_STATUS(collect("ANALYSIS_FILE", "contentId", m_outputs));
        RIDGE_TRY_STATUS(collect("ProcessStreams", "filenameId", m_pathStrings));
        for (const char* chains : {"SAMPLING_CALLCHAINS", "OSRT_CALLCHAINS", "CUDA_CALLCHAINS"}) RIDGE_TRY_STATUS(collect(chains, "module", m_pathStrings));
        return {};
    }

    static bool hasColumn(const TableShape& table, const char* name) { return std::find(table.columns.begin(), table.columns.end(), name) != table.columns.end(); }

    Status learnAll() {
        RIDGE_TRY_STATUS(findStrings());
        for (const TableShape& table : m_shape.tables)
            for (const std::string& column : table.columns) {
                const bool named = ruleFor(table.name, column) == Rule::kSystem || ruleFor(table.name, column) == Rule::kByName;
                const std::string name = named && hasColumn(table, "name") ? sqlName("name") : "NULL";
                RIDGE_TRY_STATUS(m_db.execute(fmt::format("SELECT count(ridge_learn({0}, {1})) FROM src.{2} WHERE typeof({1}) IN ('text', 'blob')", name, sqlName(column), sqlName(table.name))));
                if (ruleFor(table.name, column) != Rule::kHost) continue;
                RIDGE_TRY(Statement hosts, m_db.prepare(fmt::format("SELECT DISTINCT {} FROM src.{} ORDER BY 1", sqlName(column), sqlName(table.name))));
                for (;;) {
                    RIDGE_TRY(const bool row, hosts.step());
                    if (!row) break;
                    if (!hosts.isNull(0)) learnHost(hosts.text(0));
                }
            }
        return {};
    }

    Status copy(const TableShape& table) {
        RIDGE_TRY_STATUS(m_db.execute(table.createTable));
        std::string into, from;
        if (!table.rowidName.empty() && table.rowidColumn < 0) into = from = table.rowidName;
        for (const std::string& column : table.columns) {
            const Rule rule = ruleFor(table.name, column);
            const char* key = rule == Rule::kString ? "id" : "name";
            const bool keyed = (rule == Rule::kString || rule == Rule::kSystem || rule == Rule::kByName) && hasColumn(table, key);
            into += fmt::format("{}{}", into.empty() ? "" : ", ", sqlName(column));
            from += fmt::format("{}ridge_clean({}, {}, {})", from.empty() ? "" : ", ", static_cast<int>(rule), keyed ? sqlName(key) : "NULL", sqlName(column));
        }
        if (into.empty()) return {};
        RIDGE_TRY_STATUS(m_db.execute(fmt::format("INSERT INTO main.{0} ({1}) SELECT {2} FROM src.{0}{3}", sqlName(table.name), into, from, table.rowidName.empty() ? "" : " ORDER BY " + table.rowidName)));
        m_outcome.rows += static_cast<std::uint64_t>(sqlite3_changes64(m_db.handle()));
        ++m_outcome.tables;
        return {};
    }

    Database m_db;
    FileShape m_shape;
    const ScrubOptions& m_options;
    TextCleaner m_cleaner;
    std::set<std::string> m_words;
    std::set<std::int64_t> m_outputs, m_pathStrings;
    ScrubOutcome m_outcome;
};

}  // namespace

Result<ScrubOutcome> scrubTimeline(const std::string& input, const std::string& output, const ScrubOptions& options) {
    std::error_code ec;
    if (fs::equivalent(input, output, ec)) return Error{ErrorCode::kBadInput, fmt::format("{} is input and output; name another output", output)};
    FileShape shape;
    {
        RIDGE_TRY(Database db, Database::openForReading(input));
        RIDGE_TRY(shape, readShape(db));
    }
    const std::string partial = output + ".partial";
    unlink(partial.c_str());
    auto outcome = [&]() -> Result<ScrubOutcome> {
        RIDGE_TRY(Database db, Database::openForWriting(partial));
        return Scrub(std::move(db), std::move(shape), options).run(input);
    }();
    if (outcome.ok() && std::rename(partial.c_str(), output.c_str()) != 0) outcome = Error{ErrorCode::kIo, fmt::format("{}: {}", output, std::strerror(errno))};
    if (!outcome.ok()) unlink(partial.c_str());
    return outcome;
}

}  // namespace ridge::archive
