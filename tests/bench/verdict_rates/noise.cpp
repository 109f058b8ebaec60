// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "tests/bench/verdict_rates/noise.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ridge::bench {
namespace {

double normal(Random& random, double sd) { return std::normal_distribution<double>(0, sd)(random); }

}  // namespace

std::vector<double> session(Random& random, const Profile& p, const std::vector<std::size_t>& process) {
    const std::size_t slots = process.size();
    const double offset = normal(random, p.session), drift = normal(random, p.drift);
    std::vector<double> offsets(*std::max_element(process.begin(), process.end()) + 1);
    for (double& o : offsets) o = normal(random, p.process);
    const double innovation = p.ar * std::sqrt(1 - p.phi * p.phi);
    double ar = normal(random, p.ar);
    std::vector<double> values;
    std::bernoulli_distribution isOutlier(p.outlier);
    std::exponential_distribution<double> outlier(1 / p.outlierMean);
    for (std::size_t i = 0; i < slots; ++i) {
        ar = p.phi * ar + normal(random, innovation);
        const double along = slots > 1 ? static_cast<double>(i) / static_cast<double>(slots - 1) - 0.5 : 0;
        values.push_back(offset + drift * along + ar + offsets[process[i]] + normal(random, p.white) + (isOutlier(random) ? outlier(random) : 0));
    }
    return values;
}

std::vector<double> freshSession(Random& random, const Profile& profile, std::size_t slots) {
    std::vector<std::size_t> process(slots);
    std::iota(process.begin(), process.end(), std::size_t{0});
    return session(random, profile, process);
}

std::vector<statistics::Block> randomBlocks(Random& random, const Profile& profile, std::size_t blocks, double effect) {
    const std::vector<double> t = freshSession(random, profile, 4 * blocks);
    const double slower = std::log1p(effect);
    std::vector<statistics::Block> out;
    for (std::size_t i = 0; i < blocks; ++i) {
        std::array<std::size_t, 4> order{0, 1, 2, 3};
        std::shuffle(order.begin(), order.end(), random);
        const double* v = &t[4 * i];
        out.push_back({{v[order[0]], v[order[1]]}, {v[order[2]] + slower, v[order[3]] + slower}});
    }
    return out;
}

Sides sides(Random& random, const Profile& profile, Design design, std::size_t n, double effect) {
    Sides s;
    if (design == Design::kStored) {
        s = {freshSession(random, profile, n), freshSession(random, profile, n)};
    } else {
        std::vector<std::size_t> process(2 * n);
        if (design == Design::kInProcess) std::fill(process.begin() + static_cast<std::ptrdiff_t>(n), process.end(), std::size_t{1});
        else std::iota(process.begin(), process.end(), std::size_t{0});
        const std::vector<double> t = session(random, profile, process);
        const auto middle = t.begin() + static_cast<std::ptrdiff_t>(n);
        s = {{t.begin(), middle}, {middle, t.end()}};
    }
    for (double& b : s.b) b += std::log1p(effect);
    return s;
}

}  // namespace ridge::bench
