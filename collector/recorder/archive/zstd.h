// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The three calls of zstd that archives need, so that all else builds without its headers.

#include <cstddef>
#include <string>
#include <string_view>

namespace ridge::archive {

bool zstdIsThere();
// One frame.
std::string zstdPack(std::string_view bytes, int level);
// false: no frame, or one of another length. Never writes more than `unpacked` bytes.
bool zstdUnpack(std::string_view packed, std::size_t unpacked, std::string& bytes);

}  // namespace ridge::archive
