// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/common/escape.h"

#include <locale.h>
#include <wchar.h>

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace ridge::reports {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

// Decodes the character at `at` of valid UTF-8 and moves past it.
char32_t nextCodePoint(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t c = length == 1 ? lead : lead & (0x7Fu >> length);
    for (std::size_t i = 1; i < length; ++i) c = (c << 6) | (byte(at + i) & 0x3Fu);
    at += length;
    return c;
}

// Overrides of the reading direction, invisible marks and line separators: they make a text look
// like another one.
bool isDeceptive(char32_t c) {
    return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || (c >= 0x200B && c <= 0x200F) ||
           c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0x061C || (c >= 0xFFFE && c <= 0xFFFF);
}

std::string clean(std::string_view bytes, bool keepNewlines) {
    const std::string text = toValidUtf8(bytes);
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        const char32_t c = nextCodePoint(text, at);
        if (c == '\t') {
            out += ' ';
        } else if (c == '\n' && keepNewlines) {
            out += '\n';
        } else if (c < 0x20) {  // U+2400 + c is the picture of the control character
            out += "\xE2\x90";
            out += static_cast<char>(0x80 + c);
        } else if (c == 0x7F) {
            out += "\xE2\x90\xA1";
        } else if ((c >= 0x80 && c < 0xA0) || isDeceptive(c)) {
            out += kReplacement;
        } else {
            out.append(text, begin, at - begin);
        }
    }
    return out;
}

std::string escapeHtml(const std::string& text) {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

// wcwidth() reads the thread's locale; this one knows UTF-8 whatever the user's is.
std::size_t columnsOf(char32_t c) {
    static const locale_t kUtf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (c < 0x300) return 1;
    if (!kUtf8) return 1;
    const locale_t before = uselocale(kUtf8);
    const int width = wcwidth(static_cast<wchar_t>(c));
    uselocale(before);
    return width < 0 ? 1 : static_cast<std::size_t>(width);
}

struct Glyph {
    std::string_view bytes;
    std::size_t columns;
};

std::vector<Glyph> glyphs(std::string_view text) {
    std::vector<Glyph> out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        const char32_t c = nextCodePoint(text, at);
        out.push_back({text.substr(begin, at - begin), columnsOf(c)});
    }
    return out;
}

std::size_t widthOf(const std::vector<Glyph>& all) {
    std::size_t width = 0;
    for (const Glyph& g : all) width += g.columns;
    return width;
}

}  // namespace

std::string printable(std::string_view bytes) { return clean(bytes, false); }
std::string printableLines(std::string_view bytes) { return clean(bytes, true); }
std::string html(std::string_view bytes) { return escapeHtml(clean(bytes, false)); }
std::string htmlLines(std::string_view bytes) { return escapeHtml(clean(bytes, true)); }

std::string markdown(std::string_view bytes) {
    // Entities instead of backslashes: they survive in table cells, in GitHub and in GitLab alike.
    std::string out;
    for (const char c : clean(bytes, false)) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '|': out += "&#124;"; break;
            case '`': out += "&#96;"; break;
            case '*': out += "&#42;"; break;
            case '_': out += "&#95;"; break;
            case '[': out += "&#91;"; break;
            case ']': out += "&#93;"; break;
            case '\\': out += "&#92;"; break;
            case '~': out += "&#126;"; break;
            case '@': out += "&#64;"; break;
            case '#': out += "&#35;"; break;
            case '!': out += "&#33;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string markdownFence(std::string_view bytes, std::string_view language) {
    const std::string text = clean(bytes, true);
    std::size_t longest = 2, run = 0;
    for (const char c : text) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    const std::string fence(longest + 1, '`');
    return fence + std::string(language) + "\n" + text + "\n" + fence + "\n";
}

std::size_t displayWidth(std::string_view text) {
    const std::string valid = toValidUtf8(text);
    return widthOf(glyphs(valid));
}

std::string elide(std::string_view text, std::size_t columns) {
    const std::string valid = toValidUtf8(text);
    const auto all = glyphs(valid);
    if (widthOf(all) <= columns) return valid;
    if (columns == 0) return {};
    std::string out;
    std::size_t used = 1;
    for (const Glyph& g : all) {
        if (used + g.columns > columns) break;
        out += g.bytes;
        used += g.columns;
    }
    return out + std::string(kEllipsis);
}

std::string elideMiddle(std::string_view text, std::size_t columns) {
    const std::string valid = toValidUtf8(text);
    const auto all = glyphs(valid);
    if (widthOf(all) <= columns) return valid;
    if (columns < 5) return elide(valid, columns);
    const std::size_t head = (columns - 1) / 2, tail = columns - 1 - head;
    std::string front, back;
    std::size_t used = 0;
    for (const Glyph& g : all) {
        if (used + g.columns > head) break;
        front += g.bytes;
        used += g.columns;
    }
    used = 0;
    std::size_t first = all.size();
    while (first > 0 && used + all[first - 1].columns <= tail) used += all[--first].columns;
    for (std::size_t i = first; i < all.size(); ++i) back += all[i].bytes;
    return front + std::string(kEllipsis) + back;
}

}  // namespace ridge::reports
