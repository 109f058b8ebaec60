// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload of a family: its model made and initialised, its proofs, one training step at a
// time. A family derives and says how its model is made, what is proven of a tiny one, what it
// reports.

#include "workloads/families/families.h"

#include <memory>
#include <vector>

namespace ridge::workloads {

class FamilyWorkload : public Workload {
public:
    explicit FamilyWorkload(FamilyBackend backend) : m_backend(std::move(backend)) {}

    Status prepare() override;
    CheckResult check() override;
    void step(std::uint64_t index) override;
    Status status() const override { return m_ops->status().ok() ? m_family->status() : m_ops->status(); }
    CheckResult finish() override;

protected:
    [[nodiscard]] virtual Result<std::unique_ptr<FamilyModel>> makeModel() = 0;
    [[nodiscard]] virtual CheckResult checkTiny() = 0;

    [[nodiscard]] Operators& ops() { return *m_ops; }
    [[nodiscard]] FamilyOperators& family() { return *m_family; }

private:
    FamilyBackend m_backend;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<FamilyOperators> m_family;
    std::unique_ptr<FamilyModel> m_model;
    std::vector<double> m_losses;  // of the first steps after the check
    double m_firstLoss = 0, m_lastLoss = 0;
};

}  // namespace ridge::workloads
