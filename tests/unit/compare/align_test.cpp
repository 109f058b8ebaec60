// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/compare/align.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

namespace ridge::analyzer {
namespace {

// A tree written down as leaves "layer/attn/gemm", in the order in which they are seen; '!' before the last part
// makes it a kernel, '[' begins the shape.
struct Tree {
    std::vector<ProfileNode> nodes{{}};
    std::vector<ProfileCount> counts;
    std::map<std::string, std::int32_t> index;

    explicit Tree(const std::vector<std::string>& leaves) {
        Ns time = 0;
        for (const std::string& leaf : leaves) add(leaf, time += 10);
        std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.node < b.node; });
    }
    void add(const std::string& leaf, Ns time) {
        std::int32_t parent = 0;
        std::size_t from = 0;
        for (std::size_t to = leaf.find('/'); to != std::string::npos; from = to + 1, to = leaf.find('/', from)) parent = node(leaf.substr(0, to), parent, NodeKind::kScope, leaf.substr(from, to - from), "");
        std::string name = leaf.substr(from), shape;
        if (const auto at = name.find('['); at != std::string::npos) {
            shape = name.substr(at + 1);
            name.resize(at);
        }
        counts.push_back({node(leaf, parent, NodeKind::kKernel, name, shape), 1, 5, time});
    }
    std::int32_t node(const std::string& key, std::int32_t parent, NodeKind kind, const std::string& name, const std::string& shape) {
        const auto [it, isNew] = index.try_emplace(key + (kind == NodeKind::kScope ? "/" : ""), static_cast<std::int32_t>(nodes.size()));
        if (isNew) nodes.push_back({parent, kind, name, shape});
        return it->second;
    }
    [[nodiscard]] std::string text(std::int32_t n) const {
        return n < 0 ? "-" : nodes[static_cast<std::size_t>(n)].name + (nodes[static_cast<std::size_t>(n)].shape.empty() ? "" : "[" + nodes[static_cast<std::size_t>(n)].shape);
    }
};

std::set<std::string> aligned(const Tree& a, const Tree& b) {
    std::set<std::string> out;
    for (const NodePair& p : alignSteps(a.nodes, a.counts, b.nodes, b.counts))
        out.insert(std::string(kNodeMatchNames[static_cast<std::size_t>(p.match)]) + ": " + a.text(p.a) + " " + b.text(p.b));
    return out;
}

using Want = std::set<std::string>;

TEST(Align, ATreeMatchesItself) {
    const Tree t({"l/gemm", "l/act", "copy"});
    EXPECT_EQ(aligned(t, t), (Want{"same: gemm gemm", "same: act act", "same: copy copy"}));
}

TEST(Align, RenamedWhereParentAndPositionAgree) {
    EXPECT_EQ(aligned(Tree({"l/x", "l/gemm_128x64", "l/y"}), Tree({"l/x", "l/gemm_256x128", "l/y"})),
              (Want{"same: x x", "renamed: gemm_128x64 gemm_256x128", "same: y y"}));
}

TEST(Align, ARenamedScopeKeepsItsChildren) {
    EXPECT_EQ(aligned(Tree({"train/gemm", "train/act"}), Tree({"train_step/gemm", "train_step/act"})), (Want{"same: gemm gemm", "same: act act"}));
}

TEST(Align, OneFusedIntoThreeIsNoRename) {
    EXPECT_EQ(aligned(Tree({"l/x", "l/fused", "l/y"}), Tree({"l/x", "l/mul", "l/add", "l/tanh", "l/y"})),
              (Want{"same: x x", "same: y y", "removed: fused -", "added: - mul", "added: - add", "added: - tanh"}));
}

TEST(Align, AGemmIsNoSoftmax) {
    EXPECT_EQ(aligned(Tree({"l/sgemm_128"}), Tree({"l/softmax_warp"})), (Want{"removed: sgemm_128 -", "added: - softmax_warp"}));
}

