// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The hierarchical roofline of kernels with hardware counters (metrics.md 1.3; one intensity per memory level).
//
// Kernels of one workload, name and grid are one group. Of its median instance, with the counters of the mean one:
//   t_p = FLOP_p / P_p per pipe (f64, f32, f16, tensor)      t_l = bytes_l / BW_l for DRAM, L2, L1
//   T_roof = max of all known     a = T_roof / T     a > 1.05: unreliable     T < 5 x dispatch or a < 0.6: latency
//   else the larger of compute and memory; within 10 %: balanced
// FLOP of a tensor pipe whose FLOP per instruction are not known make the FLOP unknown: the bytes are still
// points, and what is not at a memory roof has bound "unknown", for it may be at that of the tensor pipe.
// Roofs of a device are those whose name begins with "gpu" or has the name of a device in it; a scalar pipe prefers
// names with "fma", a tensor pipe names with "gemm" or "tensor".
// Self-check: DRAM bytes of the largest copy (of 128 MiB or more) and FLOP of the largest GEMM that a payload tells
// must come back within 5 %, else all measured points are unreliable; without one the gate says "not verified".
// Source of the hierarchical form: Yang, Kurth, Williams, Concurrency and Computation 2020.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/attribution/ops.h"
#include "analyzer/model/analysis.h"
#include "analyzer/timeline/timeline.h"

namespace ridge::analyzer {

inline constexpr std::array<const char*, 3> kMeasuredLevels{"DRAM", "L2", "L1"};
inline constexpr std::uint8_t kNotMeasured = 255;

struct RowFacts;

struct MeasuredKernel {
    std::int32_t workload = 0;
    NameId name;
    std::int32_t blocks = 0;
    std::uint16_t dtype = 0;  // of the pipe with most FLOP
    std::int64_t count = 0;
    Ns timeNs = 0, medianNs = 0;
    std::array<std::optional<double>, 3> bytes;       // summed, as kMeasuredLevels
    std::optional<double> flops;                      // summed; nothing: not known
    std::array<std::optional<double>, 3> attainment;  // max(t_p, t_l) / T of each level
    RoofAnswer answer;                                // of the kernel against all its roofs
};

struct MeasuredRoofline {
    std::vector<MeasuredKernel> kernels;   // the largest time first
    std::vector<std::uint8_t> classOfRow;  // WallClass per GPU row; kNotMeasured; empty: no counters at all
    std::int64_t launches = 0;             // kernels with counters
    std::int64_t unmatched = 0;            // counters of launches that have no kernel, or several
    bool roofs = false;                    // there is a measured roof of a device
    std::optional<double> copyRatio, gemmRatio;  // measured over known
    bool reliable = true;
};

MeasuredRoofline measureKernels(const Timeline& timeline, const StepSet& steps, const Ops& ops, const RowFacts& facts,
                                const std::vector<Ceiling>& ceilings);

// Points and what the gate has to say of the counters.
void addMeasured(const Timeline& timeline, const StepSet& steps, const MeasuredRoofline& measured, Analysis& answer);

}  // namespace ridge::analyzer
