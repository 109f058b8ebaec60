// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// NVTX memory regions and heaps as the program registered, named, resized and gave them up: one row
// for each. A region that is meant by its address is the newest living one there. A heap that goes,
// or is reset, takes its regions along. Times are ticks of the source's clock.

#include "collector/recorder/convert/catalogue.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ridge::recorder {

struct RegionRow {
    std::uint64_t start = 0;
    std::uint64_t end = 0;  // 0: never
    std::uint64_t regionId = 0;
    std::uint64_t heapId = 0;
    std::uint64_t address = 0;
    std::uint64_t bytes = 0;
    std::uint32_t domainId = 0;
    bool isHeap = false;
    std::string name;
};

std::vector<RegionRow> memoryRegions(const Source& source, const StringTable& strings);

}  // namespace ridge::recorder
