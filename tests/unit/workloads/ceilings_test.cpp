// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/ceilings.h"

#include "base/clock.h"
#include "workloads/ceilings/sampling.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ridge::workloads {
namespace {

TEST(FillRoof, TheBestIsTheHighestRateAndTheLowestTime) {
    Roof rate;
    rate.unit = "B/s";
    fillRoof(rate, {2, 1, 4}, 8);
    EXPECT_EQ(rate.value, 8);
    EXPECT_EQ(rate.min, 2);
    EXPECT_EQ(rate.median, 4);
    EXPECT_EQ(rate.max, 8);
    EXPECT_EQ(rate.samples, 3);
    Roof time;
    time.unit = "s";
    fillRoof(time, {2, 1, 4, 3}, 10);
    EXPECT_EQ(time.value, 0.1);
    EXPECT_EQ(time.median, 0.25);
    EXPECT_EQ(time.max, 0.4);
}

TEST(SampleSeconds, KeepsItsBudgetAndTheLeastNumberOfSamples) {
    int calls = 0;
    EXPECT_EQ(sampleSeconds(0, [&] { ++calls; }).size(), static_cast<std::size_t>(kMinSamples));
    EXPECT_EQ(calls, kMinSamples + 1);
    const std::int64_t start = monotonicNs();
    const auto many = sampleSeconds(0.05, [] {});
    EXPECT_LE(many.size(), static_cast<std::size_t>(kMaxSamples));
    EXPECT_LT(monotonicNs() - start, 2'000'000'000);
}

TEST(SampleSeconds, EveryThreadTakesPartInEverySample) {
    std::vector<int> calls(3, 0);
    const auto samples =
        sampleSeconds(0, 3, [&](int thread) { ++calls[static_cast<std::size_t>(thread)]; });
    EXPECT_EQ(calls, std::vector<int>(3, static_cast<int>(samples.size()) + 1));
}

TEST(ReadMachine, KnowsTheCpusThatItMayUse) {
    const Machine machine = readMachine();
    EXPECT_FALSE(machine.cpuModel.empty());
    EXPECT_GE(machine.cores, 1);
    EXPECT_FALSE(machine.affinity.empty());
}

TEST(CeilingsJson, UnknownIsNullAndNumbersThatAreNoJsonAreNull) {
    Ceilings ceilings;
    ceilings.measuredAt = "2026-01-01T00:00:00Z";
    Roof roof;
    roof.kind = "compute";
    roof.value = std::numeric_limits<double>::infinity();
    ceilings.roofs.push_back(roof);
    const auto json = nlohmann::json::parse(toJson(ceilings));
    EXPECT_TRUE(json.at("machine").at("l3_bytes").is_null());
    EXPECT_TRUE(json.at("roofs")[0].at("level").is_null());
    EXPECT_TRUE(json.at("roofs")[0].at("value").is_null());
}

}  // namespace
}  // namespace ridge::workloads
