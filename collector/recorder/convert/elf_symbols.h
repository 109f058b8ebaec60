// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Functions of an ELF file by address, from .symtab and .dynsym, of the file itself and of its separate debug file
// (/usr/lib/debug/.build-id). 64-bit little-endian files only. Of a hostile file every offset, count and length is
// checked against its size; what does not hold gives fewer symbols, never an error that matters. Memory: 24 bytes per
// function and the names.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ridge::recorder {

class ElfSymbols {
public:
    // Nothing: no such file, or none that is understood. inode: of the file that was mapped; another file that has taken
    // its place since is not it. 0: not known.
    static std::optional<ElfSymbols> open(const std::string& path, std::uint64_t inode);

    // The function that has the byte at this offset of the file, as the linker knows it; empty: none.
    [[nodiscard]] std::string_view at(std::uint64_t fileOffset) const;
    [[nodiscard]] std::size_t size() const { return m_functions.size(); }

private:
    struct Segment {
        std::uint64_t offset, address, bytes;
    };
    struct Function {
        std::uint64_t address, bytes;
        std::uint32_t name;  // offset in m_names
    };
    bool readFrom(const std::string& path, std::uint64_t inode, bool debug);
    void finish();
    std::vector<Segment> m_segments;
    std::vector<Function> m_functions;  // by address
    std::string m_names;                // NUL behind each
    std::string m_buildId;              // hex
};

}  // namespace ridge::recorder
