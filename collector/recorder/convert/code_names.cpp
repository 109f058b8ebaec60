// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/code_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cxxabi.h>

namespace ridge::recorder {
namespace {

constexpr int kMostParents = 64;
constexpr std::size_t kLongestMangled = 8192;

std::string demangled(std::string_view name) {
    if (!name.starts_with("_Z") || name.size() > kLongestMangled) return std::string(name);
    int status = 0;
    char* text = abi::__cxa_demangle(std::string(name).c_str(), nullptr, nullptr, &status);
    std::string result = status == 0 && text != nullptr ? text : std::string(name);
    std::free(text);
    return result;
}

}  // namespace

void CodeNames::finish() {
    std::stable_sort(m_maps.begin(), m_maps.end(), [](const Given& a, const Given& b) { return a.map.time < b.map.time; });
    for (const Given& given : m_maps) {
        const spool::CodeMap& map = given.map;
        std::vector<Image>& images = m_images[map.pid];
        if (map.length == 0) {
            // The kernel tells of a child's fork and of an exec; both begin an image.
            images.push_back({map.time, static_cast<std::uint32_t>(map.start), {}});
            continue;
        }
        if (images.empty()) images.emplace_back();
        Image& image = images.back();
        if (map.start + map.length < map.start) continue;
        // What it was mapped over is gone.
        for (auto at = image.maps.lower_bound(map.start); at != image.maps.end() && at->first < map.start + map.length;) at = image.maps.erase(at);
        if (auto before = image.maps.lower_bound(map.start); before != image.maps.begin()) {
            --before;
            if (before->first + before->second.length > map.start) before->second.length = map.start - before->first;
        }
        image.maps[map.start] = {map.length, map.fileOffset, map.inode, given.path};
    }
    m_maps.clear();
    m_maps.shrink_to_fit();
}

CodeNames::Image& CodeNames::imageAt(std::uint32_t pid, std::uint64_t time) {
    std::vector<Image>& images = m_images[pid];
    if (images.empty()) images.emplace_back();
    auto after = std::upper_bound(images.begin() + 1, images.end(), time, [](std::uint64_t t, const Image& image) { return t < image.from; });
    return *std::prev(after);
}

const CodeNames::Mapped* CodeNames::find(std::uint32_t pid, std::uint64_t time, std::uint64_t address, std::uint64_t& start) {
    for (int i = 0; i < kMostParents; ++i) {
        Image& image = imageAt(pid, time);
        auto after = image.maps.upper_bound(address);
        if (after != image.maps.begin()) {
            const auto& [from, mapped] = *std::prev(after);
            start = from;
            if (address - from < mapped.length) return &mapped;
        }
        if (image.parent == 0 || image.parent == pid) return nullptr;
        time = std::min(time, image.from);
        pid = image.parent;
    }
    return nullptr;
}

// 0: no such function.
std::int64_t CodeNames::symbolOf(std::int64_t path, std::uint64_t inode, std::uint64_t offset) {
    const auto [file, isNew] = m_files.try_emplace({path, inode});
    if (isNew) file->second = ElfSymbols::open(m_strings.text(path), inode);
    if (!file->second) return 0;
    const std::string_view name = file->second->at(offset);
    if (name.empty()) return 0;
    const auto [known, first] = m_names.try_emplace({path, name}, 0);
    if (first) known->second = m_strings.intern(demangled(name));
    return known->second;
}

CodeName CodeNames::name(std::uint32_t pid, std::uint64_t time, std::uint64_t address, bool isCall) {
    const std::uint64_t meant = isCall && address > 0 ? address - 1 : address;
    std::uint64_t start = 0;
    const Mapped* mapped = find(pid, time, meant, start);
    if (m_unknown == 0) m_unknown = m_strings.intern("[Unknown]");
    CodeName result;
    result.module = mapped ? mapped->path : m_unknown;
    if (mapped && mapped->path) result.symbol = symbolOf(mapped->path, mapped->inode, meant - start + mapped->fileOffset);
    if (result.symbol == 0) {
        ++m_unresolved;
        result.unresolved = true;
        result.symbol = m_strings.intern(fmt::format("{:#x}", address));
    }
    if (result.module == 0) result.module = m_unknown;
    return result;
}

CodeName CodeNames::kernel() {
    if (m_kernel == 0) {
        m_kernel = m_strings.intern("[kernel]");
        m_kernelModule = m_strings.intern("[kernel.kallsyms]");
    }
    return {m_kernel, m_kernelModule, false};
}

}  // namespace ridge::recorder
