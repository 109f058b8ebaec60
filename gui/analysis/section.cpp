// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/analysis/section.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/summary.h"

namespace ridge::gui {
namespace {

std::string grouped(std::int64_t value) {
    const std::string digits = fmt::format("{}", value);
    const std::size_t sign = value < 0 ? 1 : 0;
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > sign && (digits.size() - i) % 3 == 0) out += ',';
        out += digits[i];
    }
    return out;
}

double asDouble(const Value& value) {
    if (const auto* i = std::get_if<std::int64_t>(&value)) return static_cast<double>(*i);
    return std::get<double>(value);
}

std::int64_t asInteger(const Value& value) {
    if (const auto* i = std::get_if<std::int64_t>(&value)) return *i;
    const double d = std::get<double>(value);
    return std::isfinite(d) && std::abs(d) < 9e18 ? std::llround(d) : 0;
}

}  // namespace

std::string formatted(const Value& value, Unit unit, std::string_view of) {
    if (std::holds_alternative<std::monostate>(value)) return "-";
    if (const auto* text = std::get_if<std::string>(&value)) {
        if (unit == Unit::kClass)
            if (const auto c = parseWallClass(*text)) return reports::label(*c);
        return unit == Unit::kKind ? reports::pathKindText(*text) : toValidUtf8(*text);
    }
    if (!std::isfinite(asDouble(value))) return "-";
    switch (unit) {
        case Unit::kCount: return grouped(asInteger(value));
        case Unit::kDuration: return formatDuration(asInteger(value));
        case Unit::kMoment: {  // neighbours have to differ: to the microsecond
            const std::int64_t ns = asInteger(value), us = (ns + (ns < 0 ? -500 : 500)) / 1000;
            return fmt::format("{}{}.{:03} ms", us < 0 && us > -1000 ? "-" : "", grouped(us / 1000), std::abs(us % 1000));
        }
        case Unit::kBytes: return asDouble(value) < 0 ? "-" : formatBytes(static_cast<std::uint64_t>(asDouble(value)));
        case Unit::kShare: return formatShare(asDouble(value));
        case Unit::kByteRate: return formatRate(asDouble(value), "B/s");
        case Unit::kFlopRate: return formatRate(asDouble(value), "FLOP/s");
        case Unit::kFlop: return formatRate(asDouble(value), "FLOP");
        case Unit::kJoule: return reports::formatValue(asDouble(value), "J");
        case Unit::kOf: return reports::formatValue(asDouble(value), of);
        default: return reports::formatNumber(asDouble(value));
    }
}

std::string Table::text(std::size_t row, std::size_t c) const {
    const Column& column = columns[c];
    return formatted(column.value(row), column.unit, column.of ? column.of(row) : std::string());
}

const std::vector<SectionName>& sectionNames() {
    static const std::vector<SectionName> names{
        {"overview", "Overview"},       {"steps", "Steps"},           {"path", "Critical path"}, {"whatif", "What if"},
        {"allfindings", "All findings"}, {"ranges", "Time by range"},  {"ops", "Ops and roofs"},  {"communication", "Communication"},
        {"memory", "Memory"},           {"energy", "Energy"},         {"devices", "Devices"},    {"quality", "Data quality"},
        {"compare", "Comparison"}};
    return names;
}

std::vector<Section> sectionsOf(const SectionInput& input) {
    const AnalysisPtr& a = input.analysis;
    if (!a) return {};
    using namespace sections;  // NOLINT: of this file's own header
    return {overview(a), steps(a),         criticalPath(a), whatIf(a), sections::findings(a), ranges(a),
            roofline(a), communication(a), memory(a, input.memory), energy(a), devices(a),            quality(a),
            compare(a, input.base, input.comparison)};
}

}  // namespace ridge::gui
