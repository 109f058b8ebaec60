// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// One input: the text of a Kineto trace. Whatever it is, reading and analysing it ends with an error of one
// line or with an answer that adds up.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "analyzer/timeline/load.h"
#include "verify.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto timeline = ridge::analyzer::loadKinetoText(text);
    if (!timeline.ok()) {
        ridge::test::verifyError(timeline.error());
        return 0;
    }
    ridge::test::verifyTimeline(*timeline);
    ridge::test::verifyAnswer(ridge::analyzer::analyzeTimeline(*timeline, {}));
    return 0;
}
