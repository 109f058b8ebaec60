// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What NVTX handles point to: domains, categories, registered strings. One table each per process,
// whichever shared object asks, since handles of one come back through another; entries live for
// ever. Callers hold the thread's ring.

#include "collector/agent/names.h"

#include <stdint.h>

namespace ridge::agent {

// What an nvtxDomainHandle_t points to; the same name gives the same domain.
struct DomainInfo {
    DomainInfo* next;
    const NameEntry* name;
    uint32_t id;
    uint32_t generation;
};

template <class Handle>
inline uint32_t idOf(Handle domain) {
    return domain != nullptr ? reinterpret_cast<const DomainInfo*>(domain)->id : 0;
}

// Of a domain that was created; nullptr otherwise.
const char* domainName(uint32_t domainId);
// nullptr: no name, or no memory. Of 65,535 domains and more the later ones share the last number.
DomainInfo* createDomain(Ring* ring, const NameEntry* name);
void nameCategory(Ring* ring, uint32_t domainId, uint32_t category, const NameEntry* name);

// The A and W variants of NVTX's functions differ only in how the text becomes an id.
template <class Char>
inline uint32_t textId(Ring* ring, const Char* text) {
    if constexpr (sizeof(Char) == 1)
        return intern(ring, text);
    else
        return idInThisImage(ring, internWide(ring, text));
}
template <class Char>
inline const NameEntry* textEntry(Ring* ring, const Char* text) {
    if constexpr (sizeof(Char) == 1)
        return text != nullptr ? internSlow(ring, text, strlen(text)) : nullptr;
    else
        return internWide(ring, text);
}

}  // namespace ridge::agent
