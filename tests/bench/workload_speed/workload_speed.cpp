// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// How near the reference workloads come to what they stand on, as ratios taken in pairs within one
// process: a product through Operators against the library called bare, a decode step (one
// sequence, and eight) against reading the same weights and nothing else, a training step's FLOPs
// (causal; attention fused, as in train.single/fp32.fused) against those of a loop of multiply-adds
// in registers. Each pair is A B B A, each ratio the median over the pairs, with the middle half of
// them; ratio_cpu is that of the processor's time, which holds on a machine that others use too.
// Prints JSON.
#include "base/clock.h"
#include "workloads/models/gpt_generator.h"
#include "workloads/models/train.h"
#include "workloads/models/training_data.h"
#include "workloads/ops/cpu/cpu_operators.h"

#include <nlohmann/json.hpp>
#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using namespace ridge::workloads;
using nlohmann::ordered_json;

struct Seconds {
    double wall = 0;
    double cpu = 0;  // of this thread, which does all the work: what other load does not take
};

Seconds timesOf(const std::function<void()>& body) {
    const std::int64_t start = ridge::monotonicNs(), cpu = ridge::threadCpuNs();
    body();
    return {static_cast<double>(ridge::monotonicNs() - start) / 1e9,
            static_cast<double>(ridge::threadCpuNs() - cpu) / 1e9};
}

double secondsOf(const std::function<void()>& body) {
    return timesOf(body).wall;
}

double quantileOf(std::vector<double> values, double q) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

struct Pairs {
    std::vector<double> ours, theirs, ratios;  // ratio: theirs / ours, 1 = as fast
    std::vector<double> cpuRatios;             // the same by processor time
    double ourBest = 1e300,
           theirBest = 1e300;  // of single calls: what a loaded machine still shows

    void run(int count, const std::function<void()>& own, const std::function<void()>& bare) {
        own();
        bare();
        for (int i = 0; i < count; ++i) {
            const Seconds a1 = timesOf(own), b1 = timesOf(bare);
            const Seconds b2 = timesOf(bare), a2 = timesOf(own);
            ours.push_back((a1.wall + a2.wall) / 2);
            theirs.push_back((b1.wall + b2.wall) / 2);
            ratios.push_back((b1.wall + b2.wall) / (a1.wall + a2.wall));
            cpuRatios.push_back((b1.cpu + b2.cpu) / (a1.cpu + a2.cpu));
            ourBest = std::min({ourBest, a1.wall, a2.wall});
            theirBest = std::min({theirBest, b1.wall, b2.wall});
        }
    }
};

// The faster of the library's two ways for this product, chosen before the pairs.
class BareGemm {
public:
    BareGemm(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b,
             float* c)
        : m_m(m), m_n(n), m_k(k), m_a(a), m_b(b), m_c(c) {
        using dnnl::memory;
        const auto desc = [](std::int64_t rows, std::int64_t columns) {
            return memory::desc({rows, columns}, memory::data_type::f32, memory::format_tag::ab);
        };
        const dnnl::matmul::primitive_desc plan(
            dnnl::matmul::desc(desc(m, k), desc(k, n), desc(m, n)), m_engine);
        m_matmul = dnnl::matmul(plan);
        m_arguments = {{DNNL_ARG_SRC, memory(desc(m, k), m_engine, const_cast<float*>(a))},
                       {DNNL_ARG_WEIGHTS, memory(desc(k, n), m_engine, const_cast<float*>(b))},
                       {DNNL_ARG_DST, memory(desc(m, n), m_engine, c)}};
        double best[2] = {1e9, 1e9};
        for (int i = 0; i < 6; ++i)
            for (int way = 0; way < 2; ++way) {
                m_useMatmul = way == 1;
                best[way] = std::min(best[way], secondsOf([&] { run(); }));
            }
        m_useMatmul = best[1] < best[0];
    }
    void run() {
        if (m_useMatmul) {
            m_matmul.execute(m_stream, m_arguments);
            m_stream.wait();
        } else {
            (void)dnnl_sgemm('N', 'N', m_m, m_n, m_k, 1.0F, m_a, m_k, m_b, m_n, 0.0F, m_c, m_n);
        }
    }
    [[nodiscard]] const char* way() const { return m_useMatmul ? "matmul" : "sgemm"; }

private:
    dnnl::engine m_engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream m_stream{m_engine};
    dnnl::matmul m_matmul;
    std::unordered_map<int, dnnl::memory> m_arguments;
    std::int64_t m_m, m_n, m_k;
    const float* m_a;
    const float* m_b;
    float* m_c;
    bool m_useMatmul = false;
};

