// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The end of one Kineto file: what its members say, one clock, order, links.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <tuple>

#include "analyzer/import/kineto/builder.h"
#include "analyzer/import/kineto/decimal.h"
#include "analyzer/timeline/link.h"
#include "analyzer/timeline/order.h"
#include "base/text.h"

namespace ridge::analyzer::kineto {
namespace {

constexpr std::size_t kLongestMember = std::size_t{1} << 22;
constexpr std::size_t kLongestValue = 200;

// Members of the document that say how the trace was taken and nothing about people or machines.
constexpr std::array<std::string_view, 11> kEnvironment{
    "cupti_version", "cuda_runtime_version", "cuda_driver_version", "roctracer_version", "hip_runtime_version",
    "hip_driver_version", "record_shapes", "with_flops", "with_stack", "with_modules", "profile_memory"};

std::int64_t integerOf(const nlohmann::json& object, const char* key, std::int64_t fallback) {
    const auto it = object.find(key);
    if (it == object.end() || !it->is_number_integer()) return fallback;
    if (it->is_number_unsigned() && it->get<std::uint64_t>() > static_cast<std::uint64_t>(kLargest)) return fallback;
    return it->get<std::int64_t>();
}

// All rows with a time, as (start, end) references.
template <typename Visit>
void visitTimes(Timeline& timeline, const Visit& visit) {
    for (GpuRow& row : timeline.gpu) visit(row.start, row.end);
    for (Call& row : timeline.calls) visit(row.start, row.end);
    for (Range& row : timeline.ranges) visit(row.start, row.end);
    for (SyncRow& row : timeline.syncs) visit(row.start, row.end);
}

// Where most rows are, when some are too far away to belong to one session.
Ns medianStart(Timeline& timeline) {
    std::vector<Ns> starts;
    visitTimes(timeline, [&](Ns& start, Ns&) { starts.push_back(start); });
    const auto middle = starts.begin() + static_cast<std::ptrdiff_t>(starts.size() / 2);
    std::nth_element(starts.begin(), middle, starts.end());
    return *middle;
}

template <typename Row, typename Moved>
void dropFar(std::vector<Row>& rows, Ns middle, TableReport& report, const Moved& moved) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const bool near = rows[i].start > middle - kMaxTime / 4 && rows[i].end < middle + kMaxTime / 4;
        moved(i, near ? static_cast<std::int32_t>(kept) : kNoIndex);
        if (near) rows[kept++] = rows[i];
    }
    report.outOfRange += static_cast<std::int64_t>(rows.size() - kept);
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(kept), rows.end());
}

}  // namespace

void Builder::onMember(std::string_view key, std::string_view value) {
    if (value.size() > kLongestMember) return;
    if (key == "baseTimeNanoseconds") {
        const auto base = parseDecimal(std::string(value).c_str(), 0);
        if (!base) remark("base_time", "baseTimeNanoseconds is no number: where the trace lies in time is not known, and it is not laid beside others");
        m_base = base.value_or(0);
    }
    if (key == "distributedInfo") readRank(value);
    if (key == "deviceProperties") readDevices(value);
    if (key == "schemaVersion") m_schema = toValidUtf8(value.substr(0, kLongestValue));
    if (std::find(kEnvironment.begin(), kEnvironment.end(), key) != kEnvironment.end())
        m_timeline.environment.push_back({"trace." + std::string(key), "recorded", toValidUtf8(value.substr(0, kLongestValue))});
}

void Builder::readRank(std::string_view json) {
    const auto info = nlohmann::json::parse(json, nullptr, false);
    if (!info.is_object()) return remark("distributed_info", "distributedInfo is no object: the rank is not known");
    m_rank = integerOf(info, "rank", -1);
    if (m_rank < 0 || m_rank >= (1 << 24)) m_rank = -1;
    if (m_rank < 0 && info.contains("rank")) remark("distributed_info", "the rank in distributedInfo cannot be one: the rank is not known");
    m_world = std::clamp<std::int64_t>(integerOf(info, "world_size", 0), 0, 1 << 24);
    if (m_world == 0 && info.contains("world_size")) remark("distributed_info", "the world_size in distributedInfo cannot be one: the number of ranks is not known");
    if (m_world > 0 && m_rank >= m_world)
        remark("distributed_info", fmt::format("distributedInfo says rank {} of {}: ranks count from 0", m_rank, m_world));
}

void Builder::readDevices(std::string_view json) {
    const auto list = nlohmann::json::parse(json, nullptr, false);
    if (!list.is_array()) return;
    for (const auto& device : list) {
        if (!device.is_object()) continue;
        const auto name = device.find("name");
        if (name != device.end() && name->is_string()) m_deviceNames[integerOf(device, "id", -1)] = toValidUtf8(name->get<std::string>());
    }
}

