// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/family_workload.h"

#include "workloads/families/checks.h"
#include "workloads/models/checks.h"

#include <fmt/format.h>

#include <cmath>

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
    return statuses();
}

CheckResult FamilyWorkload::check() {
    CheckResult result =
        checkAll({[&] { return checkTiny(); }, [&] { return checkAlongGradient(*m_model); }});
    m_model->setBatch(0);  // the parameters are where they were but for rounding
    m_firstLoss = m_model->forward();
    if (const Status status = statuses(); !status.ok()) return {false, status.error().message};
    return result;
}

void FamilyWorkload::step(std::uint64_t index) {
    m_model->setBatch(index);
    m_lastLoss = m_model->forward();
    m_model->backward();
    m_model->update(kRate);
    m_ops->synchronize();
}

CheckResult FamilyWorkload::finish() {
    if (const Status status = statuses(); !status.ok()) return {false, status.error().message};
    // Batches differ, so the last loss may lie above the first; it is no multiple of it.
    return {m_lastLoss < 1.5 * m_firstLoss,
            fmt::format("loss {:.4f} at first, {:.4f} at last", m_firstLoss, m_lastLoss)};
}

}  // namespace ridge::workloads
