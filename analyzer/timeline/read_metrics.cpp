// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Hardware counters of kernels, and device memory as it was allocated and given back.
#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <tuple>

#include "analyzer/timeline/reader.h"

namespace ridge::analyzer {

using timeline::TableScan;

namespace {

constexpr double kLargestMetric = 1e24;
constexpr double kV100TensorFlops = 512;  // per instruction; other chips have other factors (metrics.md 2)

// The counters of one launch as they are read.
struct Raw {
    std::optional<double> dram, dramRead, dramWrite, l2, l1, tensorInstructions;
    std::array<std::optional<double>, 3> flops;
    std::map<std::uint16_t, double> tensorOps;  // by type, from counters that count operations
};

void add(std::optional<double>& to, double value) { to = to.value_or(0) + value; }

std::uint16_t tensorDtype(std::string_view name) {
    const auto has = [&](const char* word) { return name.find(word) != std::string_view::npos; };
    if (has("src_bf16")) return 3;
    if (has("src_tf32")) return 2;
    if (has("src_fp16")) return 4;
    if (has("src_fp8")) return 5;
    if (has("src_fp64")) return 7;
    if (has("src_int8")) return 8;
    return 0;
}

// sm__sass_thread_inst_executed_op_{d,f,h}{add,mul,fma}_pred_on.sum; a fused multiply-add is two.
bool takeScalar(std::string_view name, double value, Raw& raw) {
    constexpr std::string_view kPrefix = "sm__sass_thread_inst_executed_op_";
    if (!name.starts_with(kPrefix) || !name.ends_with("_pred_on.sum")) return false;
    name.remove_prefix(kPrefix.size());
    const std::size_t type = std::string_view("dfh").find(name.front());
    if (type == std::string_view::npos) return false;
    name.remove_prefix(1);
    if (!name.starts_with("add_") && !name.starts_with("mul_") && !name.starts_with("fma_")) return false;
    add(raw.flops[type], name.starts_with("fma_") ? 2 * value : value);
    return true;
}

bool take(std::string_view name, double value, Raw& raw) {
    if (name == "dram__bytes.sum") add(raw.dram, value);
    else if (name == "dram__bytes_read.sum") add(raw.dramRead, value);
    else if (name == "dram__bytes_write.sum") add(raw.dramWrite, value);
    else if (name == "lts__t_bytes.sum") add(raw.l2, value);
    else if (name == "l1tex__t_bytes.sum") add(raw.l1, value);
    else if (name == "sm__inst_executed_pipe_tensor.sum") add(raw.tensorInstructions, value);
    else if (name.starts_with("sm__ops_path_tensor_") && name.ends_with(".sum") && name.find("sparsity") == std::string_view::npos)
        raw.tensorOps[tensorDtype(name)] += value;
    else return takeScalar(name, value, raw);
    return true;
}

KernelMetrics toMetrics(const Raw& raw, bool v100) {
    KernelMetrics m;
    m.dram = raw.dram;
    if (!m.dram && raw.dramRead && raw.dramWrite) m.dram = *raw.dramRead + *raw.dramWrite;
    m.l2 = raw.l2;
    m.l1 = raw.l1;
    m.flops = raw.flops;
    m.tensorInstructions = raw.tensorInstructions;
    if (!raw.tensorOps.empty()) {
        double most = -1, sum = 0;
        for (const auto& [dtype, ops] : raw.tensorOps) {
            sum += ops;
            if (ops > most) {
                most = ops;
                m.tensorDtype = dtype;
            }
        }
        m.tensorFlops = sum;
    } else if (raw.tensorInstructions && (v100 || *raw.tensorInstructions <= 0)) {
        m.tensorFlops = *raw.tensorInstructions * kV100TensorFlops;
        m.tensorDtype = 4;
    }
    return m;
}

}  // namespace

void FileReader::readKernelMetrics() {
    TableScan scan(m_db, "RIDGE_KERNEL_METRIC", {"globalPid", "correlationId", "graphNodeId", "metric", "value"});
    TableReport report{"RIDGE_KERNEL_METRIC"};
    std::map<std::pair<std::int32_t, std::int64_t>, Raw> found;
    while (scan.next()) {
        ++report.rows;
        const auto pid = scan.integer(0), correlation = scan.integer(1);
        const auto value = scan.real(4);
        if (!pid || !correlation || !value || !(*value >= 0 && *value < kLargestMetric)) {
            ++report.outOfRange;
            continue;
        }
        if (scan.integer(2)) {
            ++m_timeline.graphMetrics;  // the nodes of a graph share one launch
            continue;
        }
        const std::string_view name = scan.text(3);
        Raw one;
        if (take(name, *value, one)) take(name, *value, found[{processOf(*pid), *correlation}]);
    }
    finish(scan, report);
    bool v100 = false, others = false;
    for (const GpuDevice& device : m_timeline.devices) {
        if (device.file != m_file) continue;
        (device.name.find("V100") != std::string::npos ? v100 : others) = true;
    }
    for (const auto& [key, raw] : found) {
        KernelMetrics m = toMetrics(raw, v100 && !others);
        m.process = key.first;
        m.correlation = key.second;
        m_timeline.kernelMetrics.push_back(m);
    }
}

void FileReader::readMemoryEvents() {
    TableScan scan(m_db, "CUDA_GPU_MEMORY_USAGE_EVENTS",
                   {"start", "globalPid", "deviceId", "address", "bytes", "memKind", "memoryOperationType", "name"});
    TableReport report{"CUDA_GPU_MEMORY_USAGE_EVENTS"};
    while (scan.next()) {
        ++report.rows;
        const auto time = scan.integer(0), bytes = scan.integer(4), operation = scan.integer(6);
        if (!time || *time <= -kMaxTime || *time >= kMaxTime || !bytes || *bytes < 0 || *bytes > (std::int64_t{1} << 50) || !operation ||
            (*operation != 0 && *operation != 1)) {
            ++report.outOfRange;
            continue;
        }
        MemoryEvent event;
        event.time = *time + m_shift;
        const auto globalPid = scan.integer(1);
        event.process = globalPid ? processOf(*globalPid) : kNoIndex;
        event.device = deviceOf(globalPid, scan.integerOr(2, 0));
        event.address = scan.integerOr(3, 0);
        event.bytes = *bytes;
        const std::int64_t kind = scan.integerOr(5, 7);
        event.kind = kind >= 0 && kind < 8 ? static_cast<std::uint8_t>(kind) : std::uint8_t{7};
        event.frees = *operation == 1;
        event.owner = m_timeline.names.intern(scan.text(7));
        m_timeline.memoryEvents.push_back(event);
    }
    finish(scan, report);
}

}  // namespace ridge::analyzer