// Of one instant in the order of the file, which alone tells the end of one range from that of the next.
void Builder::pairHalves() {
    std::stable_sort(m_halves.begin(), m_halves.end(), [](const Half& a, const Half& b) { return std::tie(a.thread, a.time) < std::tie(b.thread, b.time); });
    std::vector<std::int32_t> begun;
    const auto leaveOpen = [&] {
        m_openHalves += std::count_if(begun.begin(), begun.end(), [](std::int32_t range) { return range != kNoIndex; });
        begun.clear();
    };
    for (std::size_t i = 0; i < m_halves.size(); ++i) {
        const Half& half = m_halves[i];
        if (i > 0 && m_halves[i - 1].thread != half.thread) leaveOpen();
        if (half.begins) {
            begun.push_back(half.range);
            continue;
        }
        if (begun.empty()) {
            ++m_unpaired;
            continue;
        }
        const std::int32_t at = begun.back();
        begun.pop_back();
        if (at == kNoIndex) continue;  // its begin was counted as what nobody reads
        Range& range = m_timeline.ranges[static_cast<std::size_t>(at)];
        range.end = std::max(range.start, half.time);
        if (!range.open) continue;
        range.open = false;
        --report(range.kind == RangeKind::kOp ? Category::kOp : range.kind == RangeKind::kFunction ? Category::kFunction : Category::kAnnotation).open;
    }
    leaveOpen();
    m_halves = {};
}

// Numbers for what has none that fits, in the order of what the file says and not of where it says it. Processes of
// different files are different, whatever their numbers: the VM bits tell them apart.
void Builder::numberOwners() {
    constexpr std::int64_t kMost = 0xFFFFFF, kFirstFree = 0xF00000;
    auto& processes = m_timeline.processes;
    std::vector<std::size_t> order(processes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return processes[a].pid < processes[b].pid; });
    const auto fits = [&](std::int64_t pid) { return pid >= 0 && pid <= kMost; };
    std::set<std::int64_t> taken;
    for (const Process& process : processes)
        if (fits(process.pid)) taken.insert(process.pid);
    std::int64_t next = kFirstFree;
    for (const std::size_t i : order) {
        std::int64_t bits = processes[i].pid;
        if (!fits(bits)) {
            while (next < kMost && taken.contains(next)) ++next;
            bits = next;
            taken.insert(bits);
        }
        processes[i].globalPid = (kinetoMachine(m_file) << 48) | (bits << 24);
    }
    m_threadOrder.resize(m_timeline.threads.size());
    std::iota(m_threadOrder.begin(), m_threadOrder.end(), std::size_t{0});
    const auto globalPid = [&](std::size_t thread) { return processes[static_cast<std::size_t>(m_timeline.threads[thread].process)].globalPid; };
    std::sort(m_threadOrder.begin(), m_threadOrder.end(), [&](std::size_t a, std::size_t b) {
        const ThreadName &x = m_threadNames[a], &y = m_threadNames[b];
        if (const auto p = globalPid(a), q = globalPid(b); p != q) return p < q;
        if (x.numbered != y.numbered) return x.numbered;
        return x.numbered ? x.number < y.number : m_timeline.names.text(x.text) < m_timeline.names.text(y.text);
    });
    for (const std::size_t i : m_threadOrder) {
        const ThreadName& name = m_threadNames[i];
        const bool own = name.numbered && name.number >= 0 && name.number < kFirstFree;
        m_timeline.threads[i].globalTid = globalPid(i) | (own ? name.number : nextTid());
    }
}

// One Kineto file is one process. Other pids without calls and ops (functions of the interpreter are
// often filed under pid 0) are threads of it.
void Builder::foldHelpers() {
    if (m_hosts.empty() && m_timeline.gpu.empty() && m_timeline.syncs.empty()) return;
    if (m_hosts.empty()) processOf(0);
    numberOwners();
    // Of equals that of the smallest number.
    const auto busier = [](const HostProcess& a, const HostProcess& b) { return std::tie(a.calls, a.ops, b.pid) < std::tie(b.calls, b.ops, a.pid); };
    const auto main = static_cast<std::int32_t>(std::max_element(m_hosts.begin(), m_hosts.end(), busier) - m_hosts.begin());
    const std::int64_t globalPid = m_timeline.processes[static_cast<std::size_t>(main)].globalPid;
    for (const std::size_t i : m_threadOrder) {
        Thread& thread = m_timeline.threads[i];
        const HostProcess& host = m_hosts[static_cast<std::size_t>(thread.process)];
        if (thread.process == main || host.calls > 0 || host.ops > 0) continue;
        thread.process = main;
        thread.globalTid = globalPid | nextTid();
    }
    for (std::size_t i = 0; i < m_hosts.size(); ++i) {
        Process& process = m_timeline.processes[i];
        if (m_hosts[i].calls + m_hosts[i].ops == 0 && static_cast<std::int32_t>(i) != main) continue;
        process.rankKnown = m_rank >= 0;
        process.rank = std::max<std::int64_t>(m_rank, 0);
        process.worldSize = m_world;
    }
    for (CounterSeries& series : m_timeline.counters) series.process = main;
    m_main = main;
}

