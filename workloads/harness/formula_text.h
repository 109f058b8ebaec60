// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What each family of workloads counts, in one line for people: the formula that its payloads and
// metrics come from (workloads/formulas has the code and the sources). L layers, C width, T tokens
// of a sequence, H heads of d, N parameters in products, tok tokens of a step, B and b sequences,
// P tokens of a prompt, V words, F peak FLOP/s, W read bandwidth, n ranks, S bytes of the whole
// array, s bytes per element.

#include <string_view>

namespace ridge::workloads {

// Empty for a family that is not listed; a test holds the list against the registry.
[[nodiscard]] std::string_view formulaText(std::string_view family);

}  // namespace ridge::workloads
