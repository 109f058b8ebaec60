// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which errno values mean that there is no more room: the disk's, a user's quota, or a limit on the size of a file.
// Whoever writes tells them apart from a place that cannot be written: exit code 4 instead of 2 (cli/README.md, rule 2).

#include <cerrno>

namespace ridge {

[[nodiscard]] constexpr bool isNoRoom(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

}  // namespace ridge
