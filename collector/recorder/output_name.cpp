// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/output_name.h"

#include <fmt/format.h>

#include <cstdlib>
#include <sys/utsname.h>

namespace ridge::recorder {
namespace {

bool has(std::string_view pattern, char letter) {
    for (std::size_t at = 0; at + 1 < pattern.size(); ++at) {
        if (pattern[at] != '%') continue;
        if (pattern[at + 1] == letter) return true;
        ++at;
    }
    return false;
}

// The variable's name stands between the braces behind %q. Without a look at it: an empty value.
Result<std::string> variable(std::string_view pattern, std::size_t& at, bool look) {
    const std::size_t close = pattern.find('}', at);
    if (at >= pattern.size() || pattern[at] != '{' || close == std::string_view::npos ||
        close == at + 1)
        return Error{ErrorCode::kBadInput,
                     fmt::format("{}: write %q{{NAME}} for an environment variable", pattern)};
    const std::string name(pattern.substr(at + 1, close - at - 1));
    at = close + 1;
    if (!look) return std::string();
    const char* value = std::getenv(name.c_str());
    if (value == nullptr)
        return Error{ErrorCode::kBadInput,
                     fmt::format("{}: the environment has no variable {}", pattern, name)};
    if (std::string_view(value).find('/') != std::string_view::npos)
        return Error{ErrorCode::kBadInput,
                     fmt::format("{}: the value of {} has a slash", pattern, name)};
    return std::string(value);
}

Result<std::string> expand(std::string_view pattern, std::int32_t pid, std::uint32_t number,
                           bool look) {
    std::string name;
    for (std::size_t at = 0; at < pattern.size();) {
        if (pattern[at] != '%') {
            name += pattern[at++];
            continue;
        }
        const char letter = at + 1 < pattern.size() ? pattern[at + 1] : '\0';
        at += 2;
        switch (letter) {
            case '%':
                name += '%';
                break;
            case 'p':
                name += std::to_string(pid);
                break;
            case 'n':
                name += std::to_string(number);
                break;
            case 'h': {
                utsname host{};
                name += uname(&host) == 0 ? host.nodename : "unknown";
                break;
            }
            case 'q': {
                RIDGE_TRY(const std::string value, variable(pattern, at, look));
                name += value;
                break;
            }
            default:
                return Error{ErrorCode::kBadInput,
                             fmt::format("{}: a % stands alone; there are %q{{NAME}}, %p, %h, %n, "
                                         "and %% for a percent sign",
                                         pattern)};
        }
    }
    return name;
}

}  // namespace

bool hasNumber(std::string_view pattern) {
    return has(pattern, 'n');
}
bool hasProcess(std::string_view pattern) {
    return has(pattern, 'p');
}

Result<std::string> expandOutput(std::string_view pattern, std::int32_t pid, std::uint32_t number) {
    return expand(pattern, pid, number, true);
}

Status checkOutputPattern(std::string_view pattern) {
    RIDGE_TRY([[maybe_unused]] const std::string name, expand(pattern, 1, 1, false));
    return {};
}

}  // namespace ridge::recorder
