// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The timeline in memory: what every analysis reads, whoever wrote the file.
//
// Plain rows in vectors, names and paths interned, threads and processes as small indices; nothing per
// row allocates. Rows are sorted once by start (finish()). Times are ns since the start of the (first)
// session and lie within +-kMaxTime, so that no difference of two of them overflows.
//
// Invariants after load(): 1. every row has start <= end. 2. every index (thread, process, name, device,
// launch) is valid or kNoIndex. 3. rows are sorted by start, then calls and ranges the longer one first and all others by
// end, then by what they say (order.h): the order of the rows and of the files that were given plays no part.
// 4. ids of names are in the order of their texts.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "analyzer/model/analysis.h"
#include "base/strong_id.h"

namespace ridge::analyzer {

inline constexpr Ns kMaxTime = Ns{1} << 55;  // 417 days: beyond any session, far from overflow
inline constexpr std::int32_t kNoIndex = -1;

using NameId = StrongId<struct NameTag>;

class NamePool {
public:
    NamePool() { intern(""); }
    NameId intern(std::string_view text);
    [[nodiscard]] const std::string& text(NameId id) const { return *m_texts[id.value]; }
    [[nodiscard]] std::size_t size() const { return m_texts.size(); }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
    };
    std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> m_ids;
    std::vector<const std::string*> m_texts;  // keys of m_ids, whose nodes never move
};

struct Process {
    std::int32_t file = 0;
    std::int64_t globalPid = 0;
    std::int64_t pid = 0;
    std::int64_t rank = 0;
    std::int64_t worldSize = 0;  // 0: not known
    bool rankKnown = false;
    std::string host, name;
};

// Whose clock a process has: that of its machine in its file. Traces of several clocks may be in one file.
inline std::pair<std::int32_t, std::int64_t> clockOf(const Process& process) {
    return {process.file, static_cast<std::int64_t>(static_cast<std::uint64_t>(process.globalPid) >> 48)};
}

struct Thread {
    std::int64_t globalTid = 0;
    std::int32_t process = kNoIndex;
};

// A device number counts within one machine (the VM and hardware bits of globalPid; nsys has them as vmId).
struct GpuDevice {
    std::int32_t file = 0;
    std::int64_t id = 0;
    std::string name;
    std::int64_t machine = 0;
};

enum class GpuKind : std::uint8_t { kKernel, kCopy, kSet, kGraph };

struct GpuRow {
    Ns start = 0, end = 0;
    std::int64_t stream = 0, correlation = 0, bytes = 0, rowid = 0;
    NameId name;
    std::int32_t device = kNoIndex, process = kNoIndex;
    std::int32_t launch = kNoIndex;  // index into Timeline::calls
    std::int32_t collective = kNoIndex;  // index into Timeline::collectives
    std::int32_t op = kNoIndex;          // index into Timeline::ranges: the framework's op that launched it
    std::int32_t blocks = 0;             // thread blocks of a kernel's grid; 0: not known
    GpuKind kind = GpuKind::kKernel;
    std::uint8_t copyKind = 0, srcKind = 255, dstKind = 255;  // 255: not known
};

// What the host handed to a collective, where the trace says it (Kineto's arguments, NCCL's payloads).
struct Collective {
    NameId name, group, dtype;  // "allreduce", name or id of the process group, "Float"
    std::int64_t bytesIn = 0, bytesOut = 0;  // message bytes of this rank; 0: not known
    std::int64_t groupSize = 0;              // 0: not known
    std::int64_t sequence = -1;              // number of the call in its group, from 0; -1: not known
};

enum class SyncKind : std::uint8_t { kUnknown, kEvent, kStreamWaitEvent, kStream, kContext };

