// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/archive/pack.h"

#include "base/no_room.h"
#include "base/text.h"
#include "collector/recorder/archive/codec.h"
#include "collector/recorder/archive/copy.h"
#include "collector/recorder/archive/zstd.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <unistd.h>

namespace ridge::archive {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

enum SectionKind : std::uint32_t { kShape = 0, kRows = 1, kEnd = 2 };
struct SectionHeader {
    std::uint32_t kind, table, rows, unpacked, packed;
};
static_assert(sizeof(SectionHeader) == 20 && std::endian::native == std::endian::little);
constexpr std::size_t kMostBlockText = std::size_t{64} << 20;  // a block is closed when its texts are that long
constexpr std::uint32_t kMostTables = 4096;

Error notSupported() { return {ErrorCode::kUnsupported, "this ridge was built without zstd (libzstd-dev), so it can neither pack nor unpack"}; }

bool hasTime(const TableShape& table) {
    return std::any_of(table.columns.begin(), table.columns.end(), [](const std::string& c) { return c == "start" || c == "timestamp" || c == "time" || c == "startedAt"; });
}

// The row id is a column of its own where it is no other.
bool hasRowid(const TableShape& table) { return !table.rowidName.empty() && table.rowidColumn < 0; }

// A prepared statement that tells of types; nullptr inside: it could not be prepared, and the database says why.
class Raw {
public:
    Raw(Database& db, const std::string& sql) { sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &m_statement, nullptr); }
    ~Raw() { sqlite3_finalize(m_statement); }
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;
    [[nodiscard]] sqlite3_stmt* get() const { return m_statement; }

private:
    sqlite3_stmt* m_statement = nullptr;
};

// All of a table in the order in which it is packed; empty: it has no column that is stored.
std::string selectRows(const TableShape& table) {
    std::string names = hasRowid(table) ? table.rowidName : "";
    for (const std::string& column : table.columns) names += (names.empty() ? "" : ", ") + sqlName(column);
    if (names.empty()) return {};
    return fmt::format("SELECT {} FROM {}{}", names, sqlName(table.name), table.rowidName.empty() ? "" : " ORDER BY " + table.rowidName);
}

// A disk without room is one error for whoever meets it (exit code 4).
ErrorCode codeOf(int sqlite) { return sqlite == SQLITE_FULL ? ErrorCode::kMeasurement : sqlite == SQLITE_IOERR ? ErrorCode::kIo : ErrorCode::kBadInput; }

class Packer {
public:
    Packer(Database& db, const FileShape& shape, std::ofstream& out, int level) : m_db(db), m_shape(shape), m_out(out), m_level(level) {}

