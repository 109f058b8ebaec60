// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Rows between a model's operators and its collectives, on every backend against plain loops.
#include "backends.h"
#include "range_capture.h"
#include "workloads/models/gpt_layout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

namespace ridge::workloads {
namespace {

using Host = std::vector<float>;

Host draw(std::int64_t count, std::uint64_t seed) {
    Host values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(randomBits(seed, i) >> 40) * 0x1p-23F - 1.0F;
    return values;
}

class RowOps : public OnBackends {
protected:
    Tensor put(const Host& values) {
        const Tensor tensor = m_ops->allocate(std::ssize(values));
        m_ops->upload(tensor, values);
        return tensor;
    }
    Host get(const Tensor& tensor) {
        Host values(static_cast<std::size_t>(tensor.count));
        m_ops->download(values, tensor);
        return values;
    }
};

INSTANTIATE_TEST_SUITE_P(Ops, RowOps, everyBackend(), backendName);

double at(const Host& values, std::int64_t i) {
    return static_cast<double>(values[static_cast<std::size_t>(i)]);
}

TEST_P(RowOps, PiecesOfRowsAreCopiedAndAddedAndTheRestStays) {
    constexpr std::int64_t kRows = 7, kWidth = 5, kFrom = 11, kTo = 9;
    const Host from = draw(3 + kRows * kFrom, 1), old = draw(2 + kRows * kTo, 2);
    for (const bool add : {false, true}) {
        const Tensor to = put(old);
        if (add)
            m_ops->addRows("add", kRows, kWidth, {put(from), 3, kFrom}, {to, 2, kTo});
        else
            m_ops->copyRows("copy", kRows, kWidth, {put(from), 3, kFrom}, {to, 2, kTo});
        Host wanted = old;
        for (std::int64_t r = 0; r < kRows; ++r)
            for (std::int64_t i = 0; i < kWidth; ++i) {
                float& value = wanted[static_cast<std::size_t>(2 + r * kTo + i)];
                const float given = from[static_cast<std::size_t>(3 + r * kFrom + i)];
                value = add ? value + given : given;
            }
        EXPECT_EQ(get(to), wanted) << (add ? "added" : "copied");
    }
}

// Softmax over six keys in two parts, in double, against the parts merged.
TEST_P(RowOps, AttentionOfTwoPartsOfTheKeysIsMergedExactly) {
    const AttentionArgs args{2, 3, 4, 5};
    constexpr std::int64_t kSums = 2 * 3 * 4, kKeys = 6;
    Host scores = draw(kSums * kKeys, 1);
    scores[0] = 40.0F;  // one key that has nearly all, in the first part
    for (float& score : scores) score *= 3.0F;
    const Host values = draw(kSums * kKeys * args.headDim, 2);
    const auto part = [&](std::int64_t first, std::int64_t last, Host& out, Host& logSums) {
        out.assign(static_cast<std::size_t>(kSums * args.headDim), 0.0F);
        logSums.assign(static_cast<std::size_t>(kSums), 0.0F);
        for (std::int64_t s = 0; s < kSums; ++s) {
            double sum = 0;
            for (std::int64_t k = first; k < last; ++k) sum += std::exp(at(scores, s * kKeys + k));
            logSums[static_cast<std::size_t>(s)] = static_cast<float>(std::log(sum));
            // Sums lie by sequence, head, token; outputs by sequence, token, head.
            const std::int64_t pair = s / args.tokens, token = s % args.tokens;
            const std::int64_t row = pair / args.heads * args.tokens + token;
            for (std::int64_t i = 0; i < args.headDim; ++i) {
                double mean = 0;
                for (std::int64_t k = first; k < last; ++k)
                    mean += std::exp(at(scores, s * kKeys + k)) / sum *
                            at(values, (s * kKeys + k) * args.headDim + i);
                out[static_cast<std::size_t>((row * args.heads + pair % args.heads) * args.headDim +
                                             i)] = static_cast<float>(mean);
            }
        }
    };
    Host firstOut, firstSums, secondOut, secondSums, wantedOut, wantedSums;
    part(0, 2, firstOut, firstSums);
    part(2, kKeys, secondOut, secondSums);
    part(0, kKeys, wantedOut, wantedSums);
    const Tensor out = put(firstOut), logSums = put(firstSums);
    m_ops->mergeAttention("merge", args, put(secondOut), put(secondSums), out, logSums);
    const Host gotOut = get(out), gotSums = get(logSums);
    for (std::size_t i = 0; i < gotOut.size(); ++i)
        EXPECT_NEAR(gotOut[i], wantedOut[i], 1e-6) << i;
    for (std::size_t i = 0; i < gotSums.size(); ++i)
        EXPECT_NEAR(gotSums[i], wantedSums[i], 1e-5) << i;
}

// Three tokens with two choices each of three experts with rooms for two; one choice is dropped.
class ChosenRows : public RowOps {
protected:
    void SetUp() override {
        RowOps::SetUp();
        if (!m_ops) return;
        m_args = {kTokens, 2, 3, 2, kWidth, m_ops->allocate(6, RIDGE_DTYPE_INT32)};
        m_ops->upload(m_args.places, std::span<const std::int32_t>(kPlaces));
        m_probabilities = draw(kTokens * 3, 5);
    }
    [[nodiscard]] ExpertRows weighted() {
        ExpertRows args = m_args;
        args.probabilities = put(m_probabilities);
        return args;
    }
    static constexpr std::int64_t kTokens = 3, kWidth = 37;
    // Expert 0 has tokens 0 and 2, expert 1 has 0, expert 2 has 1; token 1's choice of 0 is dropped,
    // token 2's of 1 has the second room.
    static constexpr std::int32_t kPlaces[] = {0, 2, -1, 4, 1, 3};
    ExpertRows m_args;
    Host m_probabilities;
};

INSTANTIATE_TEST_SUITE_P(Ops, ChosenRows, everyBackend(), backendName);

TEST_P(ChosenRows, GoToTheirRoomsAndBack) {
    const Host rows = draw(kTokens * kWidth, 1), old = draw(6 * kWidth, 2);
    for (const bool weigh : {false, true}) {
        const ExpertRows args = weigh ? weighted() : m_args;
        const auto weight = [&](std::int64_t token, std::int64_t place) {
            return weigh ? m_probabilities[static_cast<std::size_t>(token * 3 + place / 2)] : 1.0F;
        };
        const Tensor rooms = put(old), sums = put(rows);
        m_ops->toRooms("to", args, put(rows), rooms);
        Host wantedRooms = old, wantedSums = rows;
        for (std::int64_t i = 0; i < 6; ++i) {
            const std::int64_t place = kPlaces[i], token = i / 2;
            if (place < 0) continue;
            for (std::int64_t j = 0; j < kWidth; ++j)
                wantedRooms[static_cast<std::size_t>(place * kWidth + j)] =
                    weight(token, place) * rows[static_cast<std::size_t>(token * kWidth + j)];
        }
        EXPECT_EQ(get(rooms), wantedRooms) << "room 5 is nobody's and stays";
        m_ops->fromRooms("from", args, put(old), sums);
        for (std::int64_t i = 0; i < 6; ++i) {
            const std::int64_t place = kPlaces[i], token = i / 2;
            for (std::int64_t j = 0; place >= 0 && j < kWidth; ++j)
                wantedSums[static_cast<std::size_t>(token * kWidth + j)] +=
                    weight(token, place) * old[static_cast<std::size_t>(place * kWidth + j)];
        }
        const Host got = get(sums);
        for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wantedSums[i], 1e-6) << i;
    }
}

TEST_P(ChosenRows, GiveTheRouterItsGradient) {
    const Host dRows = draw(kTokens * kWidth, 1), rooms = draw(6 * kWidth, 2);
    const Tensor dLogits = m_ops->allocate(kTokens * 3);
    m_ops->routerBackward("router", weighted(), put(dRows), put(rooms), dLogits);
    const Host got = get(dLogits);
    for (std::int64_t t = 0; t < kTokens; ++t) {
        double gradients[3] = {};
        for (std::int64_t k = 0; k < 2; ++k) {
            const std::int64_t place = kPlaces[t * 2 + k];
            for (std::int64_t j = 0; place >= 0 && j < kWidth; ++j)
                gradients[place / 2] += at(dRows, t * kWidth + j) * at(rooms, place * kWidth + j);
        }
        double mean = 0;
        for (std::int64_t e = 0; e < 3; ++e) mean += at(m_probabilities, t * 3 + e) * gradients[e];
        for (std::int64_t e = 0; e < 3; ++e)
            EXPECT_NEAR(at(got, t * 3 + e),
                        at(m_probabilities, t * 3 + e) * (gradients[e] - mean), 1e-5)
                << t << " " << e;
    }
}

TEST_P(RowOps, PayloadsAreTheFormulas) {
    const Tensor rows = put(draw(60, 1)), other = put(draw(60, 2));
    test::startCapture();
    m_ops->copyRows("copy", 4, 5, {rows, 0, 10}, {other, 0, 5});
    m_ops->addRows("add", 4, 5, {rows, 0, 10}, {other, 0, 5});
    m_ops->mergeAttention("merge", {1, 2, 3, 5}, rows, put(draw(6, 3)), other, put(draw(6, 4)));
    const auto ranges = test::stopCapture();
    ASSERT_EQ(ranges.size(), 3U);
    // 20 floats moved; 20 added; 30 outputs and 6 logarithms, twice in and once out.
    EXPECT_EQ(ranges[0].work.bytes_read + ranges[0].work.bytes_written, 160U);
    EXPECT_EQ(ranges[1].work.flops, 20U);
    EXPECT_EQ(ranges[1].work.bytes_read, 160U);
    EXPECT_EQ(ranges[2].work.flops, 90U);
    EXPECT_EQ(ranges[2].work.bytes_read, 2U * 4 * 36);
    EXPECT_EQ(ranges[2].work.bytes_written, 4U * 36);
}

}  // namespace
}  // namespace ridge::workloads
