// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Reads the JSON of a trace from front to back, once: events one by one, the other members of the
// document ("distributedInfo", "baseTimeNanoseconds", ...) as text. The document is never in memory
// as a whole: a window of about a megabyte moves over it, and grows only for one longer event.
//
// Lenient where nothing is lost by it (commas), strict about shape. What breaks the shape ends the
// reading: the events before it have been handed over, and broken() says where and why. Numbers stay
// text (decimal.h). No recursion: nesting costs no stack.
//
// Views are valid during the call only. Strings are raw: escapes are still in them (unescape()).

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/import/kineto/block_reader.h"
#include "base/result.h"

namespace ridge::analyzer::kineto {

// A value that is no object and no array.
struct Scalar {
    std::string_view text;  // of a string: without quotes; else up to where it ends, or empty: not there
    bool isString = false;
    [[nodiscard]] bool there() const { return !text.empty() || isString; }
};

// The arguments that the analyzer knows, whatever the category of the event.
struct Arguments {
    Scalar correlation, device, stream, bytes, waitOnStream, waitOnRecord;
    Scalar groupSize, elementsIn, elementsOut, groupId;
    std::string_view collective, dtype, groupName, memoryKind, syncKind, name;
    std::string_view shapes;  // "Input Dims", brackets included
    std::string_view grid;    // brackets included
    std::string_view deviceType, allocated, reserved;
};

struct Event {
    char phase = 0;  // 0: missing
    std::string_view category, name;
    Scalar pid, tid, time, duration, id;
    Arguments arguments;
    bool argumentsWrong = false;  // "args" was no object
};

// Undoes the escapes of a raw JSON string; broken ones become U+FFFD.
std::string unescape(std::string_view raw);

class Document {
public:
    using OnEvent = std::function<void(const Event&)>;
    using OnMember = std::function<void(std::string_view key, std::string_view value)>;

    explicit Document(ByteSource& source);
    // An error only when the text is no trace at all.
    Status read(const OnEvent& onEvent, const OnMember& onMember);

    // Empty: the document came to its end.
    [[nodiscard]] const std::string& broken() const { return m_broken; }
    // What follows the end of the document, in words; empty: nothing but white space.
    [[nodiscard]] const std::string& trailing() const { return m_trailing; }
    [[nodiscard]] std::uint64_t bytes() const { return m_windowOffset + m_size; }

private:
    enum class Outcome { kDone, kMore, kBroken };
    struct Value {
        Scalar scalar;
        std::string_view raw;  // of an object or array, brackets included
        char kind = 0;         // '{', '[', '"', or 0: a scalar
    };

    bool refill();  // false: no more bytes
    bool need(const char* what);
    void lookBehind(std::size_t from);
    void breakAt(std::size_t position, std::string_view why);
    Status start(bool& isObject);
    bool readMembers(const OnEvent& onEvent, const OnMember& onMember, bool& sawEvents);
    bool readEvents(const OnEvent& onEvent);
    Outcome keyAndValue(std::size_t& token, std::string_view& key, std::size_t& valueAt);
    Outcome skipNested(std::size_t& token) const;
    Outcome scalarValue(std::size_t& token, std::size_t valueAt, Scalar& scalar) const;
    Outcome anyValue(std::size_t& token, std::size_t valueAt, Value& value) const;
    Outcome parseEvent(std::size_t& token, Event& event);
    Outcome parseArguments(std::size_t& token, Arguments& arguments);

    BlockReader m_blocks;
    std::vector<char> m_window;
    std::vector<std::uint32_t> m_tokens;  // the first m_tokenCount count
    std::size_t m_tokenCount = 0;
    std::size_t m_size = 0;    // of the text in the window
    std::size_t m_token = 0;   // the next one to look at
    std::size_t m_keepFrom = 0;  // bytes before it are done with
    std::uint64_t m_windowOffset = 0;
    bool m_ended = false;
    std::string m_broken, m_trailing;
};

}  // namespace ridge::analyzer::kineto
