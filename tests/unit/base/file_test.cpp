// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/file.h"

#include <gtest/gtest.h>

#include <fstream>

namespace ridge {
namespace {

TEST(File, WritesWholeAndReadsBack) {
    auto dir = TempDir::create("ridge-file-test-");
    ASSERT_TRUE(dir.ok()) << dir.error().message;
    const auto path = dir->path() / "a.txt";
    const std::string content("one\ntwo\0three", 13);
    ASSERT_TRUE(writeFileAtomically(path, content).ok());
    ASSERT_TRUE(writeFileAtomically(path, content).ok()) << "an existing file is replaced";
    auto back = readFile(path);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, content);
    EXPECT_EQ(readLineOr(path), "one");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir->path()), {}), 1) << "no temporary is left";
}

TEST(File, ErrorsNameThePathAndTheReason) {
    auto missing = readFile("/does/not/exist");
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().message, "cannot open /does/not/exist: No such file or directory");
    const Status status = writeFileAtomically("/does/not/exist", "x");
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().message.find("/does/not/exist"), std::string::npos);
    EXPECT_EQ(readLineOr("/does/not/exist", "-"), "-");
}

TEST(File, RefusesWhatIsTooLarge) {
    auto dir = TempDir::create("ridge-file-test-");
    ASSERT_TRUE(dir.ok());
    const auto path = dir->path() / "big";
    ASSERT_TRUE(writeFileAtomically(path, std::string(1000, 'x')).ok());
    EXPECT_FALSE(readFile(path, 999).ok());
    EXPECT_TRUE(readFile(path, 1000).ok());
}

TEST(File, ATemporaryFolderGoesWithItsObject) {
    std::filesystem::path path;
    {
        auto dir = TempDir::create("ridge-file-test-");
        ASSERT_TRUE(dir.ok());
        path = dir->path();
        std::ofstream(path / "x") << "y";
        TempDir moved = std::move(*dir);
        EXPECT_TRUE(std::filesystem::exists(path));
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace ridge
