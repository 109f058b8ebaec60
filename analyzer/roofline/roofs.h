// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One op against the roofs of the machine (metrics.md 1.3).
//
//   t_p = FLOP / P of its type      t_l = bytes / BW of its memory level      T_roof = max(t_p,
//   t_l) attainment a = T_roof / T       a > 1.05: a wrong roof or model, "unreliable", no saving
//   claimed latency: T < 5 x dispatch, or a < 0.6; else the larger of t_p and t_l; within 10 %:
//   balanced
//
// A roof is an interval where it is known as one: from the typical (median) sample of the slowest
// measurement to the best sample of the fastest. An op's own time is a median too, so it is called
// slow only against the low end: both then saw the same kind of moments of a shared machine. It is
// called impossible only where it beats the high end by more than the interval is wide: a machine
// that was seen to lose a third of its speed between two looks can gain as much, and that is no
// wrong counter. A process that used less CPU time than its compute ops lasted shared its CPU with
// others; an op is called slow only for the time that is left when their share is taken off
// (cpuShare). Memory level: the smallest of twice the op's bytes; where the step as a whole moves
// more than that level holds, the data may have come from further out, so the largest level up to
// the step's bytes that the measured time does not beat is taken; an op that beats a level but not
// the next nearer one draws on both, and is not slow. Access: an op that writes less than a tenth
// of its bytes is held against the read roof, others against copy and triad.

#include "analyzer/model/analysis.h"
#include "analyzer/timeline/timeline.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ridge::analyzer {

// A share of a roof above this is a wrong roof or count.
inline constexpr double kUnreliable = 1.05;

struct RoofAnswer {
    std::string bound = "unknown";  // the words of RooflinePoint::bound
    WallClass wallClass = WallClass::kComputeUnknown;
    std::optional<double> attainment;
    std::string ceiling;
    double roofNs = 0;  // T_roof; 0: not known
};

class Roofs {
public:
    explicit Roofs(const std::vector<Ceiling>& ceilings);
    // durationNs: of one typical instance. stepBytes: what the whole step moves. cpuShare: above 0,
    // up to 1.
    [[nodiscard]] RoofAnswer judge(const Work& work, double durationNs, double stepBytes,
                                   double cpuShare = 1) const;
    [[nodiscard]] bool empty() const { return m_compute.empty() && m_levels.empty(); }
    [[nodiscard]] double dispatchNs() const { return m_dispatchNs; }

private:
    struct Roof {
        double low = 0, high = 0;
        std::string name;
        void add(const Ceiling& ceiling);
    };
    struct Compute {
        std::string dtype;
        Roof roof;
    };
    struct Level {
        std::string name;
        double capacity = 0;  // infinity: main memory
        Roof read, write, any;
    };
    struct MemoryTime {
        double ns = 0, slowNs = 0;  // against the high and the low end of the roof
        double width = 1;           // high end / low end
        std::string ceiling;
    };
    [[nodiscard]] const Roof* computeRoof(std::uint16_t dtype) const;
    [[nodiscard]] std::optional<MemoryTime> memoryTime(const Work& work, double durationNs,
                                                       double stepBytes) const;

    std::vector<Compute> m_compute;
    std::vector<Level> m_levels;  // by capacity
    double m_dispatchNs = 0;
};

}  // namespace ridge::analyzer
