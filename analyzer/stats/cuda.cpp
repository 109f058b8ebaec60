// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include "analyzer/stats/aggregate.h"
#include "analyzer/stats/reports.h"
#include "schemas/timeline/ids.h"

namespace ridge::analyzer::stats {
namespace {

using timeline::pidOf;
using timeline::tidOf;


std::string triple(const std::array<std::int64_t, 3>& v) { return fmt::format("{:4} {:4} {:4}", v[0], v[1], v[2]); }

StatsCell orUnknown(const std::optional<std::int64_t>& value) { return value ? StatsCell(*value) : StatsCell(); }

StatsCell megabytes(std::optional<std::int64_t> bytes) {
    return bytes ? StatsCell(static_cast<double>(*bytes) / 1e6) : StatsCell();
}

std::vector<StatsColumn> columns(std::initializer_list<const char*> titles) {
    std::vector<StatsColumn> list;
    for (const char* title : titles) {
        const std::string_view t = title;
        const bool text = t.ends_with("Name") || t == "Name" || t == "Operation" || t == "API Function" || t.ends_with("XYZ") || t.ends_with("MemKd") || t == "Device";
        list.push_back({title, text});
    }
    return list;
}

// Launch, wait in the queue, run. A kernel that began before its call ended waited for nothing.
struct Execution {
    std::int64_t apiStart = 0, apiNs = 0, queueStart = 0, queueNs = 0, kernelStart = 0, kernelNs = 0, totalNs = 0;
    std::int64_t tid = 0, device = 0;
    std::string api, kernel;
    const DeviceRow* row = nullptr;
};

template <typename Take>
void forEachExecution(Rows& rows, Take take) {
    const auto& calls = rows.api();
    for (const DeviceRow& row : rows.device()) {
        if (row.kind != DeviceKind::kKernel || row.api == kNone) continue;
        const ApiRow& call = calls[row.api];
        Execution e;
        e.apiStart = call.start;
        e.apiNs = call.end - call.start;
        e.queueStart = call.end;
        e.queueNs = row.start > call.end ? row.start - call.end : 0;
        e.kernelStart = row.start;
        e.kernelNs = row.end - row.start;
        e.totalNs = row.end - call.start;
        e.tid = call.tid;
        e.device = row.device;
        e.api = rows.string(call.name);
        e.kernel = rows.string(row.name);
        e.row = &row;
        take(e);
    }
}

}  // namespace

StatsTable cudaApiSum(Rows& rows) {
    Groups groups;
    for (const ApiRow& row : rows.api()) groups.add({rows.string(row.name)}, row.end - row.start);
    return groups.times("Num Calls", {"Name"});
}

StatsTable osrtSum(Rows& rows) {
    Groups groups;
    for (const ApiRow& row : rows.osrt()) groups.add({rows.string(row.name)}, row.end - row.start);
    return groups.times("Num Calls", {"Name"});
}

StatsTable cudaApiTrace(Rows& rows) {
    StatsTable table;
    table.columns = columns({"Start (ns)", "Duration (ns)", "Name", "Result", "CorrID", "Pid", "Tid", "Thread Name"});
    for (const ApiRow& row : rows.api())
        table.rows.push_back({row.start, row.end - row.start, rows.string(row.name), row.result, row.correlation, pidOf(row.tid), tidOf(row.tid), rows.threadName(row.tid)});
    return table;
}

StatsTable cudaGpuKernSum(Rows& rows) {
    Groups groups;
    for (const DeviceRow& row : rows.device())
        if (row.kind == DeviceKind::kKernel) groups.add({rows.string(row.name)}, row.end - row.start);
    return groups.times("Instances", {"Name"});
}

StatsTable cudaGpuKernGbSum(Rows& rows) {
    Groups groups;
    for (const DeviceRow& row : rows.device())
        if (row.kind == DeviceKind::kKernel) groups.add({triple(row.grid), triple(row.block), rows.string(row.name)}, row.end - row.start);
    return groups.times("Instances", {"GridXYZ", "BlockXYZ", "Name"});
}

StatsTable cudaGpuMemTimeSum(Rows& rows) {
    Groups groups;
    for (const DeviceRow& row : rows.device())
        if (row.kind != DeviceKind::kKernel) groups.add({rows.operation(row)}, row.end - row.start);
    return groups.times("Count", {"Operation"});
}

StatsTable cudaGpuMemSizeSum(Rows& rows) {
    Groups groups;
    for (const DeviceRow& row : rows.device())
        if (row.kind != DeviceKind::kKernel) groups.add({rows.operation(row)}, row.bytes);
    return groups.sizes({"Operation"});
}

StatsTable cudaGpuSum(Rows& rows) {
    Groups groups;
    for (const DeviceRow& row : rows.device())
        groups.add({row.kind == DeviceKind::kKernel ? "CUDA_KERNEL" : "MEMORY_OPER", rows.operation(row)}, row.end - row.start);
    return groups.times("Instances", {"Category", "Operation"});
}

StatsTable cudaApiGpuSum(Rows& rows) {
    Groups groups;
    for (const ApiRow& row : rows.api()) groups.add({"CUDA_API", rows.string(row.name)}, row.end - row.start);
    for (const DeviceRow& row : rows.device())
        groups.add({row.kind == DeviceKind::kKernel ? "CUDA_KERNEL" : "MEMORY_OPER", rows.operation(row)}, row.end - row.start);
    return groups.times("Instances", {"Category", "Operation"});
}

StatsTable cudaGpuTrace(Rows& rows) {
    StatsTable table;
    table.columns = columns({"Start (ns)", "Duration (ns)", "CorrId", "GrdX", "GrdY", "GrdZ", "BlkX", "BlkY", "BlkZ", "Reg/Trd", "StcSMem (MB)", "DymSMem (MB)",
                             "Bytes (MB)", "Throughput (MB/s)", "SrcMemKd", "DstMemKd", "Device", "Ctx", "GreenCtx", "Strm", "Name"});
    const auto memory = [&](const std::optional<std::int64_t>& kind) { return kind ? StatsCell(rows.label("ENUM_CUDA_MEM_KIND", *kind)) : StatsCell(); };
    for (const DeviceRow& row : rows.device()) {
        const bool kernel = row.kind == DeviceKind::kKernel;
        std::vector<StatsCell> cells{row.start, row.end - row.start, row.correlation};
        for (const auto& sizes : {row.grid, row.block})
            for (const std::int64_t size : sizes) cells.push_back(kernel ? StatsCell(size) : StatsCell());
        cells.push_back(orUnknown(row.registers));
        cells.push_back(megabytes(row.staticShared));
        cells.push_back(megabytes(row.dynamicShared));
        cells.push_back(kernel ? StatsCell() : megabytes(row.bytes));
        const auto ns = static_cast<double>(row.end - row.start);
        cells.push_back(kernel || ns <= 0 ? StatsCell() : StatsCell(tenths(static_cast<double>(row.bytes) / ns * 1e3)));
        cells.push_back(memory(row.srcKind));
        cells.push_back(memory(row.dstKind));
        cells.emplace_back(std::to_string(row.device));
        cells.emplace_back(row.context);
        cells.push_back(orUnknown(row.greenContext));
        cells.emplace_back(row.stream);
        cells.emplace_back(rows.operation(row));
        table.rows.push_back(std::move(cells));
    }
    return table;
}

StatsTable cudaKernExecTrace(Rows& rows) {
    StatsTable table;
    table.columns = columns({"API Start (ns)", "API Dur (ns)", "Queue Start (ns)", "Queue Dur (ns)", "Kernel Start (ns)", "Kernel Dur (ns)", "Total Dur (ns)",
                             "PID", "TID", "DevId", "API Function", "GridXYZ", "BlockXYZ", "Kernel Name"});
    forEachExecution(rows, [&](const Execution& e) {
        const bool queued = e.queueNs > 0;
        table.rows.push_back({e.apiStart, e.apiNs, queued ? StatsCell(e.queueStart) : StatsCell(), queued ? StatsCell(e.queueNs) : StatsCell(), e.kernelStart,
                              e.kernelNs, e.totalNs, pidOf(e.tid), tidOf(e.tid), e.device, e.api, triple(e.row->grid), triple(e.row->block), e.kernel});
    });
    return table;
}

StatsTable cudaKernExecSum(Rows& rows) {
    struct Times {
        std::vector<std::int64_t> total, api, queue, kernel;
        std::int64_t queued = 0;
    };
    std::map<std::tuple<std::int64_t, std::int64_t, std::string, std::string>, Times> groups;
    forEachExecution(rows, [&](const Execution& e) {
        Times& times = groups[{e.tid, e.device, e.api, e.kernel}];
        times.total.push_back(e.totalNs);
        times.api.push_back(e.apiNs);
        times.kernel.push_back(e.kernelNs);
        if (e.queueNs > 0) times.queue.push_back(e.queueNs);
    });
    StatsTable table;
    table.columns = columns({"PID", "TID", "DevId", "Count", "QCount"});
    for (const char letter : {'T', 'A', 'Q', 'K'})
        for (const char* what : {"Avg", "Med", "Min", "Max", "StdDev"}) table.columns.push_back({fmt::format("{}{} (ns)", letter, what)});
    table.columns.push_back({"API Name", true});
    table.columns.push_back({"Kernel Name", true});
    for (auto& [key, times] : groups) {
        const auto& [tid, device, api, kernel] = key;
        std::vector<StatsCell> row{pidOf(tid), tidOf(tid), device, static_cast<std::int64_t>(times.total.size()), static_cast<std::int64_t>(times.queue.size())};
        for (auto* list : {&times.total, &times.api, &times.queue, &times.kernel}) {
            if (list->empty()) {
                row.insert(row.end(), 5, StatsCell());
                continue;
            }
            const Aggregate a = aggregate(*list);
            for (const double value : {a.average, a.median, a.smallest, a.largest, a.deviation}) row.emplace_back(tenths(value));
        }
        row.emplace_back(api);
        row.emplace_back(kernel);
        table.rows.push_back(std::move(row));
    }
    return table;
}

}  // namespace ridge::analyzer::stats
