// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The compute part of the I/O and overlap workloads: `repeats` square float products through
// oneDNN, each a ridge::WorkRange of kind gemm with 2 n^3 FLOP. The size is fixed, not calibrated:
// a workload that sizes itself to the machine would hide the regression that it is there to find.
// Errors: kUnsupported when oneDNN cannot create the product. Not thread-safe.

#include "base/result.h"
#include "workloads/harness/workload.h"

#include <cstdint>
#include <memory>

namespace ridge::workloads {

class BusyGemm {
public:
    static Result<BusyGemm> create(std::int64_t size, int repeats);
    BusyGemm(BusyGemm&&) noexcept;
    BusyGemm& operator=(BusyGemm&&) noexcept;
    ~BusyGemm();

    void run();
    // Sampled rows against a double-precision product: error / sum|a||b| <= 8 u sqrt(n).
    CheckResult check();
    [[nodiscard]] double flopsPerRun() const;

private:
    struct State;
    explicit BusyGemm(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

}  // namespace ridge::workloads
