// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Collectives, who came late to them, what they cost the compute beside them, and the clocks that say so.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/html/parts.h"

namespace ridge::reports::page {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

constexpr std::size_t kMostRows = 40, kMostStragglers = 20, kMostKernels = 12;

std::string durationOr(const std::optional<Ns>& ns) { return ns ? formatDuration(*ns) : "<span class=\"soft\">-</span>"; }
std::string rateOr(const std::optional<double>& v) { return v ? formatRate(*v, "B/s") : "<span class=\"soft\">-</span>"; }
std::string bytesOr(const std::optional<std::int64_t>& v) {
    return v && *v >= 0 ? formatBytes(static_cast<std::uint64_t>(*v)) : "<span class=\"soft\">not known</span>";
}

std::string stragglers(const Analysis& a) {
    if (a.stragglers.empty()) return {};
    std::vector<const Straggler*> sorted;
    for (const Straggler& s : a.stragglers) sorted.push_back(&s);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* x, const auto* y) { return x->blameNs > y->blameNs; });
    HtmlTable table({{"Late rank"}, {"Delay it caused", true}, {"Its excess time"}, {"Collective"}, {"Workload"}});
    for (const Straggler* s : sorted)
        table.add({fmt::format("rank {}", s->rank), formatDuration(s->blameNs), html(pathKindText(s->excessClass)), nameCell(s->collective, 48),
                   s->workload.empty() ? "<span class=\"soft\">-</span>" : nameCell(s->workload, 40)});
    return "<h3>Who the others waited for</h3>\n" + table.render(kMostStragglers);
}

std::string skew(const Analysis& a) {
    if (a.unclaimedSkewNs <= 0) return {};
    return fmt::format("<p class=\"soft small\">Delays of {} in all are blamed on nobody: they are too small for how well the clocks agree.</p>\n", formatDuration(a.unclaimedSkewNs));
}

std::string contendedKernels(const Contention& c) {
    if (c.kernels.empty()) return {};
    HtmlTable table({{"Kernel"}, {"Alone", true}, {"Beside communication", true}, {"Median alone", true}, {"Median beside", true}, {"Cost", true}});
    for (const ContendedKernel& k : c.kernels)
        table.add({nameCell(k.name), std::to_string(k.alone), std::to_string(k.overlapped), formatDuration(k.medianAloneNs), formatDuration(k.medianOverlappedNs), formatDuration(k.costNs)});
    return fmt::format("<details><summary>Kernels of rank {}, device {}</summary>\n{}</details>\n", c.rank, c.device, table.render(kMostKernels));
}

std::string contention(const Analysis& a) {
    if (a.contention.empty()) return {};
    std::vector<const Contention*> sorted;
    for (const Contention& c : a.contention) sorted.push_back(&c);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* x, const auto* y) { return x->costNs > y->costNs; });
    HtmlTable table({{"Rank"}, {"Device"}, {"Overlap", true}, {"Its cost", true}, {"95 % interval", true}, {"Net hidden", true}});
    std::string kernels;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const Contention& c = *sorted[i];
        table.add({fmt::format("rank {}", c.rank), std::to_string(c.device), formatDuration(c.overlapNs), formatDuration(c.costNs),
                   fmt::format("{} to {}", formatDuration(c.costLowNs), formatDuration(c.costHighNs)), formatDuration(c.netHiddenNs)});
        if (i < 8) kernels += contendedKernels(c);
    }
    return "<h3>What the overlap costs</h3>\n<p class=\"soft\">The same kernels with communication beside them, against alone; a cost below 0 is chance.</p>\n" + table.render(kMostStragglers) + kernels;
}

std::string clocks(const Analysis& a) {
    if (a.clocks.empty()) return {};
    HtmlTable table({{"Rank"}, {"Measured", true}, {"Taken off", true}, {"Residual", true}, {"Collectives", true}});
    for (const ClockAlignment& c : a.clocks)
        table.add({fmt::format("rank {}", c.rank), formatDuration(c.measuredNs), formatDuration(c.offsetNs), formatDuration(c.residualNs), std::to_string(c.collectives)});
    return "<details><summary>Clocks of the ranks, against the lowest one</summary>\n" + table.render(64) + "</details>\n";
}

}  // namespace

std::string communicationSection(const Analysis& a) {
    if (a.communication.empty() && a.stragglers.empty() && a.contention.empty() && a.clocks.empty())
        return section("communication", "Communication", absent("No collective and no transfer between ranks is in the trace."));
    HtmlTable table({{"Collective"}, {"Message", true}, {"Count", true}, {"Busy", true}, {"Hidden", true}, {"Wait", true},
                     {"Transfer", true}, {"Alg. bandwidth", true}, {"Bus bandwidth", true}});
    std::vector<const CommunicationOp*> sorted;
    for (const CommunicationOp& c : a.communication) sorted.push_back(&c);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* x, const auto* y) { return x->busyNs > y->busyNs; });
    for (const CommunicationOp* op : sorted) {
        const CommunicationOp& c = *op;
        const std::string hidden = c.busyNs > 0 ? formatShare(static_cast<double>(c.overlapNs) / static_cast<double>(c.busyNs)) : "-";
        std::string title = nameCell(c.name);
        if (!c.workload.empty()) title += "<br><span class=\"soft small\">" + nameCell(c.workload) + "</span>";
        if (!c.communicator.empty()) title += " <span class=\"soft small\">comm " + nameCell(c.communicator, 24) + "</span>";
        table.add({title, bytesOr(c.bytes), std::to_string(c.count), formatDuration(c.busyNs), hidden, durationOr(c.waitNs),
                   durationOr(c.transferNs), rateOr(c.algbw), rateOr(c.busbw)});
    }
    return section("communication", "Communication",
                   "<p class=\"soft\">Hidden: part of the busy time that overlaps compute. Wait and transfer need the traces of all ranks.</p>\n" +
                       table.render(kMostRows) + stragglers(a) + skew(a) + contention(a) + clocks(a));
}

}  // namespace ridge::reports::page
