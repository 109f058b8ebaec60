// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Rows and pieces of rows: what parallel training does between a model's operators and its
// collectives. Part of Operators (operators.h), whose rules hold: one range with its work each, the
// same on every backend, results that are the same to the bit every time.

#include "workloads/formulas/op_cost.h"
#include "workloads/ops/tensor.h"

#include <cstdint>
#include <ridge/work.h>

namespace ridge::workloads {

struct AttentionArgs;

// Rows of floats that begin at element `first` and lie `stride` elements apart.
struct Rows {
    Tensor data;
    std::int64_t first = 0;
    std::int64_t stride = 0;
};

// Tokens and the rooms (rows of experts' inputs or outputs) of their choices. places: int32, of each
// token `choices` one after the other: expert * room + place, negative where the choice was dropped;
// no room has two. probabilities: tokens x experts; empty: every choice counts 1.
struct ExpertRows {
    std::int64_t tokens = 0;
    std::int64_t choices = 1;
    std::int64_t experts = 1;
    std::int64_t room = 0;  // rows of one expert
    std::int64_t width = 0;
    Tensor places;
    Tensor probabilities = {};
};

class RowOperators {
public:
    static constexpr std::int64_t kMostChoices = 8;

    virtual ~RowOperators() = default;
    RowOperators() = default;
    RowOperators(const RowOperators&) = delete;
    RowOperators& operator=(const RowOperators&) = delete;

    // to(r, i) = from(r, i), and to(r, i) += from(r, i), i < width. The two do not overlap.
    void copyRows(const char* name, std::int64_t rows, std::int64_t width, const Rows& from,
                  const Rows& to);
    void addRows(const char* name, std::int64_t rows, std::int64_t width, const Rows& from,
                 const Rows& to);

    // Attention over more keys: the output and the logarithms of sums of exponentials (batch * heads *
    // tokens) of some keys, merged exactly into those of others: lse = log(e^a + e^b),
    // out = e^(a - lse) out_a + e^(b - lse) out_b.
    void mergeAttention(const char* name, const AttentionArgs& args, const Tensor& partOut,
                        const Tensor& partLogSums, const Tensor& out, const Tensor& logSums);

    // rooms(place) = p rows(token) of each choice; rooms that nobody has stay as they are.
    void toRooms(const char* name, const ExpertRows& args, const Tensor& rows, const Tensor& rooms);
    // rows(token) += p rooms(place), choice by choice.
    void fromRooms(const char* name, const ExpertRows& args, const Tensor& rooms,
                   const Tensor& rows);
    // Of the router's softmax: g(e) = <dRows(token), rooms(place)> of the chosen experts, else 0;
    // dLogits(token, e) = p(e) (g(e) - sum over experts of p g). Needs probabilities.
    void routerBackward(const char* name, const ExpertRows& args, const Tensor& dRows,
                        const Tensor& rooms, const Tensor& dLogits);

protected:
    // What a range of an operator says of its work.
    virtual Work payload(ridge_op_kind kind, const formulas::OpCost& cost, ridge_dtype dtype) = 0;

    virtual void doCopyRows(std::int64_t rows, std::int64_t width, const Rows& from,
                            const Rows& to) = 0;
    virtual void doAddRows(std::int64_t rows, std::int64_t width, const Rows& from,
                           const Rows& to) = 0;
    virtual void doMergeAttention(const AttentionArgs& args, const Tensor& partOut,
                                  const Tensor& partLogSums, const Tensor& out,
                                  const Tensor& logSums) = 0;
    virtual void doToRooms(const ExpertRows& args, const Tensor& rows, const Tensor& rooms) = 0;
    virtual void doFromRooms(const ExpertRows& args, const Tensor& rooms, const Tensor& rows) = 0;
    virtual void doRouterBackward(const ExpertRows& args, const Tensor& dRows, const Tensor& rooms,
                                  const Tensor& dLogits) = 0;
};

}  // namespace ridge::workloads
