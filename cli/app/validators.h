// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Checks of option values that CLI11 does not have.

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <string>

namespace ridge::cli {

// A number from least to most. CLI::Range compares, and so lets "nan" through.
inline CLI::Validator finiteRange(double least, double most) {
    return CLI::Validator(
        [=](const std::string& text) {
            double value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool number = error == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
            return number && value >= least && value <= most ? std::string()
                                                              : fmt::format("{} is no number from {} to {}", text, least, most);
        },
        fmt::format("FLOAT in [{} - {}]", least, most));
}

}  // namespace ridge::cli
