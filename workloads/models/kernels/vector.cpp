// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/formulas/op_cost.h"
#include "workloads/models/gpt_layout.h"
#include "workloads/models/kernels/kernels.h"
#include "workloads/ops/graphs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ridge::workloads {

namespace {

using Direction = Metric::Direction;

constexpr std::int64_t kRows = 32768;
constexpr std::int64_t kWidth = 1024;  // 128 MiB per array

double gelu(double v) {
    return 0.5 * v * (1.0 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
}

class VectorWorkload final : public Workload {
public:
    VectorWorkload(Backend backend, VectorCase which, std::int64_t rows, std::int64_t width)
        : m_backend(std::move(backend)), m_which(which), m_rows(rows), m_width(width) {}

    Status prepare() override {
        RIDGE_TRY(m_ops, m_backend.make());
        const bool norm = m_which == VectorCase::kLayerNorm;
        m_x = m_ops->allocate(m_rows * m_width);
        m_y = m_ops->allocate(m_rows * m_width);
        m_bias = m_ops->allocate(m_width);
        if (norm) {
            m_gamma = m_ops->allocate(m_width);
            m_mean = m_ops->allocate(m_rows);
            m_rstd = m_ops->allocate(m_rows);
        } else {
            m_residual = m_ops->allocate(m_rows * m_width);
            if (m_which == VectorCase::kBiasGeluResidual)
                m_middle = m_ops->allocate(m_rows * m_width);
        }
        if (!m_ops->status().ok()) return m_ops->status();
        fill(m_x, 1);
        fill(m_bias, 2);
        if (norm)
            fill(m_gamma, 3);
        else
            fill(m_residual, 3);
        return m_ops->status();
    }
    // A few thousand seeded elements (whole rows for the norm) against double.
    CheckResult check() override {
        step(0);
        return compare();
    }
    Status status() const override { return m_ops->status(); }
    CheckResult finish() override { return compare(); }
    void step(std::uint64_t) override {
        switch (m_which) {
            case VectorCase::kBiasGeluResidual:
                // Each pass writes elsewhere than it reads, as a framework's would.
                m_ops->biasAdd("bias", m_rows, m_width, m_x, m_bias, m_y);
                m_ops->geluForward("gelu", m_y, m_middle);
                m_ops->add("residual", m_middle, m_residual, m_y);
                break;
            case VectorCase::kBiasGeluResidualFused:
                m_ops->biasGeluResidual("bias.gelu.residual", m_rows, m_width, m_x, m_bias,
                                        m_residual, m_y);
                break;
            case VectorCase::kLayerNorm:
                m_ops->layerNormForward("norm", m_rows, m_width, m_x, m_gamma, m_bias, m_y, m_mean,
                                        m_rstd);
                break;
        }
        m_ops->synchronize();
    }
    std::vector<Metric> report(const Timing& timing) override {
        const auto rows = static_cast<std::uint64_t>(m_rows);
        const auto width = static_cast<std::uint64_t>(m_width);
        std::uint64_t bytes = formulas::biasGeluResidual(rows, width).bytes();
        if (m_which == VectorCase::kLayerNorm)
            bytes = formulas::layerNormForward(rows, width).bytes();
        if (m_which == VectorCase::kBiasGeluResidual)
            bytes = formulas::biasAdd(rows, width).bytes() +
                    formulas::elementwise(rows * width, 1, 1).bytes() +
                    formulas::elementwise(rows * width, 2, 1).bytes();
        const double seconds = timing.medianStepSeconds;
        return {{"bytes_per_s", static_cast<double>(bytes) / seconds, "B/s", Direction::kHigher},
                {"elements_per_s", static_cast<double>(m_rows * m_width) / seconds, "1/s",
                 Direction::kHigher},
                {"bytes_per_step", static_cast<double>(bytes), "B", Direction::kNone}};
    }

private:
    CheckResult compare() {
        if (!m_ops->status().ok()) return {false, m_ops->status().error().message};
        double worst = 0;
        std::vector<float> row(static_cast<std::size_t>(m_width));
        for (std::uint64_t sample = 0; sample < 16; ++sample) {
            const auto r = static_cast<std::int64_t>(randomBits(9, sample) %
                                                     static_cast<std::uint64_t>(m_rows));
            m_ops->download(row, m_y.slice(r * m_width, m_width));
            double mean = 0, square = 0;
            for (std::int64_t i = 0; i < m_width; ++i) mean += input(1, r * m_width + i);
            mean /= static_cast<double>(m_width);
            for (std::int64_t i = 0; i < m_width; ++i)
                square += std::pow(input(1, r * m_width + i) - mean, 2.0);
            const double scale = 1.0 / std::sqrt(square / static_cast<double>(m_width) + 1e-5);
            for (std::int64_t i = 0; i < m_width; ++i) {
                const double x = input(1, r * m_width + i);
                const double wanted = m_which == VectorCase::kLayerNorm
                                          ? (x - mean) * scale * input(3, i) + input(2, i)
                                          : input(3, r * m_width + i) + gelu(x + input(2, i));
                const double error =
                    std::abs(static_cast<double>(row[static_cast<std::size_t>(i)]) - wanted);
                if (!(error <= worst)) worst = error;
            }
        }
        return {worst <= 4e-6,
                fmt::format("16 rows against double: worst {:.1e} (limit 4e-06)", worst)};
    }
    static constexpr std::int64_t kPiece = std::int64_t{1} << 16;
    // Repeats after kPiece elements: cheap to make and to predict.
    static double input(std::uint64_t seed, std::int64_t i) {
        return static_cast<double>(static_cast<float>(
            static_cast<float>(randomBits(seed, static_cast<std::uint64_t>(i % kPiece)) >> 40) *
                0x1p-23F -
            1.0F));
    }
    void fill(const Tensor& tensor, std::uint64_t seed) {
        std::vector<float> piece(static_cast<std::size_t>(std::min(tensor.count, kPiece)));
        for (std::size_t i = 0; i < piece.size(); ++i)
            piece[i] = static_cast<float>(input(seed, static_cast<std::int64_t>(i)));
        for (std::int64_t at = 0; at < tensor.count; at += kPiece)
            m_ops->upload(tensor.slice(at, std::min(kPiece, tensor.count - at)), piece);
    }

    Backend m_backend;
    VectorCase m_which;
    std::int64_t m_rows, m_width;
    std::unique_ptr<Operators> m_ops;
    Tensor m_x, m_y, m_bias, m_gamma, m_mean, m_rstd, m_residual, m_middle;
};

// Small products y = x W^T + b, so many rows at a time; whole numbers, so that sums are exact in
// any order.
class LaunchWorkload final : public Workload {
public:
    LaunchWorkload(Backend backend, LaunchCase which, std::int64_t pieces, std::int64_t rows)
        : m_backend(std::move(backend)),
          m_batched(which == LaunchCase::kBatched),
          m_asGraph(which == LaunchCase::kGraph),
          m_pieces(pieces),
          m_rows(rows) {}

    Status prepare() override {
        RIDGE_TRY(m_ops, m_backend.make());
        const std::int64_t all = m_pieces * m_rows;
        m_x = m_ops->allocate(all * kSide);
        m_y = m_ops->allocate(all * kSide);
        m_weight = m_ops->allocate(kSide * kSide);
        m_bias = m_ops->allocate(kSide);
        if (!m_ops->status().ok()) return m_ops->status();
        fill(m_x, 1);
        fill(m_weight, 2);
        fill(m_bias, 3);
        const std::int64_t count = m_batched ? 1 : m_pieces;
        for (std::int64_t i = 0; i < count; ++i) {
            GemmArgs args;
            args.layout = GemmLayout::kNT;
            args.m = m_batched ? all : m_rows;
            args.n = kSide;
            args.k = kSide;
            args.a = m_x.slice(i * args.m * kSide, args.m * kSide);
            args.b = m_weight;
            args.c = m_y.slice(i * args.m * kSide, args.m * kSide);
            args.bias = m_bias;
            m_products.push_back(args);
        }
        issue();  // plans, which must exist before anything is recorded
        m_ops->synchronize();
        if (m_asGraph) RIDGE_TRY_STATUS(record());
        return m_ops->status();
    }
    CheckResult check() override {
        step(0);
        return compare();
    }
    Status status() const override { return m_ops->status(); }
    CheckResult finish() override { return compare(); }
    void step(std::uint64_t) override {
        if (m_graph) {
            const WorkRange range("product.graph", m_graphWork);
            m_graph->launch();
            m_ops->synchronize();
            return;
        }
        issue();
        m_ops->synchronize();
    }
    std::vector<Metric> report(const Timing& timing) override {
        const double flops = 2.0 * static_cast<double>(m_pieces * m_rows * kSide * kSide);
        return {
            {"operators_per_s", static_cast<double>(m_products.size()) / timing.medianStepSeconds,
             "1/s", m_batched ? Direction::kNone : Direction::kHigher},
            {"flops_per_s", flops / timing.medianStepSeconds, "FLOP/s", Direction::kHigher}};
    }

private:
    static constexpr std::int64_t kSide = 64;

    CheckResult compare() {
        if (!m_ops->status().ok()) return {false, m_ops->status().error().message};
        std::vector<float> got(static_cast<std::size_t>(m_y.count));
        m_ops->download(got, m_y);
        for (std::int64_t r = 0; r < m_pieces * m_rows; ++r)
            for (std::int64_t j = 0; j < kSide; ++j) {
                float sum = input(3, j);
                for (std::int64_t i = 0; i < kSide; ++i)
                    sum += input(1, r * kSide + i) * input(2, j * kSide + i);
                if (got[static_cast<std::size_t>(r * kSide + j)] != sum)
                    return {false, fmt::format("element {} of row {} is wrong", j, r)};
            }
        return {true, fmt::format("all {} elements are exact", got.size())};
    }
    void issue() {
        for (const GemmArgs& args : m_products)
            m_ops->gemm(m_batched ? "product.all" : "product.one", args);
    }
    Status record() {
        GraphRecorder* recorder = graphsOf(*m_ops);
        if (recorder == nullptr)
            return Error{ErrorCode::kUnsupported, m_backend.name + " records no graphs"};
        recorder->beginGraph();
        issue();
        RIDGE_TRY(m_graph, recorder->endGraph());
        const auto rows = static_cast<std::uint64_t>(m_rows);
        const auto count = static_cast<std::uint64_t>(m_pieces);
        const formulas::OpCost one = formulas::gemm(rows, kSide, kSide, 4, 4, true, false);
        m_graphWork = opWork(RIDGE_OP_GEMM, RIDGE_DTYPE_F32, count * one.flops,
                             count * one.bytesRead, count * one.bytesWritten);
        // What the check finds must be the graph's.
        std::vector<float> nothing(static_cast<std::size_t>(m_y.count));
        m_ops->upload(m_y, nothing);
        return {};
    }
    static float input(std::uint64_t seed, std::int64_t i) {
        return static_cast<float>(randomBits(seed, static_cast<std::uint64_t>(i)) % 9) - 4.0F;
    }
    void fill(const Tensor& tensor, std::uint64_t seed) {
        std::vector<float> values(static_cast<std::size_t>(tensor.count));
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = input(seed, static_cast<std::int64_t>(i));
        m_ops->upload(tensor, values);
    }

    Backend m_backend;
    bool m_batched, m_asGraph;
    std::int64_t m_pieces, m_rows;
    std::unique_ptr<Operators> m_ops;
    Tensor m_x, m_y, m_weight, m_bias;
    std::vector<GemmArgs> m_products;
    std::unique_ptr<OperatorGraph> m_graph;  // goes before its operators
    Work m_graphWork{};
};

}  // namespace

std::unique_ptr<Workload> makeVectorWorkload(const Backend& backend, VectorCase which,
                                             std::int64_t rows, std::int64_t width) {
    return std::make_unique<VectorWorkload>(backend, which, rows, width);
}

std::unique_ptr<Workload> makeLaunchWorkload(const Backend& backend, LaunchCase which,
                                             std::int64_t pieces, std::int64_t rows) {
    return std::make_unique<LaunchWorkload>(backend, which, pieces, rows);
}

std::vector<WorkloadSpec> vectorSpecs(const Backend& backend) {
    struct Row {
        const char* name;
        VectorCase which;
        const char* faster;
    };
    const std::int64_t rows = backend.accelerator ? 4 * kRows : kRows;
    std::vector<WorkloadSpec> specs;
    for (const Row& row :
         {Row{"bias_gelu_residual", VectorCase::kBiasGeluResidual, "bias_gelu_residual.fused"},
          Row{"bias_gelu_residual.fused", VectorCase::kBiasGeluResidualFused, nullptr},
          Row{"layernorm", VectorCase::kLayerNorm, nullptr}}) {
        WorkloadSpec spec;
        spec.name = std::string("elementwise/") + row.name;
        spec.params = {{"backend", backend.name},
                       {"dtype", "fp32"},
                       {"rows", std::to_string(rows)},
                       {"width", std::to_string(kWidth)}};
        spec.presets = {"standard", "full"};
        spec.expected = {"memory_wall", "memory_bandwidth"};
        if (row.faster != nullptr) {
            spec.fasterVariant = std::string("elementwise/") + row.faster;
            spec.change = "fused";
        }
        spec.steps = 20;
        spec.create = [backend, rows, which = row.which] {
            return makeVectorWorkload(backend, which, rows, kWidth);
        };
        specs.push_back(std::move(spec));
    }
    return specs;
}

std::vector<WorkloadSpec> launchSpecs(const Backend& backend) {
    constexpr std::int64_t kPieces = 2000;
    // On a GPU large enough that all of it at once is more than a launch. On a processor one row:
    // four took six times as long as an empty operator, and reading the matrix again for each is
    // then as good an account of the time as starting it.
    const std::int64_t rowsEach = backend.accelerator ? 64 : 1;
    std::vector<WorkloadSpec> specs;
    for (const LaunchCase which : {LaunchCase::kSingle, LaunchCase::kGraph, LaunchCase::kBatched}) {
        const bool graph = which == LaunchCase::kGraph, batched = which == LaunchCase::kBatched;
        if (graph && !backend.accelerator) continue;
        WorkloadSpec spec;
        spec.name = graph ? "launch/graph" : batched ? "launch/batched" : "launch/single";
        spec.params = {{"backend", backend.name},
                       {"dtype", "fp32"},
                       {"operators", batched ? "1" : std::to_string(kPieces)},
                       {"rows", std::to_string(batched ? kPieces * rowsEach : rowsEach)}};
        spec.presets = {"smoke", "standard", "full"};
        if (batched && backend.accelerator)
            spec.expected = {"memory_wall", "memory_bandwidth"};  // 32 FLOP for each byte of rows
        else if (batched)
            spec.expected = {"compute_bound", "compute"};
        else if (graph)
            // The starts are gone; kernels of one block, one after the other, are near no roof.
            spec.expected = {"latency_bound", "none"};
        else
            spec.expected = {"latency_bound", "launch"};
        if (!batched && !graph) {
            spec.fasterVariant = backend.accelerator ? "launch/graph" : "launch/batched";
            spec.change = backend.accelerator ? "no_launch_cost" : "batched";
        }
        spec.warmupSteps = 5;
        spec.steps = batched ? 400 : 100;
        spec.create = [backend, which, rowsEach] {
            return makeLaunchWorkload(backend, which, kPieces, rowsEach);
        };
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace ridge::workloads
