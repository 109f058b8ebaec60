// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

namespace ridge {
namespace {

Result<int> half(int value) {
    if (value % 2 != 0) return Error{ErrorCode::kBadInput, "odd"};
    return value / 2;
}

Result<int> quarter(int value) {
    RIDGE_TRY(const int first, half(value));
    RIDGE_TRY(const int second, half(first));
    return second;
}

Status onlyEven(int value) {
    RIDGE_TRY_STATUS([&]() -> Status {
        auto result = half(value);
        if (!result.ok()) return withContext(result.error(), "checking");
        return {};
    }());
    return {};
}

TEST(Result, TryPassesValuesOnAndReturnsTheFirstError) {
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_EQ(quarter(6).error().message, "odd");
}

TEST(Result, ContextIsAddedInFront) {
    EXPECT_TRUE(onlyEven(2).ok());
    EXPECT_EQ(onlyEven(3).error().message, "checking: odd");
}

TEST(Result, HoldsWhatCanOnlyBeMoved) {
    Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
    const std::unique_ptr<int> taken = std::move(result).value();
    EXPECT_EQ(*taken, 7);
}

TEST(Result, ExitCodesAreThoseOfTheCommandLine) {
    EXPECT_EQ(exitCodeFor(ErrorCode::kBadInput), 2);
    EXPECT_EQ(exitCodeFor(ErrorCode::kIo), 2);
    EXPECT_EQ(exitCodeFor(ErrorCode::kNoVerdict), 3);
    EXPECT_EQ(exitCodeFor(ErrorCode::kMeasurement), 4);
    EXPECT_EQ(exitCodeFor(ErrorCode::kUnsupported), 77);
}

TEST(Check, ABugThrowsInTests) {
    ridgeThrowOnBug = true;
    EXPECT_THROW(RIDGE_CHECK(1 == 2, "arithmetic"), std::logic_error);
    RIDGE_CHECK(1 == 1, "never");
    ridgeThrowOnBug = false;
}

}  // namespace
}  // namespace ridge