void Builder::moveToFirstRow() {
    Timeline& t = m_timeline;
    if (t.gpu.empty() && t.calls.empty() && t.ranges.empty() && t.syncs.empty()) return;
    Ns least = std::numeric_limits<Ns>::max(), most = std::numeric_limits<Ns>::min();
    const auto measure = [&] {
        least = std::numeric_limits<Ns>::max();
        most = std::numeric_limits<Ns>::min();
        visitTimes(t, [&](Ns& start, Ns& end) {
            least = std::min(least, start);
            most = std::max(most, end);
        });
    };
    measure();
    if (most - least >= kMaxTime / 2) {
        const Ns middle = medianStart(t);
        const auto ignore = [](std::size_t, std::int32_t) {};
        std::vector<std::int32_t> newRange(t.ranges.size(), kNoIndex);
        dropFar(t.gpu, middle, report(Category::kKernel), ignore);
        dropFar(t.calls, middle, report(Category::kCall), ignore);
        dropFar(t.ranges, middle, report(Category::kOp), [&](std::size_t i, std::int32_t to) { newRange[i] = to; });
        dropFar(t.syncs, middle, report(Category::kSync), ignore);
        for (auto& [range, collective] : m_opCollectives) range = newRange[static_cast<std::size_t>(range)];
        std::erase_if(m_opCollectives, [](const auto& pair) { return pair.first == kNoIndex; });
        measure();
        if (least > most) return;
    }
    visitTimes(t, [&](Ns& start, Ns& end) {
        start -= least;
        end -= least;
    });
    const auto near = [&](Ns time) { return time > least - kMaxTime / 2 && time < least + kMaxTime / 2; };
    std::erase_if(t.flushes, [&](const auto& f) { return !near(f.first) || !near(f.second); });
    for (auto& [start, end] : t.flushes) {
        start -= least;
        end -= least;
    }
    for (CounterSeries& series : t.counters) {
        std::erase_if(series.samples, [&](const auto& sample) { return !near(sample.first); });
        for (auto& sample : series.samples) sample.first -= least;
    }
    for (auto* ends : {&m_flowStarts, &m_flowEnds}) {
        std::erase_if(*ends, [&](const FlowEnd& end) { return !near(end.time); });
        for (FlowEnd& end : *ends) end.time -= least;
    }
    t.lastTime = most - least;
    if (m_base > -kLargest / 2 && m_base < kLargest) m_trace.utcOfZero = m_base + least;
}

void Builder::joinFlows() {
    const auto byId = [&](const FlowEnd& a, const FlowEnd& b) {
        const auto tid = [&](const FlowEnd& end) { return m_timeline.threads[static_cast<std::size_t>(end.thread)].globalTid; };
        return std::tuple(a.id, a.time, tid(a)) < std::tuple(b.id, b.time, tid(b));
    };
    std::sort(m_flowStarts.begin(), m_flowStarts.end(), byId);
    std::sort(m_flowEnds.begin(), m_flowEnds.end(), byId);
    auto end = m_flowEnds.begin();
    for (auto start = m_flowStarts.begin(); start != m_flowStarts.end(); ++start) {
        if (std::next(start) != m_flowStarts.end() && std::next(start)->id == start->id) continue;  // the last of them counts
        while (end != m_flowEnds.end() && end->id < start->id) ++end;
        if (end == m_flowEnds.end()) break;
        if (end->id == start->id) m_timeline.flows.push_back({start->time, end->time, start->thread, end->thread});
    }
}

// Kernels without arguments of their own take those of the op that launched them.
void Builder::collectivesFromOps() {
    if (m_opCollectives.empty()) return;
    std::sort(m_opCollectives.begin(), m_opCollectives.end());
    for (GpuRow& row : m_timeline.gpu) {
        if (row.kind != GpuKind::kKernel || row.collective != kNoIndex || row.op == kNoIndex) continue;
        const auto it = std::lower_bound(m_opCollectives.begin(), m_opCollectives.end(), std::pair{row.op, kNoIndex});
        if (it != m_opCollectives.end() && it->first == row.op) row.collective = it->second;
    }
}

