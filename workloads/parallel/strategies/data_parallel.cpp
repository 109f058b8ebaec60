// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/data_parallel.h"

#include <algorithm>
#include <span>
#include <utility>

namespace ridge::workloads {

GradientReducer::GradientReducer(GptTrainer& trainer, Communicator& communicator,
                                 GradientBuckets buckets)
    : m_trainer(trainer),
      m_communicator(communicator),
      m_bucket(buckets.bucketBytes > 0
                   ? std::max<std::int64_t>(
                         1, buckets.bucketBytes / static_cast<std::int64_t>(sizeof(float)))
                   : trainer.layout().total),
      m_overlap(buckets.overlap) {
    m_trainer.onGradientsReady(
        [this](std::int64_t offset, std::int64_t count) { ready(offset, count); });
}

GradientReducer::~GradientReducer() {
    m_trainer.onGradientsReady({});
}

void GradientReducer::arm() {
    m_armed = true;
    m_begin = m_end = m_trainer.layout().total;
}

void GradientReducer::ready(std::int64_t offset, std::int64_t count) {
    if (!m_armed) return;
    RIDGE_CHECK(offset + count == m_begin, "gradients become final from the end to the beginning");
    m_begin = offset;
    if (m_overlap) sendFullBuckets();
}

void GradientReducer::sendFullBuckets() {
    while (m_end - m_begin >= m_bucket) {
        send(m_end - m_bucket, m_end);
        m_end -= m_bucket;
    }
}

void GradientReducer::send(std::int64_t begin, std::int64_t end) {
    const std::span<float> bucket(m_trainer.gradients().f32() + begin,
                                  static_cast<std::size_t>(end - begin));
    Status status = m_overlap ? m_communicator.allReduceSumAsync(bucket, "gradients.allreduce")
                              : m_communicator.allReduceSum(bucket, "gradients.allreduce");
    if (!status.ok() && m_status.ok()) m_status = std::move(status);
}

Status GradientReducer::finish() {
    RIDGE_CHECK(m_armed && m_begin == 0, "finish() follows arm() and a whole backward pass");
    m_armed = false;
    sendFullBuckets();
    if (m_end > 0) send(0, m_end);
    m_end = 0;
    if (m_overlap) {
        const WorkRange range("gradients.wait");
        Status status = m_communicator.wait();
        if (!status.ok() && m_status.ok()) m_status = std::move(status);
    }
    return std::exchange(m_status, Status{});
}

}  // namespace ridge::workloads
