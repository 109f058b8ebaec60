// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/free_memory.h"

#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>

namespace ridge {

std::uint64_t freeMemoryBytes() {
    std::ifstream file("/proc/meminfo");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("MemAvailable:"))
            return std::strtoull(line.c_str() + 13, nullptr, 10) << 10;
    return std::numeric_limits<std::uint64_t>::max();
}

}  // namespace ridge
