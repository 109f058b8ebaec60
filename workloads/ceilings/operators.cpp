// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Roofs of a device through the operators that the workloads use: its products per type, reading
// (a checksum), copying and adding through its memory, and the start of an operator.
#include "workloads/ops/operators.h"

#include "workloads/ceilings/device_roofs.h"
#include "workloads/ops/copy_streams.h"
#include "workloads/ops/graphs.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace ridge::workloads {
namespace {

constexpr std::int64_t kProduct = 8192;
constexpr std::int64_t kElements = std::int64_t{1} << 28;  // 1 GiB: far above any cache
constexpr std::int64_t kLaunches = 200;

// Noise in [-1, 1): a GPU draws less power on zeros and constants, and clocks higher than it would
// at work.
void fillWithNoise(Operators& ops, const Tensor& tensor) {
    constexpr std::int64_t kPiece = std::int64_t{1} << 22;
    std::vector<float> noise(kPiece);
    std::uint32_t state = 1;
    for (float& value : noise) {
        state = state * 1664525U + 1013904223U;
        value = static_cast<float>(state >> 8) * 0x1p-23F - 1.0F;
    }
    for (std::int64_t at = 0; at < tensor.count; at += kPiece)
        ops.upload(tensor.slice(at, std::min(kPiece, tensor.count - at)), noise);
}

// False, with a note, where the device has no products of this type.
bool multiplies(const MeasuredDevice& device, ridge_dtype type, const char* name) {
    const Status native = device.ops.canMultiply(type);
    if (!native.ok())
        device.out.notes.push_back(
            fmt::format("no {}{} product roof: {}", device.prefix, name, native.error().message));
    return native.ok();
}

void sampleProduct(const MeasuredDevice& device, const char* name, const GemmArgs& args) {
    Roof roof = roofOf("compute", device.prefix + "gemm", "FLOP/s",
                       fmt::format("product {0}x{0}x{0}, {1}", kProduct, device.ops.describe()));
    roof.dtype = name;
    constexpr auto kSide = static_cast<double>(kProduct);
    device.sample(std::move(roof), 2.0 * kSide * kSide * kSide,
                  [&] { device.ops.gemm("roof", args); });
}

// Operands quantised from noise, their scales beside them; `room` holds the sum of two squares
// more.
void measureEightBits(const MeasuredDevice& device, const Tensor& room) {
    constexpr std::int64_t kSquare = kProduct * kProduct;
    constexpr auto kType = RIDGE_DTYPE_FP8_E4M3;
    if (!multiplies(device, kType, "fp8_e4m3")) return;
    GemmArgs args;
    args.layout = GemmLayout::kNT;
    args.m = args.n = args.k = kProduct;
    args.c = room.slice(2 * kSquare, kSquare);
    for (const auto& [operand, scale, at] : {std::tuple{&args.a, &args.leftScale, std::int64_t{0}},
                                             std::tuple{&args.b, &args.rightScale, kSquare}}) {
        *operand = device.ops.allocate(kSquare, kType);
        *scale = device.ops.allocate(1);
        if (operand->empty() || scale->empty()) return;  // the caller's note says why
        device.ops.quantise("fill", {kProduct, kProduct, false}, room.slice(at, kSquare), *operand,
                            *scale);
    }
    sampleProduct(device, "fp8_e4m3", args);
}

// The same in whole numbers, of noise.
void measureWholeNumbers(const MeasuredDevice& device) {
    constexpr std::int64_t kSquare = kProduct * kProduct, kPiece = std::int64_t{1} << 22;
    constexpr auto kType = RIDGE_DTYPE_INT8;
    if (!multiplies(device, kType, "int8")) return;
    GemmArgs args;
    args.layout = GemmLayout::kNT;
    args.m = args.n = args.k = kProduct;
    args.c = device.ops.allocate(kSquare, RIDGE_DTYPE_INT32);
    std::vector<std::byte> noise(static_cast<std::size_t>(kPiece));
    std::uint32_t state = 1;
    for (std::byte& value : noise) {
        state = state * 1664525U + 1013904223U;
        value = static_cast<std::byte>(state >> 24);
    }
    for (Tensor* operand : {&args.a, &args.b}) {
        *operand = device.ops.allocate(kSquare, kType);
        if (operand->empty() || args.c.empty()) return;  // the caller's note says why
        for (std::int64_t at = 0; at < kSquare; at += kPiece)
            device.ops.uploadBytes(operand->slice(at, kPiece), noise);
    }
    sampleProduct(device, "int8", args);
}

void measureProducts(const MeasuredDevice& device, const Tensor& room, const Tensor& half) {
    const struct {
        ridge_dtype type;
        const char* dtype;
    } types[] = {{RIDGE_DTYPE_F32, "f32"}, {RIDGE_DTYPE_TF32, "tf32"}, {RIDGE_DTYPE_BF16, "bf16"}};
    constexpr std::int64_t kSquare = kProduct * kProduct;
    for (const auto& [type, dtype] : types) {
        if (!multiplies(device, type, dtype)) continue;
        GemmArgs args;
        args.m = args.n = args.k = kProduct;
        args.a = type == RIDGE_DTYPE_BF16 ? half.slice(0, kSquare) : room.slice(0, kSquare);
        args.b =
            type == RIDGE_DTYPE_BF16 ? half.slice(kSquare, kSquare) : room.slice(kSquare, kSquare);
        args.c = room.slice(2 * kSquare, kSquare);
        if (type != RIDGE_DTYPE_BF16 && !device.ops.setProducts(type).ok()) continue;
        sampleProduct(device, dtype, args);
    }
    (void)device.ops.setProducts(RIDGE_DTYPE_F32);
    measureEightBits(device, room);
    measureWholeNumbers(device);
}

// Between the host's memory, as malloc gives it, and the device's: what an upload of a batch or a
// checkpoint's copy gets.
void measureLinks(const MeasuredDevice& device, const Tensor& room) {
    std::vector<float> host(std::size_t{1} << 26, 1.0F);  // 256 MiB, first touched here
    const Tensor there = room.slice(0, std::min(room.count, std::ssize(host)));
    const auto bytes = static_cast<double>(there.bytes());
    const std::string how = fmt::format("{} MiB of pageable memory", there.bytes() >> 20);
    device.sample(roofOf("link", device.prefix + "host_to_device", "B/s", how), bytes,
                  [&] { device.ops.upload(there, host); });
    device.sample(roofOf("link", device.prefix + "device_to_host", "B/s", how), bytes,
                  [&] { device.ops.download(host, there); });
}

// The same link from page-locked memory, which the device reads and writes by itself; one way, the
// other, and both at a time.
void measurePinnedLinks(const MeasuredDevice& device, const Tensor& room) {
    CopyStreams* streams = copyStreamsOf(device.ops);
    if (streams == nullptr) return;
    constexpr std::int64_t kBytes = std::int64_t{256} << 20;
    const Tensor in = room.slice(0, kBytes / 4), out = room.slice(kBytes / 4, kBytes / 4);
    char* const host = static_cast<char*>(streams->allocatePinned(2 * kBytes));
    if (host == nullptr) return;  // the caller's note says why
    const auto sample = [&](const char* name, double copies, bool inwards, bool outwards) {
        device.sample(roofOf("link", device.prefix + name, "B/s", "256 MiB of page-locked memory"),
                      copies * static_cast<double>(kBytes), [&] {
                          if (inwards) streams->copyIn(in.data, host, kBytes, 0);
                          if (outwards) streams->copyOut(host + kBytes, out.data, kBytes, 0);
                          streams->waitForCopies();
                      });
    };
    sample("host_to_device.pinned", 1, true, false);
    sample("device_to_host.pinned", 1, false, true);
    sample("both_ways.pinned", 2, true, true);
}

// Two arrays that the second-level cache of any device of the last years holds, copied back and
// forth without the host: by one start of a graph, since a copy takes hardly longer than a start.
Status measureCache(const MeasuredDevice& device, const Tensor& room) {
    GraphRecorder* recorder = graphsOf(device.ops);
    if (recorder == nullptr) return {};
    constexpr std::int64_t kCached = std::int64_t{1} << 21;  // 8 MiB
    constexpr int kCopies = 64;
    const Tensor a = room.slice(0, kCached), b = room.slice(kCached, kCached);
    recorder->beginGraph();
    for (int i = 0; i < kCopies; ++i)
        device.ops.affine("roof", {1.0F, 0.0F}, i % 2 == 0 ? a : b, i % 2 == 0 ? b : a);
    RIDGE_TRY(const auto graph, recorder->endGraph());
    Roof roof = roofOf("memory", device.prefix + "cache.copy", "B/s",
                       fmt::format("8 MiB into another, {} times from one graph", kCopies));
    roof.level = "L2";
    roof.access = "copy";
    roof.capacityBytes = static_cast<std::uint64_t>(a.bytes() + b.bytes());
    device.sample(std::move(roof), kCopies * static_cast<double>(a.bytes() + b.bytes()),
                  [&] { graph->launch(); });
    return {};
}

}  // namespace

