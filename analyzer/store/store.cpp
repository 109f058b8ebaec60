// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/store/store.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "schemas/sqlite/database.h"
#include "schemas/timeline/ddl.h"
#include "schemas/timeline/views.h"

namespace ridge::analyzer {
namespace {

Status isOurs(const std::string& path) {
    RIDGE_TRY(auto db, Database::openForReading(path));
    RIDGE_TRY(auto id, db.prepare("PRAGMA application_id"));
    RIDGE_TRY(const bool row, id.step());
    if (row && id.integer(0) == static_cast<std::int64_t>(timeline::kApplicationId)) return {};
    return Error{ErrorCode::kBadInput, fmt::format("{} is no timeline of ours; the answer is stored in those alone", path)};
}

Result<bool> hasTable(Database& db, std::string_view name) {
    RIDGE_TRY(auto found, db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"));
    found.bind(1, name);
    return found.step();
}

Status insertSteps(Database& db, const Analysis& analysis) {
    RIDGE_TRY(auto step, db.prepare("INSERT INTO RIDGE_STEP VALUES (?, ?, ?, ?, ?, ?, ?)"));
    RIDGE_TRY(auto part, db.prepare("INSERT INTO RIDGE_ATTRIBUTION VALUES (?, ?, ?)"));
    std::int64_t id = 0;
    for (const Step& s : analysis.steps) {
        step.bind(1, ++id);
        step.bind(2, std::string_view(s.workload));
        step.bind(3, s.rank);
        step.bind(4, s.device);
        step.bind(5, s.index);
        step.bind(6, s.startNs);
        step.bind(7, s.endNs);
        RIDGE_TRY_STATUS(step.step());
        step.reset();
        for (std::size_t c = 0; c < kWallClassCount; ++c) {
            if (s.classes[c] == 0) continue;
            part.bind(1, id);
            part.bind(2, kWallClassNames[c]);
            part.bind(3, s.classes[c]);
            RIDGE_TRY_STATUS(part.step());
            part.reset();
        }
    }
    return {};
}

}  // namespace

Status storeAttribution(const std::string& tracePath, const Analysis& analysis) {
    RIDGE_TRY_STATUS(isOurs(tracePath));
    RIDGE_TRY(auto db, Database::openForWriting(tracePath));
    RIDGE_TRY_STATUS(db.execute("BEGIN IMMEDIATE"));
    for (const char* table : {"RIDGE_STEP", "RIDGE_ATTRIBUTION"})
        RIDGE_TRY_STATUS(db.execute(fmt::format("DROP TABLE IF EXISTS {}; {}", table, timeline::findTable(table)->createTable)));
    RIDGE_TRY_STATUS(insertSteps(db, analysis));
    RIDGE_TRY_STATUS(timeline::createViews(db));
    return db.execute("COMMIT");
}

Status storeResults(const std::string& tracePath, const std::string& workload, const std::vector<WorkloadMetric>& metrics) {
    if (metrics.empty()) return {};
    RIDGE_TRY_STATUS(isOurs(tracePath));
    RIDGE_TRY(auto db, Database::openForWriting(tracePath));
    RIDGE_TRY_STATUS(db.execute("BEGIN IMMEDIATE"));
    RIDGE_TRY(const bool there, hasTable(db, "RIDGE_BENCHMARK"));
    if (!there) RIDGE_TRY_STATUS(db.execute(timeline::findTable("RIDGE_BENCHMARK")->createTable));
    RIDGE_TRY(auto earlier, db.prepare("DELETE FROM RIDGE_BENCHMARK WHERE workload = ?"));
    earlier.bind(1, std::string_view(workload));
    RIDGE_TRY_STATUS(earlier.step());
    RIDGE_TRY(auto row, db.prepare("INSERT INTO RIDGE_BENCHMARK VALUES (?, ?, ?, ?, ?)"));
    for (const WorkloadMetric& m : metrics) {
        row.bind(1, std::string_view(workload));
        row.bind(2, std::string_view(m.name));
        if (m.value && std::isfinite(*m.value)) row.bind(3, *m.value);
        else row.bindNull(3);
        row.bind(4, std::string_view(m.unit));
        row.bind(5, std::string_view(m.direction));
        RIDGE_TRY_STATUS(row.step());
        row.reset();
    }
    return db.execute("COMMIT");
}

}  // namespace ridge::analyzer
