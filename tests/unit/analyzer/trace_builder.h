// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Builds small timeline files from schemas/timeline.sql, row by row, for tests whose answers were worked
// out by hand. Tables come into being with their first row, as in real files.

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "schemas/sqlite/database.h"
#include "schemas/timeline/ddl.h"

namespace ridge::test {

struct WorkOf {
    int kind = 1, dtype = 1;
    std::int64_t flops = 0, read = 0, written = 0, communicated = 0, communicator = 0, sequence = 0;
};

class TraceBuilder {
public:
    // ours: with application_id, as ridge record writes it; else like an export of nsys.
    explicit TraceBuilder(std::string path, bool ours = true) : m_path(std::move(path)), m_db(open(m_path)) {
        run("BEGIN");
        if (ours) run(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", timeline::kApplicationId, timeline::kSchemaVersion));
        table("StringIds");
        m_ours = ours;
    }
    void finish() {
        run("COMMIT");
        auto closed = std::move(m_db);
    }
    [[nodiscard]] const std::string& path() const { return m_path; }

    void run(const std::string& sql) {
        const auto status = m_db.execute(sql);
        if (status.ok()) return;
        std::fprintf(stderr, "%s\n  in: %s\n", status.error().message.c_str(), sql.c_str());
        std::abort();
    }
    void table(const std::string& name) {
        if (m_tables.insert(name).second) run(timeline::findTable(name)->createTable);
    }
    std::int64_t string(const std::string& text) {
        const auto [it, isNew] = m_strings.try_emplace(text, static_cast<std::int64_t>(m_strings.size()) + 10);
        if (isNew) run(fmt::format("INSERT INTO StringIds VALUES ({}, {})", it->second, quote(text)));
        return it->second;
    }
    static std::string quote(const std::string& text) {
        std::string q = "'";
        for (const char c : text) q += c == '\'' ? std::string("''") : std::string(1, c);
        return q + "'";
    }
    static std::int64_t tid(std::int64_t pid, std::int64_t thread) { return (1LL << 48) | (pid << 24) | thread; }
    static std::int64_t gpid(std::int64_t pid) { return tid(pid, 0); }

    // category 0: no frame. end < 0: still open.
    std::int64_t range(std::int64_t globalTid, std::int64_t start, std::int64_t end, const std::string& name,
                       int category = 0, std::int64_t index = 0) {
        table("NVTX_EVENTS");
        if (m_domains.insert(globalTid >> 24).second)
            run(fmt::format("INSERT INTO NVTX_EVENTS(start, eventType, text, globalTid, domainId) VALUES (0, 75, 'ridge', {}, 1)", globalTid));
        run(fmt::format("INSERT INTO NVTX_EVENTS(start, end, eventType, category, text, globalTid, domainId, uint64Value) "
                        "VALUES ({}, {}, 59, {}, {}, {}, 1, {})",
                        start, end < 0 ? "NULL" : std::to_string(end), category, quote(name), globalTid, index));
        auto id = m_db.prepare("SELECT last_insert_rowid()");
        (void)*id->step();
        return id->integer(0);
    }
    std::int64_t work(std::int64_t globalTid, std::int64_t start, std::int64_t end, const std::string& name, const WorkOf& w) {
        const std::int64_t id = range(globalTid, start, end, name);
        table("RIDGE_WORK");
        run(fmt::format("INSERT INTO RIDGE_WORK VALUES ({},{},{},{},{},{},{},{},{})", id, w.kind, w.dtype, w.flops, w.read,
                        w.written, w.communicated, w.communicator, w.sequence));
        return id;
    }
    void rank(std::int64_t pid, std::int64_t number, std::int64_t world) {
        table("RIDGE_RANK");
        run(fmt::format("INSERT INTO RIDGE_RANK VALUES ({}, NULL, {}, {}, {}, 'host')", gpid(pid), number, world, number));
    }
    void io(std::int64_t globalTid, std::int64_t start, std::int64_t end, const std::string& call, int op,
            const std::string& filePath, std::int64_t bytes) {
        for (const char* t : {"OSRT_API", "RIDGE_IO", "OSRT_FILE_ACCESS_DESCRIPTORS"}) table(t);
        const std::int64_t file = string(filePath);
        if (m_files.insert(file).second)
            run(fmt::format("INSERT INTO OSRT_FILE_ACCESS_DESCRIPTORS VALUES ({}, 1, 0, 0, {})", file, quote(filePath)));
        run(fmt::format("INSERT INTO OSRT_API VALUES ({}, {}, 27, {}, {}, 0, 0, 0, 0)", start, end, globalTid, string(call)));
        run(fmt::format("INSERT INTO RIDGE_IO VALUES (last_insert_rowid(), {}, {}, {}, {}, 0, 0)", file, op, bytes, bytes));
    }
    void preemption(std::int64_t start, std::int64_t end) {
        table("RIDGE_PREEMPTION");
        run(fmt::format("INSERT INTO RIDGE_PREEMPTION VALUES ({}, {}, 0)", start, end));
    }
    // process.cpu of a process, one value per time; the first only opens the interval.
    // A process of one thread that had its CPU for this share of the time; the rest of that CPU was others'.
    void cpuShare(std::int64_t pid, std::int64_t from, std::int64_t step, int samples, double value) {
        for (const char* t : {"RIDGE_COUNTER", "RIDGE_COUNTER_SAMPLE"}) table(t);
        const std::vector<std::pair<std::string, double>> counters = {
            {"process.cpu", value}, {fmt::format("thread.cpu/{}", pid), value}, {fmt::format("thread.wait/{}", pid), 1 - value}, {"cpu.busy", 1}};
        for (std::size_t c = 0; c < counters.size(); ++c) {
            const std::int64_t id = pid * 10 + static_cast<std::int64_t>(c);
            run(fmt::format("INSERT INTO RIDGE_COUNTER VALUES ({}, {}, '1', {}, NULL)", id, quote(counters[c].first),
                            counters[c].first == "cpu.busy" ? "NULL" : std::to_string(gpid(pid))));
            for (int i = 0; i < samples; ++i)
                run(fmt::format("INSERT INTO RIDGE_COUNTER_SAMPLE VALUES ({}, {}, {})", id, from + i * step, counters[c].second));
        }
    }
    void ceiling(const std::string& kind, const std::string& name, const std::string& dtype, const std::string& level,
                 const std::string& access, std::int64_t capacity, double value, const std::string& unit) {
        table("RIDGE_CEILING");
        run(fmt::format("INSERT INTO RIDGE_CEILING VALUES ('before', {}, {}, {}, {}, {}, {}, {:.17g}, {}, NULL, NULL, NULL, 'test')",
                        quote(kind), quote(name), quote(dtype), quote(level), quote(access),
                        capacity > 0 ? std::to_string(capacity) : "NULL", value, quote(unit)));
    }
    void call(std::int64_t globalTid, std::int64_t start, std::int64_t end, const std::string& name, std::int64_t correlation) {
        table("CUPTI_ACTIVITY_KIND_RUNTIME");
        run(fmt::format("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES ({}, {}, 0, {}, {}, {}, 0, NULL)", start, end, globalTid,
                        correlation, string(name)));
    }
    void kernel(std::int64_t pid, std::int64_t device, std::int64_t start, std::int64_t end, const std::string& name,
                std::int64_t correlation, std::int64_t stream = 7) {
        table("CUPTI_ACTIVITY_KIND_KERNEL");
        const std::int64_t id = string(name);
        run(fmt::format("INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL(start, end, deviceId, contextId, streamId, correlationId, "
                        "globalPid, demangledName, shortName, registersPerThread, gridX, gridY, gridZ, blockX, blockY, blockZ, "
                        "staticSharedMemory, dynamicSharedMemory, localMemoryPerThread, localMemoryTotal, gridId) VALUES "
                        "({}, {}, {}, 1, {}, {}, {}, {}, {}, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0)",
                        start, end, device, stream, correlation, gpid(pid), id, id));
    }
    void copy(std::int64_t pid, std::int64_t device, std::int64_t start, std::int64_t end, std::int64_t correlation,
              std::int64_t bytes, int copyKind, int srcKind, int dstKind) {
        table("CUPTI_ACTIVITY_KIND_MEMCPY");
        run(fmt::format("INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY(start, end, deviceId, contextId, streamId, correlationId, "
                        "globalPid, bytes, copyKind, srcKind, dstKind) VALUES ({}, {}, {}, 1, 7, {}, {}, {}, {}, {}, {})",
                        start, end, device, correlation, gpid(pid), bytes, copyKind, srcKind, dstKind));
    }

private:
    static Database open(const std::string& path) {
        auto db = Database::openForWriting(path);
        if (!db.ok()) std::abort();
        return std::move(db).value();
    }
    std::string m_path;
    Database m_db;
    bool m_ours = true;
    std::set<std::string> m_tables;
    std::set<std::int64_t> m_domains, m_files;
    std::map<std::string, std::int64_t> m_strings;
};

}  // namespace ridge::test
