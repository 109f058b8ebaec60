// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/gpt_generator.h"

#include <algorithm>

namespace ridge::workloads {

using Want = GptEngine::Item::Want;

namespace {

constexpr std::uint64_t kBlockSeed = 7;

}  // namespace

GptGenerator::GptGenerator(std::unique_ptr<GptEngine> engine, bool allLogits)
    : m_engine(std::move(engine)), m_allLogits(allLogits) {
    const EngineOptions& options = m_engine->options();
    const std::int64_t count = options.sequences * m_engine->blocksPerSequence();
    m_blocks = scatteredBlocks(count, kBlockSeed);
    // One block per sequence: contiguous, and in order.
    if (m_engine->blocksPerSequence() == 1) std::sort(m_blocks.begin(), m_blocks.end());
    m_items.reserve(static_cast<std::size_t>(options.sequences));
    m_first.resize(static_cast<std::size_t>(options.sequences));
}

Result<std::unique_ptr<GptGenerator>> GptGenerator::create(Operators& ops, EngineOptions options,
                                                           std::int64_t maxPrompt, bool allLogits) {
    if (maxPrompt < 1 || maxPrompt > options.config.context)
        return Error{ErrorCode::kBadInput, "a prompt must fit the context"};
    // What the tokens after it need: one row per sequence, or a pass that keeps all its logits.
    const std::int64_t sequences = std::max<std::int64_t>(1, options.sequences);
    options.maxRows = std::max({maxPrompt, sequences, options.maxRows});
    options.wantedRows = allLogits ? options.maxRows : std::max(sequences, options.wantedRows);
    RIDGE_TRY(std::unique_ptr<GptEngine> engine, GptEngine::create(ops, options));
    return std::unique_ptr<GptGenerator>(new GptGenerator(std::move(engine), allLogits));
}

Result<std::unique_ptr<GptGenerator>> GptGenerator::create(Operators& ops, const GptConfig& config,
                                                           std::int64_t maxPrompt, bool allLogits) {
    EngineOptions options;
    options.config = config;
    return create(ops, options, maxPrompt, allLogits);
}

void GptGenerator::initialise(std::uint64_t seed, float deviation) {
    m_engine->initialise(seed, deviation);
    m_position = 0;
}

std::span<const std::int32_t> GptGenerator::blocksOf(std::int64_t sequence) const {
    const auto count = static_cast<std::size_t>(m_engine->blocksPerSequence());
    return std::span(m_blocks).subspan(static_cast<std::size_t>(sequence) * count, count);
}

std::int32_t GptGenerator::read(std::int64_t sequence, std::span<const std::int32_t> prompt,
                                std::int64_t chunk) {
    const auto length = prompt.size();
    const std::size_t piece = chunk > 0 ? static_cast<std::size_t>(chunk) : length;
    std::int32_t next = 0;
    for (std::size_t at = 0; at < length; at += piece) {
        const bool last = at + piece >= length;
        const GptEngine::Item item{prompt.subspan(at, std::min(piece, length - at)),
                                   static_cast<std::int64_t>(at), blocksOf(sequence),
                                   m_allLogits ? Want::kAll
                                   : last      ? Want::kLast
                                               : Want::kNothing};
        const auto tokens = m_engine->pass({&item, 1});
        if (last) next = tokens.back();
    }
    return next;
}

std::int32_t GptGenerator::prefill(std::span<const std::int32_t> prompt, std::int64_t chunk) {
    RIDGE_CHECK(!prompt.empty(), "an empty prompt");
    const WorkRange phase("prefill");
    m_position = std::ssize(prompt);
    return read(0, prompt, chunk);
}

std::span<const std::int32_t> GptGenerator::prefillAll(
    std::span<const std::vector<std::int32_t>> prompts) {
    RIDGE_CHECK(std::ssize(prompts) == sequences(), "a prompt for each sequence");
    const WorkRange phase("prefill");
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        RIDGE_CHECK(prompts[i].size() == prompts[0].size(), "prompts of one length");
        m_first[i] = read(static_cast<std::int64_t>(i), prompts[i], 0);
    }
    m_position = std::ssize(prompts[0]);
    return m_first;
}

std::int32_t GptGenerator::decode(std::int32_t token) {
    RIDGE_CHECK(m_position < config().context, "the cache is full: rewind first");
    const WorkRange phase("decode");
    const GptEngine::Item item{{&token, 1}, m_position, blocksOf(0), Want::kLast};
    ++m_position;
    return m_engine->pass({&item, 1}).front();
}

std::span<const std::int32_t> GptGenerator::decodeAll(std::span<const std::int32_t> tokens) {
    RIDGE_CHECK(m_position < config().context, "the cache is full: rewind first");
    RIDGE_CHECK(std::ssize(tokens) == sequences(), "a token for each sequence");
    const WorkRange phase("decode");
    m_items.clear();
    for (std::size_t i = 0; i < tokens.size(); ++i)
        m_items.push_back({tokens.subspan(i, 1), m_position, blocksOf(static_cast<std::int64_t>(i)),
                           Want::kLast});
    ++m_position;
    return m_engine->pass(m_items);
}

Status GptGenerator::recordDecode() {
    RIDGE_CHECK(m_position < config().context, "the cache is full: rewind first");
    // Any token will do: what it leaves in the cache is written over by the next one.
    const std::int32_t token = 0;
    m_items.clear();
    for (std::int64_t i = 0; i < sequences(); ++i)
        m_items.push_back({{&token, 1}, m_position, blocksOf(i), Want::kLast});
    return m_engine->recordPass(m_items);
}

std::span<const std::int32_t> GptGenerator::verify(std::span<const std::int32_t> tokens) {
    const WorkRange phase("verify");
    const GptEngine::Item item{tokens, m_position, blocksOf(0), Want::kAll};
    m_position += std::ssize(tokens);
    return m_engine->pass({&item, 1});
}

void GptGenerator::rewind(std::int64_t position) {
    RIDGE_CHECK(position >= 0 && position <= m_position, "rewind goes backwards only");
    m_position = position;
}

}  // namespace ridge::workloads
