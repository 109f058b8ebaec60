// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Runs the selected variants: rank 0 under Google Benchmark, the other ranks as followers. Rank 0
// sends {variant, steps} before each run of a benchmark's body, so that adaptive iteration counts
// and repetitions are the same on every rank and no collective is left without a partner.
//
// Google Benchmark 1.7.1 exits with 0 whatever happened and has no "skipped": the runner keeps its
// own count of outcomes, and marks a skip by the prefix "skipped: " in error_message.

#include "base/result.h"
#include "workloads/harness/options.h"
#include "workloads/harness/variant.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ridge::workloads {

struct Outcomes {
    int ran = 0;
    int skipped = 0;
    int failed = 0;
};

// 4 when anything failed, 77 when nothing ran and something was skipped, else 0.
int exitCodeOf(const Outcomes& outcomes);

class Runner {
public:
    Runner(const std::vector<WorkloadSpec>& specs, std::vector<std::size_t> selected,
           const Options& options, Communicator* communicator);

    // Rank 0. Needs benchmark::Initialize to have been called.
    Outcomes lead();
    // Every other rank: until rank 0 says that it is over.
    Status follow();
    // Writes --result.
    Status writeResult(const std::string& path) const;

private:
    struct Command {
        std::int64_t spec = -1;  // -1: over
        std::int64_t steps = 0;
    };
    struct Record {
        Readiness readiness = Readiness::kFailed;
        std::string text;
        std::vector<Run> runs;
    };

    Variant& variantFor(std::size_t spec);
    Status send(Command command);
    template <typename State>
    void runBody(State& state, std::size_t spec);

    const std::vector<WorkloadSpec>& m_specs;
    std::vector<std::size_t> m_selected;
    const Options& m_options;
    Communicator* m_communicator;
    std::map<std::size_t, std::unique_ptr<Variant>> m_variants;
    std::map<std::size_t, Record> m_records;
};

}  // namespace ridge::workloads
