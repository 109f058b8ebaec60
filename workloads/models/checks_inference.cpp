// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/checks_inference.h"

#include "workloads/models/reference/gpt_reference.h"
#include "workloads/models/tiny_model.h"
#include "workloads/ops/fp8.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace ridge::workloads {

namespace {

using tiny::host;
using tiny::kRoundoff;
using Doubles = std::vector<double>;

constexpr std::uint64_t kSeed = 20250307;
constexpr GptConfig kTiny{.layers = 2, .width = 64, .heads = 2, .context = 12, .vocabulary = 64};
constexpr GptConfig kSmall{.layers = 3, .width = 64, .heads = 2, .context = 48, .vocabulary = 128};
constexpr float kDeviation = 0.2F;
constexpr float kBandDeviation = 0.1F;  // that of the timed models

std::vector<float> draw(std::int64_t count, std::uint64_t seed) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(randomBits(seed, i) >> 40) * (1.0F / 8388608.0F) - 1.0F;
    return values;
}

double at(const std::vector<float>& values, std::int64_t index) {
    return static_cast<double>(values[static_cast<std::size_t>(index)]);
}

Tensor put(Operators& ops, const std::vector<float>& values) {
    const Tensor tensor = ops.allocate(std::ssize(values));
    ops.upload(tensor, values);
    return tensor;
}

CheckResult verdict(const std::string& what, double worst, double limit) {
    // Written so that NaN fails.
    return {worst <= limit, fmt::format("{}: worst {:.1e} (limit {:.1e})", what, worst, limit)};
}

// Tensor cores keep about 14 bits of a sum of eight-bit products.
constexpr double kFp8ProductLimit = 1e-3;

double productLimit(std::int64_t k) {
    const auto terms = static_cast<double>(k);
    return std::min(8.0 * kRoundoff * std::sqrt(terms), terms * kRoundoff);
}

// A row of op(A) op(B) and of |op(A)| |op(B)|, in double.
struct Sums {
    double sum = 0, magnitude = 0;
};
template <typename A, typename B>
Sums dot(std::int64_t k, A&& a, B&& b) {
    Sums sums;
    for (std::int64_t i = 0; i < k; ++i) {
        const double term = a(i) * b(i);
        sums.sum += term;
        sums.magnitude += std::abs(term);
    }
    return sums;
}

void keepWorst(double& worst, double error) {
    if (!(error <= worst)) worst = error;
}

std::int64_t sampled(std::int64_t sample, std::int64_t count) {
    return static_cast<std::int64_t>(randomBits(kSeed + 9, static_cast<std::uint64_t>(sample)) %
                                     static_cast<std::uint64_t>(count));
}

std::vector<float> roundedTo(const std::vector<float>& values, Storage storage) {
    return unpack(pack(values, storage), storage);
}

// The parameters as an engine with these weights uses them: matrices rounded. The head is a rounded
// copy of the token table, so the oracle, whose head is the table, gets a rounded table too.
std::vector<float> modelParameters(const GptConfig& config, Storage storage,
                                   float deviation = kDeviation) {
    const GptLayout layout(config);
    std::vector<float> all(static_cast<std::size_t>(layout.total));
    for (const GptParameter& parameter : layout.parameters) {
        std::vector<float> values = initialValues(config, parameter, kSeed, deviation);
        const bool matrix = parameter.name == "tokens" || parameter.name.ends_with(".weight");
        if (matrix) values = roundedTo(values, storage);
        std::copy(values.begin(), values.end(),
                  all.begin() + static_cast<std::ptrdiff_t>(parameter.offset));
    }
    return all;
}

double largestOf(const Doubles& values) {
    double largest = 0;
    for (const double value : values) largest = std::max(largest, std::abs(value));
    return largest;
}

}  // namespace