// A wait that the device or the driver recorded (CUPTI_ACTIVITY_KIND_SYNCHRONIZATION, Kineto's cuda_sync).
struct SyncRow {
    Ns start = 0, end = 0;
    std::int64_t stream = -1, correlation = 0, rowid = 0;  // stream -1: none
    std::int64_t eventRecord = 0;  // correlation of the cudaEventRecord waited for; 0: not known
    std::int64_t waitedStream = -1;
    std::int32_t device = kNoIndex, process = kNoIndex;
    std::int32_t launch = kNoIndex;  // index into Timeline::calls: the call that waits
    SyncKind kind = SyncKind::kUnknown;
};

// A cause that the host handed from one thread to another (forward to backward, loader to trainer).
struct Flow {
    Ns fromTime = 0, toTime = 0;
    std::int32_t fromThread = kNoIndex, toThread = kNoIndex;
};

struct Call {  // of the CUDA API
    Ns start = 0, end = 0;
    std::int64_t correlation = 0, rowid = 0;
    NameId name;
    std::int32_t thread = kNoIndex;
    bool blocking = false;  // waits for the device: synchronize, copies that are not async
};

struct Work {
    std::uint16_t opKind = 0, dtype = 0;
    double flops = 0, bytesRead = 0, bytesWritten = 0, bytesCommunicated = 0;
    std::int64_t communicator = 0, sequence = 0;
};

enum class Frame : std::uint8_t { kNone, kWorkload, kWarmup, kStep };

// Where a range comes from: a person's annotation (NVTX, user_annotation), an op of a framework
// (Kineto's cpu_op), or a function of the interpreter.
enum class RangeKind : std::uint8_t { kAnnotation, kOp, kFunction };

struct Range {
    Ns start = 0, end = 0;
    std::int64_t rowid = 0;
    std::uint64_t index = 0;     // of a step
    NameId name;
    std::int32_t thread = kNoIndex;
    std::int32_t work = kNoIndex;   // index into Timeline::works
    NameId shapes;                  // of the op's inputs as the trace spells them; empty: not known
    Frame frame = Frame::kNone;
    RangeKind kind = RangeKind::kAnnotation;
    bool nests = true;           // push/pop; false: start/end, which need not nest
    bool open = false;           // had no end in the file
    bool endKnown = false;       // open, and end is when its process ended
};

struct IoRow {
    Ns start = 0, end = 0;
    std::int64_t bytes = 0, rowid = 0;
    NameId name, path;
    std::int32_t thread = kNoIndex;
    bool writes = false;         // write, fsync and their kin
};

struct Preemption {
    Ns start = 0, end = 0;
    std::int64_t cpu = 0;
};

// Counts of what a table held and what could not be taken.
struct TableReport {
    explicit TableReport(std::string name) : table(std::move(name)) {}
    std::string table;
    std::int64_t rows = 0, negative = 0, zero = 0;
    std::int64_t outOfRange = 0;             // rows without a usable time: none, text in its place, one beyond any session
    std::int64_t wrongType = 0;              // cells, of which the row may be used
    std::int64_t open = 0;
    std::int64_t withoutTimes = 0;   // the table has no column of starts or of ends
    std::int64_t withoutDevice = 0;  // GPU rows that do not say which GPU
    std::int64_t withoutThread = 0;  // rows of the host that do not say whose
    // Rows that are not in the timeline.
    [[nodiscard]] std::int64_t leftOut() const { return negative + outOfRange + withoutDevice + withoutThread; }
    std::int64_t absurdBytes = 0;    // copies of less than nothing, or of more than any link moves in their time
    std::string error;
};

// Bytes of a copy that can be; else 0, and counted. 100 TB/s is twenty times the fastest memory of today.
inline std::int64_t possibleBytes(std::int64_t bytes, Ns duration, TableReport& report) {
    constexpr std::int64_t kMost = std::int64_t{1} << 50, kMostPerNs = 100'000;
    const bool absurd = bytes < 0 || bytes > kMost || (duration > 0 && bytes / kMostPerNs > duration);
    report.absurdBytes += absurd ? 1 : 0;
    return absurd ? 0 : bytes;
}

