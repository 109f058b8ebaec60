// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/kernels/classify.h"

#include <array>
#include <cctype>
#include <string>
#include <vector>

namespace ridge::analyzer {
namespace {

constexpr std::size_t kMaxNameBytes = 4096;

// One pattern, taken apart: pieces separated by ".*", each piece a sequence of atoms.
struct Atom {
    std::string chars;  // any of these
    bool optional = false;
    bool wordEdge = false;
};
struct Piece {
    std::vector<Atom> atoms;
    std::string prefix;  // what every match begins with, so that a plain search finds the candidates
};
struct Pattern {
    bool anchored = false;
    std::vector<Piece> pieces;
};

Pattern compile(std::string_view text) {
    Pattern pattern;
    pattern.pieces.emplace_back();
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto& piece = pattern.pieces.back().atoms;
        if (text[i] == '^') {
            pattern.anchored = true;
        } else if (text.substr(i, 2) == ".*") {
            pattern.pieces.emplace_back();
            ++i;
        } else if (text.substr(i, 2) == "\\b") {
            piece.push_back({"", false, true});
            ++i;
        } else if (text[i] == '[') {
            const std::size_t close = text.find(']', i);
            piece.push_back({std::string(text.substr(i + 1, close - i - 1))});
            i = close;
        } else if (text[i] == '?') {
            piece.back().optional = true;
        } else {
            piece.push_back({std::string(1, text[i])});
        }
    }
    return pattern;
}

bool isWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Where the piece ends when it starts at `at`; npos: it does not match there. Greedy on x?, with one
// fallback per optional atom (patterns hold at most two).
std::size_t matchHere(const std::vector<Atom>& piece, std::string_view name, std::size_t at, std::size_t atom = 0) {
    for (; atom < piece.size(); ++atom) {
        const Atom& a = piece[atom];
        if (a.wordEdge) {
            const bool before = at > 0 && isWord(name[at - 1]);
            const bool after = at < name.size() && isWord(name[at]);
            if (before == after) return std::string_view::npos;
            continue;
        }
        const bool hit = at < name.size() && a.chars.find(name[at]) != std::string::npos;
        if (a.optional) {
            if (hit)
                if (const std::size_t end = matchHere(piece, name, at + 1, atom + 1); end != std::string_view::npos)
                    return end;
            continue;
        }
        if (!hit) return std::string_view::npos;
        ++at;
    }
    return at;
}

bool search(const Pattern& pattern, std::string_view name) {
    std::size_t from = 0;
    for (std::size_t p = 0; p < pattern.pieces.size(); ++p) {
        const Piece& piece = pattern.pieces[p];
        std::size_t end = std::string_view::npos;
        if (p == 0 && pattern.anchored) {
            end = matchHere(piece.atoms, name, from);
        } else {
            for (std::size_t at = name.find(piece.prefix, from); at <= name.size() && end == std::string_view::npos; at = name.find(piece.prefix, at + 1))
                end = matchHere(piece.atoms, name, at);
        }
        if (end == std::string_view::npos) return false;
        from = end;
    }
    return true;
}

struct Rule {
    KernelClass kernelClass;
    std::vector<Pattern> patterns;
};

std::vector<Pattern> compileAll(std::initializer_list<std::string_view> texts, bool lower = false) {
    std::vector<Pattern> patterns;
    for (const std::string_view text : texts) {
        patterns.push_back(compile(text));
        for (Piece& piece : patterns.back().pieces) {
            if (lower)
                for (Atom& atom : piece.atoms)
                    for (char& c : atom.chars) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            for (const Atom& atom : piece.atoms) {
                if (atom.wordEdge || atom.optional || atom.chars.size() != 1) break;
                piece.prefix += atom.chars;
            }
        }
    }
    return patterns;
}

// Matched without regard to case, before all others.
const std::vector<Rule>& firstRules() {
    static const std::vector<Rule> rules{
        {KernelClass::kComm,
         compileAll({"nccl", "rccl", "msccl", "deep_ep", "nvshmem", "cross_device_reduce", "one_?shot_?all_?reduce",
                     "two_?shot_?all_?reduce", "multimem_all", "multimem_reduce", "quick_?reduce", "customAllReduce",
                     "^ep::internode::", "^ep::intranode::", "^ep::internode_ll::", "::ep::internode::",
                     "::ep::intranode::", "::ep::internode_ll::", "mori::ep"}, true)},
        {KernelClass::kAttention,
         compileAll({"flash", "fmha", "fwd_splitkv", "mha_", "paged_?attention", "unified_attention", "attention",
                     "attn_fwd", "attn_bwd", "\\bsdpa\\b", "cudnn.*sdpa", "_attn_", "mla_", "kv_?cache",
                     "reshape_and_cache"}, true)},
        {KernelClass::kMoe,
         compileAll({"moe", "topkGating", "routingIndices", "routingRenorm", "expert", "combined_routing",
                     "finalizeKernel"}, true)},
    };
    return rules;
}

const std::vector<Rule>& rules() {
    static const std::vector<Rule> list{
        {KernelClass::kGemm,
         compileAll({"gemm", "nvjet", "Cijk_", "wgmma", "matmul", "_bmm", "bmm_", "cublas", "gemv", "GemvKernel",
                     "splitK", "dot_kernel", "mm_kernel", "wvSplitK", "addmm", "scudnn.*_nn_", "scudnn.*_nt_",
                     "scudnn.*_tn_", "volta_[hs]884", "ampere_.*_tn", "ampere_.*_nn", "ampere_.*_nt"})},
        {KernelClass::kConv,
         compileAll({"conv", "fprop", "dgrad", "wgrad", "winograd", "implicit_", "cudnn.*nhwc", "cudnn.*nchw",
                     "miopen.*[Cc]onv", "igemm_", "scudnn", "fft2d", "cgemm", "naive_conv", "OffsetsKernel"})},
        {KernelClass::kNorm,
         compileAll({"layer_?norm", "rms_?norm", "batch_?norm", "group_?norm", "bn_fw", "bn_bw", "Rmsnorm",
                     "instance_?norm", "norm_fwd", "norm_bwd", "norm_fw", "norm_bw", "MIOpenBatchNorm", "NormKernel",
                     "rowwise_moments", "GammaBeta"})},
        {KernelClass::kSoftmax, compileAll({"soft_?max", "log_?softmax", "cross_?entropy", "nll_loss"})},
        {KernelClass::kOptimizer, compileAll({"multi_tensor_apply", "adam", "fused_sgd", "fused_lamb", "sgd_"})},
        {KernelClass::kQuant, compileAll({"quant", "to_fp8", "scaled_fp", "_to_mx"})},
        {KernelClass::kEmbedding,
         compileAll({"embedding", "indexSelect", "index_select", "gather", "scatter", "index_put", "index_elementwise",
                     "index_copy", "index_fill", "index_kernel", "lookup", "take_", "permute_.*sparse", "fbgemm"})},
        {KernelClass::kSortTopk,
         compileAll({"[Ss]ort", "topk", "TopK", "[Rr]adix", "top_[kp]", "sampling", "unique", "cumsum", "scan", "Scan",
                     "multinomial", "bitonic"})},
        {KernelClass::kRandom,
         compileAll({"philox", "distribution_", "dropout", "bernoulli", "curand", "rand_", "random"})},
        {KernelClass::kPool, compileAll({"pool", "upsample", "interpolate", "grid_sampl"})},
        {KernelClass::kCopyLayout,
         compileAll({"transpose", "copy", "Copy", "CatArray", "nchwToNhwc", "nhwcToNchw", "permute", "cat_", "memcpy",
                     "memset", "fill", "FillFunctor", "convert", "cast", "contiguous", "pad_", "im2col",
                     "SubTensorOp", "amd_rocclr"})},
        {KernelClass::kReduction,
         compileAll({"reduce", "Reduce", "sum_", "max_", "min_", "mean", "norm_kernel", "segment"})},
        {KernelClass::kElementwise,
         compileAll({"elementwise", "Elementwise", "pointwise", "triton_", "vectorized", "unrolled", "activation",
                     "silu", "gelu", "relu", "sigmoid", "tanh", "act_and_mul", "rotary", "rope", "add_", "mul_",
                     "functor", "op_tensor", "OpTensor", "clamp", "where", "masked", "scalePackedTensor"})},
    };
    return list;
}

// Matched without regard to case when nothing else did.
const std::vector<Rule>& lastRules() {
    static const std::vector<Rule> list{
        {KernelClass::kNorm, compileAll({"layer_?norm", "rms_?norm", "batch_?norm", "group_?norm", "bn_fw", "bn_bw",
                                         "instance_?norm", "norm_fwd", "norm_bwd", "norm_fw", "norm_bw", "normkernel",
                                         "gammabeta"}, true)},
        {KernelClass::kSoftmax, compileAll({"soft_?max", "log_?softmax", "cross_?entropy", "nll_loss"}, true)},
    };
    return list;
}

const Rule* firstMatch(const std::vector<Rule>& list, std::string_view name) {
    for (const Rule& rule : list)
        for (const Pattern& pattern : rule.patterns)
            if (search(pattern, name)) return &rule;
    return nullptr;
}

// Two alternatives of the gemm rule exclude what follows in the name, which the small patterns cannot say.
bool isGemmByExclusion(std::string_view name) {
    for (std::size_t at = name.find("xmma"); at != std::string_view::npos; at = name.find("xmma", at + 1)) {
        const std::string_view rest = name.substr(at + 4);
        bool conv = false;
        for (const char* word : {"dgrad", "wgrad", "fprop", "implicit"})
            conv = conv || rest.find(word) != std::string_view::npos;
        if (!conv) return true;
    }
    const std::size_t cutlass = name.find("cutlass");
    if (cutlass == std::string_view::npos) return false;
    for (std::size_t at = name.find("Kernel", cutlass); at != std::string_view::npos; at = name.find("Kernel", at + 1)) {
        const std::string_view rest = name.substr(at + 6);
        if (rest.find("Conv") == std::string_view::npos && rest.find("conv") == std::string_view::npos) return true;
    }
    return false;
}

constexpr std::array<std::string_view, 17> kNames{
    "comm", "attention", "moe", "gemm", "conv", "norm", "softmax", "optimizer", "quant", "embedding",
    "sort_topk", "random", "pool", "copy_layout", "reduction", "elementwise", "other"};

}  // namespace

KernelClass classifyKernel(std::string_view name) {
    name = name.substr(0, kMaxNameBytes);
    std::string lower(name);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (const Rule* rule = firstMatch(firstRules(), lower)) return rule->kernelClass;
    if (isGemmByExclusion(name)) return KernelClass::kGemm;
    if (const Rule* rule = firstMatch(rules(), name)) return rule->kernelClass;
    if (const Rule* rule = firstMatch(lastRules(), lower)) return rule->kernelClass;
    return KernelClass::kOther;
}

std::string_view kernelClassName(KernelClass c) { return kNames[static_cast<std::size_t>(c)]; }

}  // namespace ridge::analyzer
