// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/import/kineto/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "analyzer/import/kineto/scanner.h"

namespace ridge::analyzer::kineto {
namespace {

constexpr std::size_t kWindowBytes = std::size_t{1} << 18;
constexpr std::size_t kLongestItem = std::size_t{1} << 28;  // one event or member; beyond any that is real

bool isSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

bool endsScalar(char c) { return c == ',' || c == '}' || c == ']' || isSpace(c) || c == '\0'; }

// Compares with a literal in one or two loads instead of a call.
template <std::size_t N>
bool is(std::string_view text, const char (&literal)[N]) {
    return text.size() == N - 1 && __builtin_memcmp(text.data(), literal, N - 1) == 0;
}

void takeArgument(Arguments& out, std::string_view key, const Scalar& v) {
    const auto text = [&](std::string_view& target) {
        if (v.isString) target = v.text;
    };
    switch (key.size()) {
        case 4:
            if (is(key, "name")) text(out.name);
            break;
        case 5:
            if (is(key, "bytes")) out.bytes = v;
            else if (is(key, "dtype")) text(out.dtype);
            break;
        case 6:
            if (is(key, "device")) out.device = v;
            else if (is(key, "stream")) out.stream = v;
            break;
        case 10:
            if (is(key, "Group size")) out.groupSize = v;
            break;
        case 11:
            if (is(key, "correlation")) out.correlation = v;
            else if (is(key, "Device Type")) out.deviceType = v.text;
            break;
        case 13:
            if (is(key, "In msg nelems")) out.elementsIn = v;
            break;
        case 14:
            if (is(key, "Out msg nelems")) out.elementsOut = v;
            else if (is(key, "cuda_sync_kind")) text(out.syncKind);
            else if (is(key, "wait_on_stream")) out.waitOnStream = v;
            else if (is(key, "Total Reserved")) out.reserved = v.text;
            break;
        case 15:
            if (is(key, "Collective name")) text(out.collective);
            else if (is(key, "Total Allocated")) out.allocated = v.text;
            break;
        case 16:
            if (is(key, "Process Group ID")) out.groupId = v;
            break;
        case 18:
            if (is(key, "Process Group Name")) text(out.groupName);
            break;
        case 33:
            if (is(key, "wait_on_cuda_event_record_corr_id")) out.waitOnRecord = v;
            break;
        default: break;
    }
}

void takeField(Event& out, std::string_view key, const Scalar& v) {
    if (key.empty()) return;
    switch (key[0]) {
        case 'p':
            if (is(key, "ph")) out.phase = v.isString && v.text.size() == 1 ? v.text[0] : '?';
            else if (is(key, "pid")) out.pid = v;
            break;
        case 'c':
            if (is(key, "cat") && v.isString) out.category = v.text;
            break;
        case 'n':
            if (is(key, "name") && v.isString) out.name = v.text;
            break;
        case 't':
            if (is(key, "tid")) out.tid = v;
            else if (is(key, "ts")) out.time = v;
            break;
        case 'd':
            if (is(key, "dur")) out.duration = v;
            break;
        case 'i':
            if (is(key, "id")) out.id = v;
            break;
        default: break;
    }
}

void appendUtf8(std::string& out, std::uint32_t c) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | (c >> 6));
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | (c >> 12));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | (c >> 18));
        put(0x80 | ((c >> 12) & 0x3F));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    }
}