// What a loader has to say of a file beyond the counts of its tables: a line of the gate.
inline constexpr std::string_view kRemarkName = "RIDGE_REMARK";  // in META_DATA_CAPTURE of an imported trace
struct Remark {
    std::string check, detail;
    std::int64_t count = 1;
    Severity severity = Severity::kWarning;
};

// A message of the collector (DIAGNOSTIC_EVENT). severity as nsys has it: 2 warning, 3 error.
struct Diagnostic {
    std::int64_t severity = 0;
    std::string text;
};

struct CounterSeries {
    std::string name, unit;
    std::int32_t process = kNoIndex;
    std::vector<std::pair<Ns, double>> samples;
    std::int64_t device = -1;  // number of the GPU; -1: none
};

// Hardware counters of one launch (RIDGE_KERNEL_METRIC), summed to what a roofline needs; nothing: not measured.
struct KernelMetrics {
    std::int64_t correlation = 0;
    std::int32_t process = kNoIndex;
    std::optional<double> dram, l2, l1;         // bytes
    std::array<std::optional<double>, 3> flops;  // of the scalar pipes: f64, f32, f16
    std::optional<double> tensorFlops;           // of the tensor pipe, where the FLOP per instruction are known
    std::optional<double> tensorInstructions;
    std::uint16_t tensorDtype = 0;               // 0: not known
};

// Device memory that was allocated or given back (CUDA_GPU_MEMORY_USAGE_EVENTS).
struct MemoryEvent {
    Ns time = 0;
    std::int64_t address = 0, bytes = 0;
    NameId owner;  // what the allocation is called; empty: nothing
    std::int32_t device = kNoIndex, process = kNoIndex;
    std::uint8_t kind = 255;  // ENUM_CUDA_MEM_KIND
    bool frees = false;
};

struct BenchmarkRow {
    std::string workload;
    WorkloadMetric metric;
};

struct Timeline {
    std::vector<Source> sources;
    NamePool names;
    std::vector<Process> processes;
    std::vector<Thread> threads;
    std::vector<GpuDevice> devices;
    std::vector<GpuRow> gpu;
    std::vector<Call> calls;
    std::vector<Collective> collectives;
    std::vector<SyncRow> syncs;
    std::vector<Flow> flows;
    std::vector<Range> ranges;
    std::vector<Work> works;
    std::vector<IoRow> io;
    std::vector<Preemption> preemptions;
    std::vector<std::pair<Ns, Ns>> flushes;  // times in which the collector itself was in the way
    std::vector<Ceiling> ceilings;
    std::vector<CounterSeries> counters;
    std::vector<CounterSeries> processorTime;  // thread.cpu/TID, thread.wait/TID, cpu.busy: apart, as no report or export lists them
    std::vector<KernelMetrics> kernelMetrics;  // by (process, correlation)
    std::int64_t graphMetrics = 0;             // counters of graph nodes, which no launch is known of
    std::vector<MemoryEvent> memoryEvents;     // by time
    std::vector<EnvironmentField> environment;
    std::vector<Loss> losses;
    std::vector<BenchmarkRow> benchmarks;
    std::vector<TableReport> tables;
    std::int64_t graphLaunches = 0;      // API calls that launch a whole graph
    std::vector<Remark> remarks;
    std::vector<Diagnostic> diagnostics; // what the collector said of itself
    std::vector<std::string> missing;    // what a file of its kind should have and this one has not
    std::string outcome;                 // RIDGE_RUN.outcome of the first file, "" when not ours
    std::int64_t outsideCapture = 0;     // GPU rows beyond the session's own duration
    bool outsideChecked = false;         // a file said its duration
    std::int64_t utcOfZero = 0;          // UTC epoch of t = 0, ns; 0: not known
    Ns lastTime = 0;                     // the last time seen: open ranges are closed here
};

}  // namespace ridge::analyzer
