// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Feeds mutated timeline files to the analyzer. Two kinds of harm in turn: bytes of the file (damaged
// pages, truncation) and cells of its tables (extreme times, wrong types, long names). Whatever comes,
// analyze() returns an error of one line or an answer whose classes add up; a crash, a hang or a broken
// sum fails. usage: fuzz_timeline ROUNDS SECONDS [SEED]
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>

#include "analyzer/analyze.h"
#include "base/file.h"
#include "trace_builder.h"

namespace {

using namespace ridge;

void buildSeed(const std::string& path) {
    test::TraceBuilder t(path);
    const std::int64_t tid = test::TraceBuilder::tid(100, 100), other = test::TraceBuilder::tid(200, 200);
    t.rank(100, 0, 2);
    t.rank(200, 1, 2);
    t.ceiling("compute", "peak", "f32", "", "", 0, 1e12, "FLOP/s");
    t.ceiling("memory", "L2", "", "L2", "read", 1 << 20, 1e11, "B/s");
    t.ceiling("memory", "DRAM", "", "DRAM", "read", 0, 1e10, "B/s");
    t.ceiling("dispatch", "empty", "", "", "", 0, 1e-6, "s");
    t.range(tid, 0, 900'000, "train", 1);
    for (std::int64_t s = 0; s < 20; ++s) {
        const std::int64_t o = s * 40'000;
        for (const std::int64_t thread : {tid, other}) {
            t.range(thread, o, o + 40'000, "step", 3, s);
            t.work(thread, o, o + 10'000, "gemm", {1, 1, 9'000'000, 100, 100});
            t.work(thread, o + 10'000, o + (thread == tid ? 20'000 : 18'000), "all_reduce", {8, 1, 0, 0, 0, 4000, 7, s});
            t.io(thread, o + 20'000, o + 25'000, "read", 3, "/data/a", 4096);
            t.range(thread, o + 25'000, o + 30'000, "save");
        }
        t.call(test::TraceBuilder::tid(300, 1), o, o + 1'000, "cudaLaunchKernel_v7000", s + 1);
        t.kernel(300, 0, o + 3'000, o + 9'000, s % 3 == 0 ? "ncclKernel" : "sgemm", s + 1);
        t.copy(300, 0, o + 9'500, o + 12'000, s + 1, 4096, 1, 0, 2);
        t.preemption(o + 31'000, o + 32'000);
    }
    t.finish();
}

void hurtBytes(const std::string& path, std::mt19937_64& random) {
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path));
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    for (unsigned i = 0; i < 1 + random() % 30; ++i) {
        // Not the first bytes of the header every time: such files are refused at once.
        const auto from = random() % 8 == 0 ? 0 : 100;
        file.seekp(from + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(size - from)));
        const unsigned length = random() % 10 == 0 ? 500 : 1 + static_cast<unsigned>(random() % 4);
        for (unsigned k = 0; k < length; ++k) file.put(static_cast<char>(random()));
    }
    file.close();
    if (random() % 10 == 0) std::filesystem::resize_file(path, random() % static_cast<std::uint64_t>(size));
}

void hurtCells(const std::string& path, std::mt19937_64& random) {
    static constexpr std::array<const char*, 12> kValues{
        "-1", "0", "9223372036854775807", "-9223372036854775808", "36028797018963967", "NULL", "'text'", "x'00ff'", "1e308",
        "-1e308", "zeroblob(70000)", "abs(random()) % 800000"};
    static constexpr std::array<std::array<const char*, 2>, 30> kCells{{{"NVTX_EVENTS", "start"}, {"NVTX_EVENTS", "end"},
        {"NVTX_EVENTS", "text"}, {"NVTX_EVENTS", "category"}, {"NVTX_EVENTS", "globalTid"}, {"NVTX_EVENTS", "eventType"},
        {"NVTX_EVENTS", "domainId"}, {"NVTX_EVENTS", "uint64Value"}, {"RIDGE_WORK", "opKind"}, {"RIDGE_WORK", "dtype"},
        {"RIDGE_WORK", "flops"}, {"RIDGE_WORK", "bytesRead"}, {"RIDGE_WORK", "communicator"}, {"RIDGE_WORK", "sequence"},
        {"RIDGE_RANK", "rank"}, {"RIDGE_RANK", "worldSize"}, {"RIDGE_IO", "fileAccessId"}, {"RIDGE_IO", "bytes"},
        {"OSRT_API", "start"}, {"OSRT_API", "end"}, {"OSRT_API", "globalTid"}, {"CUPTI_ACTIVITY_KIND_KERNEL", "start"},
        {"CUPTI_ACTIVITY_KIND_KERNEL", "end"}, {"CUPTI_ACTIVITY_KIND_KERNEL", "globalPid"},
        {"CUPTI_ACTIVITY_KIND_KERNEL", "deviceId"}, {"CUPTI_ACTIVITY_KIND_RUNTIME", "start"},
        {"CUPTI_ACTIVITY_KIND_RUNTIME", "globalTid"}, {"CUPTI_ACTIVITY_KIND_MEMCPY", "bytes"}, {"RIDGE_CEILING", "value"},
        {"RIDGE_CEILING", "capacityBytes"}}};
    auto db = Database::openForWriting(path);
    if (!db.ok()) return;
    (void)db->execute("PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF");
    for (unsigned i = 0; i < 1 + random() % 6; ++i) {
        const auto& cell = kCells[random() % kCells.size()];
        // Constraints refuse some of it; that is fine.
        (void)db->execute(fmt::format("UPDATE OR IGNORE {} SET {} = {} WHERE rowid % {} = 0", cell[0], cell[1],
                                      kValues[random() % kValues.size()], 1 + random() % 9));
    }
}

// Empty: as it should be.
std::string faultOf(const std::string& path) {
    const auto answer = analyzer::analyze({path}, {});
    if (!answer.ok()) {
        const std::string& message = answer.error().message;
        if (answer.error().code == ErrorCode::kInternal) return "internal error: " + message;
        return message.empty() || message.find('\n') != std::string::npos ? "error is not one line: " + message : std::string();
    }
    for (const auto& step : answer->steps)
        if (std::accumulate(step.classes.begin(), step.classes.end(), analyzer::Ns{0}) != step.endNs - step.startNs)
            return "a step's classes do not add up";
    for (const auto& device : answer->devices)
        if (device.spanNs != device.busyNs + device.idleNs || device.idleNs < 0) return "a device's times do not add up";
    for (const auto& f : answer->findings)
        if (f.savingHighNs > f.costNs || f.savingLowNs > f.savingHighNs || f.evidence.empty()) return "a finding without measure";
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    const long rounds = argc > 1 ? std::atol(argv[1]) : 600;
    const long seconds = argc > 2 ? std::atol(argv[2]) : 20;
    const unsigned long seed = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1;
    auto folder = TempDir::create("ridge-fuzz");
    if (!folder.ok()) return 77;
    const std::string good = (folder->path() / "seed.sqlite").string(), bad = (folder->path() / "bad.sqlite").string();
    buildSeed(good);
    if (const std::string fault = faultOf(good); !fault.empty()) {
        fmt::print(stderr, "the seed itself: {}\n", fault);
        return 1;
    }
    std::mt19937_64 random(seed);
    const auto begin = std::chrono::steady_clock::now();
    long done = 0;
    for (; done < rounds && std::chrono::steady_clock::now() - begin < std::chrono::seconds(seconds); ++done) {
        std::filesystem::copy_file(good, bad, std::filesystem::copy_options::overwrite_existing);
        if (done % 2 == 0)
            hurtCells(bad, random);
        else
            hurtBytes(bad, random);
        if (const std::string fault = faultOf(bad); !fault.empty()) {
            fmt::print(stderr, "seed {} round {}: {}\n", seed, done, fault);
            return 1;
        }
    }
    fmt::print("{} mutated files, seed {}: no crash, no hang, every sum exact\n", done, seed);
    return 0;
}
