// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/nvtx_objects.h"

#include "collector/agent/capture.h"
#include "collector/agent/index.h"
#include "collector/agent/nvtx_extensions.h"

namespace ridge::agent {

using namespace spool;

extern const AgentKind kThisAgent = AgentKind::kAgent;
extern const char* const kThisAgentName = "agent";

namespace {

struct DomainInfo {
    DomainInfo* next;
    const NameEntry* name;
    uint32_t id;
    uint32_t generation;
};

struct CategoryInfo {
    CategoryInfo* next;
    const NameEntry* name;
    uint32_t domainId;
    uint32_t category;
};

// Records have 16 bits for a domain. The last number is that of all domains for which none is left.
constexpr uint32_t kSharedDomain = kDomainPlaces - 1;
constexpr const char* kSharedName = "(domains beyond the first 65534)";
constexpr const char* kSharedWarning =
    "more than 65534 NVTX domains: the events of all others stand in one domain, "
    "'(domains beyond the first 65534)', with one stack of ranges; how many domains that are is "
    "counted as definitions lost";

DomainInfo* g_domains = nullptr;
DomainInfo* g_domainOf[kDomainPlaces] = {};  // by id
CategoryInfo* g_categories = nullptr;
Index<DomainInfo> g_domainsByName;
Index<CategoryInfo> g_categoriesByKey;
uint32_t g_domainCount = 0;

void emitDomain(Ring* ring, DomainInfo* domain) {
    if (emit(ring, Domain{recordHeader(RecordType::kDomain, sizeof(Domain), domain->id), now(),
                          domain->name->id, 0}))
        domain->generation = imageGeneration();
}

void emitCategory(Ring* ring, const CategoryInfo& category) {
    emit(ring, Category{recordHeader(RecordType::kCategory, sizeof(Category), category.category),
                        static_cast<uint16_t>(category.domainId), 0, category.name->id});
}

uint64_t keyOf(const NameEntry* name) {
    return reinterpret_cast<uintptr_t>(name);
}

// The three below: under the table lock.
DomainInfo* findDomain(const NameEntry* name) {
    return g_domainsByName.find(keyOf(name),
                                [name](const DomainInfo& domain) { return domain.name == name; });
}

DomainInfo* addName(const NameEntry* name, uint32_t id) {
    auto* domain = static_cast<DomainInfo*>(arenaAllocate(sizeof(DomainInfo)));
    if (domain == nullptr) return nullptr;
    *domain = {nullptr, name, id, 0};
    const bool put = g_domainsByName.put(
        keyOf(name), domain, [name](const DomainInfo& known) { return known.name == name; });
    return put ? domain : nullptr;
}

DomainInfo* addDomain(Ring* ring, const NameEntry* name, uint32_t id) {
    DomainInfo* domain = addName(name, id);
    if (domain == nullptr) return nullptr;
    domain->next = g_domains;
    judgeDomain(id, name->text);
    emitDomain(ring, domain);
    __atomic_store_n(&g_domainOf[id], domain, __ATOMIC_RELEASE);
    g_domains = domain;
    return domain;
}

// For a domain that has no number of its own.
uint32_t shareLastDomain(Ring* ring, const NameEntry* name) {
    const NameEntry* shared = internSlow(ring, kSharedName, strlen(kSharedName));
    const NameEntry* warning = internSlow(ring, kSharedWarning, strlen(kSharedWarning));
    if (shared == nullptr || warning == nullptr) return 0;
    lockTables();
    DomainInfo* domain = findDomain(name);
    if (domain == nullptr) {
        if (g_domainOf[kSharedDomain] == nullptr &&
            addDomain(ring, shared, kSharedDomain) != nullptr)
            emit(ring,
                 Diagnostic{recordHeader(RecordType::kDiagnostic, sizeof(Diagnostic), warning->id),
                            now(), 2, 0});
        domain = addName(name, kSharedDomain);
        countLoss(ring, kLossDefinition);
    }
    unlockTables();
    return domain != nullptr ? kSharedDomain : 0;
}

}  // namespace

const char* domainName(uint32_t domainId) {
    const DomainInfo* domain = domainId < kDomainPlaces
                                   ? __atomic_load_n(&g_domainOf[domainId], __ATOMIC_ACQUIRE)
                                   : nullptr;
    return domain != nullptr ? domain->name->text : nullptr;
}

uint32_t createDomain(Ring* ring, const NameEntry* name) {
    if (name == nullptr) return 0;
    lockTables();
    DomainInfo* domain = findDomain(name);
    const bool full = domain == nullptr && g_domainCount == kSharedDomain - 1;
    if (domain == nullptr && !full) {
        domain = addDomain(ring, name, g_domainCount + 1);
        if (domain != nullptr) ++g_domainCount;
    }
    unlockTables();
    if (full) return shareLastDomain(ring, name);
    return domain != nullptr ? domain->id : 0;
}

void destroyDomain(Ring* ring, uint32_t domainId) {
    const DomainInfo* domain = domainId < kDomainPlaces ? g_domainOf[domainId] : nullptr;
    if (domain == nullptr) return countLoss(ring, kLossUnreadable);
    emit(ring, Domain{recordHeader(RecordType::kDomainDestroy, sizeof(Domain), domainId), now(),
                      domain->name->id, 0});
}

void nameCategory(Ring* ring, uint32_t domainId, uint32_t category, const NameEntry* name) {
    if (name == nullptr) return;
    const uint64_t key = uint64_t{domainId} << 32 | category;
    const auto same = [domainId, category](const CategoryInfo& known) {
        return known.domainId == domainId && known.category == category;
    };
    lockTables();
    CategoryInfo* known = g_categoriesByKey.find(key, same);
    const bool changed = known == nullptr || known->name != name;
    if (known == nullptr) {
        known = static_cast<CategoryInfo*>(arenaAllocate(sizeof(CategoryInfo)));
        if (known != nullptr) {
            *known = {g_categories, name, domainId, category};
            g_categories = known;
            g_categoriesByKey.put(key, known, same);
        }
    } else {
        known->name = name;
    }
    if (changed && known != nullptr) emitCategory(ring, *known);
    unlockTables();
}

// In a forked child, all that the program defined before.
void announceImage(Ring* ring) {
    for (DomainInfo* domain = g_domains; domain != nullptr; domain = domain->next) {
        if (domain->generation == imageGeneration()) continue;
        idInThisImage(ring, domain->name);
        emitDomain(ring, domain);
    }
    for (const CategoryInfo* category = g_categories; category != nullptr;
         category = category->next) {
        idInThisImage(ring, category->name);
        emitCategory(ring, *category);
    }
    announceSchemas(ring);
    announceCounters(ring);
}

}  // namespace ridge::agent
