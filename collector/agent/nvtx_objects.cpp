// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/nvtx_objects.h"

#include "collector/agent/capture.h"
#include "collector/agent/nvtx_extensions.h"

namespace ridge::agent {

using namespace spool;

extern const AgentKind kThisAgent = AgentKind::kAgent;
extern const char* const kThisAgentName = "agent";

namespace {

struct CategoryInfo {
    CategoryInfo* next;
    const NameEntry* name;
    uint32_t domainId;
    uint32_t category;
};

DomainInfo* g_domains = nullptr;
CategoryInfo* g_categories = nullptr;
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

}  // namespace

const char* domainName(uint32_t domainId) {
    const DomainInfo* domain = __atomic_load_n(&g_domains, __ATOMIC_ACQUIRE);
    while (domain != nullptr && domain->id != domainId) domain = domain->next;
    return domain != nullptr ? domain->name->text : nullptr;
}

DomainInfo* createDomain(Ring* ring, const NameEntry* name) {
    if (name == nullptr) return nullptr;
    lockTables();
    DomainInfo* domain = g_domains;
    while (domain != nullptr && domain->name != name) domain = domain->next;
    if (domain == nullptr && g_domainCount < 0xFFFF) {
        domain = static_cast<DomainInfo*>(arenaAllocate(sizeof(DomainInfo)));
        if (domain != nullptr) {
            *domain = {g_domains, name, ++g_domainCount, 0};
            judgeDomain(domain->id, name->text);
            emitDomain(ring, domain);
            __atomic_store_n(&g_domains, domain, __ATOMIC_RELEASE);
        }
    }
    unlockTables();
    return domain;
}

void nameCategory(Ring* ring, uint32_t domainId, uint32_t category, const NameEntry* name) {
    if (name == nullptr) return;
    lockTables();
    CategoryInfo* known = g_categories;
    while (known != nullptr && (known->domainId != domainId || known->category != category))
        known = known->next;
    const bool changed = known == nullptr || known->name != name;
    if (known == nullptr) {
        known = static_cast<CategoryInfo*>(arenaAllocate(sizeof(CategoryInfo)));
        if (known != nullptr) {
            *known = {g_categories, name, domainId, category};
            g_categories = known;
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
