// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/formula_text.h"

#include <array>
#include <utility>

namespace ridge::workloads {
namespace {

using Line = std::pair<std::string_view, std::string_view>;

constexpr std::string_view kTraining =
    "FLOP = 6 N tok + 6 L C T tok, causal; FLOP = 6 N tok + 12 L C T tok, in full; "
    "N = 12 L C^2 + V C; tok = B T";
constexpr std::string_view kBusBandwidth = "busbw = S/t * (n-1)/n";

constexpr std::array kLines{
    Line{"cal.peak", "a roof = amount / time of the best sample"},
    Line{"gemm", "FLOP = 2 M N K; bytes = s (M K + K N) + s_out M N"},
    Line{"elementwise", "bytes = 2 k m s for k passes over m elements, 2 m s in one"},
    Line{"attention",
         "FLOP = 4 B H T^2 d (causal: half), backward 2x, recomputed 2.5x; "
         "bytes = 4 B H T d s, in three passes 4 B H T^2 s more"},
    Line{"launch", "time = operators * dispatch while that is more than their work"},
    Line{"train.single",
         "FLOP = 6 N tok + 6 L C T tok, causal; FLOP = 6 N tok + 12 L C T tok, in full; "
         "N = 12 L C^2 + V C; tok = B T; time >= operators * launch, as a graph nodes * their own "
         "cost"},
    Line{"train.recompute",
         "FLOP = 6 N tok + 12 L C T tok, in full; selective: FLOP + 4 L C T tok, the attention "
         "again; "
         "full: FLOP + 4 L C T tok + 2 (N - V C) tok, the blocks again, not the head; "
         "N = 12 L C^2 + V C; tok = B T"},
    Line{"train.accum", kTraining},
    Line{"train.dlrm",
         "bags: bytes = s width (rows named + bags) + 4 lookups; "
         "products: FLOP = 6 per weight and sample (4 in the bottom's first layer, whose input "
         "has no gradient), 6 per pair and width"},
    Line{"train.gcn",
         "aggregation: FLOP = 2 edges width, bytes = 8 edges + s width (nodes in + nodes out), in "
         "each layer forward and backward; products: FLOP = 2 nodes in out, three times a step "
         "(twice in the first layer, whose input has no gradient)"},
    Line{
        "train.conv",
        "FLOP = 2 B out_h out_w O I k^2, three times over a step (the first layer twice: its input "
        "has no gradient)"},
    Line{"train.dp", "wire = 2 (n-1)/n N s_g per rank and step, N all parameters"},
    Line{"train.zero",
         "wire = 2 (n-1)/n N s; stage 3: 3 (n-1)/n of the blocks; state 16 N, "
         "8 N + 8 N/n, 4 N + 12 N/n, 16 N/n bytes; N all parameters"},
    Line{"train.tp",
         "wire = 4 all-reduces of tok C s per layer; sequence parallel: 4 all-gathers and 4 "
         "reduce-scatters of it per layer, 2 all-gathers of it about the head, an all-reduce of "
         "the norms' gradients"},
    Line{"train.pp", "bubble = (p-1)/(m+p-1) of the time; live micro-batches m, with 1F1B p"},
    Line{"train.cp",
         "ring: hidden where T/n >= F s C_kv / (2 C Bw); Ulysses: 4 all-to-alls of "
         "B T/n C s each way"},
    Line{"train.moe",
         "wire = 2 all-to-alls each way of tok k C s; imbalance = max/mean tokens per "
         "expert"},
    Line{"train.offload", "copies = state fetched and stored once per step, over the link"},
    Line{"infer.prefill",
         "FLOP = 2 (N - V C) P + 2 V C + 2 L C P^2, causal, the head for the last token alone; "
         "N = 12 L C^2 + V C"},
    Line{"infer.decode",
         "bytes = N s_w + b t KV; N = 12 L C^2 + V C; MBU = bytes / TPOT / read bandwidth; "
         "compute-bound from b = F s_w / (2 W) on; TPOT >= operators * launch, as a graph nodes * "
         "their own cost"},
    Line{"infer.serve", "goodput = answers within their limits per second; passes as infer.decode"},
    Line{"infer.spec", "tokens per check = (1 - a^(g+1)) / (1 - a); speed-up = that / (1 + g c)"},
    Line{"comm.allreduce", "busbw = S/t * 2 (n-1)/n"},
    Line{"comm.allgather", kBusBandwidth},
    Line{"comm.reducescatter", kBusBandwidth},
    Line{"comm.alltoall", kBusBandwidth},
    Line{"comm.broadcast", "busbw = S/t"},
    Line{"comm.sendrecv", "busbw = S/t"},
    Line{"comm.fit", "t = alpha + S/beta; knee at alpha beta"},
    Line{"comm.overlap", "exposed = communication that no computing covers"},
    Line{"io.layout", "samples/s, bytes/s; opens/s where each sample is a file"},
    Line{"io.depth", "IOPS = depth / latency up to the device's limit"},
    Line{"io.train",
         "AU = compute / wall; depth that hides a fetch = ceil(fetch / (compute "
         "workers))"},
    Line{"io.decode", "AU = compute / wall, with the unpacking in the step or in workers"},
    Line{"ckpt.save", "stall = stage + write + fsync; async: stage + max(0, persist - interval)"},
    Line{"ckpt.restore", "bytes/s, every 4 MiB held against its CRC-32C"},
    Line{"train.fault",
         "straggler: wait = what the last rank comes later; link: exposed = S * 2 (n-1)/n / link - "
         "compute; loader: stall = fetch + delay - depth hidden behind compute; preempted: share = "
         "gaps / wall of the CPU that is taken away"},
};

}  // namespace

std::string_view formulaText(std::string_view family) {
    for (const auto& [name, text] : kLines)
        if (name == family) return text;
    return {};
}

}  // namespace ridge::workloads
