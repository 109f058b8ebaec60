// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Decodes NVTX extended payloads by the schema that the program registered
// (nvtx3/nvToolsExtPayload.h): fixed-width fields, fixed arrays, and nested static schemas.

#include "collector/recorder/convert/catalogue.h"

#include <string>
#include <string_view>

namespace ridge::recorder {

// A JSON object of the fields; empty when the schema is unknown or is none that can be decoded.
// Fields outside of the payload and of unknown types are null.
std::string payloadJson(const Source& source, const StringTable& strings,
                        const SchemaDefinition& schema, std::string_view payload);

}  // namespace ridge::recorder
