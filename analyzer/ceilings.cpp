// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/ceilings.h"

#include "base/file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace ridge::analyzer {
namespace {

using Json = nlohmann::json;

std::string textOr(const Json& object, const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

Result<std::vector<Ceiling>> parseCeilings(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) return Error{ErrorCode::kBadInput, "is no JSON"};
    const auto roofs = json.is_object() ? json.find("roofs") : json.end();
    if (!json.is_object() || roofs == json.end() || !roofs->is_array())
        return Error{ErrorCode::kBadInput,
                     "has no list \"roofs\"; write one with ridge ceilings -o FILE"};
    std::vector<Ceiling> result;
    for (const Json& roof : *roofs) {
        const auto where = [&] { return fmt::format("roof {}", result.size() + 1); };
        if (!roof.is_object()) return Error{ErrorCode::kBadInput, where() + " is no object"};
        Ceiling c;
        c.kind = textOr(roof, "kind");
        const auto value = roof.find("value");
        if (c.kind.empty() || value == roof.end() || !value->is_number())
            return Error{ErrorCode::kBadInput, where() + " has no kind or no number as value"};
        c.value = value->get<double>();
        if (!std::isfinite(c.value) || c.value <= 0)
            return Error{ErrorCode::kBadInput, where() + " has a value that is not above 0"};
        c.name = textOr(roof, "name");
        c.dtype = textOr(roof, "dtype");
        c.level = textOr(roof, "level");
        c.access = textOr(roof, "access");
        c.unit = textOr(roof, "unit");
        c.method = textOr(roof, "method");
        if (const auto typical = roof.find("median"); typical != roof.end() && typical->is_number())
            if (const auto median = typical->get<double>(); std::isfinite(median) && median > 0)
                c.typical = median;
        if (const auto capacity = roof.find("capacity_bytes");
            capacity != roof.end() && capacity->is_number_integer())
            if (const auto bytes = capacity->get<std::int64_t>(); bytes > 0)
                c.capacityBytes = bytes;
        result.push_back(std::move(c));
    }
    return result;
}

Result<std::vector<Ceiling>> readCeilings(const std::string& path) {
    RIDGE_TRY(const std::string text, readFile(path, std::size_t{64} << 20));
    auto ceilings = parseCeilings(text);
    if (!ceilings.ok()) return withContext(std::move(ceilings).takeError(), path);
    return ceilings;
}

}  // namespace ridge::analyzer