void Builder::remark(std::string check, std::string detail, std::int64_t count, Severity severity) {
    m_timeline.remarks.push_back({std::move(check), std::move(detail), count, severity});
}

// What the file holds and nobody here reads, by name.
void Builder::describeUnread() {
    constexpr std::size_t kMostShown = 6;
    std::vector<std::pair<std::int64_t, std::string>> order;
    std::int64_t all = 0;
    for (const auto& [name, count] : m_unknown) {
        order.emplace_back(count, name);
        all += count;
    }
    std::sort(order.rbegin(), order.rend());
    std::string names;
    for (std::size_t i = 0; i < std::min(kMostShown, order.size()); ++i) names += fmt::format("{}{} ({})", i ? ", " : "", order[i].second, order[i].first);
    if (order.size() > kMostShown) names += fmt::format(" and {} more", order.size() - kMostShown);
    if (all > 0) {
        remark("unknown_categories", fmt::format("events of categories that are not known were left out: {}", names), all);
        m_timeline.losses.push_back({"kineto.unknown_categories", all});
    }
    const std::int64_t open = m_openHalves;
    if (m_unpaired > 0 || open > 0)
        remark("unpaired_events", fmt::format("{} ends (phase E) have no begin on their thread and were left out, {} begins (phase B) have no end and last to the end of the trace", m_unpaired, open),
               m_unpaired + open);
    if (m_unpaired > 0) m_timeline.losses.push_back({"kineto.unpaired_ends", m_unpaired});
    std::int64_t others = 0;
    std::string phases;
    for (const auto& [phase, count] : m_otherPhases) {
        others += count;
        phases += fmt::format("{}{} ({})", phases.empty() ? "" : ", ", static_cast<unsigned char>(phase) < 0x80 ? std::string(1, phase) : std::string("?"), count);
    }
    if (others > 0) remark("events_not_read", fmt::format("events without a duration that nothing here reads, by phase: {}", phases), others, Severity::kInfo);
}

void Builder::describe(const std::string& broken) {
    Source source;
    source.kind = "kineto";
    source.schema = m_schema;
    source.product = "PyTorch profiler (Kineto)";
    m_timeline.sources.push_back(source);
    for (GpuDevice& device : m_timeline.devices)
        if (const auto it = m_deviceNames.find(device.id); it != m_deviceNames.end()) device.name = it->second;
    for (TableReport& table : m_reports)
        if (table.rows > 0) m_timeline.tables.push_back(table);
    describeUnread();
    TableReport all("traceEvents");
    all.rows = static_cast<std::int64_t>(m_trace.events);
    all.wrongType = m_names.malformed();
    all.error = broken;
    m_timeline.tables.push_back(std::move(all));
}

// Before the rows, which stand in the order of these where their times are equal.
void Builder::sortOwnersAndNames() {
    const std::int64_t main = m_main == kNoIndex ? 0 : m_timeline.processes[static_cast<std::size_t>(m_main)].globalPid;
    sortNames(m_timeline);
    sortOwners(m_timeline);
    if (m_main == kNoIndex) return;
    const auto& processes = m_timeline.processes;
    m_main = static_cast<std::int32_t>(std::find_if(processes.begin(), processes.end(), [&](const Process& p) { return p.globalPid == main; }) - processes.begin());
}

KinetoTrace Builder::finish(const std::string& broken) {
    Timeline& t = m_timeline;
    t.gpu.insert(t.gpu.end(), m_copies.begin(), m_copies.end());
    t.gpu.insert(t.gpu.end(), m_sets.begin(), m_sets.end());
    m_copies = {};
    m_sets = {};
    pairHalves();
    foldHelpers();
    moveToFirstRow();
    joinFlows();
    sortOwnersAndNames();
    for (Range& range : t.ranges)
        if (range.open) range.end = std::max(range.start, t.lastTime);
    sortCalls(t);
    linkLaunches(t, {});
    for (GpuRow& row : t.gpu)
        if (row.process == kNoIndex) row.process = m_main;
    for (SyncRow& row : t.syncs)
        if (row.process == kNoIndex) row.process = m_main;
    const std::vector<std::int32_t> newRange = sortRanges(t);
    if (!newRange.empty())
        for (auto& pair : m_opCollectives) pair.first = newRange[static_cast<std::size_t>(pair.first)];
    sortRows(t);
    linkOps(t);
    collectivesFromOps();
    describe(broken);
    return std::move(m_trace);
}

}  // namespace ridge::analyzer::kineto
