// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/enums/enums.h"
#include "workloads/harness/describe.h"
#include "workloads/harness/options.h"
#include "workloads/harness/workload.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <string>

namespace ridge::workloads {
namespace {

std::set<std::string> smokeNames() {
    std::set<std::string> names;
    for (const WorkloadSpec& spec : allWorkloads())
        for (const std::string& preset : spec.presets)
            if (preset == "smoke") names.insert(spec.name);
    return names;
}

TEST(Registry, NamesAreUnique) {
    std::set<std::string> names;
    for (const WorkloadSpec& spec : allWorkloads())
        EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_GE(names.size(), 12U);
}

TEST(Registry, EveryVariantIsRunnableAndHasAnAnswerFromTheClosedLists) {
    const std::set<std::string> presets{"smoke", "standard", "full"};
    for (const WorkloadSpec& spec : allWorkloads()) {
        SCOPED_TRACE(spec.name);
        EXPECT_TRUE(parseWallClass(spec.expected.wallClass)) << spec.expected.wallClass;
        EXPECT_TRUE(parseCause(spec.expected.cause)) << spec.expected.cause;
        EXPECT_FALSE(spec.presets.empty());
        for (const std::string& preset : spec.presets)
            EXPECT_TRUE(presets.contains(preset)) << preset;
        EXPECT_GE(spec.ranks, 1);
        EXPECT_GE(spec.steps, 0);
        ASSERT_TRUE(spec.create);
        EXPECT_NE(spec.create(), nullptr);
    }
}

// Creating one asks for no GPU; only prepare() does, and skips where there is none.
TEST(Registry, TheGpusSetHasItsOwnSizesAndTheMachinesRest) {
    std::map<std::string, std::string> backends;
    for (const WorkloadSpec& spec : allWorkloads(BackendKind::kCuda)) {
        SCOPED_TRACE(spec.name);
        EXPECT_TRUE(parseWallClass(spec.expected.wallClass)) << spec.expected.wallClass;
        EXPECT_NE(spec.create(), nullptr);
        const auto backend = spec.params.find("backend");
        const std::string name = backend == spec.params.end() ? "" : backend->second;
        EXPECT_TRUE(backends.emplace(spec.name, name).second);
    }
    for (const char* name : {"train.single/tf32", "gemm/bf16.8192", "infer.decode/bf16"})
        EXPECT_EQ(backends[name], "cuda") << name;
    for (const char* name : {"comm.allreduce/1MiB", "io.train/prefetch0", "ckpt.save/sync"})
        EXPECT_TRUE(backends.contains(name)) << name;
    EXPECT_NE(backends["infer.serve/continuous"], "cuda");
}

TEST(Registry, SmokeHoldsOneOfEachWall) {
    const auto names = smokeNames();
    for (const char* name :
         {"comm.allreduce/1MiB", "io.train/prefetch0", "ckpt.save/sync", "ckpt.restore",
          "gemm/fp32.512", "attention/unfused", "attention/fused", "launch/single",
          "launch/batched", "infer.serve/continuous", "infer.spec/g4.a80"})
        EXPECT_TRUE(names.contains(name)) << name;
}

TEST(Describe, IsAnArrayWithEveryFieldThatRunNeeds) {
    const auto& specs = allWorkloads();
    const auto selected = selectSpecs(specs, "");
    ASSERT_TRUE(selected.ok());
    const auto json = nlohmann::json::parse(describe(specs, *selected));
    ASSERT_EQ(json.size(), specs.size());
    for (std::size_t i = 0; i < specs.size(); ++i) {
        EXPECT_EQ(json[i].at("name"), specs[i].name);
        EXPECT_EQ(json[i].at("family"), specs[i].name.substr(0, specs[i].name.find('/')));
        EXPECT_TRUE(json[i].at("params").is_object());
        EXPECT_TRUE(json[i].at("presets").is_array());
        EXPECT_EQ(json[i].at("ranks"), specs[i].ranks);
        EXPECT_EQ(json[i].at("steps"), specs[i].steps);
        EXPECT_EQ(json[i].at("expected").at("class"), specs[i].expected.wallClass);
        EXPECT_EQ(json[i].at("expected").at("cause"), specs[i].expected.cause);
    }
}

}  // namespace
}  // namespace ridge::workloads
