// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/formulas/parallel.h"

namespace ridge::workloads::formulas {

double busBandwidthFactor(Collective collective, std::uint64_t ranks) {
    const auto n = static_cast<double>(ranks);
    switch (collective) {
        case Collective::kAllReduce:
            return 2.0 * (n - 1.0) / n;
        case Collective::kAllGather:
        case Collective::kReduceScatter:
        case Collective::kAllToAll:
            return (n - 1.0) / n;
        case Collective::kBroadcast:
        case Collective::kReduce:
        case Collective::kSendRecv:
            return 1.0;
    }
    return 1.0;
}

double algorithmBandwidth(std::uint64_t totalBytes, double seconds) {
    return static_cast<double>(totalBytes) / seconds;
}

double busBandwidth(Collective collective, std::uint64_t ranks, std::uint64_t totalBytes,
                    double seconds) {
    return algorithmBandwidth(totalBytes, seconds) * busBandwidthFactor(collective, ranks);
}

std::uint64_t wireBytes(Collective collective, std::uint64_t ranks, std::uint64_t totalBytes) {
    if (ranks < 2) return 0;
    switch (collective) {
        case Collective::kAllReduce:
            return 2 * totalBytes * (ranks - 1) / ranks;
        case Collective::kAllGather:
        case Collective::kReduceScatter:
        case Collective::kAllToAll:
            return totalBytes * (ranks - 1) / ranks;
        case Collective::kBroadcast:
        case Collective::kReduce:
        case Collective::kSendRecv:
            return totalBytes;
    }
    return totalBytes;
}

double ringSeconds(Collective collective, std::uint64_t ranks, std::uint64_t totalBytes,
                   double bandwidth, double latency) {
    if (ranks < 2) return 0.0;
    const auto hops = static_cast<double>(ranks - 1);
    const double transfer =
        busBandwidthFactor(collective, ranks) * static_cast<double>(totalBytes) / bandwidth;
    switch (collective) {
        case Collective::kAllReduce:
            return transfer + 2.0 * hops * latency;
        case Collective::kAllGather:
        case Collective::kReduceScatter:
        case Collective::kAllToAll:
            return transfer + hops * latency;
        case Collective::kBroadcast:
        case Collective::kReduce:
        case Collective::kSendRecv:
            return transfer;
    }
    return transfer;
}

std::uint64_t dataParallelWireBytes(std::uint64_t parameters, std::uint64_t ranks,
                                    std::uint64_t gradientBytes, int zeroStage) {
    const std::uint64_t total = parameters * gradientBytes;
    if (zeroStage < 3) return wireBytes(Collective::kAllReduce, ranks, total);
    // Gather for the forward pass, gather for the backward pass, scatter the gradients.
    return 3 * wireBytes(Collective::kAllGather, ranks, total);
}

std::uint64_t tensorParallelWireBytesPerLayer(std::uint64_t tokens, std::uint64_t width,
                                              std::uint64_t elementBytes, std::uint64_t ranks) {
    return 4 * wireBytes(Collective::kAllReduce, ranks, tokens * width * elementBytes);
}

double pipelineBubble(std::uint64_t stages, std::uint64_t microbatches, std::uint64_t chunks) {
    const auto idle = static_cast<double>(stages - 1);
    return idle / (static_cast<double>(chunks * microbatches) + idle);
}

std::uint64_t pipelineWireBytes(std::uint64_t stages, std::uint64_t microbatchSequences,
                                std::uint64_t context, std::uint64_t width,
                                std::uint64_t elementBytes) {
    return 2 * (stages - 1) * microbatchSequences * context * width * elementBytes;
}

double ringAttentionHiddenTokens(double peakFlops, std::uint64_t elementBytes,
                                 std::uint64_t kvWidth, std::uint64_t width, double bandwidth) {
    return peakFlops * static_cast<double>(elementBytes * kvWidth) /
           (2.0 * static_cast<double>(width) * bandwidth);
}

std::uint64_t ringAttentionWireBytes(std::uint64_t rows, std::uint64_t kvWidth,
                                     std::uint64_t elementBytes, std::uint64_t ranks) {
    if (ranks < 2) return 0;
    return (3 * ranks - 2) * 2 * rows * kvWidth * elementBytes;
}

std::uint64_t ulyssesWireBytes(std::uint64_t sequences, std::uint64_t context, std::uint64_t width,
                               std::uint64_t elementBytes, std::uint64_t ranks) {
    const std::uint64_t held = sequences * context / ranks * width * elementBytes;
    return 8 * held * (ranks - 1) / ranks;
}

std::uint64_t expertWireBytes(std::uint64_t localTokens, std::uint64_t expertsPerToken,
                              std::uint64_t width, std::uint64_t elementBytes,
                              std::uint64_t ranks) {
    const std::uint64_t held = localTokens * expertsPerToken * width * elementBytes;
    return 4 * held * (ranks - 1) / ranks;
}

double overlapShare(double exposedSeconds, double communicationSeconds) {
    if (communicationSeconds <= 0.0) return 1.0;
    return 1.0 - exposedSeconds / communicationSeconds;
}

double scalingEfficiency(double oneRankSeconds, double manyRankSeconds) {
    return oneRankSeconds / manyRankSeconds;
}

}  // namespace ridge::workloads::formulas