ordered_json gemmRow(Operators& ops, std::int64_t size, int pairs) {
    const Tensor a = ops.allocate(size * size), b = ops.allocate(size * size),
                 c = ops.allocate(size * size);
    for (std::int64_t i = 0; i < size * size; ++i) {
        a.f32()[i] = static_cast<float>(i % 97) * 0.01F;
        b.f32()[i] = static_cast<float>(i % 89) * 0.01F;
    }
    BareGemm bare(size, size, size, a.f32(), b.f32(), c.f32());
    GemmArgs args;
    args.m = args.n = args.k = size;
    args.a = a;
    args.b = b;
    args.c = c;
    const int repeats =
        std::max(1, static_cast<int>(4e8 / (2.0 * static_cast<double>(size * size * size))));
    Pairs measured;
    measured.run(
        pairs,
        [&] {
            for (int i = 0; i < repeats; ++i) ops.gemm("product", args);
        },
        [&] {
            for (int i = 0; i < repeats; ++i) bare.run();
        });
    const double flops = 2.0 * static_cast<double>(size * size * size) * repeats;
    return {{"size", size},
            {"library", bare.way()},
            {"flops_per_s", flops / quantileOf(measured.ours, 0.5)},
            {"library_flops_per_s", flops / quantileOf(measured.theirs, 0.5)},
            {"ratio", quantileOf(measured.ratios, 0.5)},
            {"ratio_q1", quantileOf(measured.ratios, 0.25)},
            {"ratio_q3", quantileOf(measured.ratios, 0.75)},
            {"ratio_cpu", quantileOf(measured.cpuRatios, 0.5)},
            {"ratio_best", measured.theirBest / measured.ourBest}};
}

ordered_json decodeRow(Operators& ops, Storage weights, std::int64_t batch, int pairs) {
    EngineOptions options;
    options.config = {.layers = 8, .width = 1024, .heads = 16, .context = 256, .vocabulary = 256};
    options.weights = weights;
    options.sequences = batch;
    auto made = GptGenerator::create(ops, options, 8);
    if (!made.ok())
        return {
            {"dtype", formulas::name(weights)}, {"batch", batch}, {"error", made.error().message}};
    GptGenerator& generator = **made;
    generator.initialise(1);
    std::vector<std::vector<std::int32_t>> prompts;
    for (std::int64_t i = 0; i < batch; ++i)
        prompts.push_back(randomTokens(8, 256, static_cast<std::uint64_t>(2 + i)));
    const auto first = generator.prefillAll(prompts);
    std::vector<std::int32_t> next(first.begin(), first.end());
    double bytes = 0;
    int steps = 0;
    Pairs measured;
    std::uint64_t sum = 0;
    measured.run(
        pairs,
        [&] {
            if (generator.position() == options.config.context) generator.rewind(8);
            const auto contexts = static_cast<std::uint64_t>(batch * (generator.position() + 1));
            bytes += static_cast<double>(formulas::decodeStepBytes(options.config.shape(), weights,
                                                                   Storage::kF32, contexts));
            ++steps;
            const auto after = generator.decodeAll(next);
            std::copy(after.begin(), after.end(), next.begin());
        },
        [&] { sum ^= generator.engine().weightChecksum(); });
    // Bytes over time against bytes over time: the step also reads its cache.
    const double perStep = bytes / steps;
    const auto read = static_cast<double>(generator.engine().weightBytes());
    const auto share = [&](double q) { return quantileOf(measured.ratios, q) * perStep / read; };
    return {{"dtype", formulas::name(weights)},
            {"batch", batch},
            {"tpot_s", quantileOf(measured.ours, 0.5)},
            {"bytes_per_s", perStep / quantileOf(measured.ours, 0.5)},
            {"read_bytes_per_s", read / quantileOf(measured.theirs, 0.5)},
            {"ratio", share(0.5)},
            {"ratio_q1", share(0.25)},
            {"ratio_q3", share(0.75)},
            {"ratio_cpu", quantileOf(measured.cpuRatios, 0.5) * perStep / read},
            {"ratio_best", measured.theirBest / measured.ourBest * perStep / read},
            {"checksum", sum}};
}

