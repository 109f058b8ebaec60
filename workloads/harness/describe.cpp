// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/describe.h"

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
        entry["presets"] = spec.presets;
        entry["ranks"] = spec.ranks;
        entry["warmup_steps"] = spec.warmupSteps;
        entry["steps"] = spec.steps;
        entry["expected"] = {{"class", spec.expected.wallClass}, {"cause", spec.expected.cause}};
        if (!spec.change.empty())
            entry["pair"] = {{"fast", spec.fasterVariant}, {"change", spec.change}};
        list.push_back(std::move(entry));
    }
    return list.dump(2) + "\n";
}

}  // namespace ridge::workloads
