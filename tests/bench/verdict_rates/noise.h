// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The noise that the rules are judged on, in ln of time. One value is what one slot of a session gives:
//   session offset N(0, session) + linear drift N(0, drift) over the session + AR(1) with sd and phi
//   + process offset N(0, process) + white noise N(0, white) + an outlier, always slower: Exponential(mean) with probability p
// The profiles are calibrated on run-to-run variation: quiet .6 % (bare metal), shared 2.7 % (hosted runners), hostile 5 %.

#include <array>
#include <random>
#include <string_view>
#include <vector>

#include "analyzer/statistics/block_rank.h"

namespace ridge::bench {

struct Profile {
    std::string_view name;
    double white, ar, phi, process, drift, session, outlier, outlierMean;
};
inline constexpr std::array<Profile, 3> kProfiles{{{"quiet", .004, .003, .5, .003, .003, .004, .01, .08},
                                                   {"shared", .015, .012, .7, .008, .015, .018, .05, .20},
                                                   {"hostile", .030, .030, .8, .015, .030, .030, .10, .30}}};

using Random = std::mt19937_64;

// One session of so many slots; process[i] says which process slot i ran in.
std::vector<double> session(Random& random, const Profile& profile, const std::vector<std::size_t>& process);
// A fresh process per slot.
std::vector<double> freshSession(Random& random, const Profile& profile, std::size_t slots);

// Blocks of 2 A + 2 B in random order, all in one session; B is slower by the effect (.05: 5 %).
std::vector<statistics::Block> randomBlocks(Random& random, const Profile& profile, std::size_t blocks, double effect);

struct Sides {
    std::vector<double> a, b;
};
enum class Design { kStored, kInProcess, kOneAfterTheOther };
Sides sides(Random& random, const Profile& profile, Design design, std::size_t n, double effect);

}  // namespace ridge::bench
