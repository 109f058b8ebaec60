// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/compare/names.h"

#include <cctype>

#include "base/text.h"

namespace ridge::analyzer {
namespace {

constexpr std::size_t kLongest = 2048;  // of a name; what is beyond tells nothing apart

bool isDigit(char c) { return c >= '0' && c <= '9'; }

void eraseAll(std::string& text, std::string_view what) {
    std::size_t from = 0, to = 0;
    while (from < text.size()) {
        if (text.compare(from, what.size(), what) == 0) {
            from += what.size();
            continue;
        }
        text[to++] = text[from++];
    }
    text.resize(to);
}

// The argument list at the end: the last balanced (...) unless it is all there is.
void cutArguments(std::string& text) {
    if (text.empty() || text.back() != ')') return;
    int depth = 0;
    for (std::size_t i = text.size(); i-- > 0;) {
        if (text[i] == ')') ++depth;
        if (text[i] == '(' && --depth == 0) {
            if (i > 0) text.resize(i);
            return;
        }
    }
}

void cutEndingNumber(std::string& text) {
    std::size_t end = text.size();
    while (end > 0 && isDigit(text[end - 1])) --end;
    if (end < text.size() && end > 1 && text[end - 1] == '_') text.resize(end - 1);
}

}  // namespace

std::string normalKernelName(std::string_view name) {
    std::string text = toValidUtf8(trim(name.substr(0, kLongest)));
    if (text.starts_with("void ")) text.erase(0, 5);
    eraseAll(text, "(anonymous namespace)::");
    for (const std::string_view suffix : {" [clone .kd]", ".kd", " const"})
        if (text.ends_with(suffix)) text.resize(text.size() - suffix.size());
    cutArguments(text);
    if (text.starts_with("triton_") || text.find("_fused_") != std::string::npos) cutEndingNumber(text);
    return text;
}

std::string normalRangeName(std::string_view name) {
    const std::string text = toValidUtf8(trim(name.substr(0, kLongest)));
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        const bool number = text[i] == '#' && i + 1 < text.size() && isDigit(text[i + 1]);
        const bool address = text[i] == 'x' && i > 0 && text[i - 1] == '0' && (i < 2 || !std::isalnum(static_cast<unsigned char>(text[i - 2])));
        if (!number && !address) continue;
        while (i + 1 < text.size() && (isDigit(text[i + 1]) || (address && std::isxdigit(static_cast<unsigned char>(text[i + 1]))))) ++i;
        out += '*';
    }
    return out;
}

std::string normalFileName(std::string_view path) {
    const std::size_t cut = path.rfind('/');
    std::string out;
    for (const char c : toValidUtf8(cut == std::string_view::npos ? path : path.substr(cut + 1)))
        if (!isDigit(c)) out += c;
        else if (out.empty() || out.back() != '*') out += '*';
    return out;
}

}  // namespace ridge::analyzer
