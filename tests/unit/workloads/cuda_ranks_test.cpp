// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Parallel training in a device's memory: the CUDA operators' sources and the NCCL transport's,
// both on this host, every rank the same tests: mpirun -n 2 cuda_ranks_test. The device does its
// work as late as it may, so that a collective which does not wait for its input sends what was
// there before, and the proofs find it.
#include "range_capture.h"
#include "ranks_main.h"
#include "tests/unit/workloads_ops/cuda_on_host/host_device.h"
#include "tests/unit/workloads_ops/cuda_on_host/host_device_hooks.h"
#include "workloads/harness/context.h"
#include "workloads/models/tiny_model.h"
#include "workloads/parallel/exact.h"
#include "workloads/parallel/strategies/checks.h"
#include "workloads/parallel/strategies/context_parallel.h"
#include "workloads/parallel/strategies/expert_parallel.h"
#include "workloads/parallel/strategies/expert_reference.h"
#include "workloads/parallel/strategies/ordered_collectives.h"
#include "workloads/parallel/strategies/pipeline_parallel.h"
#include "workloads/parallel/strategies/ring_attention.h"
#include "workloads/parallel/strategies/tensor_parallel.h"
#include "workloads/parallel/strategies/train_dp.h"
#include "workloads/parallel/strategies/train_parallel.h"
#include "workloads/parallel/strategies/ulysses.h"
#include "workloads/parallel/strategies/zero.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <dlfcn.h>