    Result<PackOutcome> run() {
        write(kMagic);
        json tables = json::array();
        for (const TableShape& table : m_shape.tables)
            tables.push_back({{"sql", table.createTable}, {"name", table.name}, {"columns", table.columns}, {"rowid", hasRowid(table) ? json(table.rowidName) : json(nullptr)}});
        const json shape = {{"page_size", m_shape.pageSize}, {"application_id", m_shape.applicationId}, {"user_version", m_shape.userVersion},
                            {"encoding", m_shape.encoding}, {"tables", tables}, {"afterwards", m_shape.afterwards}, {"sequences", m_shape.sequences}};
        std::string text;
        try {
            text = shape.dump();
        } catch (const json::exception&) {
            return Error{ErrorCode::kBadInput, "its tables have names that are no UTF-8"};
        }
        RIDGE_TRY_STATUS(section(kShape, 0, 0, text));
        for (std::uint32_t i = 0; i < m_shape.tables.size(); ++i) RIDGE_TRY_STATUS(table(i));
        RIDGE_TRY_STATUS(section(kEnd, 0, 0, "end"));
        const std::uint64_t hash = m_hash;
        write({reinterpret_cast<const char*>(&hash), sizeof hash});
        m_out.flush();
        if (!m_out) return notWritten(errno);
        return std::move(m_outcome);
    }

private:
    static Error notWritten(int error) {
        return {isNoRoom(error) ? ErrorCode::kMeasurement : ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(error))};
    }

    void write(std::string_view bytes) {
        m_hash = hashOn(m_hash, bytes);
        m_out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        m_outcome.archiveBytes += bytes.size();
    }

    Status section(std::uint32_t kind, std::uint32_t table, std::uint32_t rows, std::string_view bytes) {
        if (bytes.size() > kMostBlockBytes) return Error{ErrorCode::kBadInput, "a row is too long to be packed"};
        const std::string packed = zstdPack(bytes, m_level);
        const SectionHeader header{kind, table, rows, static_cast<std::uint32_t>(bytes.size()), static_cast<std::uint32_t>(packed.size())};
        write({reinterpret_cast<const char*>(&header), sizeof header});
        write(packed);
        if (!m_out) return notWritten(errno);
        return {};
    }

    Status table(std::uint32_t index) {
        const TableShape& table = m_shape.tables[index];
        const std::string sql = selectRows(table);
        if (sql.empty()) return {};
        const std::size_t columns = table.columns.size() + (hasRowid(table) ? 1 : 0);
        if (columns > kMostColumns) return Error{ErrorCode::kBadInput, fmt::format("{}: too many columns", toValidUtf8(table.name))};
        const Raw rows(m_db, sql);
        std::vector<Column> block(columns);
        std::size_t count = 0, text = 0;
        std::uint64_t total = 0;
        const auto close = [&]() -> Status {
            if (count == 0) return {};
            const Status done = section(kRows, index, static_cast<std::uint32_t>(count), encodeBlock(block));
            for (Column& column : block) column.clear();
            count = text = 0;
            return done;
        };
        for (;;) {
            const int step = rows.get() == nullptr ? SQLITE_ERROR : sqlite3_step(rows.get());
            if (step == SQLITE_DONE) break;
            if (step != SQLITE_ROW) return Error{ErrorCode::kBadInput, fmt::format("{}: {}", toValidUtf8(table.name), sqlite3_errmsg(m_db.handle()))};
            for (std::size_t i = 0; i < columns; ++i) text += take(rows.get(), static_cast<int>(i), block[i]);
            ++total;
            if (++count == kBlockRows || text >= kMostBlockText) RIDGE_TRY_STATUS(close());
        }
        m_outcome.rows += total;
        m_outcome.events += hasTime(table) ? total : 0;
        ++m_outcome.tables;
        return close();
    }

    static std::size_t take(sqlite3_stmt* row, int index, Column& column) {
        const int type = sqlite3_column_type(row, index);
        switch (type) {
            case SQLITE_INTEGER: column.add(Type::kInteger, sqlite3_column_int64(row, index)); return 0;
            case SQLITE_FLOAT: column.add(Type::kReal, std::bit_cast<std::int64_t>(sqlite3_column_double(row, index))); return 0;
            case SQLITE_TEXT:
            case SQLITE_BLOB: {
                const void* bytes = type == SQLITE_TEXT ? sqlite3_column_text(row, index) : sqlite3_column_blob(row, index);
                const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, index));
                column.addBytes(type == SQLITE_TEXT ? Type::kText : Type::kBlob, bytes == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(bytes), size));
                return size;
            }
            default: column.addNull(); return 0;
        }
    }

    Database& m_db;
    const FileShape& m_shape;
    std::ofstream& m_out;
    int m_level;
    std::uint64_t m_hash = kHashStart;
    PackOutcome m_outcome;
};

// What an archive's SQL may do: make tables, indexes and views, and fill tables. No reading, no functions, no other files.
int allow(void*, int action, const char* name, const char*, const char*, const char*) {
    switch (action) {
        case SQLITE_CREATE_TABLE:
        case SQLITE_CREATE_INDEX:
        case SQLITE_CREATE_VIEW:
        case SQLITE_INSERT:
        case SQLITE_UPDATE:
        case SQLITE_DELETE:
        case SQLITE_READ:
        case SQLITE_TRANSACTION:
        case SQLITE_REINDEX: return SQLITE_OK;
        case SQLITE_PRAGMA: return name != nullptr && std::string_view(name) == "user_version" ? SQLITE_OK : SQLITE_DENY;
        default: return SQLITE_DENY;
    }
}

bool begins(std::string_view sql, std::string_view words) {
    return sql.size() > words.size() && std::equal(words.begin(), words.end(), sql.begin(), [](char a, char b) { return a == std::toupper(static_cast<unsigned char>(b)); });
}

class Unpacker {
public:
    Unpacker(Database& db, std::istream& in) : m_db(db), m_in(in) {}

