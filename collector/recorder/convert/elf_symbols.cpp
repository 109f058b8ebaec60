// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/elf_symbols.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ridge::recorder {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;  // of one table
constexpr std::size_t kMostHeaders = 65536;

// A file read by ranges; every range is checked.
class File {
public:
    explicit File(const std::string& path) : m_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
        struct stat info {};
        if (m_fd < 0 || fstat(m_fd, &info) != 0 || !S_ISREG(info.st_mode)) return;
        m_bytes = static_cast<std::uint64_t>(info.st_size);
        m_inode = info.st_ino;
    }
    ~File() {
        if (m_fd >= 0) close(m_fd);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    [[nodiscard]] std::uint64_t inode() const { return m_inode; }
    [[nodiscard]] bool empty() const { return m_bytes == 0; }

    template <typename T>
    std::vector<T> read(std::uint64_t offset, std::uint64_t bytes) const {
        std::vector<T> result;
        if (offset > m_bytes || bytes > m_bytes - offset || bytes > kMostBytes) return result;
        result.resize(bytes / sizeof(T));
        const std::size_t wanted = result.size() * sizeof(T);
        std::size_t done = 0;
        while (done < wanted) {
            const ssize_t n = pread(m_fd, reinterpret_cast<char*>(result.data()) + done, wanted - done, static_cast<off_t>(offset + done));
            if (n <= 0) return {};
            done += static_cast<std::size_t>(n);
        }
        return result;
    }

private:
    int m_fd;
    std::uint64_t m_bytes = 0, m_inode = 0;
};

// The build id among the notes, as hex; empty: none.
std::string buildIdOf(const std::vector<char>& notes) {
    for (std::size_t at = 0; notes.size() - at >= sizeof(Elf64_Nhdr);) {
        Elf64_Nhdr note;
        std::memcpy(&note, notes.data() + at, sizeof note);
        const std::uint64_t name = at + sizeof note;
        const std::uint64_t description = name + ((std::uint64_t{note.n_namesz} + 3) & ~std::uint64_t{3});
        const std::uint64_t end = description + ((std::uint64_t{note.n_descsz} + 3) & ~std::uint64_t{3});
        if (end > notes.size() || end <= at) return {};
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(notes.data() + name, "GNU", 4) == 0) {
            std::string id;
            for (std::uint32_t i = 0; i < note.n_descsz && i < 64; ++i) id += fmt::format("{:02x}", static_cast<unsigned char>(notes[description + i]));
            return id;
        }
        at = end;
    }
    return {};
}

}  // namespace

bool ElfSymbols::readFrom(const std::string& path, std::uint64_t inode, bool debug) {
    const File file(path);
    if (file.empty() || (inode != 0 && file.inode() != inode)) return false;
    const auto headers = file.read<Elf64_Ehdr>(0, sizeof(Elf64_Ehdr));
    if (headers.empty()) return false;
    const Elf64_Ehdr& header = headers.front();
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) return false;
    if (header.e_phentsize == sizeof(Elf64_Phdr) && !debug)
        for (const Elf64_Phdr& segment : file.read<Elf64_Phdr>(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr))) {
            if (segment.p_type == PT_LOAD) m_segments.push_back({segment.p_offset, segment.p_vaddr, segment.p_filesz});
            if (segment.p_type == PT_NOTE && m_buildId.empty()) m_buildId = buildIdOf(file.read<char>(segment.p_offset, std::min<std::uint64_t>(segment.p_filesz, 65536)));
        }
    if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum > kMostHeaders) return true;
    const auto sections = file.read<Elf64_Shdr>(header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr));
    for (const Elf64_Shdr& section : sections) {
        if ((section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) || section.sh_link >= sections.size()) continue;
        const Elf64_Shdr& texts = sections[section.sh_link];
        std::vector<char> names = file.read<char>(texts.sh_offset, texts.sh_size);
        if (names.empty() || m_names.size() + names.size() > kMostBytes) continue;
        names.push_back('\0');
        const std::size_t base = m_names.size();
        m_names.append(names.data(), names.size());
        for (const Elf64_Sym& symbol : file.read<Elf64_Sym>(section.sh_offset, section.sh_size)) {
            const unsigned char type = ELF64_ST_TYPE(symbol.st_info);
            if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names.size() || names[symbol.st_name] == '\0') continue;
            m_functions.push_back({symbol.st_value, symbol.st_size, static_cast<std::uint32_t>(base + symbol.st_name)});
        }
    }
    return true;
}

// By address; of several names for one the first that the tables gave.
void ElfSymbols::finish() {
    std::stable_sort(m_functions.begin(), m_functions.end(), [](const Function& a, const Function& b) { return a.address < b.address; });
    const auto same = [](const Function& a, const Function& b) { return a.address == b.address; };
    m_functions.erase(std::unique(m_functions.begin(), m_functions.end(), same), m_functions.end());
}

std::optional<ElfSymbols> ElfSymbols::open(const std::string& path, std::uint64_t inode) {
    ElfSymbols symbols;
    if (!path.starts_with("/") || !symbols.readFrom(path, inode, false)) return {};
    if (symbols.m_buildId.size() > 2) {
        const std::string debug = fmt::format("/usr/lib/debug/.build-id/{}/{}.debug", symbols.m_buildId.substr(0, 2), symbols.m_buildId.substr(2));
        symbols.readFrom(debug, 0, true);
    }
    symbols.finish();
    return symbols;
}

std::string_view ElfSymbols::at(std::uint64_t fileOffset) const {
    for (const Segment& segment : m_segments) {
        if (fileOffset < segment.offset || fileOffset - segment.offset >= segment.bytes) continue;
        const std::uint64_t address = segment.address + (fileOffset - segment.offset);
        auto next = std::upper_bound(m_functions.begin(), m_functions.end(), address, [](std::uint64_t a, const Function& f) { return a < f.address; });
        if (next == m_functions.begin()) return {};
        const Function& function = *std::prev(next);
        // Assembler code often has no size: it reaches to the next function.
        if (function.bytes != 0 && address - function.address >= function.bytes) return {};
        return m_names.c_str() + function.name;
    }
    return {};
}

}  // namespace ridge::recorder
