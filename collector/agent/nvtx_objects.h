// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What NVTX handles stand for: domains, categories, registered strings. One table each per process,
// whichever shared object asks, since handles of one come back through another; entries live for
// ever. Callers hold the thread's ring.

#include "collector/agent/names.h"

#include <stdint.h>

namespace ridge::agent {

// An nvtxDomainHandle_t is this plus the domain's id, and never followed: where no program has
// memory, so that no address passes for one. The same name gives the same domain.
inline constexpr uintptr_t kDomainHandles = ~uintptr_t{0x52437FFF};

// The id, or kDomainPlaces and more for what is no handle of ours: nullptr, too, which is NVTX's
// default domain.
template <class Handle>
inline uint64_t ownId(Handle domain) {
    return uintptr_t(domain) - kDomainHandles;
}
// kNoDomain: we gave out no such handle.
inline uint32_t idOfOwn(uint64_t id) {
    if (__builtin_expect(id < kDomainPlaces, true)) return static_cast<uint32_t>(id);
    return id == ownId(nullptr) ? 0 : kNoDomain;
}
template <class Handle>
inline uint32_t idOf(Handle domain) {
    return idOfOwn(ownId(domain));
}

// Of a domain that was created; nullptr otherwise.
const char* domainName(uint32_t domainId);
// Its id; 0: no name, or no memory. Of 65,535 domains and more the later ones share the last
// number.
uint32_t createDomain(Ring* ring, const NameEntry* name);
void destroyDomain(Ring* ring, uint32_t domainId);
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
