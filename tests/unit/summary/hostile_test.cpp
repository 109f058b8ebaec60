// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Damaged and strange summaries: one line, never a crash, never a wrong sum.
#include <nlohmann/json.hpp>

#include "tests/unit/summary/runs.h"

namespace ridge::test {
namespace {

std::string good() { return summaryToJson(summarized(oneRank(0, 2, 0, 4, 0, 1).timeline)); }

void expectRefused(const std::string& text) {
    const auto summary = summaryFromJson(text);
    ASSERT_FALSE(summary.ok()) << text.substr(0, 200);
    EXPECT_EQ(summary.error().code, ErrorCode::kBadInput);
    EXPECT_EQ(summary.error().message.find('\n'), std::string::npos);
    EXPECT_LT(summary.error().message.size(), 400u);
}

TEST(HostileSummary, IsRefusedInOneLine) {
    for (const std::string text : {"", "{}", "[]", "null", "7", "\"x\"", "{\"document\":\"ridge summary\"}", "{\"schema_version\":1}", "\xff\xfe"}) expectRefused(text);
    const std::string text = good();
    EXPECT_TRUE(summaryFromJson(text).ok());
    expectRefused(text.substr(0, text.size() / 2));
    auto json = nlohmann::ordered_json::parse(text);
    json["schema_version"] = 2;
    expectRefused(json.dump());
}

TEST(HostileSummary, EveryRuleHasAFileThatBreaksIt) {
    const auto broken = [](const std::string& pointer, const nlohmann::ordered_json& value) {
        auto json = nlohmann::ordered_json::parse(good());
        json[nlohmann::ordered_json::json_pointer(pointer)] = value;
        SCOPED_TRACE(pointer + " = " + value.dump());
        expectRefused(json.dump());
    };
    broken("/files", 0);
    broken("/world_size", -1);
    broken("/ranks/0/rank", -3);
    broken("/ranks/0/rank", "zero");
    broken("/ranks/0/lanes/0/total_ns", 1);
    broken("/ranks/0/lanes/0/steps", 0);
    broken("/ranks/0/lanes/0/classes/sunshine", 5);
    broken("/ranks/0/lanes/0/classes/host", -5);
    broken("/ranks/0/lanes/0/median_step/end_ns", 9'223'372'036'854'775'807LL);
    broken("/ranks/0/lanes/0/exposed", {1});
    broken("/ranks/0/lanes/0/exposed", {0, 9'000'000'000'000LL});
    broken("/ranks/0/lanes/0/exposed", {0, -5});
    broken("/ranks/0/communicators/0/numbers", {1, 2});
    broken("/ranks/0/communicators/0/starts/0", 9'223'372'036'854'775'807LL);
    broken("/ranks/0/communicators/0/lengths/0", -1);
    broken("/ranks/0/communicators/0/names/0", 99);
    broken("/ranks/0/communicators/0/workloads/0", -2);
    broken("/ranks/0/communicators/0/count", 1);
    broken("/ranks/0/devices/0/kind", "tpu");
    broken("/ranks/0/devices/0/busy_ns", 1);
    broken("/ranks/0/devices/0/span_ns", 9'000'000'000'000LL);
    broken("/ranks/0/devices/0/overlap_ns", 9'000'000'000'000LL);
    broken("/ranks/0/devices/0/exposed_comm_ns", 1);
    broken("/ranks/0/devices/0/copy_ns", 9'000'000'000'000LL);
    broken("/ranks/0/lanes/0/min_ns", 9'000'000'000'000LL);
    broken("/ranks/0/lanes/0/max_ns", 1);
    broken("/ranks/0/lanes/0/steps", 77);
    broken("/workloads/0/steps/sum_ns", 1);
    broken("/workloads/0/steps/min_ns", 9'000'000'000'000LL);
    broken("/gate/0/files", 99);
    broken("/environment/0/files", 99);
    broken("/ranks/0/operations/0/overlap_ns", 9'000'000'000'000LL);
    broken("/workloads/0/steps/count", 77);
    broken("/workloads/0/steps/buckets/0/0", 1'000'000);
    broken("/workloads/0/steps/buckets/0/1", -1);
    broken("/workloads/0/classes/sunshine", nlohmann::ordered_json::object());
    broken("/gate/0/severity", "dreadful");
    broken("/losses/0/count", 18'446'744'073'709'551'615ULL);
}

// Any byte changed: refused, or read as something that adds up.
TEST(HostileSummary, FlippedBytesNeverCrash) {
    std::mt19937_64 random(9);
    const std::string text = good();
    for (int i = 0; i < 3'000; ++i) {
        std::string bad = text;
        for (std::uint64_t n = 1 + random() % 3; n > 0; --n) bad[random() % bad.size()] = static_cast<char>(random() % 4 == 0 ? random() % 256 : '0' + random() % 10);
        auto summary = summaryFromJson(bad);
        if (!summary.ok()) continue;
        const auto report = toAnalysis(*summary);
        if (!report.ok()) continue;
        for (const Step& step : report->steps) EXPECT_EQ(std::accumulate(step.classes.begin(), step.classes.end(), Ns{0}), step.endNs - step.startNs);
    }
}

}  // namespace
}  // namespace ridge::test
