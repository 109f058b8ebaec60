// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/roofline/device_roofs.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

namespace ridge::analyzer {

bool isRoofOfDevice(const Timeline& timeline, const Ceiling& ceiling) {
    constexpr std::string_view kPrefix = "gpu";
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    if (ceiling.name.size() >= kPrefix.size() && std::equal(kPrefix.begin(), kPrefix.end(), ceiling.name.begin(), [&](char b, char a) { return same(a, b); }))
        return true;
    return std::any_of(timeline.devices.begin(), timeline.devices.end(),
                       [&](const GpuDevice& d) { return !d.name.empty() && ceiling.name.find(d.name) != std::string::npos; });
}

void judgeGroupsWhereTheyRun(Ops& ops, const Timeline& timeline, const StepSet& steps, const std::vector<Ceiling>& ceilings,
                             const std::vector<CpuShare>& cpuShare, const std::vector<bool>& processHasGpu) {
    std::vector<Ceiling> ofDevices, ofProcessor;
    for (const Ceiling& c : ceilings) (isRoofOfDevice(timeline, c) ? ofDevices : ofProcessor).push_back(c);
    const bool told = !ofDevices.empty();
    judgeGroups(ops, steps, Roofs(told ? ofProcessor : ceilings), cpuShare);
    if (!told) return;
    std::vector<RoofAnswer> onProcessor;
    for (OpGroup& group : ops.groups) onProcessor.push_back(std::move(group.answer));
    judgeGroups(ops, steps, Roofs(ofDevices), cpuShare);
    std::vector<bool> onDevice(ops.groups.size(), false);
    for (const OpRow& row : ops.rows)
        if (row.group != kNoIndex && processHasGpu[static_cast<std::size_t>(row.process)]) onDevice[static_cast<std::size_t>(row.group)] = true;
    for (std::size_t g = 0; g < ops.groups.size(); ++g)
        if (!onDevice[g]) ops.groups[g].answer = std::move(onProcessor[g]);
}

}  // namespace ridge::analyzer