CheckResult checkLinear(Operators& ops, std::int64_t rows, std::int64_t n, std::int64_t k,
                        Storage storage) {
    const std::vector<float> weights = draw(n * k, kSeed);
    const std::vector<float> x = draw(rows * k, kSeed + 1);
    const Weight weight = ops.allocateWeight(n, k, storage);
    if (!ops.status().ok()) return {false, ops.status().error().message};
    ops.uploadWeight(weight, 0, weights);
    const std::vector<float> rounded = roundedTo(weights, storage);
    const Tensor in = put(ops, x);
    const Tensor y = ops.allocate(rows * n);
    ops.linear("check", weight, in, {}, y, rows);
    const std::vector<float> first = host(ops, y);
    ops.linear("check", weight, in, {}, y, rows);
    const std::vector<float> second = host(ops, y);
    if (!ops.status().ok()) return {false, ops.status().error().message};
    const std::string what = fmt::format("{} rows x {}x{} {}", rows, n, k, formulas::name(storage));
    if (std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) != 0)
        return {false, what + " twice: results differ"};
    double worst = 0;
    for (std::int64_t sample = 0; sample < 512; ++sample) {
        const std::int64_t row = sampled(2 * sample, rows);
        const std::int64_t column = sampled(2 * sample + 1, n);
        const Sums wanted = dot(
            k, [&](std::int64_t i) { return at(x, row * k + i); },
            [&](std::int64_t i) { return at(rounded, column * k + i); });
        keepWorst(worst, std::abs(at(first, row * n + column) - wanted.sum) / wanted.magnitude);
    }
    return verdict(what + " against double on the rounded weights", worst, productLimit(k));
}

std::vector<std::byte> fp8Codes(std::int64_t count, std::uint64_t seed) {
    std::vector<std::byte> codes(static_cast<std::size_t>(count));
    // 0x28 to 0x47, of either sign: 0.25 to 3.75 in E4M3.
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::uint64_t bits = randomBits(seed, i);
        codes[i] = static_cast<std::byte>((bits >> 63 << 7) | (0x28 + (bits >> 32) % 32));
    }
    return codes;
}

