// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/check_values.h"
#include "workloads/models/checks_operators.h"
#include "workloads/models/tiny_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ridge::workloads {

using namespace tiny;
using Doubles = std::vector<double>;

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

}  // namespace ridge::workloads