    Result<PackOutcome> run() {
        std::array<char, 8> magic{};
        if (!m_in.read(magic.data(), magic.size()) || std::string_view(magic.data(), magic.size()) != kMagic) return Error{ErrorCode::kBadInput, "is no packed timeline"};
        SectionHeader header{};
        RIDGE_TRY_STATUS(readSection(header));
        if (header.kind != kShape) return damaged("it does not begin with what it holds");
        RIDGE_TRY_STATUS(makeTables());
        for (;;) {
            RIDGE_TRY_STATUS(readSection(header));
            if (header.kind == kEnd) break;
            if (header.kind != kRows || header.table >= m_tables.size() || header.rows == 0 || header.rows > kBlockRows) return damaged("a section of no known kind");
            RIDGE_TRY_STATUS(fill(m_tables[header.table], header.rows));
        }
        m_insert.reset();
        sqlite3_set_authorizer(m_db.handle(), nullptr, nullptr);  // the next is ours, what follows the archive's again
        RIDGE_TRY_STATUS(restoreSequences(m_db, m_sequences));
        sqlite3_set_authorizer(m_db.handle(), allow, nullptr);
        for (const std::string& sql : m_afterwards) {
            if (!begins(sql, "CREATE INDEX ") && !begins(sql, "CREATE UNIQUE INDEX ") && !begins(sql, "CREATE VIEW ")) return damaged("SQL that makes neither index nor view");
            if (auto made = statement(sql); !made.ok() && made.error().code != ErrorCode::kBadInput) return made.error();
            else if (!made.ok()) m_outcome.notes.push_back(fmt::format("left out: {}", made.error().message));
        }
        RIDGE_TRY_STATUS(m_db.execute("COMMIT"));
        return std::move(m_outcome);
    }

private:
    struct Table {
        std::string insert, name;
        std::size_t columns = 0;
        bool timed = false;
    };
    static Error damaged(std::string_view why) { return {ErrorCode::kBadInput, fmt::format("is damaged: {}", why)}; }

    Status readSection(SectionHeader& header) {
        if (!m_in.read(reinterpret_cast<char*>(&header), sizeof header)) return damaged("it ends too early");
        if (header.unpacked > kMostBlockBytes || header.packed > kMostBlockBytes) return damaged("a section is too long to be one");
        m_packed.clear();
        // By the piece: a length that is not there must not be reserved.
        for (std::size_t left = header.packed; left > 0;) {
            const std::size_t piece = std::min<std::size_t>(left, std::size_t{1} << 20), at = m_packed.size();
            m_packed.resize(at + piece);
            if (!m_in.read(m_packed.data() + at, static_cast<std::streamsize>(piece))) return damaged("it ends too early");
            left -= piece;
        }
        if (!zstdUnpack(m_packed, header.unpacked, m_bytes)) return damaged("a section cannot be unpacked");
        return {};
    }

    // One statement, and no other behind it.
    Status statement(const std::string& sql) {
        sqlite3_stmt* raw = nullptr;
        const char* tail = nullptr;
        const int code = sqlite3_prepare_v2(m_db.handle(), sql.data(), static_cast<int>(std::min<std::size_t>(sql.size(), 1 << 20)), &raw, &tail);
        const bool rest = tail != nullptr && std::string_view(tail, static_cast<std::size_t>(sql.data() + sql.size() - tail)).find_first_not_of(" \t\r\n;") != std::string_view::npos;
        const int done = code == SQLITE_OK && !rest ? sqlite3_step(raw) : code;
        sqlite3_finalize(raw);
        if (rest || (done != SQLITE_DONE && done != SQLITE_ROW)) return Error{codeOf(done), rest ? "more than one statement" : sqlite3_errmsg(m_db.handle())};
        return {};
    }

