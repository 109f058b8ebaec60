// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/compare/align.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "analyzer/kernels/classify.h"

namespace ridge::analyzer {
namespace {

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

using Content = std::tuple<NodeKind, std::string_view, std::string_view>;

// The nodes of one step: those that were counted, and the scopes around them.
struct Side {
    const std::vector<ProfileNode>& nodes;
    std::vector<std::vector<std::int32_t>> children;  // in the order in which they were first seen
    std::vector<Ns> first, own;
    std::vector<bool> present, leaf;

    Side(const std::vector<ProfileNode>& all, std::span<const ProfileCount> counts)
        : nodes(all), children(all.size()), first(all.size(), 0), own(all.size(), 0), present(all.size(), false), leaf(all.size(), false) {
        for (const ProfileCount& c : counts) {
            leaf[at(c.node)] = true;
            own[at(c.node)] = c.ownNs;
            for (std::int32_t n = c.node; n >= 0; n = nodes[at(n)].parent) {
                if (present[at(n)] && first[at(n)] <= c.firstNs) break;
                if (!present[at(n)] && n > 0) children[at(nodes[at(n)].parent)].push_back(n);
                present[at(n)] = true;
                first[at(n)] = c.firstNs;
            }
        }
        for (auto& list : children)
            std::sort(list.begin(), list.end(), [&](std::int32_t x, std::int32_t y) {
                return first[at(x)] != first[at(y)] ? first[at(x)] < first[at(y)] : content(x) < content(y);
            });
    }
    [[nodiscard]] Content content(std::int32_t n) const { return {nodes[at(n)].kind, nodes[at(n)].name, nodes[at(n)].shape}; }
    // Everything that alignment looks at, in one order.
    [[nodiscard]] std::vector<std::pair<std::size_t, Content>> signature() const {
        std::vector<std::pair<std::size_t, Content>> out;
        std::vector<std::pair<std::int32_t, std::size_t>> stack{{0, 0}};
        while (!stack.empty()) {
            const auto [n, depth] = stack.back();
            stack.pop_back();
            out.emplace_back(depth, content(n));
            for (auto it = children[at(n)].rbegin(); it != children[at(n)].rend(); ++it) stack.emplace_back(*it, depth + 1);
        }
        return out;
    }
};

bool mayBeRenamed(const ProfileNode& a, const ProfileNode& b) {
    if (a.kind != NodeKind::kKernel) return a.kind == b.kind;
    const KernelClass x = classifyKernel(a.name), y = classifyKernel(b.name);
    return x == y || x == KernelClass::kOther || y == KernelClass::kOther;
}

class Aligner {
public:
    Aligner(const Side& a, const Side& b) : m_a(a), m_b(b), m_partner(a.nodes.size(), -1), m_taken(b.nodes.size(), false), m_how(a.nodes.size()) {}
    std::vector<NodePair> run();

private:
    void match(std::int32_t a, std::int32_t b, NodeMatch how) {
        m_partner[at(a)] = b;
        m_taken[at(b)] = true;
        m_how[at(a)] = how;
        if (a > 0) m_work.emplace_back(a, b);
    }
    void alignChildren(std::int32_t a, std::int32_t b);
    template <typename KeyOf>
    void matchUnique(const std::vector<std::int32_t>& as, const std::vector<std::int32_t>& bs, NodeMatch how, KeyOf keyOf);
    void joinShapes(const std::vector<std::int32_t>& as, const std::vector<std::int32_t>& bs);
    void joinBetween(const std::vector<std::int32_t>& as, const std::vector<std::int32_t>& bs);
    void joinGap(std::span<const std::int32_t> as, std::span<const std::int32_t> bs);
    [[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> anchors(const std::vector<std::int32_t>& as, const std::vector<std::int32_t>& bs) const;

    const Side& m_a;
    const Side& m_b;
    std::vector<std::int32_t> m_partner;  // of the nodes of a
    std::vector<bool> m_taken;
    std::vector<NodeMatch> m_how;
    std::vector<std::pair<std::int32_t, std::int32_t>> m_work;  // matched pairs whose children are to be aligned
};

// Pairs what is still free on both sides and the only one of its key there.
template <typename KeyOf>
void Aligner::matchUnique(const std::vector<std::int32_t>& as, const std::vector<std::int32_t>& bs, NodeMatch how, KeyOf keyOf) {
    std::map<decltype(keyOf(m_a, 0)), std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>>> groups;
    for (const std::int32_t a : as)
        if (m_partner[at(a)] < 0) groups[keyOf(m_a, a)].first.push_back(a);
    for (const std::int32_t b : bs)
        if (!m_taken[at(b)]) groups[keyOf(m_b, b)].second.push_back(b);
    for (const auto& [key, group] : groups)
        if (group.first.size() == 1 && group.second.size() == 1) match(group.first.front(), group.second.front(), how);
}

// What is left of one shape: one op, whatever its kernels are called.
void Aligner::joinShapes(const std::vector<std::int32_t>& as, const std::vector<std::int32_t>& bs) {
    std::map<std::pair<NodeKind, std::string_view>, std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>>> groups;
    for (const std::int32_t a : as)
        if (m_partner[at(a)] < 0 && !m_a.nodes[at(a)].shape.empty()) groups[{m_a.nodes[at(a)].kind, m_a.nodes[at(a)].shape}].first.push_back(a);
    for (const std::int32_t b : bs)
        if (!m_taken[at(b)] && !m_b.nodes[at(b)].shape.empty()) groups[{m_b.nodes[at(b)].kind, m_b.nodes[at(b)].shape}].second.push_back(b);
    for (auto& [key, group] : groups) {
        const auto longestFirst = [](const Side& side, std::vector<std::int32_t>& nodes) {
            std::sort(nodes.begin(), nodes.end(), [&](std::int32_t x, std::int32_t y) {
                return side.own[at(x)] != side.own[at(y)] ? side.own[at(x)] > side.own[at(y)] : side.content(x) < side.content(y);
            });
        };
        longestFirst(m_a, group.first);
        longestFirst(m_b, group.second);
        for (std::size_t i = 0; i < std::min(group.first.size(), group.second.size()); ++i) match(group.first[i], group.second[i], NodeMatch::kRenamed);
    }
}

// A longest run of matched children that keeps its order on both sides, as positions.
std::vector<std::pair<std::size_t, std::size_t>> Aligner::anchors(const std::vector<std::int32_t>& as, const std::vector<std::int32_t>& bs) const {
    std::map<std::int32_t, std::size_t> placeOfB;
    for (std::size_t i = 0; i < bs.size(); ++i) placeOfB[bs[i]] = i;
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t i = 0; i < as.size(); ++i)
        if (m_partner[at(as[i])] >= 0)
            if (const auto b = placeOfB.find(m_partner[at(as[i])]); b != placeOfB.end()) pairs.emplace_back(i, b->second);
    std::vector<std::size_t> tails, before(pairs.size());  // patience sorting
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const auto pile = std::lower_bound(tails.begin(), tails.end(), pairs[i].second, [&](std::size_t t, std::size_t v) { return pairs[t].second < v; });
        before[i] = pile == tails.begin() ? pairs.size() : *std::prev(pile);
        if (pile == tails.end()) tails.push_back(i);
        else *pile = i;
    }
    std::vector<std::pair<std::size_t, std::size_t>> run;
    for (std::size_t i = tails.empty() ? pairs.size() : tails.back(); i < pairs.size(); i = before[i]) run.push_back(pairs[i]);
    std::reverse(run.begin(), run.end());
    return run;
}

// Kind by kind, where equally many are left.
void Aligner::joinGap(std::span<const std::int32_t> as, std::span<const std::int32_t> bs) {
    std::map<NodeKind, std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>>> kinds;
    for (const std::int32_t a : as)
        if (m_partner[at(a)] < 0) kinds[m_a.nodes[at(a)].kind].first.push_back(a);
    for (const std::int32_t b : bs)
        if (!m_taken[at(b)]) kinds[m_b.nodes[at(b)].kind].second.push_back(b);
    for (const auto& [kind, sides] : kinds) {
        const auto& [left, right] = sides;
        bool may = left.size() == right.size();
        for (std::size_t i = 0; may && i < left.size(); ++i) may = mayBeRenamed(m_a.nodes[at(left[i])], m_b.nodes[at(right[i])]);
        for (std::size_t i = 0; may && i < left.size(); ++i) match(left[i], right[i], NodeMatch::kRenamed);
    }
}

void Aligner::joinBetween(const std::vector<std::int32_t>& as, const std::vector<std::int32_t>& bs) {
    const auto run = anchors(as, bs);
    std::size_t a = 0, b = 0;
    for (const auto& [i, j] : run) {
        joinGap(std::span(as).subspan(a, i - a), std::span(bs).subspan(b, j - b));
        a = i + 1;
        b = j + 1;
    }
    joinGap(std::span(as).subspan(a), std::span(bs).subspan(b));
}

void Aligner::alignChildren(std::int32_t a, std::int32_t b) {
    const auto& as = m_a.children[at(a)];
    const auto& bs = m_b.children[at(b)];
    if (as.empty() || bs.empty()) return;
    matchUnique(as, bs, NodeMatch::kSame, [](const Side& s, std::int32_t n) { return s.content(n); });
    joinShapes(as, bs);
    matchUnique(as, bs, NodeMatch::kReshaped, [](const Side& s, std::int32_t n) { return std::pair(s.nodes[at(n)].kind, std::string_view(s.nodes[at(n)].name)); });
    joinBetween(as, bs);
}

std::vector<NodePair> Aligner::run() {
    m_work.emplace_back(0, 0);
    while (!m_work.empty()) {
        const auto [a, b] = m_work.back();
        m_work.pop_back();
        alignChildren(a, b);
    }
    std::vector<std::int32_t> leavesA, leavesB;
    for (std::size_t n = 0; n < m_a.leaf.size(); ++n)
        if (m_a.leaf[n]) leavesA.push_back(static_cast<std::int32_t>(n));
    for (std::size_t n = 0; n < m_b.leaf.size(); ++n)
        if (m_b.leaf[n]) leavesB.push_back(static_cast<std::int32_t>(n));
    matchUnique(leavesA, leavesB, NodeMatch::kMoved, [](const Side& s, std::int32_t n) { return s.content(n); });
    std::vector<NodePair> pairs;
    for (const std::int32_t a : leavesA) {
        const std::int32_t b = m_partner[at(a)];
        const bool both = b >= 0 && m_b.leaf[at(b)];
        pairs.push_back({a, both ? b : -1, both ? m_how[at(a)] : NodeMatch::kRemoved});
        if (both) m_taken[at(b)] = true;
        else if (b >= 0) m_taken[at(b)] = false;
    }
    for (const std::int32_t b : leavesB)
        if (!m_taken[at(b)]) pairs.push_back({-1, b, NodeMatch::kAdded});
    return pairs;
}

}  // namespace

std::vector<NodePair> alignSteps(const std::vector<ProfileNode>& nodesA, std::span<const ProfileCount> countsA,
                                 const std::vector<ProfileNode>& nodesB, std::span<const ProfileCount> countsB) {
    const Side a(nodesA, countsA), b(nodesB, countsB);
    const bool swapped = b.signature() < a.signature();
    std::vector<NodePair> pairs = swapped ? Aligner(b, a).run() : Aligner(a, b).run();
    if (!swapped) return pairs;
    for (NodePair& pair : pairs) {
        std::swap(pair.a, pair.b);
        if (pair.match == NodeMatch::kAdded) pair.match = NodeMatch::kRemoved;
        else if (pair.match == NodeMatch::kRemoved) pair.match = NodeMatch::kAdded;
    }
    return pairs;
}

}  // namespace ridge::analyzer
