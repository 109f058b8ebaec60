// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/nccl_calls.h"

#include "schemas/sqlite/database.h"
#include "schemas/timeline/ddl.h"

namespace ridge::recorder {

std::string collectiveName(const std::string& function) {
    if (!function.starts_with("nccl")) return {};
    std::string name;
    for (const char c : function.substr(4))
        name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return name;
}

Status linkNcclCalls(const std::string& path, const std::vector<NcclCall>& calls,
                     std::int64_t emptyId) {
    if (calls.empty()) return {};
    RIDGE_TRY(auto db, Database::openForWriting(path));
    RIDGE_TRY(auto tables,
              db.prepare("SELECT count(*) FROM sqlite_master WHERE name IN "
                         "('CUPTI_ACTIVITY_KIND_KERNEL', 'CUPTI_ACTIVITY_KIND_RUNTIME')"));
    RIDGE_TRY_STATUS(tables.step());
    if (tables.integer(0) != 2) return {};
    RIDGE_TRY_STATUS(
        db.execute("BEGIN; CREATE TEMP TABLE calls (id INTEGER PRIMARY KEY, tid, start, end, name, "
                   "grp, bytes, ranks);"
                   "CREATE TEMP TABLE kernels (pid, correlation, id);"
                   "INSERT INTO temp.kernels SELECT k.globalPid, k.correlationId, k.rowid FROM "
                   "CUPTI_ACTIVITY_KIND_KERNEL k "
                   "JOIN StringIds s ON s.id = k.shortName WHERE s.value LIKE 'nccl%';"
                   "CREATE INDEX temp.byLaunch ON kernels (pid, correlation)"));
    RIDGE_TRY(auto add, db.prepare("INSERT INTO temp.calls (tid, start, end, name, grp, bytes, "
                                   "ranks) VALUES (?, ?, ?, ?, ?, ?, ?)"));
    for (const NcclCall& call : calls) {
        const std::int64_t values[] = {call.globalTid, call.start, call.end,  call.nameId,
                                       call.groupId,   call.bytes, call.ranks};
        int column = 0;
        for (const std::int64_t value : values) add.bind(++column, value);
        RIDGE_TRY_STATUS(add.step());
    }
    RIDGE_TRY(auto any, db.prepare("SELECT count(*) FROM temp.kernels"));
    RIDGE_TRY_STATUS(any.step());
    if (any.integer(0) != 0) {
        RIDGE_TRY_STATUS(db.execute(timeline::findTable("RIDGE_COLLECTIVE")->createTable));
        RIDGE_TRY(
            auto insert,
            db.prepare(
                "INSERT OR IGNORE INTO RIDGE_COLLECTIVE (kernelId, collectiveId, nameId, groupId, "
                "dtypeId, bytesIn, bytesOut, groupSize) "
                "SELECT k.id, c.id, c.name, c.grp, ?1, c.bytes, c.bytes, c.ranks FROM temp.calls c "
                "JOIN CUPTI_ACTIVITY_KIND_RUNTIME r ON r.start BETWEEN c.start AND c.end AND "
                "r.globalTid = c.tid "
                "JOIN temp.kernels k ON k.pid = (r.globalTid & ~16777215) AND k.correlation = "
                "r.correlationId"));
        insert.bind(1, emptyId);
        RIDGE_TRY_STATUS(insert.step());
    }
    return db.execute("COMMIT");
}

}  // namespace ridge::recorder
