// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstddef>

namespace ridge {

std::string formatDuration(std::int64_t ns) {
    const double value = static_cast<double>(ns);
    const double magnitude = std::abs(value);
    if (magnitude < 1e3) return fmt::format("{} ns", ns);
    constexpr double kRoundsUp = 0.99995;  // four digits of it are 1
    if (magnitude < kRoundsUp * 1e6) return fmt::format("{:.4g} us", value / 1e3);
    if (magnitude < kRoundsUp * 1e9) return fmt::format("{:.4g} ms", value / 1e6);
    constexpr double kHour = 3600e9, kDay = 24 * kHour;
    if (magnitude < 9999e9) return fmt::format("{:.4g} s", value / 1e9);
    if (magnitude < 9999 * kHour) return fmt::format("{:.4g} h", value / kHour);
    return fmt::format("{:.0f} d", value / kDay);
}

namespace {

// Three digits, and never "1.02e+03": with binary prefixes up to 1023 stands before the next one.
std::string threeDigits(double value) {
    constexpr double kFourDigits = 999.5, kExponent = 1e6;
    const double magnitude = std::abs(value);
    return magnitude >= kFourDigits && magnitude < kExponent ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

}  // namespace

std::string formatRate(double value, std::string_view unit) {
    if (!std::isfinite(value)) return "-";
    static constexpr std::array kPrefixes{"", "k", "M", "G", "T", "P", "E"};
    constexpr double kRoundsUp = 999.5;  // three digits of it are 1000
    std::size_t i = 0;
    double scaled = value;
    while (std::abs(scaled) >= kRoundsUp && i + 1 < kPrefixes.size()) {
        scaled /= 1000;
        ++i;
    }
    if (unit.starts_with("1/")) unit.remove_prefix(1);  // "1.49 G/s": a prefix belongs to the number
    return fmt::format("{} {}{}", threeDigits(scaled), kPrefixes[i], unit);
}

std::string formatBytes(std::uint64_t bytes) {
    static constexpr std::array kPrefixes{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t i = 0;
    double scaled = static_cast<double>(bytes);
    while (scaled >= 1024 && i + 1 < kPrefixes.size()) {
        scaled /= 1024;
        ++i;
    }
    return i == 0 ? fmt::format("{} B", bytes) : fmt::format("{} {}", threeDigits(scaled), kPrefixes[i]);
}

std::string formatShare(double share) {
    return std::isfinite(share) ? fmt::format("{:.1f} %", share * 100) : "-";
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

namespace {

// Length of the valid UTF-8 sequence at the start of bytes, or 0.
std::size_t utf8Length(std::string_view bytes) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const auto isTail = [&](std::size_t i) { return i < bytes.size() && (at(i) & 0xC0) == 0x80; };
    const unsigned char lead = at(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return isTail(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (!isTail(1) || !isTail(2)) return 0;
        if (lead == 0xE0 && at(1) < 0xA0) return 0;
        if (lead == 0xED && at(1) > 0x9F) return 0;  // surrogates
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (!isTail(1) || !isTail(2) || !isTail(3)) return 0;
        if (lead == 0xF0 && at(1) < 0x90) return 0;
        if (lead == 0xF4 && at(1) > 0x8F) return 0;
        return 4;
    }
    return 0;
}

}  // namespace

std::string toValidUtf8(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    while (!bytes.empty()) {
        const std::size_t length = utf8Length(bytes);
        if (length == 0) {
            text += "\xEF\xBF\xBD";
            bytes.remove_prefix(1);
        } else {
            text.append(bytes.substr(0, length));
            bytes.remove_prefix(length);
        }
    }
    return text;
}

}  // namespace ridge
