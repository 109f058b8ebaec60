// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/row_operators.h"

#include "workloads/ops/operators.h"

namespace ridge::workloads {

namespace {

std::uint64_t u64(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

void checkAtLeast(const Tensor& tensor, std::int64_t count) {
    RIDGE_CHECK(tensor.count >= count, "tensor is smaller than the operator's shape");
}

void checkRows(std::int64_t rows, std::int64_t width, const Rows& which) {
    RIDGE_CHECK(which.first >= 0 && which.stride >= width, "rows that overlap");
    checkAtLeast(which.data, rows > 0 ? which.first + (rows - 1) * which.stride + width : 0);
}

void checkExperts(const ExpertRows& args, const Tensor& rows, const Tensor& rooms) {
    RIDGE_CHECK(args.choices <= RowOperators::kMostChoices, "more choices than are provided for");
    checkAtLeast(args.places, args.tokens * args.choices);
    checkAtLeast(rows, args.tokens * args.width);
    checkAtLeast(rooms, args.experts * args.room * args.width);
    if (!args.probabilities.empty()) checkAtLeast(args.probabilities, args.tokens * args.experts);
}

std::uint64_t chosenElements(const ExpertRows& args) {
    return u64(args.tokens * args.choices * args.width);
}

// Rows moved between tokens and rooms: scaled where there are probabilities, and added to what is
// there where two are read.
formulas::OpCost roomsCost(const ExpertRows& args, std::uint64_t rowsRead) {
    const std::uint64_t scaling = args.probabilities.empty() ? 0 : 1;
    return formulas::elementwise(chosenElements(args), rowsRead, rowsRead - 1 + scaling);
}

}  // namespace

void RowOperators::copyRows(const char* name, std::int64_t rows, std::int64_t width,
                            const Rows& from, const Rows& to) {
    checkRows(rows, width, from);
    checkRows(rows, width, to);
    const WorkRange range(
        name, payload(RIDGE_OP_COPY, formulas::copy(u64(4 * rows * width)), RIDGE_DTYPE_F32));
    doCopyRows(rows, width, from, to);
}

void RowOperators::addRows(const char* name, std::int64_t rows, std::int64_t width,
                           const Rows& from, const Rows& to) {
    checkRows(rows, width, from);
    checkRows(rows, width, to);
    const WorkRange range(name, payload(RIDGE_OP_ELEMENTWISE,
                                        formulas::elementwise(u64(rows * width), 2, 1),
                                        RIDGE_DTYPE_F32));
    doAddRows(rows, width, from, to);
}

void RowOperators::mergeAttention(const char* name, const AttentionArgs& args,
                                  const Tensor& partOut, const Tensor& partLogSums,
                                  const Tensor& out, const Tensor& logSums) {
    const std::int64_t sums = args.batch * args.heads * args.tokens;
    for (const Tensor* rows : {&partOut, &out}) checkAtLeast(*rows, sums * args.headDim);
    for (const Tensor* each : {&partLogSums, &logSums}) checkAtLeast(*each, sums);
    const WorkRange range(
        name, payload(RIDGE_OP_ELEMENTWISE,
                      formulas::attentionMerge(
                          {u64(args.batch), u64(args.heads), u64(args.tokens), u64(args.headDim)}),
                      RIDGE_DTYPE_F32));
    doMergeAttention(args, partOut, partLogSums, out, logSums);
}

void RowOperators::toRooms(const char* name, const ExpertRows& args, const Tensor& rows,
                           const Tensor& rooms) {
    checkExperts(args, rows, rooms);
    const WorkRange range(name,
                          payload(RIDGE_OP_ELEMENTWISE, roomsCost(args, 1), RIDGE_DTYPE_F32));
    doToRooms(args, rows, rooms);
}

void RowOperators::fromRooms(const char* name, const ExpertRows& args, const Tensor& rooms,
                             const Tensor& rows) {
    checkExperts(args, rows, rooms);
    const WorkRange range(name,
                          payload(RIDGE_OP_ELEMENTWISE, roomsCost(args, 2), RIDGE_DTYPE_F32));
    doFromRooms(args, rooms, rows);
}

void RowOperators::routerBackward(const char* name, const ExpertRows& args, const Tensor& dRows,
                                  const Tensor& rooms, const Tensor& dLogits) {
    RIDGE_CHECK(!args.probabilities.empty(), "a router has probabilities");
    checkExperts(args, dRows, rooms);
    checkAtLeast(dLogits, args.tokens * args.experts);
    const WorkRange range(
        name, payload(RIDGE_OP_ELEMENTWISE,
                      formulas::routerGradient(u64(args.tokens), u64(args.choices),
                                               u64(args.experts), u64(args.width)),
                      RIDGE_DTYPE_F32));
    doRouterBackward(args, dRows, rooms, dLogits);
}

}  // namespace ridge::workloads
