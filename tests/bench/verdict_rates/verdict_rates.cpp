// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// How often the rules of analyzer/statistics accuse without a change and find one, by simulation with the shipped code.
// Usage: verdict_rates [SCALE] [SEED] [two|many|history]
#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "tests/bench/verdict_rates/tables.h"

int main(int argc, char** argv) {
    const double scale = argc > 1 ? std::atof(argv[1]) : 1.0;
    const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20260101;
    const std::string_view part = argc > 3 ? argv[3] : "";
    if (!(scale > 0)) {
        fmt::print(stderr, "usage: verdict_rates [SCALE] [SEED] [two|many|history]\n");
        return 2;
    }
    if (part.empty() || part == "two") ridge::bench::twoBuilds(seed, scale);
    if (part.empty() || part == "many") ridge::bench::manyMetrics(seed + 1, scale);
    if (part.empty() || part == "history") ridge::bench::history(seed + 2, scale);
    return 0;
}
