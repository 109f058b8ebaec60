// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/archive/zstd.h"

#include <zstd.h>

namespace ridge::archive {

bool zstdIsThere() { return true; }

std::string zstdPack(std::string_view bytes, int level) {
    std::string packed(ZSTD_compressBound(bytes.size()), '\0');
    const std::size_t size = ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), level);
    packed.resize(ZSTD_isError(size) != 0U ? 0 : size);
    return packed;
}

bool zstdUnpack(std::string_view packed, std::size_t unpacked, std::string& bytes) {
    // What the frame says of itself first: nothing is reserved for a length that it does not have.
    if (ZSTD_getFrameContentSize(packed.data(), packed.size()) != unpacked) return false;
    bytes.resize(unpacked);
    return ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size()) == unpacked;
}

}  // namespace ridge::archive
