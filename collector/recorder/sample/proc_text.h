// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Small readers of /proc and /sys texts. A file that is gone or unreadable is an empty text.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace ridge::recorder {

inline std::string slurp(const std::string& path) {
    std::string text;
    if (FILE* file = std::fopen(path.c_str(), "re")) {
        std::array<char, 8192> buffer{};
        while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), file))
            text.append(buffer.data(), n);
        std::fclose(file);
    }
    return text;
}

// The number after "label" at the start of a line; false: not there.
inline bool numberAfter(const std::string& text, const char* label, double& out) {
    std::size_t at = text.starts_with(label) ? 0 : text.find(std::string("\n") + label);
    if (at == std::string::npos) return false;
    at = text.find_first_of("0123456789", at + std::strlen(label));
    if (at == std::string::npos) return false;
    out = std::strtod(text.c_str() + at, nullptr);
    return true;
}

// The fields of a stat file behind the name, which may hold anything; empty: gone.
inline std::vector<std::string> statFields(const std::string& path) {
    const std::string stat = slurp(path);
    const std::size_t close = stat.rfind(')');
    std::vector<std::string> fields;
    if (close == std::string::npos) return fields;
    std::istringstream words(stat.substr(close + 1));
    for (std::string word; words >> word;) fields.push_back(word);
    return fields;
}

}  // namespace ridge::recorder
