// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Training steps of GPT-2's 124 million parameters by the reference set's trainer on one thread, as
// llmc_step.c takes llm.c's: gpt2_step fp32|bf16 BATCH TOKENS STEPS. Prints JSON; 77 where the
// processor has no products of that type.
#include "base/clock.h"
#include "workloads/models/gpt_trainer.h"
#include "workloads/models/training_data.h"
#include "workloads/ops/cpu/cpu_operators.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

int main(int argc, char** argv) {
    using namespace ridge::workloads;
    if (argc != 5) return 2;
    const std::string_view type = argv[1];
    const int batch = std::atoi(argv[2]), tokens = std::atoi(argv[3]), steps = std::atoi(argv[4]);
    if ((type != "fp32" && type != "bf16") || batch < 1 || tokens < 1 || steps < 1) return 2;
    auto ops = makeCpuOperators(1);
    if (!ops.ok()) return 77;
    const GptConfig config{
        .layers = 12, .width = 768, .heads = 12, .context = tokens, .vocabulary = 50304};
    auto made = GptTrainer::create(**ops, config, batch);
    if (!made.ok()) return 77;
    GptTrainer& trainer = **made;
    trainer.initialise(1);
    if (!(*ops)->setProducts(type == "bf16" ? RIDGE_DTYPE_BF16 : RIDGE_DTYPE_F32).ok()) return 77;
    const TrainingData data(config, batch, 2);
    double wall = 0, cpu = 0, loss = 0;
    for (int step = 0; step <= steps; ++step) {  // the first makes primitives
        const std::int64_t wallStart = ridge::monotonicNs();
        const std::int64_t cpuStart = ridge::readClockNs(CLOCK_PROCESS_CPUTIME_ID);
        const TrainingData::Batch& each = data.batch(static_cast<std::uint64_t>(step));
        trainer.setBatch(each.tokens, each.targets);
        loss = trainer.forward();
        trainer.backward();
        trainer.optimise();
        if (step == 0) continue;
        wall += static_cast<double>(ridge::monotonicNs() - wallStart) / 1e9;
        cpu += static_cast<double>(ridge::readClockNs(CLOCK_PROCESS_CPUTIME_ID) - cpuStart) / 1e9;
    }
    std::printf("{\"step_s\": %.6f, \"step_cpu_s\": %.6f, \"loss\": %.4f}\n", wall / steps,
                cpu / steps, loss);
    return 0;
}
