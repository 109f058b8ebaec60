// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The closed enums of the project: one list, used in JSON, SQL, the viewer and the docs.
// Names are frozen. parse*() returns nothing for a name that is not in the list.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ridge {

// Where an instant of a step went: the classes of the exact partition (metrics.md 1.2). Work classes first,
// then exposed communication and copies, then the causes of idleness. At each instant exactly one applies.
enum class WallClass : std::uint8_t {
    kComputeBound,
    kMemoryWall,
    kLatencyBound,
    kComputeUnknown,
    kCommTransfer,
    kCommWait,
    kCommUnsplit,
    kCopy,
    kIoInput,
    kIoCheckpoint,
    kSync,
    kApi,
    kLaunch,
    kDevicePending,
    kKernelGap,
    kDependency,
    kHost,
    kPreempted,
    kUnlinked,
    kUnknownCapture,
    kIdle,
};
inline constexpr std::array<std::string_view, 21> kWallClassNames{
    "compute_bound", "memory_wall",   "latency_bound", "compute_unknown", "comm_transfer", "comm_wait",
    "comm_unsplit",  "copy",          "io_input",      "io_checkpoint",   "sync",          "api",
    "launch",        "device_pending", "kernel_gap",   "dependency",      "host",          "preempted",
    "unlinked",      "unknown_capture", "idle"};
inline constexpr std::size_t kWallClassCount = kWallClassNames.size();

// Why: the second half of a verdict.
enum class Cause : std::uint8_t {
    kCompute,
    kMemoryBandwidth,
    kMemoryCapacity,
    kCommunication,
    kStraggler,
    kPipelineBubble,
    kLaunch,
    kHost,
    kInputIo,
    kCheckpointIo,
    kQueueing,
    kHostPreemption,
    kCopyLink,
    kNone,
};
inline constexpr std::array<std::string_view, 14> kCauseNames{
    "compute", "memory_bandwidth", "memory_capacity", "communication", "straggler",
    "pipeline_bubble", "launch", "host", "input_io", "checkpoint_io",
    "queueing", "host_preemption", "copy_link", "none"};

// Numeric values are those of schemas/include/ridge/work.h.
inline constexpr std::array<std::string_view, 10> kOpKindNames{
    "other", "gemm", "attention", "norm", "elementwise", "embedding", "optimizer", "copy", "collective", "io"};
inline constexpr std::array<std::string_view, 12> kDtypeNames{
    "none", "f32", "tf32", "bf16", "f16", "fp8_e4m3", "fp8_e5m2", "f64", "int8", "int4", "int32", "int64"};

enum class Severity : std::uint8_t { kInfo, kWarning, kError };
inline constexpr std::array<std::string_view, 3> kSeverityNames{"info", "warning", "error"};

enum class Confidence : std::uint8_t { kHigh, kMedium, kLow };
inline constexpr std::array<std::string_view, 3> kConfidenceNames{"high", "medium", "low"};

constexpr std::string_view name(WallClass c) { return kWallClassNames[static_cast<std::size_t>(c)]; }
constexpr std::string_view name(Cause c) { return kCauseNames[static_cast<std::size_t>(c)]; }
constexpr std::string_view name(Severity s) { return kSeverityNames[static_cast<std::size_t>(s)]; }
constexpr std::string_view name(Confidence c) { return kConfidenceNames[static_cast<std::size_t>(c)]; }

template <typename Enum, std::size_t N>
constexpr std::optional<Enum> parseEnum(const std::array<std::string_view, N>& names, std::string_view text) {
    for (std::size_t i = 0; i < N; ++i)
        if (names[i] == text) return static_cast<Enum>(i);
    return std::nullopt;
}
constexpr std::optional<WallClass> parseWallClass(std::string_view text) {
    return parseEnum<WallClass>(kWallClassNames, text);
}
constexpr std::optional<Cause> parseCause(std::string_view text) { return parseEnum<Cause>(kCauseNames, text); }

}  // namespace ridge
