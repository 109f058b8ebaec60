// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The same test over every implementation of the operators: the CPU's on one and two threads, the
// CUDA sources on the host (cuda_on_host/), and the GPU, where there is one (skipped with its
// reason elsewhere).

#include "tests/unit/workloads_ops/cuda_on_host/host_device.h"
#include "workloads/ops/cpu/cpu_operators.h"
#include "workloads/ops/cuda/cuda_operators.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace ridge::workloads {

class OnBackends : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        const std::string name = GetParam();
        if (name == "cuda_on_host") {
            m_ops = cuda::makeOperatorsOnHost();
            return;
        }
        auto made = name == "gpu" ? makeCudaOperators() : makeCpuOperators(name == "cpu2" ? 2 : 1);
        if (!made.ok()) GTEST_SKIP() << made.error().message;
        m_ops = std::move(made).value();
    }
    [[nodiscard]] bool onHostDevice() const { return std::string(GetParam()) == "cuda_on_host"; }

    [[nodiscard]] bool onProcessor() const { return std::string(GetParam()).starts_with("cpu"); }

    // What whole models are stored in here: all, but on the slow device the one that is hardest.
    [[nodiscard]] std::vector<Storage> storages() const {
        if (onHostDevice()) return {Storage::kInt4};
        return {Storage::kF32, Storage::kBf16, Storage::kInt8, Storage::kInt4};
    }

    std::unique_ptr<Operators> m_ops;
};

inline auto everyBackend() {
    return testing::Values("cpu1", "cpu2", "cuda_on_host", "gpu");
}
inline std::string backendName(const testing::TestParamInfo<const char*>& tested) {
    return tested.param;
}

}  // namespace ridge::workloads
