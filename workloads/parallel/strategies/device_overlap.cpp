// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// comm.overlap in a device's memory: the product on the operators' stream, the all-reduce on the
// transport's, which begins behind what the operators were given when it was issued.
#include "workloads/models/check_values.h"
#include "workloads/models/checks.h"
#include "workloads/models/checks_operators.h"
#include "workloads/parallel/strategies/ordered_collectives.h"
#include "workloads/parallel/strategies/train_parallel.h"

#include <fmt/format.h>

#include <vector>

namespace ridge::workloads {

namespace {

class DeviceProduct final : public OverlapProduct {
public:
    static Result<std::unique_ptr<OverlapProduct>> create(const Backend& backend,
                                                          const DeviceProductSize& size,
                                                          Communicator& communicator) {
        auto made = std::make_unique<DeviceProduct>();
        made->m_size = size;
        RIDGE_TRY(made->m_ops, backend.make());
        RIDGE_TRY(made->m_order, OrderedCollectives::create(*made->m_ops, communicator));
        Operators& ops = *made->m_ops;
        const std::int64_t elements = size.side * size.side;
        GemmArgs& args = made->m_args;
        args.m = args.n = args.k = size.side;
        for (Tensor* tensor : {&args.a, &args.b, &args.c}) *tensor = ops.allocate(elements);
        RIDGE_TRY_STATUS(ops.status());
        const std::vector<float> values = tiny::draw(elements, kSeed);
        ops.upload(args.a, values);
        ops.upload(args.b, values);
        return std::unique_ptr<OverlapProduct>(std::move(made));
    }

    void run() override {
        for (int i = 0; i < m_size.repeats; ++i) m_ops->gemm("busy.gemm", m_args);
        m_ops->synchronize();
    }
    CheckResult check() override {
        run();
        if (!m_ops->status().ok()) return {false, m_ops->status().error().message};
        return checkGemm(*m_ops, {m_args.layout, m_args.m, m_args.n, m_args.k});
    }
    [[nodiscard]] Status status() const override { return m_ops->status(); }
    [[nodiscard]] double flopsPerRun() const override {
        const auto side = static_cast<double>(m_size.side);
        return 2 * side * side * side * m_size.repeats;
    }

private:
    static constexpr std::uint64_t kSeed = 3;

    DeviceProductSize m_size;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<OrderedCollectives> m_order;
    GemmArgs m_args;
};

}  // namespace

OverlapOptions deviceOverlap(const Backend& backend, const DeviceProductSize& size,
                             OverlapOptions options) {
    options.product = [backend, size](Communicator& communicator) {
        return DeviceProduct::create(backend, size, communicator);
    };
    return options;
}

std::vector<WorkloadSpec> deviceOverlapSpecs(const Backend& backend) {
    // 1.1 TFLOP beside 256 MiB over 10 GB/s: 25 ms either, on a data-centre GPU in float.
    constexpr DeviceProductSize kSize{.side = 4096, .repeats = 8};
    constexpr std::size_t kBytes = std::size_t{256} << 20;
    constexpr double kLink = 10e9;
    std::vector<WorkloadSpec> all;
    for (const auto& [variant, overlapped, link] :
         {std::tuple{"off", false, kLink}, std::tuple{"on", true, kLink},
          std::tuple{"bare", true, 0.0}}) {
        WorkloadSpec spec =
            overlapSpec(std::string(variant) + ".nccl",
                        deviceOverlap(backend, kSize,
                                      {.overlapped = overlapped, .link = link, .bytes = kBytes}));
        spec.params["backend"] = backend.name;
        spec.params["transport"] = "nccl";
        spec.params["gemm"] = fmt::format("{0}x{1}x{1}x{1}", kSize.repeats, kSize.side);
        spec.presets = {"full"};
        if (!overlapped) {
            spec.fasterVariant = "comm.overlap/on.nccl";
            spec.change = "comm_hidden";
        }
        all.push_back(std::move(spec));
    }
    return all;
}

}  // namespace ridge::workloads
