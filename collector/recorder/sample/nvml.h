// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// GPU counters through libnvidia-ml.so.1, loaded at run time; its stable C ABI is declared in
// nvml.cpp, since no header need be installed. Without the library or a GPU nothing is sampled, and
// reason() says why.

#include "collector/recorder/recorder_spool.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ridge::recorder {

class Nvml {
public:
    Nvml() = default;
    ~Nvml();
    Nvml(const Nvml&) = delete;
    Nvml& operator=(const Nvml&) = delete;
    // True: at least one GPU answers.
    bool open(RecorderSpool& spool);
    void sample(std::int64_t monotonicNs);
    [[nodiscard]] const std::string& reason() const { return m_reason; }

private:
    struct Link {
        std::uint32_t counter;
        double last, bytes;
        bool seen;
    };
    struct Gpu {
        void* device;
        std::vector<std::uint32_t> counters;
        std::vector<Link> links;
    };
    void sampleLinks(Gpu& gpu, std::int64_t now);
    RecorderSpool* m_spool = nullptr;
    void* m_library = nullptr;
    bool m_initialised = false;
    std::string m_reason;
    std::vector<Gpu> m_gpus;
};

}  // namespace ridge::recorder
