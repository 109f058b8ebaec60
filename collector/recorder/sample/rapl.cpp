// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/sample/rapl.h"

#include "base/text.h"
#include "collector/recorder/sample/proc_text.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>

namespace ridge::recorder {
namespace {

bool numberIn(const std::string& path, std::uint64_t& value) {
    const std::string text = slurp(path);
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
}

}  // namespace

void Rapl::add(const std::string& folder, std::int32_t package) {
    const std::string zone = slurp(folder + "/name");
    const std::string_view name = trim(zone);
    const bool dram = name == "dram";
    if (!dram && !name.starts_with("package")) return;  // cores and uncore are part of the package
    std::uint64_t value = 0, range = 0;
    if (!numberIn(folder + "/energy_uj", value)) {
        m_reason = fmt::format("{}/energy_uj cannot be read; to enable: chmod a+r it, or record as root", folder);
        return;
    }
    numberIn(folder + "/max_energy_range_uj", range);
    m_zones.push_back({folder + "/energy_uj", m_spool->counter(dram ? "memory.energy" : "cpu.energy", "J", 0, package), value, range, 0});
}

bool Rapl::open(RecorderSpool& spool) {
    m_spool = &spool;
    std::error_code ec;
    for (std::int32_t package = 0; package < 64; ++package) {
        const std::string folder = fmt::format("{}/intel-rapl:{}", m_root, package);
        if (!std::filesystem::exists(folder, ec)) break;
        add(folder, package);
        for (int part = 0; part < 8; ++part) add(fmt::format("{}:{}", folder, part), package);
    }
    if (m_zones.empty() && m_reason.empty()) m_reason = fmt::format("{} has no intel-rapl zones: the processor, or the hypervisor, does not tell its energy", m_root);
    if (!m_zones.empty()) m_reason.clear();
    return !m_zones.empty();
}

void Rapl::sample(std::int64_t monotonicNs) {
    for (Zone& zone : m_zones) {
        std::uint64_t value = 0;
        if (!numberIn(zone.file, value)) continue;
        const std::uint64_t more = value >= zone.last ? value - zone.last : value + (zone.range > zone.last ? zone.range - zone.last : 0);
        zone.last = value;
        zone.joules += static_cast<double>(more) * 1e-6;
        m_spool->sample(zone.counter, monotonicNs, zone.joules);
    }
}

}  // namespace ridge::recorder