// Multiply-adds that never leave the registers: twelve independent sums, the width of the machine.
constexpr int kSums = 12;
typedef float Vector16 __attribute__((vector_size(16)));
typedef float Vector32 __attribute__((vector_size(32)));
typedef float Vector64 __attribute__((vector_size(64)));
template <typename Vector>
[[gnu::always_inline]] inline float multiplyAdds(float seed, std::int64_t rounds) {
    const Vector factor = Vector{} + 0.999F, addend = Vector{} + seed;
    Vector sums[kSums];
    for (int i = 0; i < kSums; ++i) sums[i] = Vector{} + static_cast<float>(i);
    for (std::int64_t round = 0; round < rounds; ++round)
#pragma GCC unroll 12
        for (int i = 0; i < kSums; ++i) sums[i] = sums[i] * factor + addend;
    float total = 0;
    for (const Vector& one : sums) total += one[0];
    return total;
}
float plainAdds(float seed, std::int64_t rounds) {
    return multiplyAdds<Vector16>(seed, rounds);
}
#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float avx2Adds(float seed, std::int64_t rounds) {
    return multiplyAdds<Vector32>(seed, rounds);
}
__attribute__((target("avx512f"))) float avx512Adds(float seed, std::int64_t rounds) {
    return multiplyAdds<Vector64>(seed, rounds);
}
#endif

ordered_json trainingRow(Operators& ops, ridge_dtype products, int pairs) {
    const GptConfig& config = kTrainModel;
    constexpr std::int64_t kSequences = kTrainSequences;
    if (const ridge::Status set = ops.setProducts(products); !set.ok())
        return {{"error", set.error().message}};
    auto made = GptTrainer::create(ops, config, kSequences, Recompute::kNone, true);
    if (!made.ok()) return {{"error", made.error().message}};
    GptTrainer& trainer = **made;
    trainer.initialise(1);
    const TrainingData data(config, kSequences, 2);
    std::uint64_t steps = 0;
    const auto flops = static_cast<double>(formulas::trainingStepFlops(
        config.shape(), kSequences, formulas::AttentionConvention::kCausal));
    float (*loop)(float, std::int64_t) = plainAdds;
    int lanes = 4;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        loop = avx512Adds, lanes = 16;
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        loop = avx2Adds, lanes = 8;
#endif
    const auto rounds = static_cast<std::int64_t>(flops / (2.0 * lanes * kSums));
    Pairs measured;
    float sum = 0;
    measured.run(
        pairs,
        [&] {
            const TrainingData::Batch& batch = data.batch(steps++);
            trainer.setBatch(batch.tokens, batch.targets);
            (void)trainer.forward();
            trainer.backward();
            trainer.optimise();
        },
        [&] { sum += loop(1e-3F, rounds); });
    return {{"model", config.text()},
            {"flops_per_s", flops / quantileOf(measured.ours, 0.5)},
            {"peak_flops_per_s", flops / quantileOf(measured.theirs, 0.5)},
            {"mfu", quantileOf(measured.ratios, 0.5)},
            {"mfu_q1", quantileOf(measured.ratios, 0.25)},
            {"mfu_q3", quantileOf(measured.ratios, 0.75)},
            {"mfu_cpu", quantileOf(measured.cpuRatios, 0.5)},
            {"mfu_best", measured.theirBest / measured.ourBest},
            {"sum", sum}};
}

}  // namespace

int main(int argc, char** argv) {
    const int pairs = argc > 1 ? std::atoi(argv[1]) : 15;
    if (pairs < 1) {
        std::fprintf(stderr, "workload_speed: the number of pairs must be positive\n");
        return 2;
    }
    ordered_json answer{{"pairs", pairs}};
    for (const std::int64_t size : {256, 512, 1024}) {
        auto ops = makeCpuOperators();
        if (!ops.ok()) return 77;
        answer["gemm"].push_back(gemmRow(**ops, size, pairs));
    }
    // One model at a time: its memory goes with its operators.
    for (const std::int64_t batch : {1, 8})
        for (const Storage weights :
             {Storage::kF32, Storage::kBf16, Storage::kInt8, Storage::kInt4}) {
            auto ops = makeCpuOperators();
            if (!ops.ok()) return 77;
            answer["decode"].push_back(decodeRow(**ops, weights, batch, pairs));
        }
    for (const ridge_dtype products : {RIDGE_DTYPE_F32, RIDGE_DTYPE_BF16}) {
        auto ops = makeCpuOperators();
        if (!ops.ok()) return 77;
        answer[products == RIDGE_DTYPE_F32 ? "training" : "training_bf16"] =
            trainingRow(**ops, products, pairs);
    }
    std::printf("%s\n", answer.dump(1).c_str());
    return 0;
}
