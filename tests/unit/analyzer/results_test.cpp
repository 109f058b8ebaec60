// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A workload's own results in its timeline: what rests on them is found, and its SQL finds them too.
#include <unistd.h>

#include <filesystem>

#include "analyzer/store/store.h"
#include "tests/unit/analyzer/check.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace ridge::test {
namespace {

constexpr std::int64_t kMs = 1'000'000;

std::string decoding(const char* name, bool ours) {
    const std::string path = (std::filesystem::temp_directory_path() / fmt::format("ridge_results_{}_{}.sqlite", name, getpid())).string();
    std::filesystem::remove(path);
    TraceBuilder b(path, ours);
    const std::int64_t thread = TraceBuilder::tid(100, 1);
    b.range(thread, 0, 60 * kMs, "infer.decode/small", 1);
    for (std::int64_t s = 0; s < 6; ++s) {
        b.range(thread, s * 10 * kMs, (s + 1) * 10 * kMs, "step", 3, s);
        b.work(thread, s * 10 * kMs, (s + 1) * 10 * kMs, "gemm", {});
    }
    b.ceiling("memory", "DRAM.read", "", "DRAM", "read", 0, 1e11, "B/s");
    b.finish();
    return path;
}

TEST(StoredResults, LetFindingsThatRestOnThemFire) {
    const std::string path = decoding("ours", true);
    EXPECT_EQ(findingOf(analyzeOk(path), "decode_bandwidth"), nullptr);
    ASSERT_TRUE(analyzer::storeResults(path, "infer.decode/small", {{"tpot", 0.01, "s", "lower"}, {"bytes_per_s", 4e10, "B/s", "higher"}}).ok());
    const Analysis answer = analyzeOk(path);  // runs the SQL of every finding
    ASSERT_NE(findingOf(answer, "decode_bandwidth"), nullptr);
    EXPECT_DOUBLE_EQ(findingOf(answer, "decode_bandwidth")->evidence[0].value, 4e10);
    EXPECT_EQ(answer.workloads.at(0).metrics.size(), 2u);
    // Once more: replaced, not doubled; of another workload: added.
    ASSERT_TRUE(analyzer::storeResults(path, "infer.decode/small", {{"tpot", 0.01, "s", "lower"}, {"bytes_per_s", 9e10, "B/s", "higher"}}).ok());
    ASSERT_TRUE(analyzer::storeResults(path, "other", {{"tpot", std::nullopt, "s", "lower"}}).ok());
    EXPECT_EQ(findingOf(analyzeOk(path), "decode_bandwidth"), nullptr);
    EXPECT_EQ(analyzeOk(path).workloads.at(0).metrics.size(), 2u);
    std::filesystem::remove(path);
}

TEST(StoredResults, AnotherToolsFileStaysAsItIs) {
    const std::string path = decoding("theirs", false);
    const auto before = readFile(path);
    EXPECT_FALSE(analyzer::storeResults(path, "w", {{"x", 1.0, "1", "higher"}}).ok());
    EXPECT_EQ(*readFile(path), *before);
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace ridge::test
