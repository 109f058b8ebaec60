// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The collective family.
//   comm.<op>/<size>    one operation at one size, out of and in place (where it can), a batch of
//                       each per step; algbw = S/t and busbw by the definitions of nccl-tests
//   comm.fit/<op>       the operation at all sizes; t = alpha + S/beta with intervals, and the knee
//   comm.overlap/...    a product after, and beside, a 16 MiB all-reduce: over an emulated 0.5 GB/s
//                       link (off, on), and over the fabric as it is (bare)
// On an accelerator comm.overlap/*.nccl: a larger product and 256 MiB in its memory, the product on
// the operators' stream and the all-reduce on the transport's (strategies/device_overlap.cpp).
// latency_share is the time of the same operation on 8 bytes over its own: above one half it lies
// below the knee. gemm_interference is what the product loses beside the collective.

#include "workloads/harness/workload.h"
#include "workloads/parallel/communicator.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ridge::workloads {

// Is there room for `bytes` in the host's memory for each of the ranks on it, of which `available`
// are free, and in the transport's? kUnsupported, with what is wanted and what there is, where not.
// meet() is called once, however it ends, while the transport's room is held: ranks may share a
// GPU.
[[nodiscard]] Status roomFor(std::uint64_t bytes, int ranksOnHost, std::uint64_t available,
                             const ridge_transport_t& transport, const std::function<void()>& meet);

std::vector<WorkloadSpec> commSpecs();

// What the all-reduce runs beside: a product of floats.
class OverlapProduct {
public:
    virtual ~OverlapProduct() = default;
    // Returns when it is done.
    virtual void run() = 0;
    virtual CheckResult check() = 0;
    // The first of its calls that failed.
    [[nodiscard]] virtual Status status() const { return {}; }
    [[nodiscard]] virtual double flopsPerRun() const = 0;
};

struct OverlapOptions {
    bool overlapped = false;
    double link = 0;  // B/s, emulated; 0: the fabric as it is
    std::size_t bytes = std::size_t{16} << 20;
    // Empty: 16 products of 512 x 512 x 512 by the processor. The communicator is the run's.
    std::function<Result<std::unique_ptr<OverlapProduct>>(Communicator&)> product = {};
};
std::unique_ptr<Workload> makeOverlap(const OverlapOptions& options);
// One variant: "off", "on", "bare" and what options say.
WorkloadSpec overlapSpec(const std::string& variant, const OverlapOptions& options);

// One per file; commSpecs() lists them.
std::vector<WorkloadSpec> sweepSpecs();
// comm.<op>/128MiB.nccl to 8192MiB.nccl, in GPUs' memory. Every element is compared on the host, so a size is
// skipped where roofFor() finds none there.
std::vector<WorkloadSpec> deviceSweepSpecs();
std::vector<WorkloadSpec> fitSpecs();
std::vector<WorkloadSpec> overlapSpecs();

// "8B", "64KiB", "16MiB"
std::string sizeLabel(std::size_t bytes);

}  // namespace ridge::workloads
