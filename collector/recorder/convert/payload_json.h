// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Decodes NVTX extended payloads by the schema that the program registered: fields, strings, enums,
// arrays of every kind, nested schemas, unions, and what pointers led to (the rules:
// schemas/spool/payload_layout.h). Two results at once: a JSON object for people, and one typed
// value per number or text for SQL. Trusts neither schema nor payload; what is not there is null in
// the JSON and has no value.

#include "collector/recorder/convert/catalogue.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ridge::recorder {

struct PayloadValue {
    enum class Kind { kInteger, kReal, kText, kEnum };  // an enum has both number and text
    Kind kind = Kind::kInteger;
    std::string field;  // "outer.inner": names of the entries, their numbers where they have none
    std::int64_t element = 0;  // running number of the values of this field in the payload
    std::int64_t integer = 0;
    double real = 0;
    std::string text;
};

struct DecodedPayload {
    std::string json;  // empty: nothing that can be decoded
    std::vector<PayloadValue> values;
};

DecodedPayload decodePayload(const Source& source, const StringTable& strings,
                             const SchemaDefinition& schema, std::string_view payload);

}  // namespace ridge::recorder
