// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Addresses of sampled call stacks -> names: which file a process had mapped there at that time, and which function of
// it that is. Maps are those of a process image (an exec begins a new one); a child has its parent's until its own. What
// was unmapped and mapped anew within one image is known by its last map. Names are StringIds. One thread.

#include "collector/recorder/convert/elf_symbols.h"
#include "collector/recorder/convert/string_table.h"
#include "schemas/spool/sample_records.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace ridge::recorder {

struct CodeName {
    std::int64_t symbol = 0, module = 0;  // StringIds
    bool unresolved = false;              // the symbol is the address as text
};

class CodeNames {
public:
    explicit CodeNames(StringTable& strings) : m_strings(strings) {}
    // In any order; path: StringIds.
    void add(const spool::CodeMap& map, std::int64_t path) { m_maps.push_back({map, path}); }
    // After the last add().
    void finish();
    // isCall: the address stands behind a call, so that the byte before it is the one that is meant.
    CodeName name(std::uint32_t pid, std::uint64_t time, std::uint64_t address, bool isCall);
    CodeName kernel();
    [[nodiscard]] std::uint64_t unresolved() const { return m_unresolved; }

private:
    struct Given {
        spool::CodeMap map;
        std::int64_t path;
    };
    struct Mapped {
        std::uint64_t length, fileOffset, inode;
        std::int64_t path;
    };
    struct Image {
        std::uint64_t from = 0;
        std::uint32_t parent = 0;  // whose maps it has beside its own; 0: nobody's
        std::map<std::uint64_t, Mapped> maps;
    };
    const Mapped* find(std::uint32_t pid, std::uint64_t time, std::uint64_t address, std::uint64_t& start);
    Image& imageAt(std::uint32_t pid, std::uint64_t time);
    std::int64_t symbolOf(std::int64_t path, std::uint64_t inode, std::uint64_t offset);

    StringTable& m_strings;
    std::vector<Given> m_maps;
    std::unordered_map<std::uint32_t, std::vector<Image>> m_images;  // by pid, the earliest first
    std::map<std::pair<std::int64_t, std::uint64_t>, std::optional<ElfSymbols>> m_files;
    std::map<std::pair<std::int64_t, std::string_view>, std::int64_t> m_names;  // file and linker's name -> StringIds
    std::int64_t m_kernel = 0, m_kernelModule = 0, m_unknown = 0;
    std::uint64_t m_unresolved = 0;
};

}  // namespace ridge::recorder
