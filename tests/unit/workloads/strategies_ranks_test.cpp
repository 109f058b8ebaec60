// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Parallel strategies against one rank in double precision; every rank runs the same tests:
// mpirun -n N strategies_ranks_test. The transport under them can be told to turn a sign.
#include "base/file.h"
#include "range_capture.h"
#include "ranks_main.h"
#include "workloads/harness/context.h"
#include "workloads/harness/variant.h"
#include "workloads/models/tiny_model.h"
#include "workloads/ops/cpu/cpu_backend.h"
#include "workloads/parallel/solo_transport.h"
#include "workloads/parallel/strategies/checks.h"
#include "workloads/parallel/strategies/expert_parallel.h"
#include "workloads/parallel/strategies/expert_reference.h"
#include "workloads/parallel/strategies/offload.h"
#include "workloads/parallel/strategies/pipeline_parallel.h"
#include "workloads/parallel/strategies/ring_attention.h"
#include "workloads/parallel/strategies/tensor_parallel.h"
#include "workloads/parallel/strategies/train_parallel.h"
#include "workloads/parallel/strategies/ulysses.h"
#include "workloads/parallel/strategies/zero.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <dlfcn.h>

namespace ridge::workloads {
namespace {

Communicator* g_world = nullptr;

// A fabric that turns the sign of one number in what arrives, while told to. Sizes below are of
// the tiny model; numbers that only steer (a rank count, an agreement) are small and left alone.
struct Fault {
    bool on = false;
    ridge_transport_t real{};
} g_fault;
constexpr std::size_t kFaultBytes = 64;

void turn(void* out, std::size_t bytes) {
    if (!g_fault.on || bytes < kFaultBytes) return;
    auto* values = static_cast<float*>(out);
    values[0] = -values[0];
}
int brokenAllReduce(int group, int channel, const float* in, float* out, std::size_t count) {
    const int error = g_fault.real.allReduceSumF32(group, channel, in, out, count);
    turn(out, count * sizeof(float));
    return error;
}
int brokenReduceScatter(int group, int channel, const float* in, float* out, std::size_t count) {
    const int error = g_fault.real.reduceScatterSumF32(group, channel, in, out, count);
    turn(out, count * sizeof(float));
    return error;
}
int brokenAllToAll(int group, int channel, const void* in, void* out, std::size_t bytes) {
    const int error = g_fault.real.allToAll(group, channel, in, out, bytes);
    turn(out, bytes);
    return error;
}
int brokenSendReceive(int group, int channel, const void* in, std::size_t inBytes, int to,
                      void* out, std::size_t outBytes, int from) {
    const int error =
        g_fault.real.sendReceive(group, channel, in, inBytes, to, out, outBytes, from);
    if (from >= 0) turn(out, outBytes);
    return error;
}

// A wrong sign in one operator's backward pass.
class BrokenOperators final : public CpuOperators {
public:
    BrokenOperators() : CpuOperators(0) {}

protected:
    void doGeluBackward(const Tensor& x, const Tensor& dY, const Tensor& dX) override {
        CpuOperators::doGeluBackward(x, dY, dX);
        dX.f32()[0] = -dX.f32()[0];
    }
};

void expectOnAll(bool ok, const std::string& what) {
    const auto all = g_world->allAgree(ok);
    ASSERT_TRUE(all.ok());
    EXPECT_TRUE(*all) << what << (ok ? " (on another rank)" : "");
}

struct Case {
    std::string name;
    MakeTrainer make;
    ParallelProof proof;
};

Case contextCase(const std::string& name, const MakeContextAttention& attention) {
    return {name,
            [attention](Operators& ops, Communicator& world, const GptConfig& config,
                        std::int64_t sequences) {
                return ContextParallelTrainer::create(ops, world, config, sequences, attention);
            },
            {}};
}

std::int64_t proofRows(const ParallelProof& proof) {
    return proof.sequences * proof.config.context;
}

Case expertCase(const ExpertOptions& options) {
    Case made;
    made.name = "moe.k" + std::to_string(options.choices) + ".capacity" +
                std::to_string(options.capacity).substr(0, 4) + (options.skew > 0 ? ".zipf" : "");
    made.make = [options](Operators& ops, Communicator& world, const GptConfig& config,
                          std::int64_t sequences) {
        return ExpertParallelTrainer::create(ops, world, config, sequences, options);
    };
    made.proof.oracle = expertOracle(options, g_world->size());
    made.proof.moreParameters = expertParameters(made.proof.config, options, 7, 0.3F);
    return made;
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const int stage : {0, 1, 2, 3})
        for (const bool prefetch : {false, true})
            all.push_back(
                {"zero" + std::to_string(stage) + (prefetch ? ".prefetch" : ""),
                 [=](Operators& ops, Communicator& world, const GptConfig& config,
                     std::int64_t sequences) {
                     return ZeroTrainer::create(ops, world, config, sequences, {stage, prefetch});
                 },
                 {}});
    for (const bool sequenceParallel : {false, true})
        all.push_back({sequenceParallel ? "tp.sp" : "tp",
                       [=](Operators& ops, Communicator& world, const GptConfig& config,
                           std::int64_t sequences) {
                           return TensorParallelTrainer::create(ops, world, config, sequences,
                                                                sequenceParallel);
                       },
                       {}});
    for (const auto schedule : {PipelineSchedule::kGPipe, PipelineSchedule::kOneForwardOneBackward})
        for (const std::int64_t microBatches : {1, 2, 4}) {
            const bool gpipe = schedule == PipelineSchedule::kGPipe;
            all.push_back({(gpipe ? "gpipe.m" : "1f1b.m") + std::to_string(microBatches),
                           [=](Operators& ops, Communicator& world, const GptConfig& config,
                               std::int64_t sequences) {
                               return PipelineTrainer::create(ops, world, config, sequences,
                                                              {schedule, microBatches});
                           },
                           {}});
        }
    for (const bool zigzag : {false, true})
        for (const bool overlap : {false, true})
            all.push_back(contextCase(
                std::string("ring") + (zigzag ? ".zigzag" : "") + (overlap ? ".overlap" : ""),
                [=](Operators& ops, Communicator& world, const GptConfig& config,
                    std::int64_t sequences) {
                    return RingAttention::create(ops, world, config, sequences, {zigzag, overlap});
                }));
    all.push_back(contextCase("ulysses", UlyssesAttention::create));
    for (const std::int64_t choices : {1, 2})
        for (const double capacity : {0.0, 0.75, 1.25})
            for (const double skew : {0.0, 1.0})
                all.push_back(expertCase({4, choices, capacity, skew}));
    return all;
}

TEST(Strategies, FiveStepsAreThoseOfOneRankInDouble) {
    for (const Case& one : cases()) {
        CpuOperators ops(0);
        const CheckResult result = checkParallelTraining(ops, *g_world, one.make, one.proof);
        if (g_world->rank() == 0) std::printf("%s: %s\n", one.name.c_str(), result.detail.c_str());
        expectOnAll(result.passed, one.name + ": " + result.detail);
    }
}

TEST(Strategies, AWrongSignInWhatArrivesIsNoticed) {
    for (const Case& one : cases()) {
        CpuOperators ops(0);
        g_fault.on = true;
        const CheckResult result = checkParallelTraining(ops, *g_world, one.make, one.proof);
        g_fault.on = false;
        expectOnAll(!result.passed, one.name + " did not notice: " + result.detail);
    }
}

// How many choices are dropped follows from the counts, and is told.
TEST(Strategies, DroppedTokensAreCounted) {
    for (const double capacity : {0.0, 0.25}) {
        const Case one = expertCase({4, 1, capacity, 1.0});
        CpuOperators ops(0);
        auto made = one.make(ops, *g_world, one.proof.config, one.proof.sequences);
        ASSERT_TRUE(made.ok()) << made.error().message;
        std::vector<float> parameters = tiny::tinyParameters(one.proof.config);
        parameters.insert(parameters.end(), one.proof.moreParameters.begin(),
                          one.proof.moreParameters.end());
        ASSERT_TRUE((*made)->load(parameters).ok());
        const tiny::TinyBatch batch = tiny::tinyBatch(one.proof.sequences, one.proof.config);
        ASSERT_TRUE((*made)->step(batch.tokens, batch.targets, {}).ok());
        const double dropped = (*made)->metrics().front().value;
        EXPECT_EQ((*made)->metrics().front().name, "dropped_share");
        if (capacity > 0) {
            // An expert takes a quarter of an even share at most.
            const std::int64_t rows =
                proofRows(one.proof) / static_cast<std::int64_t>(g_world->size());
            const auto room = expertCapacity({4, 1, capacity, 1.0}, rows);
            EXPECT_GE(dropped,
                      1.0 - 4.0 * static_cast<double>(room) / static_cast<double>(rows) - 1e-9);
            EXPECT_GT(dropped, 0.0);
        } else {
            EXPECT_EQ(dropped, 0.0);
        }
    }
    expectOnAll(!testing::Test::HasFailure(), "dropped tokens");
}

// One rank each, in its own communicator.
TEST(Strategies, OffloadedStateTrainsAsResidentStateDoes) {
    auto solo = Communicator::create(soloTransport());
    ASSERT_TRUE(solo.ok());
    const ParallelProof proof;
    const tiny::TinyBatch batch = tiny::tinyBatch(proof.sequences, proof.config);
    std::vector<std::vector<float>> trained;
    for (const OffloadMode mode :
         {OffloadMode::kResident, OffloadMode::kBlocking, OffloadMode::kPrefetch}) {
        CpuOperators ops(0);
        const MakeTrainer make = [mode](Operators& o, Communicator&, const GptConfig& config,
                                        std::int64_t sequences) {
            return OffloadTrainer::create(o, config, sequences, mode,
                                          std::filesystem::temp_directory_path());
        };
        const CheckResult result = checkParallelTraining(ops, **solo, make, proof);
        EXPECT_TRUE(result.passed) << result.detail;
        auto made = make(ops, **solo, proof.config, proof.sequences);
        ASSERT_TRUE(made.ok()) << made.error().message;
        (*made)->setLinkLimit(50e6);  // slow enough that copies are under way while it computes
        ASSERT_TRUE((*made)->load(tiny::tinyParameters(proof.config)).ok());
        test::startCapture();
        for (int i = 0; i < 3; ++i)
            ASSERT_TRUE((*made)->step(batch.tokens, batch.targets, {}).ok());
        std::uint64_t copied = 0;
        for (const auto& range : test::stopCapture())
            if (range.hasWork && range.name.starts_with("offload."))
                copied += range.work.bytes_read;
        // Only what this thread copies is seen here: all of it where nothing is prefetched.
        if (mode == OffloadMode::kBlocking) {
            EXPECT_EQ(copied, 3U * 16U * static_cast<std::uint64_t>(GptLayout(proof.config).total));
        }
        trained.push_back(*(*made)->parameters());
    }
    EXPECT_EQ(trained[0], trained[1]);
    EXPECT_EQ(trained[0], trained[2]);
    expectOnAll(!testing::Test::HasFailure(), "offload");
}

TEST(Strategies, PayloadsOfAStepAddUpToTheFormula) {
    for (const Case& one : cases()) {
        SCOPED_TRACE(one.name);
        CpuOperators ops(0);
        auto made = one.make(ops, *g_world, one.proof.config, one.proof.sequences);
        ASSERT_TRUE(made.ok()) << made.error().message;
        std::vector<float> parameters = tiny::tinyParameters(one.proof.config);
        parameters.insert(parameters.end(), one.proof.moreParameters.begin(),
                          one.proof.moreParameters.end());
        ASSERT_TRUE((*made)->load(parameters).ok());
        const tiny::TinyBatch batch = tiny::tinyBatch(one.proof.sequences, one.proof.config);
        test::startCapture();
        const auto loss = (*made)->step(batch.tokens, batch.targets, {});
        const auto ranges = test::stopCapture();
        ASSERT_TRUE(loss.ok());
        std::uint64_t wire = 0;
        for (const auto& range : ranges)
            if (range.hasWork) wire += range.work.bytes_communicated;
        EXPECT_EQ(wire, (*made)->wireBytesPerStep());
        EXPECT_EQ(test::openRanges(), 0);
    }
    expectOnAll(!testing::Test::HasFailure(), "payloads");
}

// The whole way of a workload: with a wrong sign it reports a failure and is never timed.
TEST(Strategies, AWorkloadWithAWrongSignReportsAnErrorAndNoTime) {
    if (g_world->size() != 2) GTEST_SKIP() << "the workloads are built for two ranks";
    const Backend broken{
        "broken",
        [] { return Result<std::unique_ptr<Operators>>(std::make_unique<BrokenOperators>()); }};
    std::vector<WorkloadSpec> specs;
    for (const auto& family :
         {zeroSpecs(broken), tensorParallelSpecs(broken), pipelineSpecs(broken),
          contextParallelSpecs(broken), expertParallelSpecs(broken)})
        specs.push_back(family.back());
    for (const WorkloadSpec& spec : specs) {
        Variant variant(spec, g_world);
        expectOnAll(variant.makeReady() == Readiness::kFailed, spec.name);
        EXPECT_NE(variant.text().find("check failed"), std::string::npos) << variant.text();
    }
}

Result<std::unique_ptr<Communicator>> startFaultyMpi() {
    void* library = ::dlopen((executableDir() / ".." / "lib" / "libridge_mpi.so").c_str(),
                             RTLD_NOW | RTLD_GLOBAL);
    if (library == nullptr) return Error{ErrorCode::kUnsupported, ::dlerror()};
    const auto table =
        reinterpret_cast<ridge_transport_function>(::dlsym(library, RIDGE_TRANSPORT_SYMBOL));
    g_fault.real = *table();
    static ridge_transport_t faulty;
    faulty = g_fault.real;
    faulty.allReduceSumF32 = brokenAllReduce;
    faulty.reduceScatterSumF32 = brokenReduceScatter;
    faulty.allToAll = brokenAllToAll;
    faulty.sendReceive = brokenSendReceive;
    if (faulty.start() != 0) return Error{ErrorCode::kUnsupported, "MPI cannot start"};
    return Communicator::create(faulty);
}

}  // namespace
}  // namespace ridge::workloads

int main(int argc, char** argv) {
    using namespace ridge::workloads;
    const auto start = [](const RankInfo&) { return startFaultyMpi(); };
    return runTestsOnRanks(argc, argv, start, [](Communicator& world) {
        g_world = &world;
        RunContext context;
        context.communicator = &world;
        setRunContext(std::move(context));
    });
}
