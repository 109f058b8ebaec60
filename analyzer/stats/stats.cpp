// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/stats/stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "analyzer/stats/reports.h"

namespace ridge::analyzer {
namespace {

using namespace stats;

constexpr const char* kApi = "CUPTI_ACTIVITY_KIND_RUNTIME";
constexpr const char* kKernel = "CUPTI_ACTIVITY_KIND_KERNEL";
constexpr const char* kCopy = "CUPTI_ACTIVITY_KIND_MEMCPY";
constexpr const char* kSet = "CUPTI_ACTIVITY_KIND_MEMSET";
constexpr const char* kNvtx = "NVTX_EVENTS";

struct Entry {
    StatsReport report;
    StatsTable (*make)(Rows&);
    std::array<const char*, 3> anyOf;  // it needs one of these tables
};

const std::vector<Entry>& entries() {
    static const std::vector<Entry> list{
        {{"nvtx_sum", "nvtxsum", "NVTX Range Summary", true}, nvtxSum, {kNvtx}},
        {{"osrt_sum", "osrtsum", "OS Runtime Summary", true}, osrtSum, {"OSRT_API"}},
        {{"cuda_api_sum", "cudaapisum", "CUDA API Summary", true}, cudaApiSum, {kApi}},
        {{"cuda_gpu_kern_sum", "gpukernsum", "CUDA GPU Kernel Summary", true}, cudaGpuKernSum, {kKernel}},
        {{"cuda_gpu_mem_time_sum", "gpumemtimesum", "CUDA GPU MemOps Summary (by Time)", true}, cudaGpuMemTimeSum, {kCopy, kSet}},
        {{"cuda_gpu_mem_size_sum", "gpumemsizesum", "CUDA GPU MemOps Summary (by Size)", true}, cudaGpuMemSizeSum, {kCopy, kSet}},
        {{"cuda_gpu_sum", "gpusum", "CUDA GPU Summary (Kernels/MemOps)", false}, cudaGpuSum, {kKernel, kCopy, kSet}},
        {{"cuda_gpu_kern_gb_sum", "gpukerngbsum", "CUDA GPU Kernel/Grid/Block Summary", false}, cudaGpuKernGbSum, {kKernel}},
        {{"cuda_gpu_trace", "gputrace", "CUDA GPU Trace", false}, cudaGpuTrace, {kKernel, kCopy, kSet}},
        {{"cuda_api_trace", "cudaapitrace", "CUDA API Trace", false}, cudaApiTrace, {kApi}},
        {{"cuda_api_gpu_sum", "apigpusum", "CUDA Summary (API/Kernels/MemOps)", false}, cudaApiGpuSum, {kApi, kKernel, kCopy}},
        {{"cuda_kern_exec_sum", "kernexecsum", "CUDA Kernel Launch & Exec Time Summary", false}, cudaKernExecSum, {kKernel}},
        {{"cuda_kern_exec_trace", "kernexectrace", "CUDA Kernel Launch & Exec Time Trace", false}, cudaKernExecTrace, {kKernel}},
        {{"nvtx_pushpop_sum", "nvtxppsum", "NVTX Push/Pop Range Summary", false}, nvtxPushPopSum, {kNvtx}},
        {{"nvtx_pushpop_trace", "nvtxpptrace", "NVTX Push/Pop Range Trace", false}, nvtxPushPopTrace, {kNvtx}},
        {{"nvtx_startend_sum", "nvtxsesum", "NVTX Start/End Range Summary", false}, nvtxStartEndSum, {kNvtx}},
        {{"nvtx_startend_trace", "nvtxsetrace", "NVTX Start/End Range Trace", false}, nvtxStartEndTrace, {kNvtx}},
        {{"nvtx_gpu_proj_sum", "nvtxgpuprojsum", "NVTX GPU Projection Summary", false}, nvtxGpuProjSum, {kNvtx}},
        {{"nvtx_gpu_proj_trace", "nvtxgpuproj", "NVTX GPU Projection Trace", false}, nvtxGpuProjTrace, {kNvtx}},
        {{"file_access_sum", "", "File Access Summary", false}, fileAccessSum, {"RIDGE_IO"}},
        {{"file_class_sum", "", "File Access Summary by Class (--io-class)", false}, fileClassSum, {"RIDGE_IO"}},
        {{"file_size_hist", "", "File Access Sizes", false}, fileSizeHist, {"RIDGE_IO"}},
        {{"file_offset_hist", "", "File Access Offsets", false}, fileOffsetHist, {"RIDGE_IO"}},
        {{"cpu_samples_sum", "", "CPU Samples by Function (Flat View)", false}, cpuSamplesSum, {"SAMPLING_CALLCHAINS"}},
        {{"nvtx_kern_sum", "nvtxkernsum", "NVTX Range Kernel Summary", false}, nvtxKernSum, {kNvtx}},
    };
    return list;
}

const Entry* find(const std::string& name) {
    for (const Entry& entry : entries())
        if (!name.empty() && (entry.report.name == name || entry.report.alias == name)) return &entry;
    return nullptr;
}

}  // namespace

const std::vector<StatsReport>& statsReports() {
    static const std::vector<StatsReport> list = [] {
        std::vector<StatsReport> reports;
        for (const Entry& entry : entries()) reports.push_back(entry.report);
        return reports;
    }();
    return list;
}

Result<std::vector<StatsTable>> runStats(const std::string& path, const std::vector<std::string>& reports) {
    for (const std::string& report : reports)
        if (!find(report)) return Error{ErrorCode::kBadInput, fmt::format("there is no report \"{}\"; ridge stats --list shows them", report)};
    RIDGE_TRY(Database db, Database::openForReading(path));
    const std::array<const char*, 7> known{kNvtx, kApi, kKernel, kCopy, kSet, "OSRT_API", "SAMPLING_CALLCHAINS"};
    if (!db.hasTable("StringIds") && std::none_of(known.begin(), known.end(), [&](const char* table) { return db.hasTable(table); }))
        return Error{ErrorCode::kBadInput, fmt::format("{} is an SQLite database, but no timeline: it has neither StringIds nor tables of events", path)};
    const auto isView = [&](const char* name) { return db.hasTable(name) && !timeline::TableScan(db, name, {}).exists(); };
    Rows rows(db);
    std::vector<StatsTable> tables;
    for (const std::string& report : reports) {
        const Entry& entry = *find(report);
        StatsTable table = entry.make(rows);
        table.report = entry.report.name;
        table.title = entry.report.title;
        for (std::string& note : rows.takeNotes()) table.notes.push_back(std::move(note));
        std::string wanted;
        bool there = false;
        for (const char* name : entry.anyOf) {
            if (!name) continue;
            there |= rows.has(name);
            if (isView(name)) table.notes.push_back(fmt::format("{0} is a view, not a table, and was not read: make it one (CREATE TABLE ... AS SELECT * FROM {0})", name));
            wanted += (wanted.empty() ? "" : ", ") + std::string(name);
        }
        if (!there) table.notes.push_back(fmt::format("the file has no {}", wanted));
        tables.push_back(std::move(table));
    }
    return tables;
}

}  // namespace ridge::analyzer
