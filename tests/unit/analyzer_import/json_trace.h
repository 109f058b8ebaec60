// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Small Kineto files of our own, written line by line, for tests whose answers were worked out by hand.

#include <fmt/format.h>

#include <fstream>
#include <string>

#include "check.h"

namespace ridge::test {

// Like analyzeOk(), without the SQL of findings: a text has no tables.
inline Analysis analyzeText(const std::string& path, const analyzer::AnalyzeOptions& options = {}) {
    auto answer = analyzer::analyze({path}, options);
    if (!answer.ok()) {
        ADD_FAILURE() << answer.error().message;
        return {};
    }
    checkPartition(*answer);
    return std::move(answer).value();
}

// How a file tells its times.
enum class Convention { kEpochMicros, kFractionalMicros, kAfterBase };

class JsonTrace {
public:
    explicit JsonTrace(Convention convention = Convention::kEpochMicros, bool old = false) : m_convention(convention), m_old(old) {}
    JsonTrace& rank(int rank, int world) {
        m_rank = fmt::format(R"("distributedInfo": {{"backend": "nccl", "rank": {}, "world_size": {}}},)", rank, world);
        return *this;
    }
    // Times in ns since the start; us resolution for kEpochMicros.
    JsonTrace& event(const std::string& category, const std::string& name, const std::string& track, std::int64_t start,
                     std::int64_t duration, const std::string& arguments = "{}") {
        return raw(fmt::format(R"({{"ph": "X", "cat": "{}", "name": "{}", {}, "ts": {}, "dur": {}, "args": {}}})", category, name,
                               track, stamp(start), length(duration), arguments));
    }
    JsonTrace& kernel(const std::string& name, int device, int stream, std::int64_t start, std::int64_t duration, int correlation,
                      const std::string& more = "") {
        const std::string track = m_old ? fmt::format(R"("pid": {}, "tid": "stream {}")", device, stream)
                                        : fmt::format(R"("pid": {}, "tid": {})", device, stream);
        return event(m_old ? "Kernel" : "kernel", name, track, start, duration,
                     fmt::format(R"({{"device": {}, "stream": {}, "correlation": {}, "grid": [4, 2, 1]{}}})", device, stream, correlation, more));
    }
    JsonTrace& call(const std::string& name, int pid, int tid, std::int64_t start, std::int64_t duration, int correlation) {
        return event(m_old ? "Runtime" : "cuda_runtime", name, host(pid, tid), start, duration, fmt::format(R"({{"correlation": {}}})", correlation));
    }
    JsonTrace& op(const std::string& name, int pid, int tid, std::int64_t start, std::int64_t duration, const std::string& arguments = "{}") {
        return event(m_old ? "Operator" : "cpu_op", name, host(pid, tid), start, duration, arguments);
    }
    JsonTrace& annotation(const std::string& name, int pid, int tid, std::int64_t start, std::int64_t duration) {
        return event(m_old ? "Operator" : "user_annotation", name, host(pid, tid), start, duration);
    }
    JsonTrace& raw(const std::string& text) {
        m_events += (m_events.empty() ? "" : ",\n") + text;
        return *this;
    }
    JsonTrace& member(const std::string& text) {
        m_members += text + ",";
        return *this;
    }
    [[nodiscard]] std::string text() const {
        const std::string base = m_convention == Convention::kAfterBase ? fmt::format(R"(, "baseTimeNanoseconds": {})", kBase) : "";
        return fmt::format("{{\"schemaVersion\": 1, {}{} \"traceEvents\": [\n{}\n]{}}}", m_rank, m_members, m_events, base);
    }
    void write(const std::string& path) const { std::ofstream(path) << text(); }

private:
    static constexpr std::int64_t kBase = 1711964646000000000, kEpoch = 1711964650000000000;
    [[nodiscard]] std::string host(int pid, int tid) const {
        return m_old ? fmt::format(R"("pid": {}, "tid": "{}")", pid, tid) : fmt::format(R"("pid": {}, "tid": {})", pid, tid);
    }
    [[nodiscard]] std::string stamp(std::int64_t ns) const {
        const std::int64_t t = kEpoch + ns - (m_convention == Convention::kAfterBase ? kBase : 0);
        return m_convention == Convention::kEpochMicros ? fmt::format("{}", t / 1000) : fmt::format("{}.{:03}", t / 1000, t % 1000);
    }
    [[nodiscard]] std::string length(std::int64_t ns) const {
        return m_convention == Convention::kEpochMicros ? fmt::format("{}", ns / 1000) : fmt::format("{}.{:03}", ns / 1000, ns % 1000);
    }
    Convention m_convention;
    bool m_old;
    std::string m_rank, m_members, m_events;
};

}  // namespace ridge::test
