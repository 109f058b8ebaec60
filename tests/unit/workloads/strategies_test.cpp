// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What strategies can show without a launcher: with one rank each is the serial run; refusals; the
// second memory of offloaded state. Several ranks: strategies_ranks_test.cpp.
#include "tests/unit/workloads_ops/cuda_on_host/host_device.h"
#include "workloads/models/tiny_model.h"
#include "workloads/ops/cpu/cpu_backend.h"
#include "workloads/ops/cuda/cuda_backend.h"
#include "workloads/ops/cuda/cuda_operators.h"
#include "workloads/parallel/solo_transport.h"
#include "workloads/parallel/strategies/checks.h"
#include "workloads/parallel/strategies/expert_parallel.h"
#include "workloads/parallel/strategies/expert_reference.h"
#include "workloads/parallel/strategies/offload.h"
#include "workloads/parallel/strategies/pipeline_parallel.h"
#include "workloads/parallel/strategies/ring_attention.h"
#include "workloads/parallel/strategies/tensor_parallel.h"
#include "workloads/parallel/strategies/ulysses.h"
#include "workloads/parallel/strategies/zero.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>
#include <unistd.h>

namespace ridge::workloads {
namespace {

class Solo : public testing::Test {
protected:
    void SetUp() override {
        auto made = Communicator::create(soloTransport());
        ASSERT_TRUE(made.ok());
        m_solo = std::move(*made);
    }
    void expectSerial(const MakeTrainer& make, const ParallelProof& proof = {}) {
        CpuOperators ops(0);
        const CheckResult result = checkParallelTraining(ops, *m_solo, make, proof);
        EXPECT_TRUE(result.passed) << result.detail;
    }
    std::unique_ptr<Communicator> m_solo;
};

TEST_F(Solo, OneRankOfEachStrategyIsTheSerialRun) {
    for (const int stage : {0, 1, 2, 3})
        expectSerial([stage](Operators& ops, Communicator& world, const GptConfig& config,
                             std::int64_t sequences) {
            return ZeroTrainer::create(ops, world, config, sequences, {stage, true});
        });
    for (const bool sequenceParallel : {false, true})
        expectSerial([=](Operators& ops, Communicator& world, const GptConfig& config,
                         std::int64_t sequences) {
            return TensorParallelTrainer::create(ops, world, config, sequences, sequenceParallel);
        });
    for (const MakeContextAttention& attention :
         {MakeContextAttention(UlyssesAttention::create),
          MakeContextAttention([](Operators&ops, Communicator&world, const GptConfig&config,
                                  std::int64_t sequences) {
              return RingAttention::create(ops, world, config, sequences, {true, true});
          })})
        expectSerial([&attention](Operators& ops, Communicator& world, const GptConfig& config,
                                  std::int64_t sequences) {
            return ContextParallelTrainer::create(ops, world, config, sequences, attention);
        });
    const ExpertOptions options{4, 2, 0.75, 1.0};
    ParallelProof proof;
    proof.oracle = expertOracle(options, 1);
    proof.moreParameters = expertParameters(proof.config, options, 7, 0.3F);
    expectSerial(
        [&options](Operators& ops, Communicator& world, const GptConfig& config,
                   std::int64_t sequences) {
            return ExpertParallelTrainer::create(ops, world, config, sequences, options);
        },
        proof);
}

TEST_F(Solo, WhatDoesNotDivideIsRefusedWithAReason) {
    CpuOperators ops(0);
    const GptConfig config{.layers = 3, .width = 16, .heads = 4, .context = 9, .vocabulary = 24};
    const auto pipeline = PipelineTrainer::create(ops, *m_solo, config, 4, {});
    ASSERT_FALSE(pipeline.ok());
    EXPECT_EQ(pipeline.error().code, ErrorCode::kBadInput);
    const auto ring = RingAttention::create(ops, *m_solo, config, 4, {true, true});
    ASSERT_FALSE(ring.ok());
    EXPECT_NE(ring.error().message.find("divide the context"), std::string::npos);
    const auto experts = ExpertParallelTrainer::create(ops, *m_solo, config, 4, {2, 3, 1.0, 0});
    EXPECT_FALSE(experts.ok());
}

// A gradient of each expert parameter against central differences of the oracle itself: the oracle
// is what everything else is held against.
TEST(ExpertOracle, GradientsAreThoseOfFiniteDifferences) {
    const ExpertOptions options{4, 2, 0.75, 0.5};
    const GptConfig config{.layers = 1, .width = 8, .heads = 2, .context = 4, .vocabulary = 12};
    std::vector<float> parameters;
    for (const GptParameter& parameter : GptLayout(config).parameters) {
        const auto values = initialValues(config, parameter, 3, 0.3F);
        parameters.insert(parameters.end(), values.begin(), values.end());
    }
    const auto more = expertParameters(config, options, 7, 0.3F);
    parameters.insert(parameters.end(), more.begin(), more.end());
    const auto tokens = randomTokens(8, config.vocabulary, 1);
    const auto targets = randomTokens(8, config.vocabulary, 2);
    const Oracle oracle = expertOracle(options, 2);
    // With decay off and epsilon far above any gradient, one step of AdamW is -rate / epsilon * g.
    AdamWArgs args;
    args.epsilon = 1e6F;
    args.learningRate = 1.0F;
    args.weightDecay = 0.0F;
    const auto run = [&](std::span<const float> at) {
        return oracle({config, 2, at, tokens, targets, args, 1});
    };
    const Trajectory start = run(parameters);
    const ExpertLayout layout(config, options);
    int compared = 0;
    for (std::int64_t i = layout.base; i < layout.total(); i += 7) {
        const auto at = static_cast<std::size_t>(i);
        const double gradient = (static_cast<double>(parameters[at]) - start.parameters[at]) * 1e6;
        std::vector<float> moved = parameters;
        moved[at] = parameters[at] + 0x1p-10F;
        const double above = run(moved).losses.front();
        const double up = static_cast<double>(moved[at]);
        moved[at] = parameters[at] - 0x1p-10F;
        const double below = run(moved).losses.front();
        const double numeric = (above - below) / (up - static_cast<double>(moved[at]));
        EXPECT_NEAR(gradient, numeric, 1e-5 + 1e-3 * std::abs(numeric)) << "element " << i;
        compared += std::abs(numeric) > 1e-4 ? 1 : 0;
    }
    EXPECT_GT(compared, 50);
}

// What two steps leave of the tiny model's parameters.
std::vector<float> trainedBy(Operators& ops, OffloadMode mode) {
    constexpr std::int64_t kSequences = 1;
    auto made = OffloadTrainer::create(ops, tiny::kTiny, kSequences, mode,
                                       std::filesystem::temp_directory_path());
    if (!made.ok() || !(*made)->load(tiny::tinyParameters()).ok()) return {};
    const tiny::TinyBatch batch = tiny::tinyBatch(kSequences);
    for (int i = 0; i < 2; ++i)
        if (!(*made)->step(batch.tokens, batch.targets, {}).ok()) return {};
    return *(*made)->parameters();
}

// Operators that run on without waiting for a copy, or copies into what is still to be stored.
class Forgetful final : public cuda::CudaOperators {
public:
    Forgetful(bool waits, bool orders)
        : CudaOperators(cuda::makeHostDevice(cuda::CopiesWhen::kAsLateAsPossible)),
          m_waits(waits),
          m_orders(orders) {}
    std::uint64_t copyIn(void* to, const void* from, std::size_t bytes,
                         std::uint64_t after) override {
        return CudaOperators::copyIn(to, from, bytes, m_orders ? after : 0);
    }
    void operatorsWait(std::uint64_t ticket) override {
        if (m_waits) CudaOperators::operatorsWait(ticket);
    }

private:
    bool m_waits, m_orders;
};

// Copies are done at once, or so late that every wait that is missing shows.
TEST(OffloadOverCopies, TrainsAsResidentStateDoesAndFindsAMissingWait) {
    const auto early = cuda::makeOperatorsOnHost(cuda::CopiesWhen::kAtOnce);
    const auto late = cuda::makeOperatorsOnHost(cuda::CopiesWhen::kAsLateAsPossible);
    const std::vector<float> resident = trainedBy(*late, OffloadMode::kResident);
    ASSERT_FALSE(resident.empty());
    EXPECT_EQ(trainedBy(*early, OffloadMode::kPrefetch), resident);
    EXPECT_EQ(trainedBy(*late, OffloadMode::kPrefetch), resident);
    EXPECT_EQ(trainedBy(*late, OffloadMode::kBlocking), resident);
    EXPECT_TRUE(early->status().ok() && late->status().ok());
    Forgetful waitless(false, true), orderless(true, false);
    EXPECT_NE(trainedBy(waitless, OffloadMode::kPrefetch), resident);
    EXPECT_NE(trainedBy(orderless, OffloadMode::kPrefetch), resident);
}

TEST(OffloadOverCopies, HoldsOnTheGpu) {
    const auto ops = makeCudaOperators();
    if (!ops.ok()) GTEST_SKIP() << ops.error().message;
    const std::vector<float> resident = trainedBy(**ops, OffloadMode::kResident);
    ASSERT_FALSE(resident.empty());
    EXPECT_EQ(trainedBy(**ops, OffloadMode::kBlocking), resident);
    EXPECT_EQ(trainedBy(**ops, OffloadMode::kPrefetch), resident);
}

TEST(StateTier, GivesBackWhatWasStoredInTheOrderOfIssue) {
    for (const bool threaded : {false, true}) {
        auto tier = MappedStateTier::create(std::filesystem::temp_directory_path(), 3000, threaded);
        ASSERT_TRUE(tier.ok()) << tier.error().message;
        std::vector<float> values(1000), back(1000, -1.0F);
        std::iota(values.begin(), values.end(), 1.0F);
        (*tier)->setLinkLimit(10e6);
        (void)(*tier)->store(1000, 1000, values.data());
        // Behind the store in the queue: sees what it wrote.
        const auto ticket = (*tier)->fetch(1000, 1000, back.data());
        (*tier)->waitFor(ticket);
        EXPECT_EQ(back, values);
        (*tier)->waitFor((*tier)->fetch(0, 1000, back.data()));
        EXPECT_EQ(back, std::vector<float>(1000, 0.0F));
        (*tier)->clear();
        (*tier)->waitFor((*tier)->fetch(1000, 1000, back.data()));
        EXPECT_EQ(back, std::vector<float>(1000, 0.0F));
    }
}

TEST(StateTier, LeavesNoFileAndSaysWhereItCannotMakeOne) {
    const auto folder =
        std::filesystem::temp_directory_path() / ("ridge-tier-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    {
        const auto tier = MappedStateTier::create(folder, 1000, true);
        ASSERT_TRUE(tier.ok());
        EXPECT_TRUE(std::filesystem::is_empty(folder));
    }
    std::filesystem::remove(folder);
    const auto none = MappedStateTier::create(folder, 1000, true);
    ASSERT_FALSE(none.ok());
    EXPECT_NE(none.error().message.find(folder.string()), std::string::npos);
}

}  // namespace
}  // namespace ridge::workloads
