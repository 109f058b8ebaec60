// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Hardware counters of the GPU: of kernels by their number in the context -> RIDGE_KERNEL_METRIC by
// correlation id, beside the launches in their order; samples -> GPU_METRICS. A launch is recorded
// before the values of its kernel, by whatever thread: launches are gathered in the first pass
// (catalogue).
#include "collector/recorder/convert/emitter.h"

#include <cmath>

namespace ridge::recorder {

using namespace spool;

// False: no counters.
bool Emitter::counterRecord(const RecordView& view) {
    switch (view.type()) {
        case RecordType::kKernelLaunch: {
            const auto launch = view.as<KernelLaunch>();
            m_row.clear();
            m_row.integer(globalTid(m_source->pid, 0))
                .integer(launch.contextId)
                .integer(launch.index);
            m_row.integer(launch.correlationId).integer(name(launch.header.id));
            m_tables.kernelLaunch().add(m_row);
            note(time(launch.time));
            return true;
        }
        case RecordType::kKernelMetric: {
            const auto metric = view.as<KernelMetric>();
            const auto launch =
                m_source->launches.find(std::uint64_t{metric.contextId} << 32 | metric.index);
            if (launch == m_source->launches.end() || !std::isfinite(metric.value)) return true;
            m_row.clear();
            m_row.integer(globalTid(m_source->pid, 0)).integer(launch->second).null();
            m_row.text(m_catalogue.strings.text(name(metric.header.id))).real(metric.value);
            m_tables.kernelMetric().add(m_row);
            return true;
        }
        case RecordType::kGpuMetricSample: {
            const auto sample = view.as<GpuMetricSample>();
            if (!std::isfinite(sample.value)) return true;
            constexpr std::int64_t kSource = 1;
            const std::int64_t type = sample.deviceId;
            const std::int64_t metricName = name(sample.header.id);
            const auto [metric, isNew] = m_gpuMetrics.try_emplace(
                metricName << 8 | (type & 0xff), static_cast<std::int64_t>(m_gpuMetrics.size()));
            if (isNew)
                m_tables.small("TARGET_INFO_GPU_METRICS",
                               {type, kSource, std::string("GPU Metrics"), metric->second,
                                m_catalogue.strings.text(metricName)});
            m_row.clear();
            m_row.integer(static_cast<std::int64_t>(sample.time))
                .integer(cudaTime(sample.time))
                .integer(type);
            m_row.integer(metric->second).integer(std::llround(sample.value));
            m_tables.gpuMetric().add(m_row);
            note(cudaTime(sample.time));
            return true;
        }
        default:
            return false;
    }
}

}  // namespace ridge::recorder