TEST(Align, AnotherKernelOnTheSameShapesIsRenamedWhereverItStands) {
    EXPECT_EQ(aligned(Tree({"conv/winograd_f32[8x8", "conv/x", "conv/y", "conv/implicit_f32[4x4"}), Tree({"conv/y", "conv/direct_f32[4x4", "conv/x", "conv/implicit_f32[8x8"})),
              (Want{"same: x x", "same: y y", "renamed: winograd_f32[8x8 implicit_f32[8x8", "renamed: implicit_f32[4x4 direct_f32[4x4"}));
}

TEST(Align, AnotherShapeOfTheSameOp) {
    EXPECT_EQ(aligned(Tree({"l/gemm[8x8", "l/a"}), Tree({"l/gemm[16x8", "l/a"})), (Want{"reshaped: gemm[8x8 gemm[16x8", "same: a a"}));
}

TEST(Align, TheOnlyOneOfItsKindMovesBetweenParents) {
    EXPECT_EQ(aligned(Tree({"fwd/a", "fwd/k", "bwd/b"}), Tree({"fwd/a", "bwd/b", "bwd/k"})), (Want{"same: a a", "same: b b", "moved: k k"}));
}

TEST(Align, OrderOfEqualNamesDoesNotMatter) {
    EXPECT_EQ(aligned(Tree({"a", "b", "c"}), Tree({"c", "a", "b"})), (Want{"same: a a", "same: b b", "same: c c"}));
}

TEST(Align, NothingAgainstSomething) {
    EXPECT_EQ(aligned(Tree({}), Tree({"a"})), (Want{"added: - a"}));
    EXPECT_EQ(aligned(Tree({"a"}), Tree({})), (Want{"removed: a -"}));
}

TEST(Align, ADeepTreeTakesNoStack) {
    std::string deep;
    for (int i = 0; i < 20'000; ++i) deep += "s/";
    EXPECT_EQ(aligned(Tree({deep + "k"}), Tree({deep + "k"})), (Want{"same: k k"}));
}

// Every leaf of either side in exactly one pair; the same pairs the other way round.
TEST(Align, SymmetricAndCompleteOnRandomTrees) {
    std::mt19937_64 random(11);
    const auto tree = [&] {
        std::set<std::string> seen;
        std::vector<std::string> leaves;
        for (int i = 0; i < 25; ++i) {
            std::string leaf;
            for (std::uint64_t d = random() % 4; d > 0; --d) leaf += std::string(1, static_cast<char>('a' + random() % 3)) + "/";
            leaf += "k" + std::to_string(random() % 6) + (random() % 3 == 0 ? "[s" + std::to_string(random() % 3) : "");
            if (seen.insert(leaf).second) leaves.push_back(leaf);
        }
        return Tree(leaves);
    };
    for (int trial = 0; trial < 500; ++trial) {
        const Tree a = tree(), b = tree();
        const auto forth = alignSteps(a.nodes, a.counts, b.nodes, b.counts), back = alignSteps(b.nodes, b.counts, a.nodes, a.counts);
        std::multiset<std::int32_t> ofA, ofB;
        std::set<std::pair<std::int32_t, std::int32_t>> x, y;
        for (const NodePair& p : forth) {
            if (p.a >= 0) ofA.insert(p.a);
            if (p.b >= 0) ofB.insert(p.b);
            x.emplace(p.a, p.b);
        }
        for (const NodePair& p : back) y.emplace(p.b, p.a);
        EXPECT_EQ(x, y) << trial;
        EXPECT_EQ(ofA.size(), a.counts.size());
        EXPECT_EQ(ofB.size(), b.counts.size());
        for (const ProfileCount& c : a.counts) EXPECT_EQ(ofA.count(c.node), 1u);
        for (const ProfileCount& c : b.counts) EXPECT_EQ(ofB.count(c.node), 1u);
        for (const NodePair& p : alignSteps(a.nodes, a.counts, a.nodes, a.counts)) {
            EXPECT_EQ(p.a, p.b);
            EXPECT_EQ(p.match, NodeMatch::kSame);
        }
    }
}

}  // namespace
}  // namespace ridge::analyzer