    Status makeTables() {
        json shape;
        std::int64_t pageSize = 4096, applicationId = 0, userVersion = 0;
        std::string encoding;
        std::vector<std::string> creates;
        try {
            shape = json::parse(m_bytes.begin(), m_bytes.end());
            pageSize = shape.at("page_size").get<std::int64_t>();
            applicationId = static_cast<std::int32_t>(shape.at("application_id").get<std::int64_t>());
            userVersion = static_cast<std::int32_t>(shape.at("user_version").get<std::int64_t>());
            encoding = shape.at("encoding").get<std::string>();
            m_afterwards = shape.at("afterwards").get<std::vector<std::string>>();
            if (shape.contains("sequences")) m_sequences = shape.at("sequences").get<std::vector<std::pair<std::string, std::int64_t>>>();  // older archives have none
            if (shape.at("tables").size() > kMostTables) return damaged("more tables than a file has");
            for (const json& table : shape.at("tables")) {
                creates.push_back(table.at("sql").get<std::string>());
                const auto columns = table.at("columns").get<std::vector<std::string>>();
                const json& rowid = table.at("rowid");
                std::string names, values;
                if (!rowid.is_null()) names = rowid.get<std::string>();
                if (!names.empty() && names != "rowid" && names != "_rowid_" && names != "oid") return damaged("a row id of no known name");
                for (const std::string& column : columns) names += (names.empty() ? "" : ", ") + sqlName(column);
                Table made;
                made.columns = columns.size() + (rowid.is_null() ? 0 : 1);
                if (made.columns > kMostColumns) return damaged("more columns than a table has");
                for (std::size_t i = 0; i < made.columns; ++i) values += i == 0 ? "?" : ", ?";
                made.name = table.at("name").get<std::string>();
                made.insert = fmt::format("INSERT INTO {} ({}) VALUES ({})", sqlName(made.name), names, values);
                TableShape timed;
                timed.columns = columns;
                made.timed = hasTime(timed);
                m_tables.push_back(std::move(made));
            }
        } catch (const json::exception&) {
            return damaged("what it says of its tables cannot be read");
        }
        if (pageSize < 512 || pageSize > 65536 || (pageSize & (pageSize - 1)) != 0 || (encoding != "UTF-8" && encoding != "UTF-16le" && encoding != "UTF-16be")) return damaged("no page size or encoding of SQLite");
        RIDGE_TRY_STATUS(m_db.execute(fmt::format("PRAGMA trusted_schema = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = {}; PRAGMA encoding = '{}'; PRAGMA application_id = {}; PRAGMA user_version = {}; BEGIN",
                                                  pageSize, encoding, applicationId, userVersion)));
        sqlite3_set_authorizer(m_db.handle(), allow, nullptr);
        for (const std::string& sql : creates) {
            if (!begins(sql, "CREATE TABLE ")) return damaged("SQL that makes no table");
            if (auto made = statement(sql); !made.ok()) return made.error().code == ErrorCode::kBadInput ? damaged(made.error().message) : made.error();
        }
        m_outcome.tables = m_tables.size();
        return {};
    }

    Status fill(const Table& table, std::size_t rows) {
        m_columns.resize(table.columns);
        if (!decodeBlock({reinterpret_cast<const std::uint8_t*>(m_bytes.data()), m_bytes.size()}, rows, m_columns)) return damaged("rows that do not add up");
        if (m_filling != &table) {
            m_insert = std::make_unique<Raw>(m_db, table.insert);
            if (m_insert->get() == nullptr) return damaged(sqlite3_errmsg(m_db.handle()));
            m_filling = &table;
        }
        std::vector<std::size_t> text(table.columns, 0);
        for (std::size_t row = 0; row < rows; ++row) {
            for (std::size_t i = 0; i < table.columns; ++i) bind(static_cast<int>(i) + 1, m_columns[i], row, text[i]);
            const int code = sqlite3_step(m_insert->get());
            sqlite3_reset(m_insert->get());
            if (code == SQLITE_DONE) continue;
            return Error{codeOf(code), fmt::format("{}: {}", toValidUtf8(table.name), sqlite3_errmsg(m_db.handle()))};
        }
        m_outcome.rows += rows;
        m_outcome.events += table.timed ? rows : 0;
        return {};
    }

    void bind(int parameter, const Column& column, std::size_t row, std::size_t& text) {
        sqlite3_stmt* const insert = m_insert->get();
        switch (column.types[row]) {
            case Type::kNull: sqlite3_bind_null(insert, parameter); break;
            case Type::kInteger: sqlite3_bind_int64(insert, parameter, column.integers[row]); break;
            case Type::kReal: sqlite3_bind_double(insert, parameter, std::bit_cast<double>(column.integers[row])); break;
            // The texts stay where they are until the row is stored.
            case Type::kText: {
                const std::string& bytes = column.texts[text++];
                sqlite3_bind_text64(insert, parameter, bytes.data(), bytes.size(), SQLITE_STATIC, SQLITE_UTF8);
                break;
            }
            case Type::kBlob: {
                const std::string& bytes = column.texts[text++];
                sqlite3_bind_blob64(insert, parameter, bytes.data(), bytes.size(), SQLITE_STATIC);
                break;
            }
        }
    }

