// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// All texts of a file, each once, with dense ids from 1 (StringIds). Texts are made valid UTF-8
// when they come in. Memory: the distinct texts, held until the file is written.

#include "base/text.h"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace ridge::recorder {

class StringTable {
public:
    std::int64_t intern(std::string_view bytes) {
        if (const auto found = m_ids.find(bytes); found != m_ids.end()) return found->second;
        std::string text = toValidUtf8(bytes);
        if (text != bytes) {
            if (const auto found = m_ids.find(text); found != m_ids.end()) return found->second;
        }
        m_texts.push_back(std::move(text));
        const auto id = static_cast<std::int64_t>(m_texts.size());
        m_ids.emplace(m_texts.back(), id);
        return id;
    }
    [[nodiscard]] const std::string& text(std::int64_t id) const {
        return m_texts[static_cast<std::size_t>(id - 1)];
    }
    [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(m_texts.size()); }

private:
    std::deque<std::string> m_texts;  // does not move its elements, so that the keys stay valid
    std::unordered_map<std::string_view, std::int64_t> m_ids;
};

}  // namespace ridge::recorder
