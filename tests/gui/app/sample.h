// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A small snapshot made by hand: a process with nested ranges and calls, a GPU with one stream; calls 1..9
// launch kernels 0..8.

#include "gui/load/assembly.h"
#include "gui/model/colours.h"

namespace ridge::gui::test {

inline SnapshotPtr sampleSnapshot() {
    Assembly assembly(std::vector<std::string>{"sample"});
    const std::int64_t process = std::int64_t{1} << 24, thread = process | 1;
    assembly.process(process).rank = 0;
    auto* ranges = assembly.track({process, -1, thread, TrackKind::kRanges}, "");
    auto* calls = assembly.track({process, -1, thread, TrackKind::kApi}, "");
    auto* kernels = assembly.track({process, 0, 7, TrackKind::kKernels}, "");
    const auto name = [&](const char* text, ColourId colour) {
        const std::uint32_t id = assembly.intern(text);
        assembly.colour(id, colour);
        return id;
    };
    const auto step = name("step", kColourOfName), op = name("gemm op", colourOf(analyzer::KernelClass::kGemm));
    const auto launch = name("cudaLaunchKernel", colourOf(WallClass::kLaunch));
    const auto kernel = name("sgemm_kernel", colourOf(analyzer::KernelClass::kGemm)), norm = name("norm_kernel", colourOf(analyzer::KernelClass::kNorm));
    for (Ns i = 0; i < 10; ++i) {
        const Ns t = i * 1'000'000;
        ranges->add(t, t + 900'000, step, 0);
        ranges->add(t + 100'000, t + 400'000, op, 0);
        calls->add(t + 120'000, t + 150'000, launch, 0, static_cast<std::uint32_t>(i) + 1);
        kernels->add(t + 200'000, t + 600'000, i % 2 ? norm : kernel, 0, static_cast<std::uint32_t>(i) + 1);
    }
    assembly.seen(0, 10'000'000);
    Counter* counter = assembly.counter(process, -1, "process.rss", "B", 1);
    for (Ns i = 0; i < 100; ++i) counter->append(i * 100'000, static_cast<float>(i % 10));
    return assembly.publish(true, 1);
}

}  // namespace ridge::gui::test
