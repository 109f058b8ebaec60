// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/code_names.h"

#include <gtest/gtest.h>
#include <link.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/file.h"

extern "C" __attribute__((noinline, used)) int ridgeKnownFunction(int x) { return x * 3 + 1; }
namespace ridge::recorder::named {
__attribute__((noinline, used)) int inside(int x) { return ridgeKnownFunction(x) + 2; }
}  // namespace ridge::recorder::named

namespace ridge::recorder {
namespace {

// Where this program's own code is mapped, as the kernel would tell it.
struct Own {
    std::string path = std::filesystem::read_symlink("/proc/self/exe").string();
    std::uint64_t start = 0, length = 0, offset = 0, inode = 0;
    Own() {
        struct stat info {};
        stat(path.c_str(), &info);
        inode = info.st_ino;
        dl_iterate_phdr(
            [](dl_phdr_info* object, std::size_t, void* data) {
                Own& own = *static_cast<Own*>(data);
                for (int i = 0; i < object->dlpi_phnum; ++i) {
                    const auto& segment = object->dlpi_phdr[i];
                    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
                    own.start = (object->dlpi_addr + segment.p_vaddr) & ~std::uint64_t{4095};
                    own.offset = segment.p_offset & ~std::uint64_t{4095};
                    own.length = (segment.p_filesz + 8191) & ~std::uint64_t{4095};
                }
                return 1;  // the first is the program
            },
            this);
    }
    [[nodiscard]] spool::CodeMap map(std::uint32_t pid, std::uint64_t time) const { return {{}, time, pid, 0, start, length, offset, inode}; }
};

std::uint64_t addressOf(int (*function)(int)) { return reinterpret_cast<std::uint64_t>(function); }

class CodeNamesTest : public testing::Test {
protected:
    std::string nameAt(std::uint32_t pid, std::uint64_t time, std::uint64_t address, bool call = false) {
        const CodeName name = m_names.name(pid, time, address, call);
        EXPECT_EQ(name.unresolved, m_strings.text(name.symbol).starts_with("0x"));
        m_module = m_strings.text(name.module);
        return m_strings.text(name.symbol);
    }
    Own m_own;
    StringTable m_strings;
    CodeNames m_names{m_strings};
    std::string m_module;
};

TEST_F(CodeNamesTest, FunctionsOfThisProgram) {
    m_names.add(m_own.map(7, 10), m_strings.intern(m_own.path));
    m_names.finish();
    EXPECT_EQ(nameAt(7, 20, addressOf(ridgeKnownFunction)), "ridgeKnownFunction");
    EXPECT_EQ(m_module, m_own.path);
    EXPECT_EQ(nameAt(7, 20, addressOf(named::inside) + 4), "ridge::recorder::named::inside(int)");
    // A return address belongs to the call before it, be that the last byte of its function.
    EXPECT_EQ(nameAt(7, 20, addressOf(ridgeKnownFunction) + 1, true), "ridgeKnownFunction");
    EXPECT_EQ(nameAt(7, 20, 0x10), "0x10");
    EXPECT_EQ(m_module, "[Unknown]");
    EXPECT_EQ(nameAt(8, 20, addressOf(ridgeKnownFunction)).substr(0, 2), "0x") << "another process";
}

TEST_F(CodeNamesTest, AChildHasItsParentsMapsAndAnExecEndsThem) {
    m_names.add(m_own.map(7, 10), m_strings.intern(m_own.path));
    spool::CodeMap fork{};
    fork.time = 20;
    fork.pid = 9;
    fork.start = 7;
    m_names.add(fork, 0);
    spool::CodeMap exec{};
    exec.time = 30;
    exec.pid = 9;
    m_names.add(exec, 0);
    m_names.finish();
    EXPECT_EQ(nameAt(9, 25, addressOf(ridgeKnownFunction)), "ridgeKnownFunction");
    EXPECT_EQ(nameAt(9, 35, addressOf(ridgeKnownFunction)).substr(0, 2), "0x");
    EXPECT_EQ(nameAt(7, 35, addressOf(ridgeKnownFunction)), "ridgeKnownFunction");
}

TEST_F(CodeNamesTest, AFileThatIsAnotherNowHasNoNames) {
    spool::CodeMap map = m_own.map(7, 10);
    map.inode += 1;
    m_names.add(map, m_strings.intern(m_own.path));
    m_names.finish();
    EXPECT_EQ(nameAt(7, 20, addressOf(ridgeKnownFunction)).substr(0, 2), "0x");
    EXPECT_EQ(m_module, m_own.path);
}

TEST_F(CodeNamesTest, WhatIsMappedOverIsGone) {
    m_names.add(m_own.map(7, 10), m_strings.intern(m_own.path));
    spool::CodeMap over = m_own.map(7, 11);
    over.start = m_own.start + 4096;
    over.length = 4096;
    m_names.add(over, m_strings.intern("/nowhere/lib.so"));
    m_names.finish();
    nameAt(7, 20, m_own.start + 5000);
    EXPECT_EQ(m_module, "/nowhere/lib.so");
    nameAt(7, 20, m_own.start + 100);
    EXPECT_EQ(m_module, m_own.path);
}

TEST(ElfSymbols, DamagedFilesGiveFewerNamesAndNothingWorse) {
    const auto dir = TempDir::create("ridge-elf");
    ASSERT_TRUE(dir.ok());
    // A small one of the system's: every byte of its headers in turn is spoilt.
    const std::string whole = *readFile("/bin/true");
    const std::string path = (dir->path() / "spoilt").string();
    std::uint32_t state = 3;
    for (int round = 0; round < 1500; ++round) {
        std::string bytes = whole;
        for (int i = 0; i < 4; ++i) {
            state = state * 1664525U + 1013904223U;
            const std::size_t at = round % 2 == 0 ? (state >> 8) % 1024 : bytes.size() - 1 - (state >> 8) % 2048;
            bytes[at] = static_cast<char>(state);
        }
        if (round % 5 == 0) bytes.resize((state >> 4) % bytes.size());
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
        const auto symbols = ElfSymbols::open(path, 0);
        if (!symbols) continue;
        for (std::uint64_t offset = 0; offset < bytes.size(); offset += 997) (void)symbols->at(offset);
    }
    EXPECT_FALSE(ElfSymbols::open((dir->path() / "nothing").string(), 0));
    EXPECT_FALSE(ElfSymbols::open("[vdso]", 0));
    EXPECT_FALSE(ElfSymbols::open("/dev/zero", 0));
}

}  // namespace
}  // namespace ridge::recorder
