// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/compare/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "analyzer/compare/names.h"
#include "base/text.h"

namespace ridge::analyzer {
namespace {

constexpr std::size_t kLongestShape = 300;

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

}  // namespace

std::vector<Stretch> innermost(std::vector<Stretch> rows) {
    std::erase_if(rows, [](const Stretch& r) { return r.end <= r.start; });
    std::sort(rows.begin(), rows.end(), [](const Stretch& a, const Stretch& b) {
        return std::tie(a.start, b.end, a.row) < std::tie(b.start, a.end, b.row);
    });
    std::vector<Stretch> out, open;
    Ns at = 0;
    const auto emit = [&](Ns until) {
        if (open.empty() || until <= at) return;
        if (!out.empty() && out.back().end == at && out.back().row == open.back().row) out.back().end = until;
        else out.push_back({at, until, open.back().row});
        at = until;
    };
    const auto closeUntil = [&](Ns until) {
        while (!open.empty() && open.back().end <= until) {
            emit(open.back().end);
            open.pop_back();
        }
    };
    for (const Stretch& row : rows) {
        closeUntil(row.start);
        emit(row.start);
        at = std::max(at, row.start);
        if (open.empty()) at = row.start;
        open.push_back(row);
    }
    while (!open.empty()) {
        emit(open.back().end);
        open.pop_back();
    }
    return out;
}

const Stretch* stretchAt(const std::vector<Stretch>& stretches, Ns instant) {
    auto it = std::upper_bound(stretches.begin(), stretches.end(), instant, [](Ns t, const Stretch& s) { return t < s.start; });
    if (it == stretches.begin()) return nullptr;
    --it;
    return instant < it->end ? &*it : nullptr;
}

void NodeTree::findScopes() {
    const Timeline& timeline = m_context.timeline;
    std::set<std::tuple<std::int32_t, Ns, Ns>> steps;
    if (m_context.steps.source != "ridge")
        for (const HostStep& step : m_context.steps.steps) steps.emplace(step.thread, step.start, step.end);
    enum class Spelt : std::int8_t { kNotSeen, kPlain, kModule };
    std::vector<Spelt> spelt(timeline.names.size(), Spelt::kNotSeen);
    m_is.assign(timeline.ranges.size(), Is::kOther);
    for (std::size_t i = 0; i < timeline.ranges.size(); ++i) {
        const Range& range = timeline.ranges[i];
        if (range.frame != Frame::kNone || (!steps.empty() && steps.contains({range.thread, range.start, range.end}))) {
            m_is[i] = Is::kStep;
            continue;
        }
        if (!range.nests || range.thread == kNoIndex) continue;
        Spelt& is = spelt[range.name.value];
        if (is == Spelt::kNotSeen) is = timeline.names.text(range.name).starts_with("nn.Module") ? Spelt::kModule : Spelt::kPlain;
        if (range.kind != RangeKind::kFunction || is == Spelt::kModule) m_is[i] = Is::kScope;
    }
}

NodeTree::NodeTree(const Context& context) : m_context(context) {
    m_nodes.push_back({});
    const Timeline& timeline = context.timeline;
    findScopes();
    m_scopeOfRange.assign(timeline.ranges.size(), 0);
    m_scopeAround.assign(timeline.ranges.size(), 0);
    m_stretches.resize(timeline.threads.size());
    std::vector<std::vector<std::int32_t>> ofThread(timeline.threads.size());
    for (std::size_t i = 0; i < timeline.ranges.size(); ++i)
        if (timeline.ranges[i].thread != kNoIndex && timeline.ranges[i].nests)
            ofThread[at(timeline.ranges[i].thread)].push_back(static_cast<std::int32_t>(i));
    for (std::size_t t = 0; t < ofThread.size(); ++t) {
        std::sort(ofThread[t].begin(), ofThread[t].end(), [&](std::int32_t a, std::int32_t b) {
            const Range& left = timeline.ranges[at(a)];
            const Range& right = timeline.ranges[at(b)];
            return std::tie(left.start, right.end, a) < std::tie(right.start, left.end, b);
        });
        walkThread(ofThread[t]);
        std::vector<Stretch> rows;
        for (const std::int32_t r : ofThread[t])
            if (isScope(r)) rows.push_back({timeline.ranges[at(r)].start, timeline.ranges[at(r)].end, r});
        m_stretches[t] = innermost(std::move(rows));
    }
}

void NodeTree::walkThread(const std::vector<std::int32_t>& ranges) {
    const Timeline& timeline = m_context.timeline;
    std::vector<std::pair<Ns, std::int32_t>> stack;  // end, node
    for (const std::int32_t r : ranges) {
        const Range& range = timeline.ranges[at(r)];
        while (!stack.empty() && stack.back().first <= range.start) stack.pop_back();
        const std::int32_t parent = stack.empty() ? 0 : stack.back().second;
        m_scopeAround[at(r)] = m_scopeOfRange[at(r)] = parent;
        if (!isScope(r)) continue;
        m_scopeOfRange[at(r)] = leaf(parent, NodeKind::kScope, rangeName(range.name));
        if (range.end > range.start) stack.emplace_back(range.end, m_scopeOfRange[at(r)]);
    }
}

std::int32_t NodeTree::leaf(std::int32_t parent, NodeKind kind, const std::string& name, const std::string& shape) {
    const auto [it, isNew] = m_index.try_emplace({parent, kind, name, shape}, static_cast<std::int32_t>(m_nodes.size()));
    if (isNew) m_nodes.push_back({parent, kind, name, shape});
    return it->second;
}

std::int32_t NodeTree::rangeAt(std::int32_t thread, Ns instant) const {
    if (thread == kNoIndex) return kNoIndex;
    const Stretch* stretch = stretchAt(m_stretches[at(thread)], instant);
    return stretch ? stretch->row : kNoIndex;
}

std::int32_t NodeTree::scopeAt(std::int32_t thread, Ns instant) const {
    const std::int32_t range = rangeAt(thread, instant);
    return range == kNoIndex ? 0 : m_scopeOfRange[at(range)];
}

const std::string& NodeTree::kernelName(NameId id) {
    const auto [it, isNew] = m_kernelNames.try_emplace(id.value);
    if (isNew) it->second = normalKernelName(m_context.timeline.names.text(id));
    return it->second;
}

const std::string& NodeTree::rangeName(NameId id) {
    const auto [it, isNew] = m_rangeNames.try_emplace(id.value);
    if (isNew) it->second = normalRangeName(m_context.timeline.names.text(id));
    return it->second;
}

std::string shapeOf(const Timeline& timeline, const Range& range) {
    if (range.work != kNoIndex) {
        const Work& work = timeline.works[at(range.work)];
        std::string text = work.dtype > 0 && work.dtype < kDtypeNames.size() ? std::string(kDtypeNames[work.dtype]) : std::string();
        const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
        if (work.flops > 0) add(formatRate(work.flops, "FLOP"));
        if (work.bytesRead + work.bytesWritten > 0) add(formatRate(work.bytesRead + work.bytesWritten, "B"));
        if (work.bytesCommunicated > 0) add(formatRate(work.bytesCommunicated, "B") + " sent");
        return text;
    }
    return toValidUtf8(std::string_view(timeline.names.text(range.shapes)).substr(0, kLongestShape));
}

}  // namespace ridge::analyzer