void measureOperators(Operators& ops, const std::string& prefix, double budget, Ceilings& out) {
    const Tensor a = ops.allocate(kElements), b = ops.allocate(kElements);
    if (b.empty()) {
        out.notes.push_back("no roofs of " + ops.describe() + ": " + ops.status().error().message);
        return;
    }
    constexpr int kOwnRoofs = 15;
    const MeasuredDevice device{ops, prefix, budget / (kOwnRoofs + kOverheadRoofs + kPeerRoofs),
                                out};
    const auto memory = [&](const char* access, const char* how, double arrays,
                            const std::function<void()>& body) {
        Roof roof = roofOf("memory", prefix + access, "B/s", how);
        roof.level = "DRAM";
        roof.access = access;
        device.sample(std::move(roof), arrays * static_cast<double>(a.bytes()), body);
    };
    fillWithNoise(ops, a);
    memory("read", "exclusive or of 1 GiB", 1, [&] { (void)ops.checksum("roof", a); });
    memory("copy", "1 GiB scaled into another", 2, [&] {
        ops.affine("roof", {0.5F, 0.25F}, a, b);
    });
    memory("triad", "1 GiB and another added into the second", 3,
           [&] { ops.add("roof", a, b, b); });
    measureLinks(device, b);
    measurePinnedLinks(device, b);
    measurePeers(device, b);
    if (const Status cache = measureCache(device, a); !cache.ok())
        out.notes.push_back(fmt::format("no {}cache.copy roof: {}", prefix, cache.error().message));
    const Tensor half{b.data, b.count, RIDGE_DTYPE_BF16};
    ops.cast("fill", a.slice(0, 2 * kProduct * kProduct), half);
    measureProducts(device, a, half);
    const Tensor small = ops.allocate(32);
    device.sample(
        roofOf("dispatch", prefix + "launch", "s",
               fmt::format("{} operators of one block, issued and waited for", kLaunches)),
        static_cast<double>(kLaunches), [&] {
            for (std::int64_t i = 0; i < kLaunches; ++i)
                ops.affine("roof", {1.0F, 0.0F}, small, small);
        });
    measureOverheads(device);
    if (!ops.status().ok())
        out.notes.push_back("roofs of " + ops.describe() + ": " + ops.status().error().message);
}

}  // namespace ridge::workloads
