// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Energy of CPU packages and their memory from the powercap interface (RAPL): "cpu.energy" and "memory.energy" in J, which
// grow from the start of the recording; the device is the package. Reading needs root, or the file made readable.

#include "collector/recorder/recorder_spool.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ridge::recorder {

class Rapl {
public:
    explicit Rapl(std::string root = "/sys/class/powercap") : m_root(std::move(root)) {}
    // True: at least one zone can be read.
    bool open(RecorderSpool& spool);
    void sample(std::int64_t monotonicNs);
    [[nodiscard]] const std::string& reason() const { return m_reason; }

private:
    struct Zone {
        std::string file;
        std::uint32_t counter;
        std::uint64_t last, range;  // uJ; the register starts anew at range
        double joules;
    };
    void add(const std::string& folder, std::int32_t package);
    std::string m_root;
    RecorderSpool* m_spool = nullptr;
    std::vector<Zone> m_zones;
    std::string m_reason;
};

}  // namespace ridge::recorder
