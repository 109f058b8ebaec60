// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/import/kineto/builder.h"

#include <algorithm>
#include <limits>

#include "analyzer/import/kineto/decimal.h"
#include "analyzer/timeline/link.h"
#include "base/text.h"

namespace ridge::analyzer::kineto {
namespace {

constexpr std::size_t kBytesPerEvent = 250;         // 220 to 580 in real traces
constexpr std::size_t kMostReserved = std::size_t{1} << 24;
constexpr std::array<std::string_view, static_cast<std::size_t>(Category::kCount)> kTables{
    "kernel", "gpu_memcpy", "gpu_memset", "cuda_runtime", "cpu_op", "user_annotation", "python_function",
    "cuda_sync", "overhead", "fwdbwd", "cpu_instant_event", "ac2g", "gpu_user_annotation", "metadata", kOtherCategories, kNoCategory};

Category categoryOf(std::string_view name) {
    switch (name.size()) {
        case 4: return name == "ac2g" ? Category::kLaunchFlow : Category::kOther;
        case 5: return name == "async" ? Category::kLaunchFlow : name == "Trace" ? Category::kMeta : Category::kOther;
        case 6:
            if (name == "kernel" || name == "Kernel") return Category::kKernel;
            if (name == "cpu_op") return Category::kOp;
            if (name == "Memcpy") return Category::kCopy;
            if (name == "Memset") return Category::kSet;
            return name == "fwdbwd" ? Category::kHandOff : Category::kOther;
        case 7: return name == "Runtime" ? Category::kCall : Category::kOther;
        case 8:
            if (name == "Operator") return Category::kOp;
            return name == "overhead" ? Category::kOverhead : Category::kOther;
        case 9: return name == "cuda_sync" ? Category::kSync : Category::kOther;
        case 10:
            if (name == "gpu_memcpy") return Category::kCopy;
            return name == "gpu_memset" ? Category::kSet : Category::kOther;
        case 11: return name == "cuda_driver" || name == "hip_runtime" || name == "xpu_runtime" ? Category::kCall : Category::kOther;
        case 12: return name == "cuda_runtime" || name == "mtia_runtime" ? Category::kCall : Category::kOther;
        case 15:
            if (name == "user_annotation") return Category::kAnnotation;
            return name == "python_function" ? Category::kFunction : Category::kOther;
        case 16: return name == "async_cpu_to_gpu" ? Category::kLaunchFlow : Category::kOther;
        case 17: return name == "cpu_instant_event" ? Category::kInstant : Category::kOther;
        case 18: return name == "privateuse1_driver" ? Category::kCall : Category::kOther;
        case 19:
            if (name == "gpu_user_annotation") return Category::kGpuAnnotation;
            return name == "privateuse1_runtime" ? Category::kCall : Category::kOther;
        default: return Category::kOther;
    }
}

// Bytes of one element; 0: not known.
std::int64_t elementBytes(std::string_view dtype) {
    struct Size {
        std::string_view name;
        std::int64_t bytes;
    };
    static constexpr std::array<Size, 17> kSizes{{{"Float", 4}, {"BFloat16", 2}, {"Half", 2}, {"Double", 8}, {"Int", 4},
        {"Long", 8}, {"Byte", 1}, {"Char", 1}, {"Bool", 1}, {"Short", 2}, {"ComplexFloat", 8}, {"ComplexDouble", 16},
        {"UInt16", 2}, {"UInt32", 4}, {"UInt64", 8}, {"c10::BFloat16", 2}, {"c10::Half", 2}}};
    for (const Size& size : kSizes)
        if (size.name == dtype) return size.bytes;
    return dtype.starts_with("Float8") ? 1 : 0;
}

std::uint8_t memoryKind(std::string_view name) {
    if (name.starts_with("Pageable")) return 0;
    if (name.starts_with("Pinned")) return 1;
    if (name.starts_with("Device")) return 2;
    if (name.starts_with("Array")) return 3;
    if (name.starts_with("Managed") || name.starts_with("Unified")) return 4;
    return 255;
}

// Blocks of "[x, y, z]"; 0: not known.
std::int32_t blocksOf(std::string_view grid) {
    std::int64_t product = 1;
    bool any = false;
    for (std::size_t at = 1; at < grid.size();) {
        const auto number = parseDecimal(grid.data() + at, 0);
        if (number) {
            if (*number <= 0 || *number > std::numeric_limits<std::int32_t>::max()) return 0;
            any = true;
            product = std::min<std::int64_t>(product * *number, std::numeric_limits<std::int32_t>::max());
        }
        const std::size_t comma = grid.find(',', at);
        if (comma == std::string_view::npos) break;
        at = comma + 1;
        while (at < grid.size() && (grid[at] == ' ' || grid[at] == '\n' || grid[at] == '\r' || grid[at] == '\t')) ++at;
    }
    return any ? static_cast<std::int32_t>(product) : 0;
}

SyncKind syncKindOf(std::string_view name) {
    if (name.find("Stream Wait") != std::string_view::npos) return SyncKind::kStreamWaitEvent;
    if (name.find("Event Sync") != std::string_view::npos) return SyncKind::kEvent;
    if (name.find("Stream Sync") != std::string_view::npos) return SyncKind::kStream;
    if (name.find("Context Sync") != std::string_view::npos || name.find("Device Sync") != std::string_view::npos)
        return SyncKind::kContext;
    return SyncKind::kUnknown;
}

constexpr std::int64_t kNoDevice = std::numeric_limits<std::int64_t>::min();
constexpr Ns kNoTime = std::numeric_limits<Ns>::min();

Ns instantOf(const Event& event) {
    if (event.time.isString || !event.time.there()) return kNoTime;
    return parseDecimal(event.time.text.data(), 3).value_or(kNoTime);
}

// The old category Operator also holds what are annotations now.
bool isAnnotation(std::string_view name) {
    return name.starts_with("ProfilerStep#") || name.starts_with("enumerate(DataLoader)") || name.starts_with("Optimizer.");
}

}  // namespace

Builder::Builder(std::int32_t file, std::size_t expectedBytes) : m_file(file), m_timeline(m_trace.timeline), m_names(m_timeline.names) {
    // Address space only: pages count when they are written.
    const std::size_t events = std::min(expectedBytes / kBytesPerEvent, kMostReserved);
    m_timeline.ranges.reserve(events);
    m_timeline.calls.reserve(events / 2);
    m_timeline.gpu.reserve(events / 2);
    for (const std::string_view table : kTables) m_reports.emplace_back(std::string(table));
}

bool Builder::takeTimes(const Event& event, TableReport& report, bool mayBeOpen, Times& times) {
    ++report.rows;
    const auto start = event.time.isString ? std::nullopt : parseDecimal(event.time.text.data() ? event.time.text.data() : "", 3);
    if (!start) {
        report.wrongType += event.time.isString ? 1 : 0;
        ++report.outOfRange;
        return false;
    }
    times.start = *start;
    if (!event.duration.there() && mayBeOpen) {
        times.end = times.start;
        times.open = true;
        ++report.open;
        return true;
    }
    const auto duration = event.duration.isString || !event.duration.there() ? std::nullopt : parseDecimal(event.duration.text.data(), 3);
    if (!duration) {
        report.wrongType += event.duration.isString ? 1 : 0;
        ++report.outOfRange;
        return false;
    }
    if (*duration < 0) {
        ++report.negative;
        return false;
    }
    if (*duration == 0) ++report.zero;
    times.end = times.start + *duration;
    return true;
}

std::int64_t Builder::integerOr(const Scalar& value, std::int64_t fallback, TableReport& report) {
    if (!value.there() || value.text == "null") return fallback;
    const auto number = value.isString ? std::nullopt : parseDecimal(value.text.data(), 0);
    if (!number) ++report.wrongType;
    return number.value_or(fallback);
}

void Builder::onEvent(const Event& event) {
    ++m_trace.events;
    if (event.phase == 'M') {
        ++report(Category::kMeta).rows;
        return;
    }
    const Category category = event.phase == 'X' && event.category.empty() ? Category::kNone : categoryOf(event.category);
    if (event.argumentsWrong) ++report(category).wrongType;
    if (category == Category::kHandOff) return addFlowEnd(event);
    if (category == Category::kInstant) return addMemory(event);
    if (event.phase == 'B' || event.phase == 'E') return addHalf(event);
    if (event.phase != 'X') {
        ++report(category == Category::kOther || category == Category::kLaunchFlow ? category : Category::kOther).rows;
        if (category != Category::kLaunchFlow) ++m_otherPhases[event.phase == 0 ? '?' : event.phase];
        return;
    }
    if (category == Category::kOther) noteUnknown(event.category);
    switch (category) {
        case Category::kKernel:
        case Category::kCopy:
        case Category::kSet: return addGpuRow(event, category);
        case Category::kCall: return addCall(event);
        case Category::kOp:
        case Category::kAnnotation:
        case Category::kFunction: return addRange(event, category);
        case Category::kSync: return addSync(event);
        case Category::kOverhead: return addOverhead(event);
        default: ++report(category).rows;
    }
}

void Builder::noteUnknown(std::string_view category) {
    constexpr std::size_t kMostNames = 100, kLongestName = 60;
    const std::string name = toValidUtf8(category.substr(0, kLongestName));
    if (const auto it = m_unknown.find(name); it != m_unknown.end()) ++it->second;
    else if (m_unknown.size() < kMostNames) m_unknown.emplace(name, 1);
    else ++m_unknown["others"];
}

// Begin and end as two events: a range of the thread's own stack. Only what the host did comes like this; halves of
// anything else are counted. They are joined in the end, by their times: a file need not have them in order.
void Builder::addHalf(const Event& event) {
    const Ns time = instantOf(event);
    if (time != kNoTime) m_lastHalf = time;  // a begin without a time stands where the last one stood
    TableReport unused{""};  // whose a half is was counted, or is told with the unpaired ones
    if (event.phase == 'E') {
        const std::int32_t thread = threadOf(event, unused);
        if (thread == kNoIndex || time == kNoTime) ++m_unpaired;
        else m_halves.push_back({thread, kNoIndex, time, false});
        return;
    }
    const Category category = event.category.empty() ? Category::kAnnotation : categoryOf(event.category);
    const std::size_t before = m_timeline.ranges.size();
    if (category == Category::kOp || category == Category::kAnnotation || category == Category::kFunction) {
        addRange(event, category);
    } else {
        ++report(category).rows;
        noteUnknown(event.category);
    }
    const std::int32_t thread = threadOf(event, unused);
    if (thread != kNoIndex) m_halves.push_back({thread, m_timeline.ranges.size() > before ? static_cast<std::int32_t>(before) : kNoIndex, m_lastHalf, true});
}

void Builder::addGpuRow(const Event& event, Category category) {
    TableReport& table = report(category);
    Times times;
    if (!takeTimes(event, table, false, times)) return;
    GpuRow row;
    row.start = times.start;
    row.end = times.end;
    const Arguments& a = event.arguments;
    const std::int64_t device = integerOr(a.device.there() ? a.device : event.pid, kNoDevice, table);
    if (device == kNoDevice) {
        ++table.withoutDevice;
        return;
    }
    row.device = deviceOf(device);
    row.stream = streamOf(event, table);
    row.correlation = integerOr(a.correlation, 0, table);
    const NameId name = m_names.text(event.name);
    row.kind = category == Category::kKernel ? GpuKind::kKernel : category == Category::kCopy ? GpuKind::kCopy : GpuKind::kSet;
    if (category == Category::kKernel) {
        row.name = name;  // copies and sets have none of their own, in no kind of file
        row.blocks = blocksOf(a.grid);
        row.collective = takeCollective(event, table);
        m_timeline.gpu.push_back(row);
        return;
    }
    row.bytes = possibleBytes(integerOr(a.bytes, 0, table), row.end - row.start, table);
    if (category == Category::kCopy) {
        const CopyName copy = copyName(name);
        row.copyKind = copy.kind;
        row.srcKind = copy.from;
        row.dstKind = copy.to;
    }
    (category == Category::kCopy ? m_copies : m_sets).push_back(row);
}

// "Memcpy HtoD (Pageable -> Device)"; numbers as in ENUM_CUDA_MEMCPY_OPER and ENUM_CUDA_MEM_KIND.
Builder::CopyName Builder::copyName(NameId name) {
    if (m_copyNames.size() <= name.value) m_copyNames.resize(std::max<std::size_t>(m_timeline.names.size(), name.value + 1));
    CopyName& copy = m_copyNames[name.value];
    if (copy.known) return copy;
    copy.known = true;
    const std::string& text = m_timeline.names.text(name);
    struct Kind {
        std::string_view name, longName;
        std::uint8_t kind;
    };
    static constexpr std::array<Kind, 10> kKinds{{{"HtoD", "HostToDevice", 1}, {"DtoH", "DeviceToHost", 2}, {"HtoA", "HostToArray", 3},
        {"AtoH", "ArrayToHost", 4}, {"AtoA", "ArrayToArray", 5}, {"AtoD", "ArrayToDevice", 6}, {"DtoA", "DeviceToArray", 7},
        {"DtoD", "DeviceToDevice", 8}, {"HtoH", "HostToHost", 9}, {"PtoP", "PeerToPeer", 10}}};
    for (const Kind& kind : kKinds)
        if (text.find(kind.name) != std::string::npos || text.find(kind.longName) != std::string::npos) {
            copy.kind = kind.kind;
            break;
        }
    const std::size_t open = text.find('('), arrow = text.find(" -> ");
    if (open != std::string::npos && arrow != std::string::npos && open < arrow) {
        copy.from = memoryKind(std::string_view(text).substr(open + 1));
        copy.to = memoryKind(std::string_view(text).substr(arrow + 4));
    }
    return copy;
}

void Builder::addCall(const Event& event) {
    TableReport& table = report(Category::kCall);
    Times times;
    if (!takeTimes(event, table, false, times)) return;
    Call call;
    call.start = times.start;
    call.end = times.end;
    call.correlation = integerOr(event.arguments.correlation, 0, table);
    call.name = m_names.text(event.name);
    call.thread = threadOf(event, table);
    if (call.thread == kNoIndex) return;
    if (m_blocking.size() <= call.name.value) m_blocking.resize(m_timeline.names.size(), -1);
    std::int8_t& known = m_blocking[call.name.value];
    if (known < 0) {
        const std::string& name = m_timeline.names.text(call.name);
        known = static_cast<std::int8_t>((isBlockingCall(name) ? 1 : 0) | (name.find("GraphLaunch") != std::string::npos ? 2 : 0));
    }
    call.blocking = (known & 1) != 0;
    m_timeline.graphLaunches += (known & 2) != 0 ? 1 : 0;
    ++m_hosts[static_cast<std::size_t>(m_timeline.threads[static_cast<std::size_t>(call.thread)].process)].calls;
    m_timeline.calls.push_back(call);
}

void Builder::addRange(const Event& event, Category category) {
    TableReport& table = report(category);
    Times times;
    if (!takeTimes(event, table, true, times)) return;
    Range range;
    range.start = times.start;
    range.end = times.end;
    range.open = times.open;
    range.name = m_names.text(event.name);
    range.thread = threadOf(event, table);
    if (range.thread == kNoIndex) return;
    range.kind = category == Category::kOp ? RangeKind::kOp
                                           : category == Category::kFunction ? RangeKind::kFunction : RangeKind::kAnnotation;
    if (range.kind == RangeKind::kOp && isAnnotation(event.name)) range.kind = RangeKind::kAnnotation;
    if (!event.arguments.shapes.empty()) range.shapes = m_names.json(event.arguments.shapes);
    // Annotations may be filed under another number for the same process (that of its container).
    if (range.kind == RangeKind::kOp)
        ++m_hosts[static_cast<std::size_t>(m_timeline.threads[static_cast<std::size_t>(range.thread)].process)].ops;
    if (category == Category::kOp && !event.arguments.collective.empty())
        if (const std::int32_t c = takeCollective(event, table); c != kNoIndex)
            m_opCollectives.emplace_back(static_cast<std::int32_t>(m_timeline.ranges.size()), c);
    m_timeline.ranges.push_back(range);
}

std::int32_t Builder::takeCollective(const Event& event, TableReport& table) {
    const Arguments& a = event.arguments;
    if (a.collective.empty() || a.collective == "wait") return kNoIndex;
    Collective collective;
    collective.name = m_names.text(a.collective);
    collective.group = a.groupName.empty() && a.groupId.there() ? m_names.text(a.groupId.text) : m_names.text(a.groupName);
    collective.dtype = m_names.text(a.dtype);
    const std::int64_t size = elementBytes(a.dtype);
    const auto bytes = [&](const Scalar& elements) {
        const std::int64_t n = std::max<std::int64_t>(integerOr(elements, 0, table), 0);
        return size > 0 && n <= kLargest / 16 ? n * size : 0;
    };
    collective.bytesIn = bytes(a.elementsIn);
    collective.bytesOut = bytes(a.elementsOut);
    collective.groupSize = std::clamp<std::int64_t>(integerOr(a.groupSize, 0, table), 0, 1 << 24);
    m_timeline.collectives.push_back(collective);
    return static_cast<std::int32_t>(m_timeline.collectives.size() - 1);
}

void Builder::addSync(const Event& event) {
    TableReport& table = report(Category::kSync);
    Times times;
    if (!takeTimes(event, table, false, times)) return;
    const Arguments& a = event.arguments;
    SyncRow row;
    row.start = times.start;
    row.end = times.end;
    if (const std::int64_t device = integerOr(a.device.there() ? a.device : event.pid, -1, table); device >= 0) row.device = deviceOf(device);
    row.stream = streamOf(event, table);
    if (row.stream < 0 || row.stream >= 0xFFFFFFFF) row.stream = -1;
    row.correlation = integerOr(a.correlation, 0, table);
    row.eventRecord = std::max<std::int64_t>(integerOr(a.waitOnRecord, 0, table), 0);
    row.waitedStream = std::max<std::int64_t>(integerOr(a.waitOnStream, -1, table), -1);
    row.kind = syncKindOf(a.syncKind.empty() ? event.name : a.syncKind);
    m_timeline.syncs.push_back(row);
}

void Builder::addFlowEnd(const Event& event) {
    TableReport& table = report(Category::kHandOff);
    ++table.rows;
    const Ns time = instantOf(event);
    const auto id = event.id.there() && !event.id.isString ? parseDecimal(event.id.text.data(), 0) : std::nullopt;
    if (time == kNoTime || !id) {
        ++table.outOfRange;
        return;
    }
    const std::int32_t thread = threadOf(event, table);
    if (thread == kNoIndex) return;
    if (event.phase == 's') m_flowStarts.push_back({*id, time, thread});
    if (event.phase == 'f') m_flowEnds.push_back({*id, time, thread});
}

// The collector's own flushes; the rest of its overhead is within calls.
void Builder::addOverhead(const Event& event) {
    Times times;
    if (!takeTimes(event, report(Category::kOverhead), false, times)) return;
    if (event.name.find("Flush") != std::string_view::npos) m_timeline.flushes.emplace_back(times.start, times.end);
}

// The allocator's totals after each allocation on a GPU.
void Builder::addMemory(const Event& event) {
    TableReport& table = report(Category::kInstant);
    ++table.rows;
    const Arguments& a = event.arguments;
    if (event.name != "[memory]" || a.deviceType != "1") return;
    const Ns time = instantOf(event);
    if (time == kNoTime) {
        ++table.outOfRange;
        return;
    }
    const auto sample = [&](std::size_t which, const char* name, std::string_view text) {
        const auto value = text.empty() ? std::nullopt : parseDecimal(text.data(), 0);
        if (!value || *value < 0) return;
        std::int32_t& counter = m_memoryCounters[which];
        if (counter == kNoIndex) {
            counter = static_cast<std::int32_t>(m_timeline.counters.size());
            m_timeline.counters.push_back({name, "B", kNoIndex, {}});
        }
        m_timeline.counters[static_cast<std::size_t>(counter)].samples.emplace_back(time, static_cast<double>(*value));
    };
    sample(0, "torch.gpu.allocated", a.allocated);
    sample(1, "torch.gpu.reserved", a.reserved);
}

std::int64_t Builder::streamOf(const Event& event, TableReport& table) {
    const Scalar& stream = event.arguments.stream;
    if (stream.there()) return integerOr(stream, 0, table);
    std::string_view text = event.tid.text;  // "stream 7" or 7
    if (event.tid.isString && text.starts_with("stream ")) text.remove_prefix(7);
    return text.empty() ? 0 : parseDecimal(text.data(), 0).value_or(0);
}

std::int32_t Builder::deviceOf(std::int64_t id) {
    const auto [it, isNew] = m_devices.try_emplace(id, static_cast<std::int32_t>(m_timeline.devices.size()));
    if (isNew) m_timeline.devices.push_back({m_file, id, {}, kinetoMachine(m_file)});
    return it->second;
}

std::int32_t Builder::processOf(std::int64_t pid) {
    const auto [it, isNew] = m_processes.try_emplace(pid, static_cast<std::int32_t>(m_timeline.processes.size()));
    if (isNew) {
        Process process;
        process.file = m_file;
        process.pid = pid;  // globalPid: numberOwners()
        m_timeline.processes.push_back(std::move(process));
        m_hosts.push_back({pid});
    }
    return it->second;
}

std::int32_t Builder::threadOf(const Event& event, TableReport& table) {
    const auto number = [](const Scalar& value) -> std::optional<std::int64_t> {
        return value.text.empty() ? std::nullopt : parseDecimal(value.text.data(), 0);
    };
    const auto pid = number(event.pid);
    const auto tid = number(event.tid);
    if (!pid || (!tid && !event.tid.isString)) {
        ++table.withoutThread;
        return kNoIndex;
    }
    // A name instead of a number: any number, the same for the same name.
    const NameId name = tid ? NameId{0} : m_names.text(event.tid.text);
    const std::int64_t tidNumber = tid ? *tid : std::int64_t{-1} - std::int64_t{name.value};
    if (*pid == m_lastPid && tidNumber == m_lastTid && m_lastThread != kNoIndex) return m_lastThread;
    const std::int32_t process = processOf(*pid);
    const std::uint64_t key = (static_cast<std::uint64_t>(process) << 48) ^ static_cast<std::uint64_t>(tidNumber);
    const auto [it, isNew] = m_threads.try_emplace(key, static_cast<std::int32_t>(m_timeline.threads.size()));
    if (isNew) {
        m_timeline.threads.push_back({0, process});
        m_threadNames.push_back({tid.value_or(0), name, tid.has_value()});
    }
    m_lastPid = *pid;
    m_lastTid = tidNumber;
    m_lastThread = it->second;
    return it->second;
}

}  // namespace ridge::analyzer::kineto