CheckResult checkTypedGemm(Operators& ops, const GemmShape& s, ridge_dtype type) {
    const bool whole = type == RIDGE_DTYPE_INT8;
    const bool tensorFloat = type == RIDGE_DTYPE_TF32;
    const bool eightBits = isFp8(type);
    std::vector<float> a = draw(s.m * s.k, kSeed);
    std::vector<float> b = draw(s.k * s.n, kSeed + 1);
    if (tensorFloat) {
        // Values that tf32 can hold: whether the hardware rounds or cuts makes no difference then.
        for (std::vector<float>* values : {&a, &b})
            for (float& value : *values)
                value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & ~0x1FFFU);
        if (Status set = ops.setProducts(type); !set.ok()) return {false, set.error().message};
    }
    // The values that the stored bytes stand for.
    std::vector<float> exactA, exactB;
    Packed packedA, packedB;
    if (whole) {
        for (const float value : a) {
            const float q = std::nearbyint(std::abs(value) * 127.0F);  // GemmArgs::unsignedLeft
            exactA.push_back(q);
            packedA.values.push_back(static_cast<std::byte>(static_cast<int>(q)));
        }
        for (const float value : b) {
            const float q = std::nearbyint(value * 127.0F);
            exactB.push_back(q);
            packedB.values.push_back(static_cast<std::byte>(static_cast<int>(q)));
        }
    } else if (eightBits) {
        const auto codes = [&](std::int64_t count, std::uint64_t seed, Packed& packed,
                               std::vector<float>& exact) {
            packed.values = fp8Codes(count, seed);
            for (const std::byte code : packed.values)
                exact.push_back(fromFp8(static_cast<std::uint8_t>(code), type));
        };
        codes(s.m * s.k, kSeed, packedA, exactA);
        codes(s.k * s.n, kSeed + 1, packedB, exactB);
    } else {
        const Storage storage = tensorFloat ? Storage::kF32 : Storage::kBf16;
        packedA = pack(a, storage);
        packedB = pack(b, storage);
        exactA = unpack(packedA, storage);
        exactB = unpack(packedB, storage);
    }
    const ridge_dtype held = tensorFloat ? RIDGE_DTYPE_F32 : type;
    GemmArgs args;
    args.layout = s.layout;
    args.m = s.m;
    args.n = s.n;
    args.k = s.k;
    args.unsignedLeft = whole;
    args.a = ops.allocate(s.m * s.k, held);
    args.b = ops.allocate(s.k * s.n, held);
    args.c = ops.allocate(s.m * s.n, whole ? RIDGE_DTYPE_INT32 : RIDGE_DTYPE_F32);
    if (!ops.status().ok()) return {false, ops.status().error().message};
    ops.uploadBytes(args.a, packedA.values);
    ops.uploadBytes(args.b, packedB.values);
    std::vector<std::byte> results[2];
    for (auto& result : results) {
        ops.gemm("check", args);
        result.resize(static_cast<std::size_t>(args.c.bytes()));
        ops.downloadBytes(result, args.c);
    }
    if (!ops.status().ok()) return {false, ops.status().error().message};
    if (results[0] != results[1]) return {false, "the same product twice: results differ"};
    double worst = 0;
    for (std::int64_t sample = 0; sample < 512; ++sample) {
        const std::int64_t row = sampled(2 * sample, s.m);
        const std::int64_t column = sampled(2 * sample + 1, s.n);
        const Sums wanted = dot(
            s.k,
            [&](std::int64_t i) {
                return at(exactA, s.layout == GemmLayout::kTN ? i * s.m + row : row * s.k + i);
            },
            [&](std::int64_t i) {
                return at(exactB,
                          s.layout == GemmLayout::kNT ? column * s.k + i : i * s.n + column);
            });
        const auto index = static_cast<std::size_t>(row * s.n + column);
        double got = 0;
        if (whole) {
            std::int32_t value = 0;
            std::memcpy(&value, results[0].data() + 4 * index, 4);
            got = value;
        } else {
            float value = 0;
            std::memcpy(&value, results[0].data() + 4 * index, 4);
            got = static_cast<double>(value);
        }
        keepWorst(worst, std::abs(got - wanted.sum) / (whole ? 1.0 : wanted.magnitude));
    }
    return verdict(
        fmt::format("product {}x{}x{} against double on the rounded operands", s.m, s.n, s.k),
        worst,
        whole       ? 0.0
        : eightBits ? kFp8ProductLimit
                    : productLimit(s.k));
}

namespace {

// One head in double: rows of d, stride 3 * width in qkv.
struct HeadReference {
    Doubles out, dQ, dK, dV;
};

HeadReference headReference(const AttentionArgs& args, std::int64_t pair,
                            const std::vector<float>& qkv, const std::vector<float>& dOut) {
    const std::int64_t t = args.tokens;
    const std::int64_t d = args.headDim;
    const std::int64_t width = args.heads * d;
    const std::int64_t row = pair / args.heads * t;
    const std::int64_t column = pair % args.heads * d;
    const auto in = [&](std::int64_t token, std::int64_t part, std::int64_t i) {
        return at(qkv, (row + token) * 3 * width + part * width + column + i);
    };
    const auto gradient = [&](std::int64_t token, std::int64_t i) {
        return at(dOut, (row + token) * width + column + i);
    };
    const auto cell = [d](std::int64_t token, std::int64_t i) {
        return static_cast<std::size_t>(token * d + i);
    };
    HeadReference head;
    for (Doubles* array : {&head.out, &head.dQ, &head.dK, &head.dV})
        array->assign(static_cast<std::size_t>(t * d), 0.0);
    const double scale = 1.0 / std::sqrt(static_cast<double>(d));
    for (std::int64_t q = 0; q < t; ++q) {
        const std::int64_t seen = args.causal ? q + 1 : t;
        Doubles p(static_cast<std::size_t>(seen));
        Doubles dP(p.size());
        double top = -1e300, sum = 0, mean = 0;
        for (std::int64_t k = 0; k < seen; ++k) {
            double score = 0;
            for (std::int64_t i = 0; i < d; ++i) score += in(q, 0, i) * in(k, 1, i);
            p[static_cast<std::size_t>(k)] = score * scale;
            top = std::max(top, score * scale);
        }
        for (double& value : p) sum += value = std::exp(value - top);
        for (std::int64_t k = 0; k < seen; ++k) {
            const auto cellK = static_cast<std::size_t>(k);
            p[cellK] /= sum;
            for (std::int64_t i = 0; i < d; ++i) {
                head.out[cell(q, i)] += p[cellK] * in(k, 2, i);
                dP[cellK] += gradient(q, i) * in(k, 2, i);
                head.dV[cell(k, i)] += p[cellK] * gradient(q, i);
            }
            mean += p[cellK] * dP[cellK];
        }
        for (std::int64_t k = 0; k < seen; ++k) {
            const auto cellK = static_cast<std::size_t>(k);
            const double dS = scale * p[cellK] * (dP[cellK] - mean);
            for (std::int64_t i = 0; i < d; ++i) {
                head.dQ[cell(q, i)] += dS * in(k, 1, i);
                head.dK[cell(k, i)] += dS * in(q, 0, i);
            }
        }
    }
    return head;
}

}  // namespace

