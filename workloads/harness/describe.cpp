// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/describe.h"

#include "workloads/harness/formula_text.h"
#include "workloads/harness/options.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ridge::workloads {

std::string familyOf(const std::string& name) {
    return name.substr(0, name.find('/'));
}

std::string describe(const std::vector<WorkloadSpec>& specs,
                     const std::vector<std::size_t>& selected) {
    auto list = nlohmann::ordered_json::array();
    for (const std::size_t index : selected) {
        const WorkloadSpec& spec = specs[index];
        nlohmann::ordered_json entry{{"name", spec.name}, {"family", familyOf(spec.name)}};
        entry["params"] = spec.params;
        entry["formula"] = formulaText(familyOf(spec.name));
        entry["presets"] = spec.presets;
        entry["ranks"] = spec.ranks;
        entry["warmup_steps"] = spec.warmupSteps;
        entry["steps"] = spec.steps;
        entry["brief_steps"] = timedSteps(spec, true);
        entry["expected"] = {{"class", spec.expected.wallClass}, {"cause", spec.expected.cause}};
        if (!spec.change.empty())
            entry["pair"] = {{"fast", spec.fasterVariant}, {"change", spec.change}};
        list.push_back(std::move(entry));
    }
    return list.dump(2) + "\n";
}

std::string listing(const std::vector<WorkloadSpec>& specs,
                    const std::vector<std::size_t>& selected, bool brief) {
    std::string text, family;
    for (const std::size_t index : selected) {
        const WorkloadSpec& spec = specs[index];
        if (familyOf(spec.name) != family) {
            family = familyOf(spec.name);
            text +=
                fmt::format("{}{}: {}\n", text.empty() ? "" : "\n", family, formulaText(family));
        }
        std::string knobs, presets;
        for (const auto& [knob, value] : spec.params)
            knobs += fmt::format("{}{} = {}", knobs.empty() ? "" : "; ", knob, value);
        for (const std::string& preset : spec.presets)
            presets += (presets.empty() ? "" : ", ") + preset;
        text += fmt::format("  {}\n    built to hit  {} ({})\n", spec.name, spec.expected.wallClass,
                            spec.expected.cause);
        if (!knobs.empty()) text += fmt::format("    knobs         {}\n", knobs);
        text += fmt::format("    runs          {} process{}, {} steps after {}; in {}\n",
                            spec.ranks, spec.ranks == 1 ? "" : "es", timedSteps(spec, brief),
                            spec.warmupSteps, presets);
        if (!spec.change.empty())
            text += fmt::format("    pair          {} ({})\n", spec.fasterVariant, spec.change);
    }
    return text;
}

}  // namespace ridge::workloads
