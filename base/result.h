// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Expected errors as values: Result<T> holds a T or an Error; Result<void> is Status.
//
// An Error is one line for a person: what went wrong, where, what to do. Context is added on the way
// up with withContext(). Bugs are not errors: RIDGE_CHECK aborts (and throws in test builds).
// Skipped ("this machine cannot do it") is a code, not a failure: exit code 77.

#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <variant>

namespace ridge {

// What kind of failure; decides the exit code of a command (exitCodeFor).
enum class ErrorCode {
    kBadInput,      // usage, unreadable or malformed input: exit 2
    kIo,            // the operating system refused: exit 2
    kNoVerdict,     // environments differ, too little data: exit 3
    kMeasurement,   // a workload or the recording failed: exit 4
    kUnsupported,   // this machine cannot do it: exit 77
    kInternal,      // should not happen: exit 4
};

struct Error {
    ErrorCode code = ErrorCode::kInternal;
    std::string message;
    std::source_location where = std::source_location::current();
};

// "loading a.db: row 17: negative duration"
[[nodiscard]] inline Error withContext(Error error, const std::string& context) {
    error.message = context + ": " + error.message;
    return error;
}

[[nodiscard]] int exitCodeFor(ErrorCode code);

template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : m_state(std::in_place_index<0>, std::move(value)) {}    // NOLINT: by design
    Result(Error error) : m_state(std::in_place_index<1>, std::move(error)) {}  // NOLINT: by design

    [[nodiscard]] bool ok() const { return m_state.index() == 0; }
    explicit operator bool() const { return ok(); }
    [[nodiscard]] T& value() & { return std::get<0>(m_state); }
    [[nodiscard]] const T& value() const& { return std::get<0>(m_state); }
    [[nodiscard]] T&& value() && { return std::get<0>(std::move(m_state)); }
    [[nodiscard]] T& operator*() & { return value(); }
    [[nodiscard]] const T& operator*() const& { return value(); }
    [[nodiscard]] T* operator->() { return &value(); }
    [[nodiscard]] const T* operator->() const { return &value(); }
    [[nodiscard]] const Error& error() const { return std::get<1>(m_state); }
    [[nodiscard]] Error takeError() && { return std::get<1>(std::move(m_state)); }

private:
    std::variant<T, Error> m_state;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : m_error(std::move(error)) {}  // NOLINT: by design

    [[nodiscard]] bool ok() const { return !m_error.has_value(); }
    explicit operator bool() const { return ok(); }
    [[nodiscard]] const Error& error() const { return *m_error; }
    [[nodiscard]] Error takeError() && { return std::move(*m_error); }

private:
    std::optional<Error> m_error;
};

using Status = Result<void>;

// Prints and aborts; throws std::logic_error instead when ridgeThrowOnBug is set (tests).
[[noreturn]] void reportBug(const char* condition, const std::string& message,
                            std::source_location where = std::source_location::current());
extern bool ridgeThrowOnBug;

}  // namespace ridge

#define RIDGE_CONCAT_INNER(a, b) a##b
#define RIDGE_CONCAT(a, b) RIDGE_CONCAT_INNER(a, b)

// RIDGE_TRY(auto rows, readRows(db)): declares rows, or returns the error to the caller.
#define RIDGE_TRY(declaration, expression)                                      \
    auto RIDGE_CONCAT(ridgeTry, __LINE__) = (expression);                       \
    if (!RIDGE_CONCAT(ridgeTry, __LINE__).ok())                                 \
        return std::move(RIDGE_CONCAT(ridgeTry, __LINE__)).takeError();         \
    declaration = std::move(RIDGE_CONCAT(ridgeTry, __LINE__)).value()

// RIDGE_TRY_STATUS(writeAll()): returns the error to the caller, if there is one.
#define RIDGE_TRY_STATUS(expression)                                            \
    if (auto RIDGE_CONCAT(ridgeTry, __LINE__) = (expression);                   \
        !RIDGE_CONCAT(ridgeTry, __LINE__).ok())                                 \
    return std::move(RIDGE_CONCAT(ridgeTry, __LINE__)).takeError()

#define RIDGE_CHECK(condition, message)                       \
    do {                                                      \
        if (!(condition)) ::ridge::reportBug(#condition, message); \
    } while (false)
