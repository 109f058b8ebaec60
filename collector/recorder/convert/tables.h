// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The tables of a timeline file on their way out: the long ones through the bulk writer, row by
// row; the short ones kept as values until the end. DDL comes from schemas/timeline.sql and from
// nowhere else.

#include "base/result.h"
#include "schemas/sqlite/bulk_table.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ridge::recorder {

using Value = std::variant<std::nullptr_t, std::int64_t, double, std::string>;

class Tables {
public:
    static Result<std::unique_ptr<Tables>> create(const std::string& path);

    // Long tables; rows are added directly.
    bulk::BulkTable& nvtx() { return *m_nvtx; }
    bulk::BulkTable& runtime() { return *m_runtime; }
    bulk::BulkTable& kernel() { return *m_kernel; }
    bulk::BulkTable& memcpy() { return *m_memcpy; }
    bulk::BulkTable& memset() { return *m_memset; }
    bulk::BulkTable& sync() { return *m_sync; }
    bulk::BulkTable& cudaEvent() { return *m_cudaEvent; }
    bulk::BulkTable& overhead() { return *m_overhead; }
    bulk::BulkTable& graphTrace() { return *m_graphTrace; }
    bulk::BulkTable& osrt() { return *m_osrt; }
    bulk::BulkTable& fileEvent() { return *m_fileEvent; }
    bulk::BulkTable& work() { return *m_work; }
    bulk::BulkTable& cudaMemory() { return *m_cudaMemory; }
    bulk::BulkTable& graphNode() { return *m_graphNode; }
    bulk::BulkTable& ncclEvent() { return *m_ncclEvent; }
    bulk::BulkTable& ncclState() { return *m_ncclState; }
    bulk::BulkTable& kernelLaunch() { return *m_kernelLaunch; }
    bulk::BulkTable& kernelMetric() { return *m_kernelMetric; }
    bulk::BulkTable& gpuMetric() { return *m_gpuMetric; }
    bulk::BulkTable& payload() { return *m_payload; }
    bulk::BulkTable& io() { return *m_io; }
    bulk::BulkTable& counterSample() { return *m_counterSample; }
    bulk::BulkTable& composite() { return *m_composite; }
    bulk::BulkTable& callchain() { return *m_callchain; }
    bulk::BulkTable& sched() { return *m_sched; }
    bulk::BulkTable& strings() { return *m_strings; }

    // A row of any other table, all columns in order or fewer (the rest is NULL).
    void small(std::string_view table, std::vector<Value> row);
    [[nodiscard]] std::uint64_t smallRows(std::string_view table) const;

    // Writes everything, ENUM_ tables included.
    Status finish();

private:
    Tables() = default;
    bulk::BulkTable* add(std::string_view name);
    std::unique_ptr<bulk::BulkFile> m_file;
    std::map<std::string, std::deque<std::vector<Value>>, std::less<>> m_small;
    bulk::BulkTable* m_nvtx = nullptr;
    bulk::BulkTable* m_runtime = nullptr;
    bulk::BulkTable* m_kernel = nullptr;
    bulk::BulkTable* m_memcpy = nullptr;
    bulk::BulkTable* m_memset = nullptr;
    bulk::BulkTable* m_sync = nullptr;
    bulk::BulkTable* m_cudaEvent = nullptr;
    bulk::BulkTable* m_overhead = nullptr;
    bulk::BulkTable* m_graphTrace = nullptr;
    bulk::BulkTable* m_osrt = nullptr;
    bulk::BulkTable* m_fileEvent = nullptr;
    bulk::BulkTable* m_work = nullptr;
    bulk::BulkTable* m_cudaMemory = nullptr;
    bulk::BulkTable* m_graphNode = nullptr;
    bulk::BulkTable* m_ncclEvent = nullptr;
    bulk::BulkTable* m_ncclState = nullptr;
    bulk::BulkTable* m_kernelLaunch = nullptr;
    bulk::BulkTable* m_kernelMetric = nullptr;
    bulk::BulkTable* m_gpuMetric = nullptr;
    bulk::BulkTable* m_payload = nullptr;
    bulk::BulkTable* m_io = nullptr;
    bulk::BulkTable* m_counterSample = nullptr;
    bulk::BulkTable* m_composite = nullptr;
    bulk::BulkTable* m_callchain = nullptr;
    bulk::BulkTable* m_sched = nullptr;
    bulk::BulkTable* m_strings = nullptr;
};

}  // namespace ridge::recorder
