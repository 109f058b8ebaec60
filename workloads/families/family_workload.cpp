// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/family_workload.h"

#include "workloads/families/checks.h"
#include "workloads/models/check_values.h"
#include "workloads/models/checks.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace ridge::workloads {

namespace {

constexpr std::uint64_t kSeed = 5;
// Small enough that any number of steps over the same few batches stays a training run.
constexpr float kRate = 1e-3F;

}  // namespace

Status FamilyWorkload::prepare() {
    RIDGE_TRY(m_ops, m_backend.dense.make());
    const int threads = runContext().threads;
    RIDGE_TRY(m_family, m_backend.make(*m_ops, threads > 1 ? threads : 0));
    RIDGE_TRY(m_model, makeModel());
    m_model->initialise(kSeed);
    step(0);
    return status();
}

CheckResult FamilyWorkload::check() {
    CheckResult result =
        checkAll({[&] { return checkTiny(); }, [&] { return checkAlongGradient(*m_model); }});
    m_model->initialise(kSeed);
    m_model->setBatch(0);
    m_firstLoss = m_model->forward();
    m_losses.clear();
    if (const Status failed = status(); !failed.ok()) return {false, failed.error().message};
    return result;
}

void FamilyWorkload::step(std::uint64_t index) {
    m_model->setBatch(index);
    m_lastLoss = m_model->forward();
    m_model->backward();
    m_model->update(kRate);
    m_ops->synchronize();
    if (m_losses.size() < tiny::kReplayedSteps) m_losses.push_back(m_lastLoss);
}

CheckResult FamilyWorkload::finish() {
    const double last = m_lastLoss;
    // Batches differ, so the last loss may lie above the first; it is no multiple of it.
    if (!(last < 1.5 * m_firstLoss)) return {false, fmt::format("loss {:.4f} at first, {:.4f} at last", m_firstLoss, last)};
    // The first steps again, from the same weights.
    const std::vector<double> before = std::exchange(m_losses, {});
    m_model->initialise(kSeed);
    for (std::uint64_t i = 0; i < before.size(); ++i) step(i);
    if (const Status failed = status(); !failed.ok()) return {false, failed.error().message};
    return tiny::sameLosses(m_losses, before, last, m_backend.dense.accelerator);
}

}  // namespace ridge::workloads
