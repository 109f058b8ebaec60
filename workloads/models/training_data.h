// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Four fixed batches of random text, taken in turn: the target of a token is the next one. The same
// seed gives the same batches on every machine.

#include "workloads/models/gpt_layout.h"

#include <array>
#include <cstdint>
#include <vector>

namespace ridge::workloads {

class TrainingData {
public:
    struct Batch {
        std::vector<std::int32_t> tokens, targets;
    };

    TrainingData(const GptConfig& config, std::int64_t sequences, std::uint64_t seed) {
        const std::int64_t rows = sequences * config.context;
        for (std::uint64_t i = 0; i < m_batches.size(); ++i) {
            const std::vector<std::int32_t> text =
                randomTokens(rows + 1, config.vocabulary, seed + i);
            m_batches[i].tokens.assign(text.begin(), text.end() - 1);
            m_batches[i].targets.assign(text.begin() + 1, text.end());
        }
    }

    [[nodiscard]] const Batch& batch(std::uint64_t index) const {
        return m_batches[index % m_batches.size()];
    }

private:
    std::array<Batch, 4> m_batches;
};

}  // namespace ridge::workloads