namespace ridge::workloads {
namespace {

Communicator* g_world = nullptr;

std::unique_ptr<Operators> lateOperators() {
    return cuda::makeOperatorsOnHost(cuda::CopiesWhen::kAsLateAsPossible,
                                     cuda::WorkWhen::kAsLateAsPossible);
}
Backend lateDevice() {
    return {"cuda_on_host", [] { return Result<std::unique_ptr<Operators>>(lateOperators()); },
            true};
}

template <typename T>
T taken(Result<T> made) {
    RIDGE_CHECK(made.ok(), "what the test needs could not be made");
    return std::move(*made);
}

void expectOnAll(bool ok, const std::string& what) {
    const auto all = g_world->allAgree(ok);
    ASSERT_TRUE(all.ok());
    EXPECT_TRUE(*all) << what << (ok ? " (on another rank)" : "");
}

ParallelProof smallProof() {
    ParallelProof proof;
    proof.config.layers = 2;
    proof.sequences = 2;
    return proof;
}

struct Case {
    std::string name;
    MakeTrainer make;
    ParallelProof proof = smallProof();
    bool waitsByItself = false;  // for the device before each collective
};

Case contextCase(const std::string& name, const MakeContextAttention& attention) {
    return {name, [attention](Operators& ops, Communicator& world, const GptConfig& config,
                              std::int64_t sequences) {
                return ContextParallelTrainer::create(ops, world, config, sequences, attention);
            }};
}

// Two of four experts each, with and without a limit to their rooms.
Case expertCase(const ExpertOptions& options) {
    Case made{options.capacity > 0 ? "moe.k2" : "moe.k1.zipf.dropless",
              [options](Operators& ops, Communicator& world, const GptConfig& config,
                        std::int64_t sequences) {
                  return ExpertParallelTrainer::create(ops, world, config, sequences, options);
              }};
    made.proof.oracle = expertOracle(options, g_world->size());
    made.proof.moreParameters = expertParameters(made.proof.config, options, 7, 0.3F);
    return made;
}
// One of each; the rest of them is over MPI (strategies_ranks_test.cpp), since every thread of a
// kernel takes its turn here.
std::vector<Case> cases() {
    const auto zero = [](ZeroOptions options) -> MakeTrainer {
        return [options](Operators& ops, Communicator& world, const GptConfig& config,
                         std::int64_t sequences) {
            return ZeroTrainer::create(ops, world, config, sequences, options);
        };
    };
    return {
        {"zero2", zero({2, false})},
        {"zero3.prefetch", zero({3, true})},
        {"tp.sp",
         [](Operators& ops, Communicator& world, const GptConfig& config, std::int64_t sequences) {
             return TensorParallelTrainer::create(ops, world, config, sequences, true);
         }},
        {"1f1b",
         [](Operators& ops, Communicator& world, const GptConfig& config, std::int64_t sequences) {
             return PipelineTrainer::create(ops, world, config, sequences,
                                            {PipelineSchedule::kOneForwardOneBackward, 2});
         },
         smallProof(), true},
        contextCase("ring.zigzag",
                    [](Operators& ops, Communicator& world, const GptConfig& config,
                       std::int64_t sequences) {
                        return RingAttention::create(ops, world, config, sequences, {true, true});
                    }),
        contextCase("ulysses", UlyssesAttention::create),
        expertCase({4, 2, 1.25, 0.0}),
        expertCase({4, 1, 0.0, 1.0})};
}

TEST(DeviceRanks, FiveStepsAreThoseOfOneRankInDouble) {
    const auto dense = lateOperators();
    const auto denseOrder = OrderedCollectives::create(*dense, *g_world);
    ASSERT_TRUE(denseOrder.ok()) << denseOrder.error().message;
    const CheckResult dataParallel = checkDataParallel(*dense, *g_world, {2048, true}, 1);
    expectOnAll(dataParallel.passed, "dp: " + dataParallel.detail);
    for (const Case& one : cases()) {
        const auto ops = lateOperators();
        const auto order = OrderedCollectives::create(*ops, *g_world);
        ASSERT_TRUE(order.ok());
        const CheckResult result = checkParallelTraining(*ops, *g_world, one.make, one.proof);
        if (g_world->rank() == 0) std::printf("%s: %s\n", one.name.c_str(), result.detail.c_str());
        expectOnAll(result.passed, one.name + ": " + result.detail);
    }
}

TEST(DeviceRanks, ACollectiveThatDoesNotWaitForItsInputIsFound) {
    const auto ops = lateOperators();
    const CheckResult dataParallel = checkDataParallel(*ops, *g_world, {2048, true}, 1);
    expectOnAll(!dataParallel.passed, "dp did not notice: " + dataParallel.detail);
    for (const Case& one : cases()) {
        // Counts that were not waited for are zeros: a dropless layer has no rooms at all then.
        if (one.waitsByItself || one.name == "moe.k1.zipf.dropless") continue;
        const auto own = lateOperators();
        const CheckResult result = checkParallelTraining(*own, *g_world, one.make, one.proof);
        expectOnAll(!result.passed, one.name + " did not notice: " + result.detail);
    }
}

// Buckets large enough for the communication thread, which waits for its event while the main
// thread goes on issuing.
TEST(DeviceRanks, GradientsOverlappedAreThoseReducedAfterwards) {
    constexpr GptConfig kModel{
        .layers = 1, .width = 64, .heads = 2, .context = 4, .vocabulary = 8192};
    std::vector<std::vector<float>> gradients;
    for (const bool overlap : {false, true}) {
        const auto ops = lateOperators();
        const auto order = OrderedCollectives::create(*ops, *g_world);
        ASSERT_TRUE(order.ok());
        auto trainer = taken(GptTrainer::create(*ops, kModel, 1));
        trainer->initialise(1);
        trainer->setParts(g_world->size());
        const auto text = randomTokens(kModel.context + 1, kModel.vocabulary,
                                       static_cast<std::uint64_t>(g_world->rank()));
        trainer->setBatch(std::span(text).first(4), std::span(text).subspan(1));
        GradientReducer reducer(*trainer, *g_world,
                                {static_cast<std::int64_t>(Communicator::kAsyncBytes), overlap});
        (void)trainer->forward();
        reducer.arm();
        trainer->backward();
        ASSERT_TRUE(reducer.finish().ok());
        gradients.push_back(tiny::host(*ops, trainer->gradients()));
        EXPECT_TRUE(ops->status().ok());
    }
    expectOnAll(gradients[0] == gradients[1], "overlapped gradients");
}

void expectRuns(Workload& workload, int steps) {
    const Status prepared = workload.prepare();
    expectOnAll(prepared.ok(), prepared.ok() ? "" : prepared.error().message);
    if (!prepared.ok()) return;
    const CheckResult check = workload.check();
    expectOnAll(check.passed, check.detail);
    for (int i = 0; i < steps; ++i) workload.step(static_cast<std::uint64_t>(i));
    const CheckResult finish = workload.finish();
    expectOnAll(finish.passed, finish.detail);
    for (const Metric& metric : workload.report({steps, 0.01, 0.01}))
        EXPECT_TRUE(std::isfinite(metric.value)) << metric.name;
}

TEST(DeviceRanks, WorkloadsLiveInItsMemory) {
    DataParallelOptions options;
    options.buckets = {4096, true};
    options.model = tiny::kTiny;
    options.sequences = 2;
    options.link = 1e9;
    expectRuns(*makeDataParallelWorkload(lateDevice(), options), 3);
    for (const bool overlapped : {false, true}) {
        const OverlapOptions overlap = deviceOverlap(
            lateDevice(), {.side = 24, .repeats = 2},
            {.overlapped = overlapped, .link = 1e9, .bytes = Communicator::kAsyncBytes});
        expectRuns(*makeOverlap(overlap), 4);
    }
}

// A transport of the host's memory is refused with a line, not with a crash.
TEST(DeviceRanks, ATransportWithoutDeviceMemoryIsRefused) {
    struct Table {
        ridge_transport_t transport;
    };
    static Table other{g_world->transport()};
    other.transport.after = nullptr;
    other.transport.stop = [] { return 0; };  // the world goes on
    const auto host = Communicator::create(other.transport);
    ASSERT_TRUE(host.ok());
    const auto ops = lateOperators();
    const auto order = OrderedCollectives::create(*ops, **host);
    ASSERT_FALSE(order.ok());
    EXPECT_EQ(order.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(order.error().message.find("--transport=nccl"), std::string::npos);
}

}  // namespace
}  // namespace ridge::workloads

int main(int argc, char** argv) {
    using namespace ridge::workloads;
    const auto start = [](const RankInfo& rank) {
        auto world = startTransport(rank, "nccl_on_host");
        // Loaded by that: whose memory it may reach beside its own.
        using Tell = void (*)(const cuda::HostDeviceHooks*);
        if (const auto tell =
                reinterpret_cast<Tell>(::dlsym(RTLD_DEFAULT, "ridgeNcclOnHostDevice")))
            tell(&cuda::hostDeviceHooks());
        return world;
    };
    return runTestsOnRanks(argc, argv, start, [](Communicator& world) {
        g_world = &world;
        RunContext context;
        context.communicator = &world;
        setRunContext(std::move(context));
    });
}