CheckResult checkAttention(Operators& ops, const AttentionArgs& args, AttentionKind kind,
                           bool backward) {
    const std::int64_t t = args.tokens;
    const std::int64_t d = args.headDim;
    const std::int64_t width = args.heads * d;
    const std::int64_t rows = args.batch * t;
    const std::int64_t pairs = args.batch * args.heads;
    const std::vector<float> qkv = draw(rows * 3 * width, kSeed + 2);
    const std::vector<float> dOut = draw(rows * width, kSeed + 3);
    const Tensor in = put(ops, qkv);
    const Tensor gradient = put(ops, dOut);
    const Tensor out = ops.allocate(rows * width);
    const Tensor dIn = ops.allocate(rows * 3 * width);
    const Tensor kept = ops.allocate(kind == AttentionKind::kFused ? pairs * t : pairs * t * t);
    if (!ops.status().ok()) return {false, ops.status().error().message};
    if (kind == AttentionKind::kFused) {
        ops.attentionFused("check", args, in, out, kept);
        if (backward) ops.attentionFusedBackward("check", args, in, out, kept, gradient, dIn);
    } else if (kind == AttentionKind::kStored) {
        ops.attentionForward("check", args, in, kept, out);
        if (backward) ops.attentionBackward("check", args, in, kept, gradient, dIn);
    } else {
        ops.attentionScores("check", args, in, kept);
        ops.attentionSoftmax("check", args, kept);
        ops.attentionValues("check", args, kept, in, out);
    }
    if (!ops.status().ok()) return {false, ops.status().error().message};
    const std::vector<float> got = host(ops, out);
    const std::vector<float> gotGradient = host(ops, dIn);
    double worst = 0;
    // First and last head: the ends of every stride.
    for (const std::int64_t pair : {std::int64_t{0}, pairs - 1}) {
        const HeadReference head = headReference(args, pair, qkv, dOut);
        const std::int64_t row = pair / args.heads * t;
        const std::int64_t column = pair % args.heads * d;
        const auto compare = [&](const std::vector<float>& values, const Doubles& wanted,
                                 std::int64_t stride, std::int64_t offset) {
            // Of a single token the gradients of q and k are nothing.
            const double largest = std::max(largestOf(wanted), 1e-2);
            for (std::int64_t token = 0; token < t; ++token)
                for (std::int64_t i = 0; i < d; ++i)
                    keepWorst(worst,
                              std::abs(at(values, (row + token) * stride + offset + column + i) -
                                       wanted[static_cast<std::size_t>(token * d + i)]) /
                                  largest);
        };
        compare(got, head.out, width, 0);
        if (!backward) continue;
        compare(gotGradient, head.dQ, 3 * width, 0);
        compare(gotGradient, head.dK, 3 * width, width);
        compare(gotGradient, head.dV, 3 * width, 2 * width);
    }
    return verdict(fmt::format("attention B{} H{} T{} d{}{} against double", args.batch, args.heads,
                               t, d, backward ? " and its gradients" : ""),
                   worst, 1e-5);
}