    Database& m_db;
    std::istream& m_in;
    std::vector<Table> m_tables;
    std::vector<std::string> m_afterwards;
    std::vector<std::pair<std::string, std::int64_t>> m_sequences;
    std::vector<Column> m_columns;
    std::string m_packed, m_bytes;
    std::unique_ptr<Raw> m_insert;
    const Table* m_filling = nullptr;
    PackOutcome m_outcome;
};

// The checksum of all, before anything of it is used.
Status verify(const std::string& path) {
    std::error_code ec;
    const std::uintmax_t size = fs::file_size(path, ec);
    std::ifstream in(path, std::ios::binary);
    if (ec || !in) return Error{ErrorCode::kBadInput, fmt::format("{}: {}", path, ec ? ec.message() : "cannot be read")};
    std::array<char, 8> magic{};
    if (!in.read(magic.data(), magic.size()) || std::string_view(magic.data(), magic.size()) != kMagic) return Error{ErrorCode::kBadInput, fmt::format("{}: is no packed timeline", path)};
    if (size < 16) return Error{ErrorCode::kBadInput, fmt::format("{}: is cut short", path)};
    in.seekg(0);
    std::uint64_t hash = kHashStart, said = 0;
    std::vector<char> buffer(1 << 20);
    for (std::uintmax_t left = size - 8; left > 0;) {
        const auto piece = static_cast<std::size_t>(std::min<std::uintmax_t>(left, buffer.size()));
        if (!in.read(buffer.data(), static_cast<std::streamsize>(piece))) return Error{ErrorCode::kIo, fmt::format("{}: cannot be read", path)};
        hash = hashOn(hash, {buffer.data(), piece});
        left -= piece;
    }
    if (!in.read(reinterpret_cast<char*>(&said), sizeof said) || said != hash) return Error{ErrorCode::kBadInput, fmt::format("{}: is damaged or cut short: its checksum does not hold", path)};
    return {};
}

bool sameValue(sqlite3_stmt* a, sqlite3_stmt* b, int column) {
    const int type = sqlite3_column_type(a, column);
    if (type != sqlite3_column_type(b, column)) return false;
    switch (type) {
        case SQLITE_INTEGER: return sqlite3_column_int64(a, column) == sqlite3_column_int64(b, column);
        case SQLITE_FLOAT: return std::bit_cast<std::int64_t>(sqlite3_column_double(a, column)) == std::bit_cast<std::int64_t>(sqlite3_column_double(b, column));
        case SQLITE_NULL: return true;
        default: break;
    }
    // Of a text too: the bytes as they are stored, in the encoding of the files.
    const void* const left = sqlite3_column_blob(a, column);
    const void* const right = sqlite3_column_blob(b, column);
    const int size = sqlite3_column_bytes(a, column);
    return size == sqlite3_column_bytes(b, column) && (size == 0 || std::memcmp(left, right, static_cast<std::size_t>(size)) == 0);
}

Status compareTable(Database& from, Database& made, const TableShape& table) {
    const std::string sql = selectRows(table);
    if (sql.empty()) return {};
    const Raw rows(from, sql), others(made, sql);
    const auto differs = [&](std::string_view how) { return Error{ErrorCode::kBadInput, fmt::format("table {}: {}", toValidUtf8(table.name), how)}; };
    if (rows.get() == nullptr || others.get() == nullptr) return differs(sqlite3_errmsg((rows.get() == nullptr ? from : made).handle()));
    const int columns = sqlite3_column_count(rows.get());
    for (std::uint64_t row = 1;; ++row) {
        const int step = sqlite3_step(rows.get()), other = sqlite3_step(others.get());
        for (const int code : {step, other})
            if (code != SQLITE_ROW && code != SQLITE_DONE) return Error{codeOf(code), fmt::format("table {}: {}", toValidUtf8(table.name), sqlite3_errmsg((code == step ? from : made).handle()))};
        if (step != other) return differs("not every row comes back");
        if (step == SQLITE_DONE) return {};
        for (int i = 0; i < columns; ++i)
            if (!sameValue(rows.get(), others.get(), i)) return differs(fmt::format("row {}, column {} comes back as another value", row, toValidUtf8(sqlite3_column_name(rows.get(), i))));
    }
}

