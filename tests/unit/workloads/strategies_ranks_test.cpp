// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Parallel strategies against one rank in double precision; every rank runs the same tests:
// mpirun -n N strategies_ranks_test. The transport under them can be told to turn a sign.
#include "base/file.h"
#include "range_capture.h"
#include "workloads/harness/context.h"
#include "workloads/harness/variant.h"
#include "workloads/models/tiny_model.h"
#include "workloads/ops/cpu/cpu_backend.h"
#include "workloads/parallel/strategies/checks.h"
#include "workloads/parallel/strategies/train_parallel.h"
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

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const int stage : {0, 1, 2, 3})
        for (const bool prefetch : {false, true})
            all.push_back({"zero" + std::to_string(stage) + (prefetch ? ".prefetch" : ""),
                           [=](Operators& ops, Communicator& world, const GptConfig& config,
                               std::int64_t sequences) {
                               return ZeroTrainer::create(ops, world, config, sequences,
                                                          {stage, prefetch});
                           },
                           {}});
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
    const Backend broken{"broken", [] {
                             return Result<std::unique_ptr<Operators>>(
                                 std::make_unique<BrokenOperators>());
                         }};
    std::vector<WorkloadSpec> specs;
    specs.push_back(zeroSpecs(broken).back());
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
    testing::InitGoogleTest(&argc, argv);
    const auto rank = ridge::workloads::rankFromEnvironment();
    if (!rank.ok() || rank->size < 2) {
        std::puts("start with mpirun -n 2 or more");
        return 77;
    }
    auto world = ridge::workloads::startFaultyMpi();
    if (!world.ok()) {
        std::puts(world.error().message.c_str());
        return 77;
    }
    ridge::workloads::g_world = world->get();
    ridge::workloads::RunContext context;
    context.communicator = world->get();
    ridge::workloads::setRunContext(context);
    return RUN_ALL_TESTS();
}
