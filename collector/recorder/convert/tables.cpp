// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/tables.h"

#include "schemas/timeline/ddl.h"
#include "schemas/timeline/views.h"

#include <fmt/format.h>

namespace ridge::recorder {

Result<std::unique_ptr<Tables>> Tables::create(const std::string& path) {
    bulk::BulkOptions options;
    options.applicationId = timeline::kApplicationId;
    options.userVersion = timeline::kSchemaVersion;
    RIDGE_TRY(auto file, bulk::BulkFile::create(path, options));
    std::unique_ptr<Tables> tables(new Tables);
    tables->m_file = std::move(file);
    Tables& t = *tables;
    t.m_strings = t.add("StringIds");
    t.m_nvtx = t.add("NVTX_EVENTS");
    t.m_runtime = t.add("CUPTI_ACTIVITY_KIND_RUNTIME");
    t.m_kernel = t.add("CUPTI_ACTIVITY_KIND_KERNEL");
    t.m_memcpy = t.add("CUPTI_ACTIVITY_KIND_MEMCPY");
    t.m_memset = t.add("CUPTI_ACTIVITY_KIND_MEMSET");
    t.m_sync = t.add("CUPTI_ACTIVITY_KIND_SYNCHRONIZATION");
    t.m_cudaEvent = t.add("CUPTI_ACTIVITY_KIND_CUDA_EVENT");
    t.m_overhead = t.add("CUPTI_ACTIVITY_KIND_OVERHEAD");
    t.m_graphTrace = t.add("CUPTI_ACTIVITY_KIND_GRAPH_TRACE");
    t.m_osrt = t.add("OSRT_API");
    t.m_fileEvent = t.add("OSRT_FILE_ACCESS_EVENTS");
    t.m_work = t.add("RIDGE_WORK");
    t.m_cudaMemory = t.add("CUDA_GPU_MEMORY_USAGE_EVENTS");
    t.m_graphNode = t.add("CUDA_GRAPH_NODE_EVENTS");
    t.m_ncclEvent = t.add("RIDGE_NCCL_EVENT");
    t.m_ncclState = t.add("RIDGE_NCCL_STATE");
    t.m_kernelLaunch = t.add("RIDGE_KERNEL_LAUNCH");
    t.m_kernelMetric = t.add("RIDGE_KERNEL_METRIC");
    t.m_gpuMetric = t.add("GPU_METRICS");
    t.m_payload = t.add("RIDGE_PAYLOAD");
    t.m_io = t.add("RIDGE_IO");
    t.m_counterSample = t.add("RIDGE_COUNTER_SAMPLE");
    t.m_composite = t.add("COMPOSITE_EVENTS");
    t.m_callchain = t.add("SAMPLING_CALLCHAINS");
    t.m_sched = t.add("SCHED_EVENTS");
    return tables;
}

// An index on the first column alone is written with the table, any other is left to SQLite.
bulk::BulkTable* Tables::add(std::string_view name) {
    const timeline::TableDdl* ddl = timeline::findTable(name);
    RIDGE_CHECK(ddl != nullptr, fmt::format("no table {} in timeline.sql", name));
    std::string direct;
    std::string later;
    for (const std::string& index : ddl->indexes) {
        const bool first = index.find("(" + ddl->columns.front() + ")") != std::string::npos;
        (first && direct.empty() ? direct : later) += index;
    }
    return &m_file->addTable(ddl->name, ddl->createTable, direct, later);
}

void Tables::small(std::string_view table, std::vector<Value> row) {
    auto found = m_small.find(table);
    if (found == m_small.end())
        found = m_small.emplace(std::string(table), std::deque<std::vector<Value>>()).first;
    found->second.push_back(std::move(row));
}

std::uint64_t Tables::smallRows(std::string_view table) const {
    const auto found = m_small.find(table);
    return found == m_small.end() ? 0 : found->second.size();
}

namespace {

void bindValue(Statement& statement, int parameter, const Value& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value))
        statement.bind(parameter, *integer);
    else if (const auto* real = std::get_if<double>(&value))
        statement.bind(parameter, *real);
    else if (const auto* text = std::get_if<std::string>(&value))
        statement.bind(parameter, std::string_view(*text));
    else
        statement.bindNull(parameter);
}

Status writeSmall(Database& db, const timeline::TableDdl& ddl,
                  const std::deque<std::vector<Value>>& rows) {
    RIDGE_TRY_STATUS(db.execute(ddl.createTable));
    std::string sql = fmt::format("INSERT OR IGNORE INTO {} VALUES (?", ddl.name);
    for (std::size_t i = 1; i < ddl.columns.size(); ++i) sql += ",?";
    RIDGE_TRY(auto insert, db.prepare(sql + ")"));
    const Value null = nullptr;
    for (const std::vector<Value>& row : rows) {
        for (std::size_t i = 0; i < ddl.columns.size(); ++i)
            bindValue(insert, static_cast<int>(i) + 1, i < row.size() ? row[i] : null);
        RIDGE_TRY_STATUS(insert.step());
    }
    for (const std::string& index : ddl.indexes) RIDGE_TRY_STATUS(db.execute(index));
    return {};
}

}  // namespace

Status Tables::finish() {
    return m_file->finish([&](Database& db) -> Status {
        for (const timeline::TableDdl& ddl : timeline::tables()) {
            if (!ddl.inserts.empty()) {
                RIDGE_TRY_STATUS(db.execute(ddl.createTable));
                RIDGE_TRY_STATUS(db.execute(ddl.inserts));
                continue;
            }
            const auto rows = m_small.find(ddl.name);
            if (rows == m_small.end()) continue;
            if (auto done = writeSmall(db, ddl, rows->second); !done.ok())
                return withContext(std::move(done).takeError(), ddl.name);
        }
        return timeline::createViews(db);
    });
}

}  // namespace ridge::recorder