// Unpacks what was just written, into a file that has no name any more, and compares it with what it was made of: rows
// that a damaged file gives out are not always rows that a table takes.
Status proveUnpacks(Database& from, const FileShape& shape, const std::string& archive, const std::string& scratch, std::vector<std::string>& notes) {
    unlink(scratch.c_str());
    auto made = Database::openForWriting(scratch);
    unlink(scratch.c_str());
    if (!made.ok()) return std::move(made).takeError();
    std::ifstream in(archive, std::ios::binary);
    auto unpacked = Unpacker(*made, in).run();
    if (!unpacked.ok()) return std::move(unpacked).takeError();
    notes = std::move(unpacked->notes);
    sqlite3_set_authorizer(made->handle(), nullptr, nullptr);
    for (const TableShape& table : shape.tables) RIDGE_TRY_STATUS(compareTable(from, *made, table));
    return {};
}

// Makes `output` by way of a file beside it, which is gone when that fails.
template <typename Make>
Result<PackOutcome> byWayOf(const std::string& output, const Make& make) {
    const std::string partial = output + ".partial";
    unlink(partial.c_str());
    Result<PackOutcome> outcome = make(partial);
    if (outcome.ok() && std::rename(partial.c_str(), output.c_str()) != 0) outcome = Error{ErrorCode::kIo, fmt::format("{}: {}", output, std::strerror(errno))};
    if (!outcome.ok()) unlink(partial.c_str());
    return outcome;
}

}  // namespace

bool canPack() { return zstdIsThere(); }

Result<PackOutcome> packTimeline(const std::string& input, const std::string& output, int level) {
    if (!canPack()) return notSupported();
    std::error_code ec;
    if (fs::equivalent(input, output, ec)) return Error{ErrorCode::kBadInput, fmt::format("{} is input and output; name another output", output)};
    RIDGE_TRY(Database db, Database::openForReading(input));
    RIDGE_TRY(const FileShape shape, readShape(db));
    auto outcome = byWayOf(output, [&](const std::string& partial) -> Result<PackOutcome> {
        std::ofstream out(partial, std::ios::binary | std::ios::trunc);
        if (!out) return Error{ErrorCode::kIo, fmt::format("{}: {}", output, std::strerror(errno))};
        auto packed = Packer(db, shape, out, level).run();
        if (!packed.ok()) return withContext(packed.error(), packed.error().code == ErrorCode::kBadInput ? input : output);
        out.close();
        if (auto proved = proveUnpacks(db, shape, partial, output + ".check", packed->notes); !proved.ok()) {
            const Error& why = proved.error();
            if (why.code == ErrorCode::kBadInput) return Error{why.code, fmt::format("{}: is damaged, an archive of it could not be unpacked to the same rows: {}", input, why.message)};
            return Error{why.code, fmt::format("{}: the archive cannot be checked beside it: {}", output, why.message)};
        }
        return packed;
    });
    if (!outcome.ok()) return outcome;
    outcome->fileBytes = fs::file_size(input, ec);
    outcome->notes.insert(outcome->notes.begin(), shape.leftOut.begin(), shape.leftOut.end());
    return outcome;
}

Result<PackOutcome> unpackUnchecked(std::istream& archive, const std::string& output) {
    if (!canPack()) return notSupported();
    return byWayOf(output, [&](const std::string& partial) -> Result<PackOutcome> {
        RIDGE_TRY(Database db, Database::openForWriting(partial));
        return Unpacker(db, archive).run();
    });
}

Result<PackOutcome> unpackTimeline(const std::string& input, const std::string& output) {
    if (!canPack()) return notSupported();
    std::error_code ec;
    if (fs::equivalent(input, output, ec)) return Error{ErrorCode::kBadInput, fmt::format("{} is input and output; name another output", output)};
    RIDGE_TRY_STATUS(verify(input));
    std::ifstream in(input, std::ios::binary);
    auto outcome = unpackUnchecked(in, output);
    if (!outcome.ok()) return withContext(outcome.error(), outcome.error().code == ErrorCode::kBadInput ? input : output);
    outcome->archiveBytes = fs::file_size(input, ec);
    outcome->fileBytes = fs::file_size(output, ec);
    return outcome;
}

}  // namespace ridge::archive
