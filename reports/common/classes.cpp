// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/common/classes.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace ridge::reports {
namespace {

// In the order of WallClass.
constexpr std::array<ClassLook, kWallClassCount> kLooks{{
    {"#0072b2", "#3d9bd6", 32, "arithmetic limits the op"},
    {"#d55e00", "#e8722a", 166, "memory bandwidth limits the op"},
    {"#56b4e9", "#8fd0f5", 74, "too small to fill the machine"},
    {"#a9cbe3", "#5c7f99", 110, "computing; which wall cannot be told"},
    {"#b2559a", "#cc79a7", 169, "bytes on the wire, not hidden by compute"},
    {"#6b2a5e", "#9a5590", 90, "waiting for another rank"},
    {"#e2b3d1", "#e2b3d1", 182, "exposed communication, wait and transfer not separable"},
    {"#f0e442", "#f0e442", 227, "copies between host and device"},
    {"#009e73", "#1fb88c", 36, "reading input"},
    {"#7fcdb3", "#9fe0ca", 115, "writing a checkpoint"},
    {"#4b3f92", "#7d70c9", 61, "the host blocks in a synchronisation call"},
    {"#9d92d6", "#b9b0ea", 104, "the host is inside another device call"},
    {"#e69f00", "#f0ad1a", 178, "from the launch call to the start of the kernel"},
    {"#9c6b00", "#bd8a1f", 136, "launched long ago, not started; cause unknown"},
    {"#f7cf80", "#f7cf80", 222, "back-to-back kernels with a short gap"},
    {"#7a5230", "#a97a52", 95, "waiting for an event, a peer or memory"},
    {"#334f4f", "#7fa3a3", 66, "the program's own code between ops"},
    {"#111111", "#f2f2f2", 244, "the machine was taken away from the program"},
    {"#8c8c8c", "#8c8c8c", 245, "device rows without a launch"},
    {"#bdbdbd", "#66696e", 249, "the capture lost records here"},
    {"#dcdfe3", "#43484f", 252, "nothing of the program is running"},
}};

double channel(std::string_view colour, std::size_t at) {
    const auto digit = [&](std::size_t i) {
        const char c = colour[i];
        return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    };
    const double v = (digit(at) * 16 + digit(at + 1)) / 255.0;
    return v <= 0.03928 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
}

double luminance(std::string_view colour) {
    if (colour.size() != 7) return 0;
    return 0.2126 * channel(colour, 1) + 0.7152 * channel(colour, 3) + 0.0722 * channel(colour, 5);
}

std::string spaced(std::string_view name) {
    std::string text(name);
    std::replace(text.begin(), text.end(), '_', ' ');
    return text;
}

}  // namespace

const ClassLook& look(WallClass c) { return kLooks[static_cast<std::size_t>(c)]; }
std::string label(WallClass c) { return spaced(name(c)); }
std::string label(Cause c) { return spaced(name(c)); }

double contrast(std::string_view a, std::string_view b) {
    const double la = luminance(a), lb = luminance(b);
    return (std::max(la, lb) + 0.05) / (std::min(la, lb) + 0.05);
}

std::string_view textOn(std::string_view colour) {
    return contrast(colour, "#000000") >= contrast(colour, "#ffffff") ? "#000000" : "#ffffff";
}

}  // namespace ridge::reports
