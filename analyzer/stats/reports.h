// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One function per report; stats.cpp has the list. Private to analyzer/stats.

#include "analyzer/stats/rows.h"

namespace ridge::analyzer::stats {

StatsTable cudaApiSum(Rows& rows);
StatsTable cudaApiTrace(Rows& rows);
StatsTable cudaApiGpuSum(Rows& rows);
StatsTable cudaGpuKernSum(Rows& rows);
StatsTable cudaGpuKernGbSum(Rows& rows);
StatsTable cudaGpuMemTimeSum(Rows& rows);
StatsTable cudaGpuMemSizeSum(Rows& rows);
StatsTable cudaGpuSum(Rows& rows);
StatsTable cudaGpuTrace(Rows& rows);
StatsTable cudaKernExecSum(Rows& rows);
StatsTable cudaKernExecTrace(Rows& rows);
StatsTable nvtxSum(Rows& rows);
StatsTable nvtxPushPopSum(Rows& rows);
StatsTable nvtxPushPopTrace(Rows& rows);
StatsTable nvtxStartEndSum(Rows& rows);
StatsTable nvtxStartEndTrace(Rows& rows);
StatsTable nvtxGpuProjSum(Rows& rows);
StatsTable nvtxGpuProjTrace(Rows& rows);
StatsTable nvtxKernSum(Rows& rows);
StatsTable osrtSum(Rows& rows);
StatsTable fileAccessSum(Rows& rows);
StatsTable fileClassSum(Rows& rows);
StatsTable fileSizeHist(Rows& rows);
StatsTable fileOffsetHist(Rows& rows);
StatsTable cpuSamplesSum(Rows& rows);

}  // namespace ridge::analyzer::stats
