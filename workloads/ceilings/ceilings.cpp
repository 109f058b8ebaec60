// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/ceilings.h"

#include "base/file.h"
#include "base/text.h"
#include "workloads/ceilings/sampling.h"
#include "workloads/ops/cuda/cuda_operators.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>
#include <ctime>
#include <fstream>
#include <sched.h>
#include <unistd.h>

namespace ridge::workloads {
namespace {

std::string nowUtc() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

std::string cpuModel() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("model name")) continue;
        if (const auto colon = line.find(':'); colon != std::string::npos)
            return toValidUtf8(trim(std::string_view(line).substr(colon + 1)));
    }
    return "unknown";
}

// "2048K" -> bytes; 0 when it is anything else.
std::uint64_t parseCacheSize(const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return 0;
    const char suffix = end < text.data() + text.size() ? *end : '\0';
    return suffix == 'K' ? value << 10 : suffix == 'M' ? value << 20 : value;
}

nlohmann::ordered_json finite(double value) {
    if (!std::isfinite(value)) return nullptr;
    return value;
}

template <typename Value>
nlohmann::ordered_json orNull(const std::optional<Value>& value) {
    if (!value) return nullptr;
    return *value;
}

// Four digits tell a share; more would make up half of the file.
nlohmann::ordered_json sharesToJson(const std::vector<double>& shares) {
    auto list = nlohmann::ordered_json::array();
    for (const double share : shares) list.push_back(finite(std::round(share * 1e4) / 1e4));
    return list;
}

nlohmann::ordered_json clockToJson(const Roof& roof) {
    const auto known = [](double hz) -> nlohmann::ordered_json {
        if (!(hz > 0) || !std::isfinite(hz)) return nullptr;
        return std::round(hz);
    };
    const ClockState& state = roof.clockBefore;
    nlohmann::ordered_json clock{{"source", nullptr}, {"governor", nullptr}};
    if (!state.source.empty()) clock["source"] = state.source;
    if (!state.governor.empty()) clock["governor"] = state.governor;
    clock["hz_before"] = known(state.hz);
    clock["hz_after"] = known(roof.clockAfter.hz);
    return clock;
}

nlohmann::ordered_json roofToJson(const Roof& roof) {
    auto values = nlohmann::ordered_json::array();
    for (const double value : roof.sampleValues) values.push_back(finite(value));
    return {{"kind", roof.kind},
            {"name", roof.name},
            {"dtype", orNull(roof.dtype)},
            {"level", orNull(roof.level)},
            {"capacity_bytes", orNull(roof.capacityBytes)},
            {"access", orNull(roof.access)},
            {"value", finite(roof.value)},
            {"unit", roof.unit},
            {"samples", roof.samples},
            {"min", finite(roof.min)},
            {"median", finite(roof.median)},
            {"max", finite(roof.max)},
            {"interval",
             {{"low", finite(roof.intervalLow)},
              {"high", finite(roof.intervalHigh)},
              {"coverage", finite(roof.intervalCoverage)}}},
            {"clock", clockToJson(roof)},
            {"flagged", roof.flagged},
            {"realtime_gaps", roof.realtimeGaps},
            {"sample_values", std::move(values)},
            {"gap_shares", sharesToJson(roof.gapShares)},
            {"wait_shares", sharesToJson(roof.waitShares)},
            {"method", roof.method}};
}

}  // namespace

Machine readMachine() {
    Machine machine;
    machine.cpuModel = cpuModel();
    machine.cores = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) == 0)
        for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
            if (CPU_ISSET(cpu, &set)) machine.affinity.push_back(cpu);
    for (int index = 0; index < 8; ++index) {
        const std::filesystem::path folder =
            "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
        const std::string level = readLineOr(folder / "level");
        if (level.empty() || readLineOr(folder / "type") == "Instruction") continue;
        const std::uint64_t bytes = parseCacheSize(readLineOr(folder / "size"));
        if (level == "1") machine.l1dBytes = bytes;
        if (level == "2") machine.l2Bytes = bytes;
        if (level == "3") machine.l3Bytes = bytes;
    }
    return machine;
}

Ceilings measureCeilings(const CeilingsOptions& options) {
    Ceilings ceilings;
    ceilings.measuredAt = nowUtc();
    ceilings.machine = readMachine();
    ceilings.threads = options.threads;
    if (options.cuda) {
        if (auto device = makeCudaOperators(); device.ok())
            measureOperators(**device, "gpu.", options.budgetSeconds * 0.5, ceilings);
        else
            ceilings.notes.push_back("no roofs of a GPU: " + device.error().message);
    }
    // What first touch, primitive creation and the least number of samples take comes on top.
    const double budget = options.budgetSeconds * 0.75;
    measureCompute(options, budget * 0.35, ceilings);
    measureMemory(options, budget * 0.4, ceilings);
    measureDispatch(options, budget * 0.03, ceilings);
    measureNetwork(options, budget * 0.1, ceilings);
    measureMpi(budget * 0.1, ceilings);
    measureStorage(options, budget * 0.12, ceilings);
    return ceilings;
}

std::string toJson(const Ceilings& ceilings) {
    const Machine& machine = ceilings.machine;
    const auto known = [](std::uint64_t bytes) -> nlohmann::ordered_json {
        if (bytes == 0) return nullptr;
        return bytes;
    };
    nlohmann::ordered_json document{{"schema_version", "1"}, {"measured_at", ceilings.measuredAt}};
    document["machine"] = {
        {"cpu_model", machine.cpuModel},        {"cores", machine.cores},
        {"affinity", machine.affinity},         {"threads", ceilings.threads},
        {"l1d_bytes", known(machine.l1dBytes)}, {"l2_bytes", known(machine.l2Bytes)},
        {"l3_bytes", known(machine.l3Bytes)}};
    document["threads"] = ceilings.threads;
    auto roofs = nlohmann::ordered_json::array();
    for (const Roof& roof : ceilings.roofs) roofs.push_back(roofToJson(roof));
    document["roofs"] = std::move(roofs);
    document["notes"] = ceilings.notes;
    return document.dump(2) + "\n";
}

}  // namespace ridge::workloads