CheckResult checkStoredModel(Operators& ops, Storage weights, Storage cache) {
    const std::vector<float> parameters = modelParameters(kTiny, weights);
    const Doubles exact(parameters.begin(), parameters.end());
    const std::vector<std::int32_t> tokens =
        randomTokens(kTiny.context, kTiny.vocabulary, kSeed + 4);
    reference::Gpt oracle(kTiny, 1, kTiny.context);
    (void)oracle.forward(exact, tokens, tokens);
    const Doubles& wanted = oracle.logits();

    EngineOptions options;
    options.config = kTiny;
    options.weights = weights;
    options.cache = cache;
    options.block = 4;
    auto made = GptGenerator::create(ops, options, kTiny.context, true);
    if (!made.ok()) return {false, made.error().message};
    GptGenerator& generator = **made;
    generator.load(parameters);
    // A chunk, a token, and the rest verified at once.
    std::vector<float> got;
    const auto add = [&] {
        const std::vector<float> rows = generator.logits();
        got.insert(got.end(), rows.begin(), rows.end());
    };
    (void)generator.prefill(std::span(tokens).first(6));
    add();
    (void)generator.decode(tokens[6]);
    add();
    (void)generator.verify(std::span(tokens).subspan(7));
    add();
    if (!ops.status().ok()) return {false, ops.status().error().message};
    double worst = got.size() == wanted.size() ? 0.0 : 1e300;
    const double largest = largestOf(wanted);
    for (std::size_t i = 0; i < std::min(got.size(), wanted.size()); ++i)
        keepWorst(worst, std::abs(static_cast<double>(got[i]) - wanted[i]) / largest);
    return verdict(fmt::format("{} weights, {} cache against the oracle", formulas::name(weights),
                               formulas::name(cache)),
                   worst, cache == Storage::kF32 ? 1e-4 : 3e-2);
}

CheckResult checkLogitBand(Operators& ops, Storage weights, Storage cache) {
    const std::vector<float> parameters = modelParameters(kSmall, Storage::kF32, kBandDeviation);
    const std::vector<std::int32_t> tokens =
        randomTokens(kSmall.context, kSmall.vocabulary, kSeed + 5);
    std::vector<float> logits[2];
    for (const bool rounded : {false, true}) {
        EngineOptions options;
        options.config = kSmall;
        if (rounded) {
            options.weights = weights;
            options.cache = cache;
        }
        auto made = GptGenerator::create(ops, options, kSmall.context, true);
        if (!made.ok()) return {false, made.error().message};
        (*made)->load(parameters);
        (void)(*made)->prefill(tokens);
        logits[rounded ? 1 : 0] = (*made)->logits();
    }
    double error = 0, square = 0;
    for (std::size_t i = 0; i < logits[0].size(); ++i) {
        const double exact = static_cast<double>(logits[0][i]);
        const double off = static_cast<double>(logits[1][i]) - exact;
        error += off * off;
        square += exact * exact;
    }
    const auto bandOf = [](Storage storage) {
        switch (storage) {
            case Storage::kBf16:
                return 1e-2;
            case Storage::kInt8:
                return 1e-2;
            case Storage::kInt4:
                return 1.5e-1;
            case Storage::kF32:
                break;
        }
        return 1e-6;
    };
    return verdict(fmt::format("relative RMS error of the logits, {} weights, {} cache",
                               formulas::name(weights), formulas::name(cache)),
                   std::sqrt(error / square), std::max(bandOf(weights), bandOf(cache)));
}

