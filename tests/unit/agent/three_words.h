// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A static NVTX payload schema of three words of 64 bits, for programs under test and under the clock.

#include <nvtx3/nvToolsExtPayload.h>

#include <cstdint>

namespace ridge::test {

// The third is of the type given; the others are unsigned. Their offsets are 0, 8, 16.
inline std::uint64_t registerThreeWords(nvtxDomainHandle_t domain, std::uint64_t thirdType) {
    const nvtxPayloadSchemaEntry_t entries[] = {
        {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "a", nullptr, 0, 0, nullptr, nullptr},
        {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "b", nullptr, 0, 8, nullptr, nullptr},
        {0, thirdType, "c", nullptr, 0, 16, nullptr, nullptr}};
    nvtxPayloadSchemaAttr_t schema{};
    schema.fieldMask =
        NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_TYPE | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ENTRIES |
        NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NUM_ENTRIES | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_STATIC_SIZE;
    schema.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
    schema.entries = entries;
    schema.numEntries = 3;
    schema.payloadStaticSize = 24;
    return nvtxPayloadSchemaRegister(domain, &schema);
}

}  // namespace ridge::test
