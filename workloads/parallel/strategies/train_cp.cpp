// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/parallel_training.h"
#include "workloads/parallel/strategies/ring_attention.h"
#include "workloads/parallel/strategies/train_parallel.h"
#include "workloads/parallel/strategies/ulysses.h"

namespace ridge::workloads {

namespace {

// A hop hides behind a pair of chunks from T/n >= F s / (2 Bw) tokens on: with 1e11 FLOP/s 100 at
// the fast link, where T/n is 6144, and 2000 at the slow one, where it is 512.
constexpr double kFastLink = 2e9;
constexpr double kSlowLink = 0.1e9;

// A GPU has 3e13 FLOP/s in float: 3000 tokens at its fast link, where T/n is 16384, and 30000 at
// the slow one, where it is 2048.
constexpr double kDeviceFastLink = 20e9;
constexpr double kDeviceSlowLink = 2e9;

ParallelSetup ofModel(const Backend& backend, const std::string& label, const GptConfig& model,
                      std::int64_t sequences) {
    ParallelSetup setup;
    setup.name = "train.cp/" + label;
    setup.backend = backend;
    setup.model = model;
    setup.sequences = sequences;
    return setup;
}

// Narrow: a hop is 1 MiB, and not hidden by what there is to compute meanwhile.
ParallelSetup shortContext(const Backend& backend, const std::string& label) {
    return ofModel(backend, label,
                   {.layers = 4, .width = 128, .heads = 2, .context = 1024, .vocabulary = 512}, 2);
}
// There a hop is 32 MiB.
DeviceSize shortContextOnDevice(double link) {
    return {{.layers = 4, .width = 1024, .heads = 8, .context = 4096, .vocabulary = 8192}, 2, link};
}

// Causal attention is T / (12 C) times the arithmetic of the other products, here 8 times, at 3/4
// of their rate. Of two ranks with half of a sequence each the first has a third of the attention
// that the last has, and waits for the rest: 31 % of what both have of a step, 28 % where the last
// one goes 1.3 times as fast while the first sleeps (two processors of one core). What is left to
// gain in products at 0.62 of their roof, which is what two busy ranks came to there, is 27 %: with
// T = 6144, half the ratio, waiting was 26 %, and the larger by chance. One head of 128, not two of
// 64: its products are nearer to the processor's peak.
ParallelSetup longContext(const Backend& backend, const std::string& label) {
    return ofModel(backend, label,
                   {.layers = 1, .width = 128, .heads = 1, .context = 12288, .vocabulary = 256}, 1);
}
// There T / (12 C) is 5.
DeviceSize longContextOnDevice() {
    return {{.layers = 2, .width = 512, .heads = 4, .context = 32768, .vocabulary = 512},
            1,
            kDeviceFastLink};
}

MakeTrainer ring(RingOptions options) {
    return [options](Operators& ops, Communicator& communicator, const GptConfig& config,
                     std::int64_t sequences) {
        return ContextParallelTrainer::create(
            ops, communicator, config, sequences,
            [options](Operators& o, Communicator& c, const GptConfig& g, std::int64_t s) {
                return RingAttention::create(o, c, g, s, options);
            });
    };
}

WorkloadSpec ringSpec(const Backend& backend, const std::string& label, RingOptions options,
                      double link, const Expected& expected) {
    ParallelSetup setup =
        link < kFastLink ? shortContext(backend, label) : longContext(backend, label);
    setup.params = {{"attention", "ring"},
                    {"zigzag", options.zigzag ? "on" : "off"},
                    {"overlap", options.overlap ? "on" : "off"}};
    setup.make = ring(options);
    if (options.overlap) setup.twin = ring({options.zigzag, false});
    setup.link = link;
    setup.collectives = {{formulas::Collective::kSendRecv, std::size_t{1} << 20},
                         {formulas::Collective::kAllReduce, std::size_t{1} << 20}};
    setup.expected = expected;
    setup.fullOnly = link < kFastLink;
    if (link >= kFastLink && !backend.accelerator) setup.steps = 4;  // of 2 s
    if (!options.overlap) {
        setup.fasterVariant = "train.cp/ring.slow";
        setup.change = "comm_hidden";
    }
    moveToDevice(setup,
                 link < kFastLink ? shortContextOnDevice(kDeviceSlowLink) : longContextOnDevice());
    return parallelSpec(setup);
}

}  // namespace

std::vector<WorkloadSpec> contextParallelSpecs(const Backend& backend) {
    const Expected exposed{"comm_transfer", "communication"};
    ParallelSetup ulysses = shortContext(backend, "ulysses");
    ulysses.params = {{"attention", "ulysses"}};
    ulysses.make = [](Operators& ops, Communicator& communicator, const GptConfig& config,
                      std::int64_t sequences) {
        return ContextParallelTrainer::create(ops, communicator, config, sequences,
                                              UlyssesAttention::create);
    };
    ulysses.link = 0.05e9;
    ulysses.collectives = {{formulas::Collective::kAllToAll, std::size_t{3} << 19},
                           {formulas::Collective::kAllReduce, std::size_t{1} << 20}};
    ulysses.expected = exposed;
    ulysses.fullOnly = true;
    moveToDevice(ulysses, shortContextOnDevice(kDeviceSlowLink / 2));
    return {ringSpec(backend, "ring", {false, true}, kFastLink, {"comm_wait", "straggler"}),
            ringSpec(backend, "ring.zigzag", {true, true}, kFastLink, {"compute_bound", "compute"}),
            ringSpec(backend, "ring.slow", {true, true}, kSlowLink, exposed),
            ringSpec(backend, "ring.slow.blocking", {true, false}, kSlowLink, exposed),
            parallelSpec(ulysses)};
}

}  // namespace ridge::workloads
