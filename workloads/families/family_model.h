// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the proofs and the workload of every family need to know of its model: parameters in and
// out, one training step with plain SGD. A model holds views of memory that its Operators object
// owns; both operator objects outlive it. Losses are means over the batch.

#include "workloads/families/family_operators.h"
#include "workloads/ops/operators.h"

#include <cstdint>
#include <span>
#include <vector>

namespace ridge::workloads {

class FamilyModel {
public:
    virtual ~FamilyModel() = default;

    // In one order, without gaps; what the reference of the family calls its parameters.
    [[nodiscard]] virtual std::int64_t parameterCount() const = 0;
    virtual void load(std::span<const float> parameters) = 0;
    [[nodiscard]] virtual std::vector<float> parameters() = 0;
    // Seeded values as the family's papers draw them.
    virtual void initialise(std::uint64_t seed) = 0;

    // Batches repeat after a few; the step takes one.
    virtual void setBatch(std::uint64_t index) = 0;
    // Mean loss of the batch.
    virtual double forward() = 0;
    virtual void backward() = 0;
    // Parameters -= rate * gradients, of the last backward(); may be called again.
    virtual void update(float rate) = 0;
    // Sum of the squares of all gradients of the last backward().
    [[nodiscard]] virtual double gradientSquares() = 0;
};

// Dense parameters that lie in one array beside their gradients.
struct DenseParameters {
    Tensor values, gradients;

    [[nodiscard]] static DenseParameters allocate(Operators& ops, std::int64_t count) {
        return {ops.allocate(count), ops.allocate(count)};
    }
    [[nodiscard]] double squares(Operators& ops) const;
};

// Uniform in [-bound, bound), the same on every machine.
[[nodiscard]] std::vector<float> uniformValues(std::int64_t count, std::uint64_t seed, float bound);
// Mean of the first `count` losses.
[[nodiscard]] double meanOf(Operators& ops, const Tensor& losses, std::int64_t count);

}  // namespace ridge::workloads
