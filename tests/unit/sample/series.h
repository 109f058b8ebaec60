// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a recorder's spool has of each counter: name[/device] -> its values in order.

#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "collector/recorder/convert/record_walk.h"

namespace ridge::recorder::test {

inline std::map<std::string, std::vector<double>> seriesOf(const std::string& spool, std::map<std::string, std::string>* units = nullptr) {
    const std::string bytes = *readFile(spool);
    std::map<std::uint32_t, std::string> names, counters;
    std::map<std::string, std::vector<double>> series;
    walkRecords({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, [&](const RecordView& view) {
        if (view.type() == spool::RecordType::kName) {
            const auto name = view.as<spool::Name>();
            names[name.header.id] = std::string(view.tail(sizeof name).substr(0, name.length));
        } else if (view.type() == spool::RecordType::kCounter) {
            const auto counter = view.as<spool::Counter>();
            counters[counter.header.id] = names[counter.nameId];
            if (units) (*units)[names[counter.nameId]] = names[counter.unitNameId];
        } else if (view.type() == spool::RecordType::kCounterSample) {
            const auto sample = view.as<spool::CounterSample>();
            series[counters[sample.header.id]].push_back(sample.value);
        }
    });
    return series;
}

}  // namespace ridge::recorder::test
