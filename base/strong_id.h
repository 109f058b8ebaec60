// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Integers that cannot be mixed up: StrongId<struct NameTag> never converts to another id.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace ridge {

template <typename Tag, typename Rep = std::uint32_t>
struct StrongId {
    Rep value{};
    constexpr StrongId() = default;
    constexpr explicit StrongId(Rep v) : value(v) {}
    friend constexpr auto operator<=>(StrongId, StrongId) = default;
};

}  // namespace ridge

template <typename Tag, typename Rep>
struct std::hash<ridge::StrongId<Tag, Rep>> {
    std::size_t operator()(ridge::StrongId<Tag, Rep> id) const noexcept {
        return std::hash<Rep>{}(id.value);
    }
};