namespace {

constexpr std::int64_t kPromptTokens = 19;
constexpr std::int64_t kNewTokens = 24;

using Tokens = std::vector<std::int32_t>;

Result<std::unique_ptr<GptGenerator>> smallGenerator(Operators& ops, Storage weights, Storage cache,
                                                     std::int64_t block, std::int64_t sequences) {
    EngineOptions options;
    options.config = kSmall;
    options.weights = weights;
    options.cache = cache;
    options.block = block;
    options.sequences = sequences;
    options.wantedRows = std::max<std::int64_t>(sequences, 5);
    RIDGE_TRY(auto generator, GptGenerator::create(ops, options, kPromptTokens));
    generator->load(modelParameters(kSmall, Storage::kF32));
    return generator;
}

Tokens generate(GptGenerator& generator, const Tokens& prompt, std::int64_t chunk) {
    Tokens tokens{generator.prefill(prompt, chunk)};
    while (std::ssize(tokens) < kNewTokens) tokens.push_back(generator.decode(tokens.back()));
    return tokens;
}

// Every sequence its own prompt; the tokens of sequence `which`.
Tokens generateInBatch(GptGenerator& generator, const std::vector<Tokens>& prompts,
                       std::size_t which) {
    const auto first = generator.prefillAll(prompts);
    Tokens current(first.begin(), first.end());
    Tokens tokens{current[which]};
    while (std::ssize(tokens) < kNewTokens) {
        const auto next = generator.decodeAll(current);
        current.assign(next.begin(), next.end());
        tokens.push_back(current[which]);
    }
    return tokens;
}

// Drafts four tokens, of which the last is wrong each time, keeps those that the model agrees with.
Tokens generateVerified(GptGenerator& generator, const Tokens& prompt, const Tokens& truth) {
    Tokens tokens{generator.prefill(prompt)};
    while (std::ssize(tokens) < kNewTokens) {
        Tokens pass{tokens.back()};
        const std::int64_t room = kNewTokens - std::ssize(tokens);
        for (std::int64_t i = 0; i < std::min<std::int64_t>(3, room); ++i)
            pass.push_back(truth[tokens.size() + static_cast<std::size_t>(i)]);
        pass.push_back((pass.back() + 1) % static_cast<std::int32_t>(kSmall.vocabulary));
        const std::int64_t before = generator.position();
        const auto next = generator.verify(pass);
        std::size_t kept = 0;
        while (kept + 1 < pass.size() && next[kept] == pass[kept + 1]) ++kept;
        for (std::size_t i = 0; i <= kept && std::ssize(tokens) < kNewTokens; ++i)
            tokens.push_back(next[i]);
        generator.rewind(before + static_cast<std::int64_t>(kept) + 1);
    }
    return tokens;
}

}  // namespace

CheckResult checkTokensAgree(Operators& ops, Storage weights, Storage cache) {
    std::vector<Tokens> prompts;
    for (std::uint64_t i = 0; i < 3; ++i)
        prompts.push_back(randomTokens(kPromptTokens, kSmall.vocabulary, kSeed + 6 + i));
    const Tokens& prompt = prompts[1];
    auto contiguous = smallGenerator(ops, weights, cache, 0, 1);
    auto paged = smallGenerator(ops, weights, cache, 16, 1);
    auto batch = smallGenerator(ops, weights, cache, 16, 3);
    for (const auto* made : {&contiguous, &paged, &batch})
        if (!made->ok()) return {false, made->error().message};
    const Tokens truth = generate(**contiguous, prompt, 0);
    const std::pair<const char*, Tokens> others[] = {
        {"paged", generate(**paged, prompt, 0)},
        {"chunked", generate(**paged, prompt, 5)},
        {"batched", generateInBatch(**batch, prompts, 1)},
        {"verified", generateVerified(**contiguous, prompt, truth)}};
    if (!ops.status().ok()) return {false, ops.status().error().message};
    for (const auto& [what, tokens] : others)
        if (tokens != truth) {
            const auto off = std::mismatch(truth.begin(), truth.end(), tokens.begin()).first;
            return {false, fmt::format("greedy tokens with {} weights and {} cache: {} differs "
                                       "from token {} on",
                                       formulas::name(weights), formulas::name(cache), what,
                                       off - truth.begin())};
        }
    return {true, fmt::format("{} greedy tokens equal: contiguous, paged, chunked, batched, "
                              "verified",
                              kNewTokens)};
}

}  // namespace ridge::workloads
