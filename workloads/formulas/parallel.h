// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Collectives and parallel strategies: wire bytes, bus bandwidth factors, bubbles, hiding
// conditions.
//
// S is nccl-tests' size: the *total* array (count * n * element for all-gather, reduce-scatter and
// all-to-all). Wire bytes are what one rank sends. Units: bytes, B/s, s, shares of 1. n = 1 costs
// nothing. Sources: nccl-tests PERFORMANCE.md, Megatron-LM, GPipe, ZeRO, ring attention.

#include <cstdint>

namespace ridge::workloads::formulas {

enum class Collective {
    kAllReduce,
    kAllGather,
    kReduceScatter,
    kAllToAll,
    kBroadcast,
    kReduce,
    kSendRecv
};

// busbw = algbw * factor: 2(n-1)/n, (n-1)/n or 1.
[[nodiscard]] double busBandwidthFactor(Collective collective, std::uint64_t ranks);
[[nodiscard]] double algorithmBandwidth(std::uint64_t totalBytes, double seconds);
[[nodiscard]] double busBandwidth(Collective collective, std::uint64_t ranks,
                                  std::uint64_t totalBytes, double seconds);
// Bytes that one rank puts on the wire with a ring (broadcast: the root's S; rounded down).
[[nodiscard]] std::uint64_t wireBytes(Collective collective, std::uint64_t ranks,
                                      std::uint64_t totalBytes);
// Ring time, s: wire / bandwidth + hops * latency; all-reduce 2(n-1) hops, the others n-1
// (broadcast and send: none beyond the bandwidth term).
[[nodiscard]] double ringSeconds(Collective collective, std::uint64_t ranks,
                                 std::uint64_t totalBytes, double bandwidth, double latency);

// Data parallel bytes per rank and step at ZeRO stage 0..3: 2(n-1)/n N s, stage 3 1.5 x that.
[[nodiscard]] std::uint64_t dataParallelWireBytes(std::uint64_t parameters, std::uint64_t ranks,
                                                  std::uint64_t gradientBytes, int zeroStage);
// Tensor parallel bytes per rank and layer: four all-reduces of tok C s.
[[nodiscard]] std::uint64_t tensorParallelWireBytesPerLayer(std::uint64_t tokens,
                                                            std::uint64_t width,
                                                            std::uint64_t elementBytes,
                                                            std::uint64_t ranks);
// (p-1)/(v m + p-1): GPipe and 1F1B are equal (v = 1); v chunks per rank when interleaved.
[[nodiscard]] double pipelineBubble(std::uint64_t stages, std::uint64_t microbatches,
                                    std::uint64_t chunks = 1);
// Activations crossing stages, all p-1 boundaries, both directions: 2 (p-1) mb T C s per
// microbatch.
[[nodiscard]] std::uint64_t pipelineWireBytes(std::uint64_t stages,
                                              std::uint64_t microbatchSequences,
                                              std::uint64_t context, std::uint64_t width,
                                              std::uint64_t elementBytes);
// Shortest T/n at which a ring attention hop hides behind its block: F s C_kv / (2 C Bw).
[[nodiscard]] double ringAttentionHiddenTokens(double peakFlops, std::uint64_t elementBytes,
                                               std::uint64_t kvWidth, std::uint64_t width,
                                               double bandwidth);
// Bytes that a rank sends for one layer of ring attention on its `rows` (sequences * T/n), M = 2 rows
// C_kv s: n-1 hops of keys and values forward; n-1 again and n of their gradients backward.
[[nodiscard]] std::uint64_t ringAttentionWireBytes(std::uint64_t rows, std::uint64_t kvWidth,
                                                   std::uint64_t elementBytes,
                                                   std::uint64_t ranks);
// Four all-to-alls forward and four backward of B (T/n) C s held per rank; bytes sent per rank.
[[nodiscard]] std::uint64_t ulyssesWireBytes(std::uint64_t sequences, std::uint64_t context,
                                             std::uint64_t width, std::uint64_t elementBytes,
                                             std::uint64_t ranks);
// Two all-to-alls forward, two backward, of tok k C s; bytes sent per rank.
[[nodiscard]] std::uint64_t expertWireBytes(std::uint64_t localTokens,
                                            std::uint64_t expertsPerToken, std::uint64_t width,
                                            std::uint64_t elementBytes, std::uint64_t ranks);
// Communication not covered by compute, and what share was; 1 when there is none to cover.
[[nodiscard]] double overlapShare(double exposedSeconds, double communicationSeconds);
// T1 / Tn at a fixed local batch.
[[nodiscard]] double scalingEfficiency(double oneRankSeconds, double manyRankSeconds);

}  // namespace ridge::workloads::formulas
