// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// How fast rows become a plain SQLite file: the bulk writer against bare prepared INSERTs of the same rows
// in one transaction (journal off, sync off, index made at the end), interleaved, median of the rounds; and
// a synthetic spool converted end to end. Prints JSON. Usage: sqlite_throughput [ROWS] [ROUNDS]
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "collector/recorder/convert/convert.h"
#include "schemas/sqlite/bulk_table.h"
#include "schemas/timeline/ddl.h"
#include "tests/unit/recorder/fake_producer.h"

namespace ridge {
namespace {

struct Cell {
    bool null;
    std::int64_t value;
};

// A minute-long recording by a process of a 7-digit pid, as real ones are.
struct RowMaker {
    std::uint64_t state = 88172645463325252ULL;
    std::int64_t time = 5'000'000'000;
    std::int64_t correlation = 100;
    std::uint64_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        return state ^= state << 17;
    }
    void nvtx(std::vector<Cell>& row) {
        time += 200 + static_cast<std::int64_t>(next() % 4096);
        const std::int64_t tid = (std::int64_t{1234567} << 24) | 1234567;
        row = {{false, time}, {false, time + static_cast<std::int64_t>(next() % 100000)}, {false, 59}, {true, 0}, {true, 0},
               {true, 0}, {true, 0}, {false, tid}, {true, 0}, {false, 100 + static_cast<std::int64_t>(next() % 500)}, {false, 1}};
    }
    void runtime(std::vector<Cell>& row) {
        time += 200 + static_cast<std::int64_t>(next() % 4096);
        const std::int64_t tid = (std::int64_t{1234567} << 24) | 1234567;
        row = {{false, time}, {false, time + 3000}, {false, 0}, {false, tid}, {false, ++correlation},
               {false, 20 + static_cast<std::int64_t>(next() % 60)}, {false, 0}};
    }
    void kernel(std::vector<Cell>& row) {
        time += 200 + static_cast<std::int64_t>(next() % 4096);
        const auto small = static_cast<std::int64_t>(next() % 200);
        row = {{false, time}, {false, time + 20000}, {false, 0}, {false, 1}, {true, 0}, {false, 7}, {false, ++correlation},
               {false, std::int64_t{1234567} << 24}, {false, 300 + small}, {false, 500 + small}, {false, 100 + small}, {false, 1},
               {true, 0}, {false, 32 + small % 200}, {false, 1 + small * 50}, {false, 1 + small % 8}, {false, 1}, {false, 128},
               {false, 1}, {false, 1}, {false, 1024}, {false, 49152}, {false, 0}, {false, 150'000'000}, {false, correlation},
               {false, 102400}};
    }
};

struct Timing {
    double rowsPerSecond;
    double bytesPerRow;
};

Timing timed(const std::string& path, std::size_t rows, std::int64_t begin) {
    const double seconds = static_cast<double>(monotonicNs() - begin) * 1e-9;
    return {static_cast<double>(rows) / seconds, static_cast<double>(std::filesystem::file_size(path)) / static_cast<double>(rows)};
}

Timing bulkWrite(const std::string& path, const timeline::TableDdl& ddl, const std::vector<std::vector<Cell>>& rows) {
    const std::int64_t begin = monotonicNs();
    auto file = bulk::BulkFile::create(path, {});
    if (!file.ok()) std::abort();
    bulk::BulkTable& table = (*file)->addTable(ddl.name, ddl.createTable, ddl.indexes.front());
    bulk::BulkRow out;
    for (const auto& row : rows) {
        out.clear();
        for (const Cell& cell : row) out.integerOrNull(!cell.null, cell.value);
        table.add(out, row[0].value);
    }
    if (!(*file)->finish([](Database&) { return Status(); }).ok()) std::abort();
    return timed(path, rows.size(), begin);
}

Timing preparedWrite(const std::string& path, const timeline::TableDdl& ddl, const std::vector<std::vector<Cell>>& rows) {
    const std::int64_t begin = monotonicNs();
    std::filesystem::remove(path);
    sqlite3* db = nullptr;
    sqlite3_stmt* insert = nullptr;
    if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK)
        std::abort();
    const std::string setup = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + ddl.createTable + "BEGIN;";
    std::string sql = "INSERT INTO " + ddl.name + " VALUES (?";
    for (std::size_t i = 1; i < ddl.columns.size(); ++i) sql += ",?";
    if (sqlite3_exec(db, setup.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK ||
        sqlite3_prepare_v2(db, (sql + ")").c_str(), -1, &insert, nullptr) != SQLITE_OK)
        std::abort();
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            if (!row[i].null) sqlite3_bind_int64(insert, static_cast<int>(i) + 1, row[i].value);
        if (sqlite3_step(insert) != SQLITE_DONE) std::abort();
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    sqlite3_exec(db, ("COMMIT;" + ddl.indexes.front()).c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(db);
    return timed(path, rows.size(), begin);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void compare(const std::string& dir, const char* tableName, const std::vector<std::vector<Cell>>& rows, int rounds) {
    const timeline::TableDdl& ddl = *timeline::findTable(tableName);
    std::vector<double> bulk;
    std::vector<double> prepared;
    std::vector<double> ratios;
    double bytes = 0;
    for (int round = 0; round < rounds; ++round) {
        const Timing b = bulkWrite(dir + "/bulk.sqlite", ddl, rows);
        const Timing p = preparedWrite(dir + "/prepared.sqlite", ddl, rows);
        bulk.push_back(b.rowsPerSecond);
        prepared.push_back(p.rowsPerSecond);
        ratios.push_back(b.rowsPerSecond / p.rowsPerSecond);
        bytes = b.bytesPerRow;
    }
    fmt::print("  \"{}\": {{\"bulk_rows_per_s\": {:.0f}, \"prepared_rows_per_s\": {:.0f}, \"ratio\": {:.2f}, \"bytes_per_row\": {:.1f}}},\n",
               tableName, median(bulk), median(prepared), median(ratios), bytes);
}

void endToEnd(const std::string& dir, std::size_t ranges, int rounds) {
    const std::string session = dir + "/session";
    std::filesystem::create_directory(session);
    recorder::SessionInfo info = recorder::test::fakeSession();
    if (!recorder::writeSession(session, info).ok()) std::abort();
    recorder::test::FakeRing ring(1234567, 1234567);
    for (std::uint32_t id = 1; id <= 64; ++id) ring.name(id, fmt::format("range number {}", id));
    for (std::uint64_t i = 0; i < ranges; ++i)
        ring.range(static_cast<std::uint32_t>(1 + i % 64), 5'000'000'000 + 500 * i, 5'000'000'000 + 500 * i + 400 + i % 97);
    ring.saveSpool(session, "1234567-7-agent-0");
    std::vector<double> rates;
    double bytes = 0;
    for (int round = 0; round < rounds; ++round) {
        const std::int64_t begin = monotonicNs();
        const auto done = recorder::convert(session, dir + "/e2e.sqlite");
        if (!done.ok() || done->events != ranges) std::abort();
        const Timing t = timed(dir + "/e2e.sqlite", ranges, begin);
        rates.push_back(t.rowsPerSecond);
        bytes = t.bytesPerRow;
    }
    fmt::print("  \"end_to_end\": {{\"events\": {}, \"events_per_s\": {:.0f}, \"bytes_per_event\": {:.1f}}}\n", ranges, median(rates), bytes);
}

}  // namespace
}  // namespace ridge

int main(int argc, char** argv) {
    const std::size_t count = argc > 1 ? static_cast<std::size_t>(std::max(1000, std::atoi(argv[1]))) : 1'000'000;
    const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 3;
    auto dir = ridge::TempDir::create("ridge-throughput");
    if (!dir.ok()) return 2;
    const std::string path = dir->path().string();
    ridge::RowMaker maker;
    std::vector<std::vector<ridge::Cell>> rows(count);
    fmt::print("{{\n  \"rows\": {}, \"rounds\": {},\n", count, rounds);
    for (auto& row : rows) maker.nvtx(row);
    ridge::compare(path, "NVTX_EVENTS", rows, rounds);
    for (auto& row : rows) maker.runtime(row);
    ridge::compare(path, "CUPTI_ACTIVITY_KIND_RUNTIME", rows, rounds);
    for (auto& row : rows) maker.kernel(row);
    ridge::compare(path, "CUPTI_ACTIVITY_KIND_KERNEL", rows, rounds);
    ridge::endToEnd(path, count * 3, rounds);
    fmt::print("}}\n");
    return 0;
}
