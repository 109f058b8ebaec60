// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/communication/pipeline.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>

#include "analyzer/intervals/intervals.h"

namespace ridge::analyzer {
namespace {

constexpr double kMostWaits = 0.5, kEachWay = 0.1, kOftenFilled = 0.5;

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

// One rank's part in one collective.
struct Part {
    Ns start = 0, wait = 0;
    std::int64_t rank = 0, last = 0;
    bool exchange = false;
};

// What one rank did in one step.
struct RankStep {
    std::int64_t rank = 0;
    std::vector<Part> parts;
    Ns firstCompute = kMaxTime;
};

class Finder {
public:
    Finder(const Context& context, std::int32_t workload) : m_context(context), m_workload(workload) {}

    std::optional<PipelineBubble> run() {
        collect(m_context.collectives.instances, false);
        collect(m_context.collectives.gpuInstances, true);
        if (m_bubble.exchanges == 0) return std::nullopt;
        findComputing();
        for (auto& [step, own] : m_steps) judge(own);
        m_bubble.stages = static_cast<std::int64_t>(m_ranks.size());
        return holds() ? std::optional(m_bubble) : std::nullopt;
    }

private:
    struct Filled {
        std::int64_t steps = 0, filled = 0;
    };

    // Host step of a row; kNoIndex: in none, or of another workload.
    [[nodiscard]] std::int32_t stepOf(std::int32_t row, bool gpu) const {
        std::int32_t step = kNoIndex;
        if (gpu) {
            const GpuRow& r = m_context.timeline.gpu[at(row)];
            if (r.launch == kNoIndex) return kNoIndex;
            const Call& call = m_context.timeline.calls[at(r.launch)];
            step = m_context.steps.at(r.process, call.thread, call.start);
        } else {
            step = m_context.ops.rows[at(row)].step;
        }
        return step == kNoIndex || m_context.steps.steps[at(step)].workload != m_workload ? kNoIndex : step;
    }
    [[nodiscard]] std::int32_t processOf(std::int32_t row, bool gpu) const {
        return gpu ? m_context.timeline.gpu[at(row)].process : m_context.ops.rows[at(row)].process;
    }
    [[nodiscard]] const std::string& nameOf(std::int32_t row, bool gpu) const {
        const Timeline& t = m_context.timeline;
        return t.names.text(gpu ? t.gpu[at(row)].name : t.ranges[at(m_context.ops.rows[at(row)].range)].name);
    }

    void collect(const std::vector<Collectives::Instance>& instances, bool gpu) {
        for (const Collectives::Instance& instance : instances) {
            const bool exchange = instance.rows.size() == 2 && std::all_of(instance.rows.begin(), instance.rows.end(),
                                                                           [&](std::int32_t row) { return saysExchange(nameOf(row, gpu)); });
            bool counted = false;
            for (std::size_t k = 0; k < instance.rows.size(); ++k) {
                const std::int32_t step = stepOf(instance.rows[k], gpu);
                if (step == kNoIndex) continue;
                const std::int64_t rank = m_context.timeline.processes[at(processOf(instance.rows[k], gpu))].rank;
                const Ns start = gpu ? m_context.timeline.gpu[at(instance.rows[k])].start : m_context.ops.rows[at(instance.rows[k])].start;
                const Ns wait = instance.split.waitNs[k];
                m_bubble.allWaitNs = saturatingAdd(m_bubble.allWaitNs, wait);
                RankStep& own = m_steps[step];
                own.rank = rank;
                own.parts.push_back({start, wait, rank, instance.split.lastRank, exchange});
                if (exchange) m_ranks.insert(rank);
                counted = true;
            }
            m_bubble.exchanges += exchange && counted ? 1 : 0;
        }
    }

    void findComputing() {
        const auto see = [&](std::int32_t step, Ns start) {
            const auto it = m_steps.find(step);
            if (it != m_steps.end()) it->second.firstCompute = std::min(it->second.firstCompute, start);
        };
        for (const OpRow& row : m_context.ops.rows)
            if (row.family == OpFamily::kCompute && row.step != kNoIndex) see(row.step, row.start);
        const Timeline& t = m_context.timeline;
        for (std::size_t i = 0; i < t.gpu.size(); ++i)
            if (t.gpu[i].kind == GpuKind::kKernel && !m_context.rows.communication[i]) see(stepOf(static_cast<std::int32_t>(i), true), t.gpu[i].start);
    }

    void judge(RankStep& own) {
        std::stable_sort(own.parts.begin(), own.parts.end(), [](const Part& a, const Part& b) { return a.start < b.start; });
        const auto lastExchange = std::find_if(own.parts.rbegin(), own.parts.rend(), [](const Part& p) { return p.exchange; });
        if (lastExchange == own.parts.rend()) return;
        const auto behind = static_cast<std::size_t>(own.parts.rend() - lastExchange);
        Ns fill = 0;
        for (std::size_t i = 0; i < own.parts.size(); ++i) {
            const Part& p = own.parts[i];
            if (!p.exchange && i != behind) continue;
            if (p.exchange && p.start < own.firstCompute) fill = saturatingAdd(fill, p.wait);
            else m_bubble.drainNs = saturatingAdd(m_bubble.drainNs, p.wait);
            if (p.wait > 0) (p.last < p.rank ? m_forLower : m_forHigher) += p.wait;
        }
        m_bubble.fillNs = saturatingAdd(m_bubble.fillNs, fill);
        Filled& filled = m_filled[own.rank];
        ++filled.steps;
        filled.filled += fill > 0 ? 1 : 0;
    }

    [[nodiscard]] bool holds() const {
        const auto share = [](Ns part, Ns all) { return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0.0; };
        const bool some = std::any_of(m_filled.begin(), m_filled.end(), [](const auto& f) {
            return f.second.filled > 0 && static_cast<double>(f.second.filled) >= kOftenFilled * static_cast<double>(f.second.steps);
        });
        const bool none = std::any_of(m_filled.begin(), m_filled.end(), [](const auto& f) { return f.second.filled == 0; });
        return some && none && share(m_bubble.waitNs(), m_bubble.allWaitNs) >= kMostWaits && share(m_forLower, m_bubble.waitNs()) >= kEachWay &&
               share(m_forHigher, m_bubble.waitNs()) >= kEachWay;
    }

    const Context& m_context;
    std::int32_t m_workload;
    PipelineBubble m_bubble;
    std::map<std::int32_t, RankStep> m_steps;  // by host step, which is of one rank
    std::map<std::int64_t, Filled> m_filled;   // by rank
    std::set<std::int64_t> m_ranks;
    Ns m_forLower = 0, m_forHigher = 0;
};

}  // namespace

bool saysExchange(std::string_view name) {
    std::string lower(name);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower.find("send") != std::string::npos || lower.find("recv") != std::string::npos;
}

std::optional<PipelineBubble> findPipeline(const Context& context, std::int32_t workload) { return Finder(context, workload).run(); }

}  // namespace ridge::analyzer
