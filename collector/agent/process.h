// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the process knows about itself, and a string builder without libc's printf (which may
// allocate and change errno).

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace ridge::agent {

struct Ring;

// Appends into a fixed buffer, always NUL-terminated, cut at its end.
class Text {
public:
    Text(char* to, size_t capacity) : m_to(to), m_left(capacity - 1) { *m_to = 0; }
    Text& add(const char* text) { return add(text, strlen(text)); }
    Text& add(const char* text, size_t length) {
        if (length > m_left) length = m_left;
        memcpy(m_to, text, length);
        m_to += length;
        m_left -= length;
        *m_to = 0;
        return *this;
    }
    Text& add(uint64_t number) {
        char digits[20];
        size_t n = sizeof digits;
        do {
            digits[--n] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number != 0);
        return add(digits + n, sizeof digits - n);
    }

private:
    char* m_to;
    size_t m_left;
};

// The Process record: ids, rank as the launcher's variables have it, host and executable names.
void emitProcess(Ring* ring);

}  // namespace ridge::agent
