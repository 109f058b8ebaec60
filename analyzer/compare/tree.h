// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The tree of range names of a timeline, and where in it each instant of a thread lies.
//
// Scopes are the nested ranges of a thread by their normalised names; frames, steps and functions of an
// interpreter are none (modules of a framework, "nn.Module: ...", are). Equal names under one parent are one
// node, so the same layer twelve times is one node with twelve instances. O(ranges).

#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "analyzer/compare/profile.h"
#include "analyzer/context.h"

namespace ridge::analyzer {

// Disjoint stretches of one thread, each with the innermost (latest started) of the rows that lay over it.
struct Stretch {
    Ns start = 0, end = 0;
    std::int32_t row = kNoIndex;
};
// rows: {start, end, number}; in any order, nested or not. O(n log n).
std::vector<Stretch> innermost(std::vector<Stretch> rows);
// The stretch that holds the instant; null: none.
const Stretch* stretchAt(const std::vector<Stretch>& stretches, Ns instant);

class NodeTree {
public:
    explicit NodeTree(const Context& context);

    std::int32_t leaf(std::int32_t parent, NodeKind kind, const std::string& name, const std::string& shape = {});
    // The innermost scope in which the thread is; the root outside of all.
    [[nodiscard]] std::int32_t scopeAt(std::int32_t thread, Ns instant) const;
    // The innermost scope range; kNoIndex: none.
    [[nodiscard]] std::int32_t rangeAt(std::int32_t thread, Ns instant) const;
    [[nodiscard]] std::int32_t scopeOfRange(std::int32_t range) const { return m_scopeOfRange[static_cast<std::size_t>(range)]; }
    [[nodiscard]] bool isScope(std::int32_t range) const { return m_is[static_cast<std::size_t>(range)] == Is::kScope; }
    [[nodiscard]] bool isStep(std::int32_t range) const { return m_is[static_cast<std::size_t>(range)] == Is::kStep; }
    // Scope around a range that may be no scope itself.
    [[nodiscard]] std::int32_t scopeAround(std::int32_t range) const { return m_scopeAround[static_cast<std::size_t>(range)]; }
    [[nodiscard]] const std::vector<Stretch>& stretches(std::int32_t thread) const { return m_stretches[static_cast<std::size_t>(thread)]; }
    [[nodiscard]] std::vector<ProfileNode> takeNodes() { return std::move(m_nodes); }
    [[nodiscard]] const std::vector<ProfileNode>& nodes() const { return m_nodes; }

    // Normalised text of a name of the timeline; computed once per name.
    const std::string& kernelName(NameId id);
    const std::string& rangeName(NameId id);

private:
    enum class Is : unsigned char { kOther, kScope, kStep };  // kStep: a frame, or what was taken for a step
    void findScopes();
    void walkThread(const std::vector<std::int32_t>& ranges);

    const Context& m_context;
    std::vector<Is> m_is;
    std::vector<ProfileNode> m_nodes;
    std::map<std::tuple<std::int32_t, NodeKind, std::string, std::string>, std::int32_t> m_index;
    std::vector<std::int32_t> m_scopeOfRange, m_scopeAround;
    std::vector<std::vector<Stretch>> m_stretches;
    std::unordered_map<std::uint32_t, std::string> m_kernelNames, m_rangeNames;
};

// The payload or the shapes of the op, as text; empty: not known.
std::string shapeOf(const Timeline& timeline, const Range& range);

}  // namespace ridge::analyzer
