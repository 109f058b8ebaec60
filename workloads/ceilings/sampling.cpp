// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/sampling.h"

#include "base/clock.h"

#include <algorithm>
#include <barrier>
#include <thread>

namespace ridge::workloads {

std::vector<double> sampleSeconds(double budgetSeconds, const std::function<void()>& body) {
    return sampleSeconds(budgetSeconds, 1, [&body](int) { body(); });
}

std::vector<double> sampleSeconds(double budgetSeconds, int threads,
                                  const std::function<void(int)>& body) {
    std::vector<double> samples;
    const std::int64_t end = monotonicNs() + static_cast<std::int64_t>(budgetSeconds * 1e9);
    bool more = true;
    std::int64_t start = 0;
    // Runs once per round, while all threads stand at the barrier.
    const auto turn = [&]() noexcept {
        const std::int64_t now = monotonicNs();
        if (start != 0) samples.push_back(static_cast<double>(now - start) / 1e9);
        const int count = static_cast<int>(samples.size());
        more = count < kMinSamples || (count < kMaxSamples && now < end);
        start = monotonicNs();
    };
    samples.reserve(kMaxSamples + 1);
    std::barrier gate(threads, turn);
    const auto loop = [&](int thread) {
        body(thread);  // first touch, code pages, frequency
        gate.arrive_and_wait();
        while (more) {
            body(thread);
            gate.arrive_and_wait();
        }
    };
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; ++thread) others.emplace_back(loop, thread);
    loop(0);
    for (std::thread& other : others) other.join();
    return samples;
}

Roof roofOf(const char* kind, std::string name, const char* unit, std::string method) {
    Roof roof;
    roof.kind = kind;
    roof.name = std::move(name);
    roof.unit = unit;
    roof.method = std::move(method);
    return roof;
}

void fillRoof(Roof& roof, const std::vector<double>& seconds, double amount) {
    if (seconds.empty()) return;
    const bool isTime = roof.unit == "s";
    std::vector<double> values;
    for (const double each : seconds)
        values.push_back(isTime ? each / amount : amount / std::max(each, 1e-9));
    std::sort(values.begin(), values.end());
    roof.samples = static_cast<int>(values.size());
    roof.min = values.front();
    roof.max = values.back();
    roof.median = (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
    roof.value = isTime ? roof.min : roof.max;
}

}  // namespace ridge::workloads
