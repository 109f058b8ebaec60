// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/packed_sample.h"

#include "workloads/storage/crc32c.h"

#include <fmt/format.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace ridge::workloads {
namespace {

struct PackedHeader {
    std::uint64_t magic = 0;
    std::uint64_t index = 0;
    std::uint32_t packedBytes = 0;
    std::uint32_t crc = 0;  // of the unpacked payload
};
constexpr std::uint64_t kMagic = 0x315f64656b636170;  // "packed_1"
constexpr std::size_t kLine = 64;

// Lines, four of five of which stood within the last thirty-two.
std::vector<std::uint8_t> makePayload(std::uint64_t index, std::size_t bytes) {
    std::vector<std::uint8_t> payload(bytes);
    std::uint64_t value = index * 0x9E3779B97F4A7C15ULL + 1;
    const auto next = [&value] {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
        return value;
    };
    for (std::size_t at = 0; at < bytes; at += kLine) {
        const std::size_t length = std::min(kLine, bytes - at);
        const std::size_t back = kLine * (1 + next() % 32);
        if (next() % 5 != 0 && back <= at) {
            std::copy_n(payload.begin() + static_cast<std::ptrdiff_t>(at - back), length,
                        payload.begin() + static_cast<std::ptrdiff_t>(at));
            continue;
        }
        for (std::size_t i = 0; i < length; ++i)
            payload[at + i] = static_cast<std::uint8_t>(next() >> 40);
    }
    return payload;
}

Error damaged(std::uint64_t index, const char* what) {
    return {ErrorCode::kBadInput, fmt::format("packed sample {}: {}", index, what)};
}

}  // namespace

Status packSample(std::span<std::byte> slot, std::uint64_t index, std::size_t unpackedBytes) {
    std::vector<std::uint8_t> payload = makePayload(index, unpackedBytes);
    std::vector<std::uint8_t> work(ISAL_DEF_LVL1_DEFAULT);
    isal_zstream stream{};
    isal_deflate_stateless_init(&stream);
    stream.level = 1;
    stream.level_buf = work.data();
    stream.level_buf_size = static_cast<std::uint32_t>(work.size());
    stream.end_of_stream = 1;
    stream.next_in = payload.data();
    stream.avail_in = static_cast<std::uint32_t>(payload.size());
    stream.next_out = reinterpret_cast<std::uint8_t*>(slot.data() + sizeof(PackedHeader));
    stream.avail_out = static_cast<std::uint32_t>(slot.size() - sizeof(PackedHeader));
    if (isal_deflate_stateless(&stream) != COMP_OK)
        return Error{ErrorCode::kInternal,
                     fmt::format("sample {} of {} bytes does not pack into {}", index,
                                 unpackedBytes, slot.size())};
    const PackedHeader header{kMagic, index, stream.total_out,
                              crc32c(std::as_bytes(std::span(payload)))};
    std::memcpy(slot.data(), &header, sizeof header);
    const std::size_t end = sizeof header + stream.total_out;
    std::memset(slot.data() + end, 0, slot.size() - end);
    return {};
}

Status unpackSample(std::span<const std::byte> slot, std::uint64_t index,
                    std::size_t unpackedBytes) {
    PackedHeader header;
    if (slot.size() < sizeof header) return damaged(index, "shorter than its header");
    std::memcpy(&header, slot.data(), sizeof header);
    if (header.magic != kMagic || header.index != index) return damaged(index, "another one is here");
    if (header.packedBytes > slot.size() - sizeof header) return damaged(index, "longer than its place");
    thread_local std::vector<std::uint8_t> payload;
    payload.resize(unpackedBytes);
    inflate_state state{};
    isal_inflate_init(&state);
    // The library only reads through it.
    state.next_in = const_cast<std::uint8_t*>(
        reinterpret_cast<const std::uint8_t*>(slot.data() + sizeof header));
    state.avail_in = header.packedBytes;
    state.next_out = payload.data();
    state.avail_out = static_cast<std::uint32_t>(payload.size());
    if (isal_inflate_stateless(&state) != ISAL_DECOMP_OK || state.total_out != unpackedBytes)
        return damaged(index, "does not unpack");
    if (crc32c(std::as_bytes(std::span(payload))) != header.crc)
        return damaged(index, "does not match its checksum");
    return {};
}

}  // namespace ridge::workloads
