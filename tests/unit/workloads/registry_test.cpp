// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/enums/enums.h"
#include "workloads/harness/describe.h"
#include "workloads/harness/formula_text.h"
#include "workloads/harness/options.h"
#include "workloads/harness/workload.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <iterator>
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
    for (const char* name :
         {"train.single/tf32", "train.single/fp8", "gemm/bf16.8192", "gemm/fp8.8192",
          "gemm/int8.8192", "infer.decode/bf16", "launch/graph", "train.dlrm/large", "train.gcn/random",
          "train.conv/bf16", "train.offload/prefetch", "train.single/bf16.graph",
          "infer.decode/bf16.small.graph", "train.accum/4.fp8", "infer.serve/continuous",
          "infer.spec/g4.a80", "train.dp/overlap.nccl", "train.zero/3.prefetch.nccl",
          "train.tp/plain.nccl", "train.cp/ring.zigzag.nccl", "train.cp/ulysses.nccl",
          "train.moe/k2.nccl", "train.moe/k1.zipf.dropless.nccl", "train.dp/bucket1MiB.nccl",
          "comm.overlap/on.nccl", "comm.allreduce/8192MiB.nccl", "cal.peak/gpu"})
        EXPECT_EQ(backends[name], "cuda") << name;
    // Over NCCL beside what the processor does over MPI.
    EXPECT_EQ(backends["train.dp/overlap"], "cpu");
    for (const char* name : {"comm.allreduce/1MiB", "comm.overlap/on", "io.train/prefetch0",
                             "ckpt.save/sync"})
        EXPECT_TRUE(backends.contains(name)) << name;
    EXPECT_EQ(backends["infer.serve/virtual.poisson"], "cpu");  // nothing of it computes
}

TEST(Registry, SmokeHoldsOneOfEachWall) {
    const auto names = smokeNames();
    for (const char* name :
         {"comm.allreduce/1MiB", "io.train/prefetch0", "ckpt.save/sync", "ckpt.restore",
          "gemm/fp32.512", "attention/unfused", "attention/fused", "launch/single",
          "launch/batched", "infer.serve/continuous", "infer.spec/g4.a80"})
        EXPECT_TRUE(names.contains(name)) << name;
}

// The rows of the reference table (README.md of the room), as data: a family that is renamed, or
// that no preset reaches, is a row that nobody runs.
constexpr const char* kRows[] = {"cal.peak",
                                 "gemm",
                                 "elementwise",
                                 "attention",
                                 "launch",
                                 "train.single",
                                 "train.recompute",
                                 "train.accum",
                                 "train.dp",
                                 "train.zero",
                                 "train.tp",
                                 "train.pp",
                                 "train.cp",
                                 "train.moe",
                                 "train.offload",
                                 "train.fault",
                                 "infer.prefill",
                                 "infer.decode",
                                 "infer.serve",
                                 "infer.spec",
                                 "comm.allreduce",
                                 "comm.allgather",
                                 "comm.reducescatter",
                                 "comm.alltoall",
                                 "comm.broadcast",
                                 "comm.sendrecv",
                                 "comm.fit",
                                 "comm.overlap",
                                 "io.layout",
                                 "io.depth",
                                 "io.train",
                                 "io.decode",
                                 "ckpt.save",
                                 "ckpt.restore",
                                 "train.dlrm",
                                 "train.gcn",
                                 "train.conv"};

TEST(Presets, StandardHasEveryRowOfTheTableAndFullEveryVariant) {
    const std::set<std::string> rows(std::begin(kRows), std::end(kRows));
    std::set<std::string> standard, families;
    for (const WorkloadSpec& spec : allWorkloads()) {
        const std::set<std::string> presets(spec.presets.begin(), spec.presets.end());
        families.insert(familyOf(spec.name));
        if (presets.contains("standard")) standard.insert(familyOf(spec.name));
        EXPECT_TRUE(presets.contains("full")) << spec.name;
        EXPECT_TRUE(!presets.contains("smoke") || presets.contains("standard"))
            << spec.name << ": smoke is part of standard";
    }
    EXPECT_EQ(standard, rows);
    EXPECT_EQ(families, rows) << "a row that the table lacks";
}

TEST(Presets, SmokeHasOneVariantOfEachKindAndBothHalvesOfPairs) {
    const auto names = smokeNames();
    std::set<std::string> kinds;  // "train", "io", ...
    for (const std::string& name : names) kinds.insert(name.substr(0, name.find_first_of("./")));
    for (const char* kind :
         {"gemm", "elementwise", "attention", "launch", "train", "infer", "comm", "io", "ckpt"})
        EXPECT_TRUE(kinds.contains(kind)) << kind;
    int pairs = 0;
    for (const WorkloadSpec& spec : allWorkloads())
        pairs += names.contains(spec.name) && names.contains(spec.fasterVariant) ? 1 : 0;
    EXPECT_GE(pairs, 2);
}

TEST(Listing, EveryFamilyHasAFormulaAndEveryVariantItsKnobsAndWall) {
    const auto& specs = allWorkloads();
    const auto selected = selectSpecs(specs, "");
    ASSERT_TRUE(selected.ok());
    const std::string text = listing(specs, *selected);
    for (const WorkloadSpec& spec : specs) {
        EXPECT_FALSE(formulaText(familyOf(spec.name)).empty()) << spec.name;
        EXPECT_NE(text.find("  " + spec.name + "\n    built to hit  " + spec.expected.wallClass),
                  std::string::npos)
            << spec.name;
        for (const auto& [knob, value] : spec.params)
            EXPECT_NE(text.find(knob + " = " + value), std::string::npos) << spec.name << knob;
    }
    EXPECT_TRUE(formulaText("no.such").empty());
    EXPECT_EQ(listing(specs, {}), "");
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
