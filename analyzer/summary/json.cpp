// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Summaries as JSON (schemas/json/summary-1.json). Long lists of times are lists of differences: a summary of a rank
// is some tens of kilobytes.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "analyzer/summary/rank_summary.h"
#include "analyzer/timeline/timeline.h"
#include "base/file.h"
#include "base/without_mark.h"

namespace ridge::analyzer {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMostRanks = std::int64_t{1} << 24;
constexpr Ns kMostNs = Ns{1} << 62;

// Leaves the reader at the first thing that cannot be; caught in summaryFromJson().
void require(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

Json classTimes(const ClassTimes& classes) {
    Json out = Json::object();
    for (std::size_t c = 0; c < kWallClassCount; ++c)
        if (classes[c] != 0) out[std::string(kWallClassNames[c])] = classes[c];
    return out;
}

ClassTimes readClassTimes(const Json& json) {
    require(json.is_object(), "class times are no object");
    ClassTimes out{};
    for (const auto& [key, value] : json.items()) {
        const auto wallClass = parseWallClass(key);
        require(wallClass.has_value(), "a class of time that is not known");
        out[static_cast<std::size_t>(*wallClass)] = value.get<Ns>();
        require(value.is_number_integer() && value.get<Ns>() >= 0 && value.get<Ns>() <= kMostNs, "a class of time is negative or too large");
    }
    return out;
}

std::int64_t integer(const Json& json, const char* key, std::int64_t least, std::int64_t most) {
    const Json& value = json.at(key);
    require(value.is_number_integer(), key);
    require(!value.is_number_unsigned() || value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()), key);
    const auto number = value.get<std::int64_t>();
    require(number >= least && number <= most, key);
    return number;
}
std::int64_t count(const Json& json, const char* key) { return integer(json, key, 0, std::numeric_limits<std::int64_t>::max()); }
Ns instant(const Json& json, const char* key) { return integer(json, key, -kMaxTime, kMaxTime); }
std::string text(const Json& json, const char* key) { return json.at(key).get<std::string>(); }

Ns total(const ClassTimes& classes) { return std::accumulate(classes.begin(), classes.end(), Ns{0}); }

Json histogram(const Histogram& h) {
    Json buckets = Json::array();
    for (const auto& [bucket, n] : h.buckets) buckets.push_back(Json::array({bucket, n}));
    return {{"count", h.count}, {"sum_ns", h.sum}, {"min_ns", h.least}, {"max_ns", h.most}, {"buckets", std::move(buckets)}};
}

Histogram readHistogram(const Json& json) {
    Histogram h;
    h.count = count(json, "count");
    h.sum = count(json, "sum_ns");
    h.least = count(json, "min_ns");
    h.most = count(json, "max_ns");
    std::int64_t all = 0, last = -1;
    for (const Json& pair : json.at("buckets")) {
        require(pair.is_array() && pair.size() == 2, "a bucket is no pair");
        const auto bucket = pair[0].get<std::int64_t>(), n = pair[1].get<std::int64_t>();
        require(bucket > last && bucket < Histogram::kBuckets && n > 0, "a bucket that cannot be");
        h.buckets[static_cast<std::int32_t>(bucket)] = n;
        last = bucket;
        require(all <= std::numeric_limits<std::int64_t>::max() - n, "counts overflow");
        all += n;
    }
    const auto mean = h.count > 0 ? h.sum / h.count : 0;
    require(h.count == 0 || (h.least <= mean && mean <= h.most), "the sum of a distribution does not fit its shortest and longest");
    require(all == h.count && h.least <= h.most, "the counts of a distribution do not add up");
    return h;
}

Json device(const Device& d) {
    return {{"id", d.id}, {"kind", d.kind}, {"name", d.name}, {"span_ns", d.spanNs}, {"busy_ns", d.busyNs}, {"idle_ns", d.idleNs}, {"compute_ns", d.computeNs},
            {"comm_ns", d.commNs}, {"copy_ns", d.copyNs}, {"overlap_ns", d.overlapNs}, {"exposed_comm_ns", d.exposedCommNs}, {"exposed_copy_ns", d.exposedCopyNs},
            {"kernels", d.kernels}, {"copies", d.copies}, {"unlinked", d.unlinked}};
}

Device readDevice(const Json& json, std::int64_t rank) {
    Device d;
    d.rank = rank;
    d.id = integer(json, "id", std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    d.kind = text(json, "kind");
    require(d.kind == "gpu" || d.kind == "cpu", "kind of a device");
    d.name = text(json, "name");
    for (const auto& [key, to] : {std::pair("span_ns", &d.spanNs), {"busy_ns", &d.busyNs}, {"idle_ns", &d.idleNs}, {"compute_ns", &d.computeNs}, {"comm_ns", &d.commNs},
                                  {"copy_ns", &d.copyNs}, {"overlap_ns", &d.overlapNs}, {"exposed_comm_ns", &d.exposedCommNs}, {"exposed_copy_ns", &d.exposedCopyNs},
                                  {"kernels", &d.kernels}, {"copies", &d.copies}, {"unlinked", &d.unlinked}})
        *to = count(json, key);
    require(d.busyNs <= d.spanNs && d.idleNs == d.spanNs - d.busyNs, "busy and idle of a device do not add up to its span");
    require(d.overlapNs <= std::min(d.commNs, d.computeNs) && d.exposedCommNs == d.commNs - d.overlapNs, "overlap and exposed communication of a device do not add up");
    require(d.computeNs <= d.busyNs && d.commNs <= d.busyNs && d.copyNs <= d.busyNs && d.exposedCopyNs <= d.copyNs, "a device works longer than it is busy");
    return d;
}

Json lane(const RankLane& l) {
    Json exposed = Json::array();
    Ns at = 0;
    for (const auto& [start, end] : l.exposed) {
        exposed.push_back(start - at);
        exposed.push_back(end - start);
        at = end;
    }
    return {{"workload", l.workload},
            {"device", l.device},
            {"kind", l.gpu ? "gpu" : "cpu"},
            {"steps", l.steps},
            {"total_ns", l.totalNs},
            {"min_ns", l.leastNs},
            {"max_ns", l.mostNs},
            {"classes", classTimes(l.classes)},
            {"median_step", {{"index", l.median.index}, {"start_ns", l.median.startNs}, {"end_ns", l.median.endNs}, {"classes", classTimes(l.median.classes)}}},
            {"above_roof_ns", {{"compute_bound", l.computeAboveNs}, {"memory_wall", l.memoryAboveNs}, {"latency_bound", l.latencyAboveNs}}},
            {"dispatch_ns", l.dispatchNs},
            {"exposed", std::move(exposed)},
            {"exposed_left_out", l.exposedLeftOut}};
}

RankLane readLane(const Json& json, std::int64_t rank) {
    RankLane l;
    l.workload = text(json, "workload");
    l.device = integer(json, "device", std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    l.gpu = text(json, "kind") == "gpu";
    require(l.gpu || text(json, "kind") == "cpu", "kind of a lane");
    l.steps = integer(json, "steps", 1, std::numeric_limits<std::int64_t>::max());
    l.totalNs = integer(json, "total_ns", 0, kMostNs);
    l.leastNs = count(json, "min_ns");
    l.mostNs = count(json, "max_ns");
    l.classes = readClassTimes(json.at("classes"));
    require(l.leastNs <= l.mostNs && l.leastNs <= l.totalNs / l.steps && l.mostNs >= l.totalNs / l.steps, "the shortest and longest step of a lane do not fit their sum");
    require(total(l.classes) == l.totalNs, "the classes of a lane do not add up to its steps");
    const Json& median = json.at("median_step");
    l.median.workload = l.workload;
    l.median.rank = rank;
    l.median.device = l.device;
    l.median.index = integer(median, "index", std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    l.median.startNs = instant(median, "start_ns");
    l.median.endNs = instant(median, "end_ns");
    l.median.classes = readClassTimes(median.at("classes"));
    require(l.median.endNs - l.median.startNs >= l.leastNs && l.median.endNs - l.median.startNs <= l.mostNs, "the median step of a lane is shorter or longer than all its steps");
    require(total(l.median.classes) == l.median.endNs - l.median.startNs, "the classes of a step do not add up to it");
    const Json& above = json.at("above_roof_ns");
    l.computeAboveNs = integer(above, "compute_bound", 0, kMostNs);
    l.memoryAboveNs = integer(above, "memory_wall", 0, kMostNs);
    l.latencyAboveNs = integer(above, "latency_bound", 0, kMostNs);
    l.dispatchNs = integer(json, "dispatch_ns", 0, kMostNs);
    const auto exposed = json.at("exposed").get<std::vector<Ns>>();
    require(exposed.size() % 2 == 0 && exposed.size() / 2 <= kMostExposed, "exposed");
    Ns at = 0, sum = 0;
    for (std::size_t i = 0; i < exposed.size(); i += 2) {
        require((i == 0 ? exposed[i] >= -kMaxTime : exposed[i] >= 0) && exposed[i] <= kMaxTime && exposed[i + 1] > 0 && exposed[i + 1] <= kMaxTime, "exposed");
        const Ns start = at + exposed[i];
        at = start + exposed[i + 1];
        require(start >= -kMaxTime && at <= kMaxTime, "exposed");
        sum += exposed[i + 1];
        l.exposed.emplace_back(start, at);
    }
    require(sum <= l.classes[static_cast<std::size_t>(WallClass::kCommUnsplit)], "more exposed communication than the class has");
    l.exposedLeftOut = count(json, "exposed_left_out");
    return l;
}

Json communicator(const RankCommunicator& c) {
    Json numbers = Json::array(), starts = Json::array(), lengths = Json::array(), names = Json::array(), workloads = Json::array(), devices = Json::array();
    std::int64_t number = 0;
    Ns start = 0;
    for (const CollectiveStamp& s : c.stamps) {
        numbers.push_back(s.number - number);
        starts.push_back(s.start - start);
        lengths.push_back(s.end - s.start);
        names.push_back(s.name);
        workloads.push_back(s.workload);
        devices.push_back(s.device);
        number = s.number;
        start = s.start;
    }
    return {{"id", c.id},         {"label", c.label},          {"counted", c.counted},          {"size", c.size},           {"count", c.count},
            {"numbers", numbers}, {"starts", std::move(starts)}, {"lengths", std::move(lengths)}, {"names", std::move(names)}, {"workloads", std::move(workloads)},
            {"devices", std::move(devices)}};
}

RankCommunicator readCommunicator(const Json& json, std::size_t nameCount) {
    RankCommunicator c;
    c.id = text(json, "id");
    c.label = text(json, "label");
    c.counted = json.at("counted").get<bool>();
    c.size = count(json, "size");
    c.count = count(json, "count");
    const auto list = [&](const char* key) {
        const Json& values = json.at(key);
        require(values.is_array() && std::all_of(values.begin(), values.end(), [](const Json& v) { return v.is_number_integer(); }), key);
        return values.get<std::vector<std::int64_t>>();
    };
    const auto numbers = list("numbers"), starts = list("starts"), lengths = list("lengths"), names = list("names"), workloads = list("workloads"), devices = list("devices");
    const std::size_t n = numbers.size();
    require(n <= kMostStamps && static_cast<std::int64_t>(n) <= c.count && starts.size() == n && lengths.size() == n && names.size() == n && workloads.size() == n && devices.size() == n,
            "the lists of a communicator differ in length");
    std::int64_t number = 0;
    Ns start = 0;
    for (std::size_t i = 0; i < n; ++i) {
        require(i == 0 || numbers[i] >= 0, "numbers");
        require(!__builtin_add_overflow(number, numbers[i], &number), "numbers");
        require(starts[i] >= -2 * kMaxTime && starts[i] <= 2 * kMaxTime && lengths[i] >= 0 && lengths[i] <= 2 * kMaxTime, "starts");
        start += starts[i];
        require(start >= -kMaxTime && start + lengths[i] <= kMaxTime, "starts");
        require(names[i] >= 0 && static_cast<std::size_t>(names[i]) < nameCount && workloads[i] >= -1 && workloads[i] < static_cast<std::int64_t>(nameCount), "names");
        c.stamps.push_back({number, start, start + lengths[i], static_cast<std::int32_t>(names[i]), static_cast<std::int32_t>(workloads[i]), devices[i]});
    }
    return c;
}

Json rank(const RankSummary& r) {
    Json devices = Json::array(), lanes = Json::array(), communicators = Json::array(), operations = Json::array();
    for (const Device& d : r.devices) devices.push_back(device(d));
    for (const RankLane& l : r.lanes) lanes.push_back(lane(l));
    for (const RankCommunicator& c : r.communicators) communicators.push_back(communicator(c));
    for (const RankOp& op : r.operations)
        operations.push_back({{"name", op.name}, {"communicator", op.communicator}, {"workload", op.workload}, {"bytes", op.bytes < 0 ? Json(nullptr) : Json(op.bytes)},
                              {"count", op.count}, {"busy_ns", op.busyNs}, {"overlap_ns", op.overlapNs}});
    return {{"rank", r.rank}, {"rank_known", r.rankKnown}, {"host", r.host}, {"pids", r.pids}, {"clock", r.clock}, {"utc_of_zero_ns", r.utcOfZero}, {"names", r.names},
            {"devices", std::move(devices)}, {"lanes", std::move(lanes)}, {"communicators", std::move(communicators)}, {"operations", std::move(operations)}};
}

RankSummary readRank(const Json& json) {
    RankSummary r;
    r.rank = integer(json, "rank", 0, kMostRanks);
    r.rankKnown = json.at("rank_known").get<bool>();
    r.host = text(json, "host");
    r.pids = json.at("pids").get<std::vector<std::int64_t>>();
    r.clock = integer(json, "clock", 0, kMostRanks);
    r.utcOfZero = count(json, "utc_of_zero_ns");
    r.names = json.at("names").get<std::vector<std::string>>();
    for (const Json& d : json.at("devices")) r.devices.push_back(readDevice(d, r.rank));
    for (const Json& l : json.at("lanes")) r.lanes.push_back(readLane(l, r.rank));
    for (const Json& c : json.at("communicators")) {
        r.communicators.push_back(readCommunicator(c, r.names.size()));
        require(r.communicators.size() < 2 || r.communicators[r.communicators.size() - 2].id < r.communicators.back().id, "communicators are not in order");
    }
    for (const Json& op : json.at("operations"))
        r.operations.push_back({text(op, "name"), text(op, "communicator"), text(op, "workload"), op.at("bytes").is_null() ? -1 : count(op, "bytes"), count(op, "count"), count(op, "busy_ns"),
                                count(op, "overlap_ns")});
    for (const RankOp& op : r.operations) require(op.overlapNs <= op.busyNs, "an operation overlaps for longer than it is busy");
    return r;
}

Json workload(const std::string& name, const WorkloadDistribution& d) {
    Json classes = Json::object();
    for (std::size_t c = 0; c < kWallClassCount; ++c)
        if (d.classes[c].most > 0) classes[std::string(kWallClassNames[c])] = histogram(d.classes[c]);
    return {{"name", name}, {"steps", histogram(d.steps)}, {"classes", std::move(classes)}};
}

// Classes that were always 0 are not written: their distribution is that of as many zeros.
WorkloadDistribution readWorkload(const Json& json) {
    WorkloadDistribution d;
    d.steps = readHistogram(json.at("steps"));
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        const auto it = json.at("classes").find(std::string(kWallClassNames[c]));
        if (it != json.at("classes").end()) {
            d.classes[c] = readHistogram(*it);
        } else if (d.steps.count > 0 && c != static_cast<std::size_t>(WallClass::kCommTransfer) && c != static_cast<std::size_t>(WallClass::kCommWait)) {
            d.classes[c].count = d.steps.count;
            d.classes[c].buckets[0] = d.steps.count;
        }
    }
    for (const auto& [key, value] : json.at("classes").items()) require(parseWallClass(key).has_value(), "a class of time that is not known");
    return d;
}

Summary read(const Json& json) {
    Summary s;
    s.kind = text(json, "kind");
    s.product = text(json, "product");
    s.stepSource = text(json, "step_source");
    s.worldSize = integer(json, "world_size", 0, kMostRanks);
    s.files = integer(json, "files", 1, std::numeric_limits<std::int64_t>::max() / 2);
    for (const Json& r : json.at("ranks")) {
        RankSummary one = readRank(r);
        const std::int64_t number = one.rank;
        require(s.ranks.empty() || s.ranks.rbegin()->first < number, "ranks are not in order, or there twice");
        s.ranks.emplace_hint(s.ranks.end(), number, std::move(one));
    }
    for (const Json& w : json.at("workloads")) require(s.workloads.emplace(text(w, "name"), readWorkload(w)).second, "a workload is there twice");
    for (const Json& g : json.at("gate")) {
        const auto severity = parseEnum<Severity>(kSeverityNames, text(g, "severity"));
        require(severity.has_value(), "severity");
        require(s.gate.emplace(text(g, "check"), GateSum{*severity, count(g, "count"), count(g, "files"), text(g, "detail")}).second, "a check is there twice");
    }
    for (const Json& e : json.at("environment"))
        require(s.environment.emplace(text(e, "name"), EnvironmentSum{text(e, "class"), text(e, "min"), text(e, "max"), count(e, "files")}).second, "a field is there twice");
    std::map<std::string, std::int64_t> steps;
    for (const auto& [number, r] : s.ranks)
        for (const RankLane& l : r.lanes) require(!__builtin_add_overflow(steps[l.workload], l.steps, &steps[l.workload]), "steps");
    for (const auto& [name, n] : steps) {
        const auto it = s.workloads.find(name);
        require(it != s.workloads.end() && it->second.steps.count == n, "the steps of the ranks do not add up to those of the workload");
    }
    for (const auto& [check, g] : s.gate) require(g.files <= s.files, "a check was seen in more files than there are");
    for (const auto& [name, e] : s.environment) require(e.least <= e.most && e.files <= s.files, "a field of the environment is in more files than there are");
    for (const Json& l : json.at("losses")) require(s.losses.emplace(text(l, "source"), count(l, "count")).second, "a source of losses is there twice");
    return s;
}

}  // namespace

std::string summaryToJson(const Summary& s) {
    Json ranks = Json::array(), workloads = Json::array(), gate = Json::array(), environment = Json::array(), losses = Json::array();
    for (const auto& [name, d] : s.workloads) workloads.push_back(workload(name, d));
    for (const auto& [check, g] : s.gate)
        gate.push_back({{"check", check}, {"severity", std::string(name(g.severity))}, {"count", g.count}, {"files", g.files}, {"detail", g.detail}});
    for (const auto& [name, e] : s.environment)
        environment.push_back({{"name", name}, {"class", e.fieldClass}, {"min", e.least}, {"max", e.most}, {"files", e.files}});
    for (const auto& [source, n] : s.losses) losses.push_back({{"source", source}, {"count", n}});
    const Json head{{"schema_version", kSummarySchemaVersion}, {"document", "ridge summary"}, {"kind", s.kind}, {"product", s.product}, {"step_source", s.stepSource}, {"world_size", s.worldSize},
                    {"files", s.files}, {"workloads", std::move(workloads)}, {"gate", std::move(gate)}, {"environment", std::move(environment)}, {"losses", std::move(losses)}};
    // Rank by rank, so that the tree of one rank at a time is in memory.
    std::string out = head.dump();
    out.back() = ',';
    out += "\"ranks\":[";
    bool first = true;
    for (const auto& [number, r] : s.ranks) {
        out += (first ? "\n" : ",\n") + rank(r).dump();
        first = false;
    }
    return out + "\n]}\n";
}

Result<Summary> summaryFromJson(std::string_view text) {
    try {
        const Json json = Json::parse(text);
        if (!json.is_object() || !json.contains("document") || json["document"] != "ridge summary" || !json.contains("schema_version"))
            return Error{ErrorCode::kBadInput, "is no summary of ridge analyze --summary"};
        if (json["schema_version"] != kSummarySchemaVersion)
            return Error{ErrorCode::kBadInput, fmt::format("is a summary of schema {}, this program reads {}; use the ridge that wrote it", json["schema_version"].dump(), kSummarySchemaVersion)};
        return read(json);
    } catch (const nlohmann::json::parse_error&) {
        return Error{ErrorCode::kBadInput, "is no summary, or is cut off: it is no whole JSON document"};
    } catch (const nlohmann::json::type_error&) {
        return Error{ErrorCode::kBadInput, "is a damaged summary: a value is of another type than it should be"};
    } catch (const nlohmann::json::exception& error) {
        return Error{ErrorCode::kBadInput, fmt::format("is a damaged summary: {}", withoutMark(error.what()))};
    } catch (const std::invalid_argument& error) {
        return Error{ErrorCode::kBadInput, fmt::format("is a damaged summary: {}", error.what())};
    }
}

Result<Summary> readSummary(const std::string& path) {
    RIDGE_TRY(const std::string content, readFile(path));
    auto summary = summaryFromJson(content);
    if (!summary.ok()) return Error{ErrorCode::kBadInput, fmt::format("{} {}", path, summary.error().message)};
    return summary;
}

}  // namespace ridge::analyzer
