// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A training step as storage sees it: the next batch from a loader, then a fixed amount of
// computing. Shared by io.train, io.decode and the slow-loader fault.
//
// accelerator_utilization is MLPerf Storage's: computing over running time, summed over the timed
// steps (the warm-up, and with it the first batch, is left out). Computing is a product of fixed
// size, or an emulated accelerator: a sleep of fixed length, as DLIO does it.

#include "workloads/harness/workload.h"
#include "workloads/storage/loader.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace ridge::workloads {

struct IoTrainShape {
    DatasetShape dataset;
    LoaderOptions loader;
    std::int64_t gemmSize = 512;
    int gemmRepeats = 9;
    std::int64_t emulatedComputeNs = 0;  // above 0: instead of the product
    SampleMaker makeSample = {};         // none: fillSample
    std::size_t decodedBytes = 0;        // per sample, where decode unpacks it
};

// io.train on the disk: 32 MiB in samples of 128 KiB, then 18 products of 512^3, 42 ms at 115 GFLOP/s. Fixed sizes, so
// that a slower disk shows as a slower workload, and chosen between two limits. One read after the other waits for
// the device each time: 1 to 2 GB/s for samples of this size even where the device gives many times that, so that
// without prefetching reading has a quarter of the step (up to 2.4 GB/s) and more. Read ahead by several threads,
// the same bytes are hidden from 0.8 GB/s on.
IoTrainShape diskTrainShape(int depth, int workers);

std::unique_ptr<Workload> makeIoTrain(const IoTrainShape& shape);
// The parameters that reports show.
std::map<std::string, std::string> ioTrainParams(const IoTrainShape& shape);

}  // namespace ridge::workloads
