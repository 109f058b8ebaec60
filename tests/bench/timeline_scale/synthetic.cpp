// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <vector>

#include "schemas/sqlite/bulk_table.h"
#include "schemas/timeline/ddl.h"

namespace ridge::bench {
namespace {

using bulk::BulkRow;
using bulk::BulkTable;

constexpr std::int64_t kRanks = 4, kLayers = 24;
constexpr std::int64_t kRidgeDomain = 1, kPushPop = 59, kDomainCreate = 75;
constexpr std::int64_t kKernelStream = 7, kCommStream = 13, kCopyStream = 20;

// opKind as in ridge/work.h; kernels: how many launches the op makes.
struct Op {
    const char* name;
    std::int64_t kind;
    int kernels;
    std::int64_t meanNs, flops, bytes;
};
constexpr std::array<Op, 16> kOps{{
    {"forward.norm1", 3, 1, 6'000, 4'000'000, 16'000'000}, {"forward.qkv", 1, 1, 22'000, 3'000'000'000, 30'000'000},
    {"forward.attention", 2, 2, 18'000, 900'000'000, 24'000'000}, {"forward.proj", 1, 1, 12'000, 1'000'000'000, 20'000'000},
    {"forward.norm2", 3, 1, 6'000, 4'000'000, 16'000'000}, {"forward.up", 1, 1, 24'000, 4'000'000'000, 40'000'000},
    {"forward.gelu", 4, 1, 8'000, 16'000'000, 32'000'000}, {"forward.down", 1, 2, 24'000, 4'000'000'000, 40'000'000},
    {"backward.down", 1, 2, 24'000, 4'000'000'000, 40'000'000}, {"backward.gelu", 4, 1, 9'000, 20'000'000, 48'000'000},
    {"backward.up", 1, 2, 24'000, 4'000'000'000, 40'000'000}, {"backward.norm2", 3, 2, 7'000, 8'000'000, 32'000'000},
    {"backward.proj", 1, 2, 12'000, 1'000'000'000, 20'000'000}, {"backward.attention", 2, 2, 22'000, 1'800'000'000, 48'000'000},
    {"backward.qkv", 1, 2, 22'000, 3'000'000'000, 30'000'000}, {"backward.norm1", 3, 1, 7'000, 8'000'000, 32'000'000},
}};

const char* kernelOf(std::int64_t kind, std::size_t which) {
    switch (kind) {
        case 1:
            return which % 2 == 0 ? "sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_warpgroupsize1x1x1"
                                  : "void cutlass::Kernel2<cutlass_80_wmma_tensorop_bf16_s161616gemm_bf16_16x16_128x2_nt_align8>";
        case 2:
            return which % 2 == 0 ? "void flash_fwd_kernel<Flash_fwd_kernel_traits<128, 128, 64, 4, false, false, cutlass::bfloat16_t>>"
                                  : "void flash_bwd_dq_dk_dv_loop_seqk_parallel_kernel<Flash_bwd_kernel_traits<128, 64, 128, 8>>";
        case 3:
            return which % 2 == 0 ? "void at::native::(anonymous namespace)::vectorized_layer_norm_kernel<c10::BFloat16, float>"
                                  : "void at::native::(anonymous namespace)::GammaBetaBackwardCUDAKernel<c10::BFloat16, float>";
        default: return "void at::native::vectorized_elementwise_kernel<4, at::native::GeluCUDAKernelImpl(at::TensorIteratorBase&)>";
    }
}

class Random {
public:
    explicit Random(std::uint64_t seed) : m_state(seed * 0x9E3779B97F4A7C15ULL + 0x2545F4914F6CDD1DULL) {}
    std::uint64_t next() {
        m_state ^= m_state << 13;
        m_state ^= m_state >> 7;
        m_state ^= m_state << 17;
        return m_state;
    }
    // About mean, never under a half of it; one in 64 is four times as long.
    std::int64_t around(std::int64_t mean) {
        const std::uint64_t bits = next();
        const std::int64_t value = mean / 2 + static_cast<std::int64_t>(bits % static_cast<std::uint64_t>(mean));
        return (bits >> 58) == 0 ? 4 * value : value;
    }

private:
    std::uint64_t m_state;
};

struct Rank {
    std::int64_t pid = 0, host = 0, loader = 0, correlation = 0, compute = 0, comm = 0, copy = 0, collectives = 0, nextSample = 0;
    [[nodiscard]] std::int64_t globalPid() const { return pid << 24; }
    [[nodiscard]] std::int64_t tid() const { return globalPid() | (pid & 0xFFFFFF); }
    [[nodiscard]] std::int64_t loaderTid() const { return globalPid() | ((pid + 1) & 0xFFFFFF); }
};

class Generator {
public:
    Generator(bulk::BulkFile& file, std::uint64_t seed) : m_file(file), m_random(seed) {
        for (std::int64_t r = 0; r < kRanks; ++r) {
            m_ranks[static_cast<std::size_t>(r)].pid = 4000 + 10 * r;
            nvtxDomain(m_ranks[static_cast<std::size_t>(r)]);
        }
    }

    std::int64_t run(std::int64_t events) {
        for (std::int64_t step = 0; m_events < events; ++step) oneStep(step);
        for (const Rank& rank : m_ranks) range(rank.tid(), 0, rank.host, "train", 1);
        writeStrings();
        return m_events;
    }
    Status small(Database& db) const;

private:
    BulkTable& table(const char* name) {
        const timeline::TableDdl* ddl = timeline::findTable(name);
        return m_file.addTable(ddl->name, ddl->createTable, ddl->indexes.empty() ? std::string() : ddl->indexes.front());
    }
    std::int64_t id(std::string_view text) {
        const auto it = m_ids.find(text);
        if (it != m_ids.end()) return it->second;
        return m_ids.emplace(std::string(text), static_cast<std::int64_t>(m_ids.size()) + 1).first->second;
    }
    void writeStrings() {
        std::vector<std::string_view> texts(m_ids.size());
        for (const auto& [text, number] : m_ids) texts[static_cast<std::size_t>(number) - 1] = text;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            m_row.clear();
            m_row.null().text(texts[i]);
            m_strings.addAt(static_cast<std::int64_t>(i) + 1, m_row);
        }
    }
    void nvtxDomain(const Rank& rank) {
        m_row.clear();
        m_row.integer(0).null().integer(kDomainCreate).null().null().null().null().integer(rank.tid()).null().integer(id("ridge")).integer(kRidgeDomain);
        m_nvtx.add(m_row, 0);
    }
    // Returns the row id.
    std::int64_t range(std::int64_t tid, std::int64_t start, std::int64_t end, std::string_view name, std::int64_t category = 0, std::int64_t index = -1) {
        m_row.clear();
        m_row.integer(start).integer(end).integer(kPushPop).null().integer(category).null().null().integer(tid).null().integer(id(name));
        m_row.integer(category != 0 ? kRidgeDomain : 0);
        if (index >= 0) m_row.integer(index);
        ++m_events;
        return m_nvtx.add(m_row, start);
    }
    void work(std::int64_t nvtxId, const Op& op, std::int64_t wire = 0, std::int64_t communicator = 0, std::int64_t sequence = 0) {
        m_row.clear();
        m_row.null().integer(op.kind).integer(3).integer(op.flops).integer(op.bytes * 3 / 4).integer(op.bytes / 4);
        m_row.integer(wire).integer(communicator).integer(sequence);
        m_work.addAt(nvtxId, m_row);
    }
    // A call of the launching thread; returns its correlation.
    std::int64_t call(Rank& rank, std::int64_t start, std::int64_t end, std::string_view name) {
        m_row.clear();
        m_row.integer(start).integer(end).integer(0).integer(rank.tid()).integer(++rank.correlation).integer(id(name)).integer(0);
        m_calls.add(m_row, start);
        ++m_events;
        return rank.correlation;
    }
    void kernel(const Rank& rank, std::int64_t start, std::int64_t end, std::int64_t stream, std::int64_t correlation, std::string_view name, std::int64_t blocks) {
        m_row.clear();
        m_row.integer(start).integer(end).integer(deviceOf(rank)).integer(1).null().integer(stream).integer(correlation).integer(rank.globalPid());
        m_row.integer(id(name)).integer(id(name)).null().null().null().integer(128).integer(blocks).integer(1).integer(1);
        m_row.integer(256).integer(1).integer(1).integer(0).integer(49152).integer(0).integer(0).integer(0);
        m_kernels.add(m_row, start);
        ++m_events;
    }
    void copy(const Rank& rank, std::int64_t start, std::int64_t end, std::int64_t correlation, std::int64_t bytes, std::int64_t kind) {
        m_row.clear();
        m_row.integer(start).integer(end).integer(deviceOf(rank)).integer(1).null().integer(kCopyStream).integer(correlation).integer(rank.globalPid());
        m_row.integer(bytes).integer(kind).null().integer(kind == 1 ? 1 : 2).integer(kind == 1 ? 2 : 1);
        m_copies.add(m_row, start);
        ++m_events;
    }
    void file(std::int64_t tid, std::int64_t start, std::int64_t end, const char* name, std::int64_t op, std::int64_t fileId, std::int64_t bytes) {
        m_row.clear();
        m_row.integer(start).integer(end).integer(27).integer(tid).integer(id(name)).integer(bytes).null().integer(0).integer(0);
        const std::int64_t row = m_osrt.add(m_row, start);
        m_row.clear();
        m_row.null().integer(fileId).integer(op).integer(bytes).integer(bytes).null().integer(0);
        m_io.addAt(row, m_row);
        ++m_events;
    }
    [[nodiscard]] std::int64_t deviceOf(const Rank& rank) const { return (rank.pid - 4000) / 10; }

    void launch(Rank& rank, const Op& op, std::size_t which) {
        const std::int64_t begin = rank.host;
        rank.host += m_random.around(5'000);
        const std::int64_t correlation = call(rank, begin, rank.host, "cudaLaunchKernel_v7000");
        const std::int64_t start = std::max(rank.compute + 800, rank.host + 2'500);
        rank.compute = start + m_random.around(op.meanNs);
        kernel(rank, start, rank.compute, kKernelStream, correlation, kernelOf(op.kind, which), 32 << (op.kind % 5));
        rank.host += 700;
    }
    void oneOp(Rank& rank, const Op& op) {
        const std::int64_t start = rank.host;
        rank.host += 900;
        for (int k = 0; k < op.kernels; ++k) launch(rank, op, static_cast<std::size_t>(k));
        rank.host += 600;
        work(range(rank.tid(), start, rank.host, op.name), op);
        rank.host += 300;
    }
    // All ranks meet in one kernel on the stream for collectives.
    void reduce() {
        std::array<std::int64_t, kRanks> start{}, correlation{};
        std::int64_t latest = 0;
        for (std::size_t r = 0; r < m_ranks.size(); ++r) {
            Rank& rank = m_ranks[r];
            const std::int64_t begin = rank.host;
            correlation[r] = call(rank, begin + 500, begin + 7'000, "cudaLaunchKernelExC_v11060");
            rank.host = begin + 8'000;
            const Op op{"all_reduce", 8, 1, 60'000, 0, 0};
            work(range(rank.tid(), begin, rank.host, op.name), op, 25'000'000, 0x7A11, rank.collectives++);
            start[r] = std::max({rank.comm + 900, rank.host + 3'000, rank.compute});
            latest = std::max(latest, start[r]);
        }
        const std::int64_t end = latest + m_random.around(60'000);
        for (std::size_t r = 0; r < m_ranks.size(); ++r) {
            m_ranks[r].comm = end - static_cast<std::int64_t>(r) * 20;
            kernel(m_ranks[r], start[r], m_ranks[r].comm, kCommStream, correlation[r], "ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)", 24);
        }
    }
    void beginStep(Rank& rank) {
        const std::int64_t fileId = 1 + static_cast<std::int64_t>(m_random.next() % 16);
        for (int i = 0; i < 6; ++i) {
            const std::int64_t begin = rank.loader;
            rank.loader += m_random.around(180'000);
            file(rank.loaderTid(), begin, rank.loader, "read", 3, fileId, 1 << 20);
            rank.loader += 20'000;
        }
        rank.host = std::max(rank.host, rank.loader - 900'000);
        rank.loader = std::max(rank.loader, rank.host);
        for (int i = 0; i < 2; ++i) {
            const std::int64_t begin = rank.host;
            rank.host += m_random.around(6'000);
            const std::int64_t correlation = call(rank, begin, rank.host, "cudaMemcpyAsync_v3020");
            rank.copy = std::max(rank.copy, rank.host) + 3'000;
            copy(rank, rank.copy, rank.copy + 90'000, correlation, 2 << 20, 1);
            rank.copy += 90'000;
        }
        rank.compute = std::max(rank.compute, rank.copy);
    }
    void endStep(Rank& rank, std::int64_t step, std::int64_t start) {
        const std::int64_t begin = rank.host, end = std::max({rank.compute, rank.comm, begin}) + 8'000;
        const std::int64_t correlation = call(rank, begin, end, "cudaStreamSynchronize_v3020");
        m_row.clear();
        m_row.integer(begin + 500).integer(end - 500).integer(deviceOf(rank)).integer(1).null().integer(kKernelStream).integer(correlation).integer(rank.globalPid());
        m_row.null().integer(3).integer(0);
        m_syncs.add(m_row, begin + 500);
        ++m_events;
        rank.host = end + 4'000;
        if (step % 50 == 49) checkpoint(rank);
        range(rank.tid(), start, rank.host, "step", 3, step);
        rank.host += 2'000;
        for (; rank.nextSample < rank.host; rank.nextSample += 10'000'000) sample(rank);
    }
    void checkpoint(Rank& rank) {
        const std::int64_t start = rank.host;
        for (int i = 0; i < 8; ++i) {
            const std::int64_t begin = rank.host;
            rank.host += m_random.around(400'000);
            file(rank.tid(), begin, rank.host, "write", 4, 17, 8 << 20);
            rank.host += 5'000;
        }
        range(rank.tid(), start, rank.host, "save_checkpoint");
    }
    void sample(const Rank& rank) {
        const std::int64_t r = deviceOf(rank);
        for (std::int64_t c = 0; c < 3; ++c) {
            m_row.clear();
            m_row.integer(1 + r * 3 + c).integer(rank.nextSample).real(c == 0 ? 400.0 + static_cast<double>(m_random.next() % 200) : 3e10 + static_cast<double>(m_random.next() % 1'000'000));
            m_samples.add(m_row);
            ++m_events;
        }
    }
    void oneStep(std::int64_t step) {
        std::array<std::int64_t, kRanks> start{};
        for (std::size_t r = 0; r < m_ranks.size(); ++r) {
            start[r] = m_ranks[r].host;
            beginStep(m_ranks[r]);
        }
        for (std::int64_t layer = 0; layer < kLayers; ++layer)
            for (Rank& rank : m_ranks)
                for (std::size_t i = 0; i < 8; ++i) oneOp(rank, kOps[i]);
        for (std::int64_t layer = 0; layer < kLayers; ++layer) {
            for (Rank& rank : m_ranks)
                for (std::size_t i = 8; i < 16; ++i) oneOp(rank, kOps[i]);
            reduce();
        }
        for (std::size_t r = 0; r < m_ranks.size(); ++r) endStep(m_ranks[r], step, start[r]);
    }

    bulk::BulkFile& m_file;
    Random m_random;
    BulkRow m_row;
    BulkTable& m_strings = table("StringIds");
    BulkTable& m_nvtx = table("NVTX_EVENTS");
    BulkTable& m_work = table("RIDGE_WORK");
    BulkTable& m_calls = table("CUPTI_ACTIVITY_KIND_RUNTIME");
    BulkTable& m_kernels = table("CUPTI_ACTIVITY_KIND_KERNEL");
    BulkTable& m_copies = table("CUPTI_ACTIVITY_KIND_MEMCPY");
    BulkTable& m_syncs = table("CUPTI_ACTIVITY_KIND_SYNCHRONIZATION");
    BulkTable& m_osrt = table("OSRT_API");
    BulkTable& m_io = table("RIDGE_IO");
    BulkTable& m_samples = table("RIDGE_COUNTER_SAMPLE");
    std::map<std::string, std::int64_t, std::less<>> m_ids;
    std::array<Rank, kRanks> m_ranks{};
    std::int64_t m_events = 0;
};

Status Generator::small(Database& db) const {
    std::string sql;
    for (const char* name : {"PROCESSES", "RIDGE_RANK", "RIDGE_COUNTER", "RIDGE_CEILING", "OSRT_FILE_ACCESS_DESCRIPTORS", "RIDGE_RUN"})
        sql += timeline::findTable(name)->createTable;
    for (std::size_t r = 0; r < m_ranks.size(); ++r) {
        const std::int64_t globalPid = m_ranks[r].globalPid();
        sql += fmt::format("INSERT INTO PROCESSES VALUES ({}, {}, 'python');", globalPid, m_ranks[r].pid);
        sql += fmt::format("INSERT INTO RIDGE_RANK VALUES ({}, NULL, {}, {}, {}, 'node0');", globalPid, r, kRanks, r);
        sql += fmt::format("INSERT INTO RIDGE_COUNTER VALUES ({0}, 'gpu.power', 'W', NULL, {3}), ({1}, 'gpu.memory.used', 'B', NULL, {3}), "
                           "({2}, 'process.rss', 'B', {4}, NULL);",
                           r * 3 + 1, r * 3 + 2, r * 3 + 3, r, globalPid);
    }
    sql += "INSERT INTO RIDGE_CEILING VALUES ('given', 'compute', 'bf16', 'bf16', NULL, NULL, NULL, 8e14, 'FLOP/s', NULL, NULL, NULL, NULL), "
           "('given', 'memory', 'HBM', NULL, 'DRAM', 'read', NULL, 3e12, 'B/s', NULL, NULL, NULL, NULL);";
    for (int i = 1; i <= 17; ++i)
        sql += fmt::format("INSERT INTO OSRT_FILE_ACCESS_DESCRIPTORS VALUES ({}, 4000, 0, 0, '{}');", i,
                           i == 17 ? std::string("/out/model.safetensors") : fmt::format("/data/shard{}.bin", i));
    sql += "INSERT INTO RIDGE_RUN VALUES ('synthetic', '[]', NULL, 0, 'complete', 0, 0, 0, 0, '0', '{}');";
    return db.execute(sql);
}

}  // namespace

Result<std::int64_t> writeSynthetic(const std::string& path, std::int64_t events, std::uint64_t seed) {
    bulk::BulkOptions options;
    options.applicationId = timeline::kApplicationId;
    options.userVersion = timeline::kSchemaVersion;
    RIDGE_TRY(auto file, bulk::BulkFile::create(path, options));
    Generator generator(*file, seed);
    const std::int64_t written = generator.run(events);
    RIDGE_TRY_STATUS(file->finish([&](Database& db) { return generator.small(db); }));
    return written;
}

}  // namespace ridge::bench
