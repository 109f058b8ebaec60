// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/import/kineto/names.h"

#include <algorithm>

#include "analyzer/import/kineto/document.h"
#include "base/text.h"

namespace ridge::analyzer::kineto {

NameId RawNames::slow(std::string_view raw, bool compact) {
    if (compact) {
        std::string packed;
        std::copy_if(raw.begin(), raw.end(), std::back_inserter(packed),
                     [](char c) { return c != ' ' && c != '\n' && c != '\r' && c != '\t'; });
        return m_pool.intern(packed);
    }
    const bool control = std::any_of(raw.begin(), raw.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    const bool ascii = std::all_of(raw.begin(), raw.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (control || (!ascii && toValidUtf8(raw) != raw)) ++m_malformed;
    if (raw.find('\\') == std::string_view::npos) return m_pool.intern(raw);
    return m_pool.intern(unescape(raw));
}

}  // namespace ridge::analyzer::kineto