// Four hex digits at `at`; -1: there are none.
int hex4(std::string_view raw, std::size_t at) {
    if (at + 4 > raw.size()) return -1;
    int value = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
        const char c = raw[i];
        const int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

// After "\u": at stands on the first digit and is moved behind the last.
void unescapeUnicode(std::string_view raw, std::size_t& at, std::string& out) {
    const int unit = hex4(raw, at);
    if (unit < 0) return appendUtf8(out, 0xFFFD);
    at += 4;
    auto c = static_cast<std::uint32_t>(unit);
    if (c >= 0xD800 && c < 0xDC00 && raw.substr(at, 2) == "\\u") {
        const int low = hex4(raw, at + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            at += 6;
            c = 0x10000 + ((c - 0xD800) << 10) + (static_cast<std::uint32_t>(low) - 0xDC00);
        }
    }
    appendUtf8(out, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
}

}  // namespace

std::string unescape(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    for (std::size_t at = 0; at < raw.size();) {
        const char c = raw[at++];
        if (c != '\\' || at == raw.size()) {
            out += c;
            continue;
        }
        switch (const char e = raw[at++]) {
            case 'n': out += '\n'; break;
            case 't': out += '\t'; break;
            case 'r': out += '\r'; break;
            case 'b': out += '\b'; break;
            case 'f': out += '\f'; break;
            case 'u': unescapeUnicode(raw, at, out); break;
            default: out += e;
        }
    }
    return out;
}

Document::Document(ByteSource& source) : m_blocks(source), m_window(kWindowBytes + kPadding, '\0') {}

// Moves what is not done with to the front and reads behind it. Offsets before the call are void.
bool Document::refill() {
    if (m_ended) return false;
    const std::size_t kept = m_size - m_keepFrom;
    std::memmove(m_window.data(), m_window.data() + m_keepFrom, kept);
    const auto end = m_tokens.begin() + static_cast<std::ptrdiff_t>(m_tokenCount);
    std::size_t count = 0;
    for (auto it = std::lower_bound(m_tokens.begin(), end, m_keepFrom); it != end; ++it) m_tokens[count++] = *it - static_cast<std::uint32_t>(m_keepFrom);
    m_windowOffset += m_keepFrom;
    m_keepFrom = 0;
    const std::size_t wanted = std::max(kWindowBytes, 2 * kept);
    m_size = kept;
    while (m_size < wanted) {
        const BlockReader::Block* block = m_blocks.next();
        if (!block) {
            m_ended = true;
            break;
        }
        if (m_window.size() < m_size + block->used + kPadding) m_window.resize(m_size + block->used + kPadding);
        std::memcpy(m_window.data() + m_size, block->bytes.data(), block->used);
        if (m_tokens.size() < count + block->placeCount) m_tokens.resize(std::max(2 * m_tokens.size(), count + block->placeCount));
        for (std::size_t i = 0; i < block->placeCount; ++i) m_tokens[count + i] = block->places[i] + static_cast<std::uint32_t>(m_size);
        count += block->placeCount;
        m_size += block->used;
    }
    std::memset(m_window.data() + m_size, 0, kPadding);
    m_tokenCount = count;
    m_token = 0;
    return m_size > kept;
}

// More text, or the reason why there is none. false: there is none.
bool Document::need(const char* what) {
    if (m_size - m_keepFrom > kLongestItem) {
        breakAt(m_keepFrom, fmt::format("{} is longer than {} MiB", what, kLongestItem >> 20));
        return false;
    }
    if (refill()) return true;
    const std::string error = m_blocks.error();
    m_broken = error.empty() ? fmt::format("the text ends in the middle of {} (at byte {})", what, m_windowOffset + m_size)
                             : fmt::format("{} (at byte {} of the text)", error, m_windowOffset + m_size);
    return false;
}

void Document::breakAt(std::size_t position, std::string_view why) {
    if (m_broken.empty()) m_broken = fmt::format("{} (at byte {})", why, m_windowOffset + position);
}

// token stands on the opening quote of a key; afterwards behind it. valueAt: first character of the value.
Document::Outcome Document::keyAndValue(std::size_t& token, std::string_view& key, std::size_t& valueAt) {
    if (token + 1 >= m_tokenCount) return Outcome::kMore;
    const char* const text = m_window.data();
    const std::size_t open = m_tokens[token], close = m_tokens[token + 1];
    if (text[open] != '"') {
        breakAt(open, "a key is expected");
        return Outcome::kBroken;
    }
    key = {text + open + 1, close - open - 1};
    std::size_t at = close + 1;
    while (isSpace(text[at])) ++at;
    if (text[at] != ':') {
        if (at >= m_size) return Outcome::kMore;
        breakAt(at, "a colon is expected");
        return Outcome::kBroken;
    }
    ++at;
    while (isSpace(text[at])) ++at;
    if (at >= m_size) return Outcome::kMore;
    valueAt = at;
    token += 2;
    return Outcome::kDone;
}

// token stands on an opening bracket; afterwards behind its closing one.
Document::Outcome Document::skipNested(std::size_t& token) const {
    const char* const text = m_window.data();
    std::size_t depth = 0, at = token;
    do {
        if (at >= m_tokenCount) return Outcome::kMore;
        const char c = text[m_tokens[at++]];
        if (c == '"')
            ++at;  // its end
        else if (c == '{' || c == '[')
            ++depth;
        else
            --depth;
    } while (depth > 0);
    token = at;
    return at <= m_tokenCount ? Outcome::kDone : Outcome::kMore;
}

// A string or a plain scalar at valueAt. token: the next one; behind the string afterwards.
Document::Outcome Document::scalarValue(std::size_t& token, std::size_t valueAt, Scalar& scalar) const {
    const char* const text = m_window.data();
    if (text[valueAt] == '"') {
        if (token + 1 >= m_tokenCount) return Outcome::kMore;
        const std::size_t close = m_tokens[token + 1];
        scalar = {{text + valueAt + 1, close - valueAt - 1}, true};
        token += 2;
        return Outcome::kDone;
    }
    std::size_t end = valueAt;
    while (!endsScalar(text[end])) ++end;
    if (end >= m_size) return Outcome::kMore;
    scalar = {{text + valueAt, end - valueAt}, false};
    return Outcome::kDone;
}

Document::Outcome Document::anyValue(std::size_t& token, std::size_t valueAt, Value& value) const {
    const char c = m_window[valueAt];
    if (c != '{' && c != '[') {
        value.kind = c == '"' ? '"' : '\0';
        value.raw = {};
        return scalarValue(token, valueAt, value.scalar);
    }
    value.kind = c;
    value.scalar = {};
    if (const Outcome outcome = skipNested(token); outcome != Outcome::kDone) return outcome;
    value.raw = {m_window.data() + valueAt, m_tokens[token - 1] + 1 - valueAt};
    return Outcome::kDone;
}

Document::Outcome Document::parseArguments(std::size_t& token, Arguments& arguments) {
    const char* const text = m_window.data();
    std::size_t at = token + 1;
    Value value;
    std::string_view key;
    for (;;) {
        if (at >= m_tokenCount) return Outcome::kMore;
        if (text[m_tokens[at]] == '}') break;
        std::size_t valueAt = 0;
        if (const Outcome o = keyAndValue(at, key, valueAt); o != Outcome::kDone) return o;
        if (const Outcome o = anyValue(at, valueAt, value); o != Outcome::kDone) return o;
        if (value.kind == '[') {
            if (key == "grid") arguments.grid = value.raw;
            else if (key == "Input Dims") arguments.shapes = value.raw;
        } else if (value.kind != '{') {
            takeArgument(arguments, key, value.scalar);
        }
    }
    token = at + 1;
    return Outcome::kDone;
}

// token stands on the event's opening brace; afterwards behind its closing one.
Document::Outcome Document::parseEvent(std::size_t& token, Event& event) {
    const char* const text = m_window.data();
    std::size_t at = token + 1;
    Value value;
    std::string_view key;
    for (;;) {
        if (at >= m_tokenCount) return Outcome::kMore;
        if (text[m_tokens[at]] == '}') break;
        std::size_t valueAt = 0;
        if (const Outcome o = keyAndValue(at, key, valueAt); o != Outcome::kDone) return o;
        const bool isArguments = is(key, "args");
        if (isArguments && text[valueAt] == '{') {
            if (const Outcome o = parseArguments(at, event.arguments); o != Outcome::kDone) return o;
            continue;
        }
        if (const Outcome o = anyValue(at, valueAt, value); o != Outcome::kDone) return o;
        if (isArguments)
            event.argumentsWrong = true;
        else if (value.kind != '{' && value.kind != '[')
            takeField(event, key, value.scalar);
    }
    token = at + 1;
    return Outcome::kDone;
}

// m_token stands behind the array's opening bracket. true: the array came to its end.
bool Document::readEvents(const OnEvent& onEvent) {
    for (;;) {
        if (m_token >= m_tokenCount) {
            m_keepFrom = m_size;  // outside of any string, and every bracket is seen
            if (!need("the list of events")) return false;
            continue;
        }
        const std::size_t at = m_tokens[m_token];
        if (m_window[at] == ']') {
            ++m_token;
            return true;
        }
        if (m_window[at] != '{') {
            breakAt(at, "an event is expected");
            return false;
        }
        Event event;
        const Outcome outcome = parseEvent(m_token, event);
        if (outcome == Outcome::kBroken) return false;
        if (outcome == Outcome::kDone) {
            onEvent(event);
            continue;
        }
        m_keepFrom = at;
        if (!need("an event")) return false;
    }
}

Status Document::start(bool& isObject) {
    refill();
    std::size_t at = 0;
    if (m_size >= 3 && std::memcmp(m_window.data(), "\xEF\xBB\xBF", 3) == 0) at = 3;
    while (isSpace(m_window[at])) ++at;
    const char c = m_window[at];
    if ((c != '{' && c != '[') || m_tokenCount == 0 || m_tokens[0] != at) {
        const std::string error = m_blocks.error();
        if (std::string_view(m_window.data(), m_size).starts_with("SQLite format 3"))
            return Error{ErrorCode::kBadInput, "is a gzipped SQLite file; unpack it with gunzip first"};
        if (m_size == 0) return Error{ErrorCode::kBadInput, error.empty() ? "is empty" : error};
        return Error{ErrorCode::kBadInput, "is no JSON trace: it does not begin with { or ["};
    }
    isObject = c == '{';
    m_token = 1;
    m_keepFrom = at + 1;
    return {};
}

// true: up to the closing brace, on which m_token stands.
bool Document::readMembers(const OnEvent& onEvent, const OnMember& onMember, bool& sawEvents) {
    for (;;) {
        if (m_token < m_tokenCount && m_window[m_tokens[m_token]] == '}') return true;
        std::size_t token = m_token, valueAt = 0;
        std::string_view key;
        Value value;
        Outcome outcome = keyAndValue(token, key, valueAt);
        if (outcome == Outcome::kDone && key == "traceEvents" && m_window[valueAt] == '[') {
            sawEvents = true;
            m_token = token + 1;
            m_keepFrom = valueAt + 1;
            if (!readEvents(onEvent)) return false;
            m_keepFrom = m_tokens[m_token - 1] + 1;
            continue;
        }
        if (outcome == Outcome::kDone) outcome = anyValue(token, valueAt, value);
        if (outcome == Outcome::kBroken) return false;
        if (outcome == Outcome::kMore) {
            if (!need("the document")) return false;
            continue;
        }
        onMember(key, value.kind == '{' || value.kind == '[' ? value.raw : value.scalar.text);
        m_token = token;
        m_keepFrom = token > 0 ? std::max<std::size_t>(m_tokens[token - 1] + 1, m_keepFrom) : m_keepFrom;
    }
}

// After the last bracket of the document only white space may come.
void Document::lookBehind(std::size_t from) {
    for (;;) {
        for (std::size_t at = from; at < m_size; ++at)
            if (!isSpace(m_window[at]) && m_window[at] != '\0') {
                m_trailing = fmt::format("text follows the end of the document (at byte {}); it was not read", m_windowOffset + at);
                return;
            }
        m_keepFrom = m_size;
        if (!refill()) break;
        from = 0;
    }
    if (const std::string error = m_blocks.error(); !error.empty()) m_trailing = fmt::format("{} behind the end of the document", error);
}

Status Document::read(const OnEvent& onEvent, const OnMember& onMember) {
    bool isObject = false, sawEvents = true;
    RIDGE_TRY_STATUS(start(isObject));
    if (!isObject) {
        if (readEvents(onEvent)) lookBehind(m_tokens[m_token - 1] + 1);
        return {};
    }
    sawEvents = false;
    const bool whole = readMembers(onEvent, onMember, sawEvents);
    if (whole) lookBehind(m_tokens[m_token] + 1);
    if (sawEvents) return {};
    if (!m_broken.empty()) return Error{ErrorCode::kBadInput, m_broken};
    return Error{ErrorCode::kBadInput, "is JSON, but no trace: it has no list \"traceEvents\""};
}

}  // namespace ridge::analyzer::kineto
