// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Turns the events of one Kineto file into rows. Private to analyzer/import/kineto.
//
// While events come in, times are ns as the file counts them (absolute); finish() finds the first row,
// moves all to it, sorts, and links.

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "analyzer/import/kineto/document.h"
#include "analyzer/import/kineto/kineto.h"
#include "analyzer/import/kineto/names.h"

namespace ridge::analyzer::kineto {

// kOther: categories that nothing here reads. kNone: events with a duration that name no category.
enum class Category : std::uint8_t {
    kKernel, kCopy, kSet, kCall, kOp, kAnnotation, kFunction, kSync, kOverhead, kHandOff, kInstant,
    kLaunchFlow, kGpuAnnotation, kMeta, kOther, kNone, kCount
};

class Builder {
public:
    explicit Builder(std::int32_t file, std::size_t expectedBytes);
    void onEvent(const Event& event);
    void onMember(std::string_view key, std::string_view value);
    // broken: why the text broke off; empty: it did not.
    KinetoTrace finish(const std::string& broken);

private:
    struct Times {
        Ns start = 0, end = 0;
        bool open = false;
    };
    struct HostProcess {
        std::int64_t pid = 0, calls = 0, ops = 0;
    };
    struct FlowEnd {
        std::int64_t id;
        Ns time;
        std::int32_t thread;
    };
    // A begin or an end on its own.
    struct Half {
        std::int32_t thread, range;  // range: of a begin; kNoIndex: of what is not read
        Ns time;
        bool begins;
    };
    // What the file calls a thread: a number, or a name.
    struct ThreadName {
        std::int64_t number = 0;
        NameId text;
        bool numbered = true;
    };
    struct CopyName {
        std::uint8_t kind = 0, from = 255, to = 255;
        bool known = false;
    };

    TableReport& report(Category category) { return m_reports[static_cast<std::size_t>(category)]; }
    bool takeTimes(const Event& event, TableReport& report, bool mayBeOpen, Times& times);
    std::int64_t integerOr(const Scalar& value, std::int64_t fallback, TableReport& report);
    void addGpuRow(const Event& event, Category category);
    void addCall(const Event& event);
    void addRange(const Event& event, Category category);
    void addHalf(const Event& event);
    void noteUnknown(std::string_view category);
    void addSync(const Event& event);
    void addFlowEnd(const Event& event);
    void addOverhead(const Event& event);
    void addMemory(const Event& event);
    std::int32_t takeCollective(const Event& event, TableReport& report);
    std::int32_t threadOf(const Event& event, TableReport& report);
    std::int32_t processOf(std::int64_t pid);
    std::int32_t deviceOf(std::int64_t id);
    std::int64_t streamOf(const Event& event, TableReport& report);
    CopyName copyName(NameId name);
    void readRank(std::string_view json);
    void readDevices(std::string_view json);

    void numberOwners();
    std::int32_t nextTid() { return std::min(m_nextTid++, 0xFFFFFF); }
    void foldHelpers();
    void pairHalves();
    void sortOwnersAndNames();
    void moveToFirstRow();
    void joinFlows();
    void collectivesFromOps();
    void describe(const std::string& broken);
    void remark(std::string check, std::string detail, std::int64_t count = 1, Severity severity = Severity::kWarning);
    void describeUnread();

    std::int32_t m_file;
    KinetoTrace m_trace;
    Timeline& m_timeline;
    RawNames m_names;
    std::vector<TableReport> m_reports;
    std::vector<GpuRow> m_copies, m_sets;  // behind the kernels in the end
    std::unordered_map<std::int64_t, std::int32_t> m_processes, m_devices;
    std::unordered_map<std::uint64_t, std::int32_t> m_threads;
    std::vector<HostProcess> m_hosts;  // as Timeline::processes
    std::vector<FlowEnd> m_flowStarts, m_flowEnds;
    std::vector<std::pair<std::int32_t, std::int32_t>> m_opCollectives;  // range, collective
    std::vector<CopyName> m_copyNames;
    std::vector<std::int8_t> m_blocking;
    std::unordered_map<std::int64_t, std::string> m_deviceNames;
    std::vector<Half> m_halves;                                            // in the order of the file
    Ns m_lastHalf = 0;
    std::int64_t m_unpaired = 0, m_openHalves = 0;                         // ends without a begin, begins without an end
    std::map<std::string, std::int64_t> m_unknown;                         // category -> events with a duration
    std::map<char, std::int64_t> m_otherPhases;
    std::int64_t m_lastPid = -1, m_lastTid = -1;
    std::int32_t m_lastThread = kNoIndex;
    std::int32_t m_main = kNoIndex;  // the process that the file is of
    std::int64_t m_base = 0;
    std::int64_t m_rank = -1, m_world = 0;
    std::string m_schema;
    std::vector<ThreadName> m_threadNames;    // as Timeline::threads
    std::vector<std::size_t> m_threadOrder;   // of them, whatever the order of the events
    std::int32_t m_nextTid = 0xF00000;
    std::array<std::int32_t, 2> m_memoryCounters{kNoIndex, kNoIndex};
};

}  // namespace ridge::analyzer::kineto
