// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// io.layout: the same samples as one file each, and as one shard.
#include "base/file.h"
#include "workloads/harness/context.h"
#include "workloads/storage/dataset.h"
#include "workloads/storage/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ridge/work.h>

namespace ridge::workloads {
namespace {

constexpr std::size_t kSampleBytes = 16 * 1024;
constexpr std::size_t kSamples = 8000;
constexpr std::size_t kPerStep = 320;
constexpr std::size_t kPerFolder = 250;
constexpr std::size_t kPerRead = 64;  // of a shard that is read from front to back: 1 MiB

struct LayoutShape {
    bool files = true;  // one per sample, or one shard
    bool shuffled = false;
    Caching caching = Caching::kBuffered;
};

class IoLayout final : public Workload {
public:
    explicit IoLayout(LayoutShape shape) : m_shape(shape), m_buffer(kPerRead * kSampleBytes) {}

    Status prepare() override {
        RIDGE_TRY(const std::filesystem::path parent, dataFolder());
        RIDGE_TRY_STATUS(requireDisk(parent));
        RIDGE_TRY(m_folder, TempDir::create("io-layout-", parent));
        RIDGE_TRY_STATUS(m_shape.files ? writeFiles() : writeShard());
        RIDGE_TRY_STATUS(syncFileSystem(m_folder->path()));
        if (!m_shape.files) {
            RIDGE_TRY(m_shard, DiskFile::openForReading(shardPath(), m_shape.caching));
        }
        m_order = shuffledOrder(kSamples, 1);
        if (!m_shape.shuffled) std::sort(m_order.begin(), m_order.end());
        return dropAll();
    }
    // Every sample with its checksum; then out of the cache again, and the proof that it is.
    CheckResult check() override {
        m_verify = true;
        for (std::size_t i = 0; i < kSamples; i += kPerStep) keep(readSome());
        m_verify = false;
        m_at = 0;
        m_opens = 0;
        keep(dropAll());
        if (!m_status.ok()) return {false, m_status.error().message};
        const auto cached = cachedNow();
        if (!cached.ok()) return {false, cached.error().message};
        m_cached = *cached;
        return {true, fmt::format("{} samples with their checksums; {:.1f} % cached before the steps",
                                  kSamples, 100 * m_cached)};
    }
    void step(std::uint64_t) override {
        // Only when more steps are asked for than the set has samples.
        if (m_at >= kSamples / kPerStep * kPerStep) {
            m_at = 0;
            keep(dropAll());
        }
        keep(readSome());
        ++m_steps;
    }
    Status status() const override { return m_status; }
    CheckResult finish() override {
        return {true, "every sample is the one that was asked for"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        // Over all of the time: the kernel reads ahead for several steps in one.
        const double samples = static_cast<double>(kPerStep) / timing.meanStepSeconds;
        const double opens = static_cast<double>(m_opens) / static_cast<double>(m_steps);
        return {{"samples_per_s", samples, "1/s", Metric::Direction::kHigher},
                {"read_bandwidth", samples * static_cast<double>(kSampleBytes), "B/s",
                 Metric::Direction::kHigher},
                {"opens_per_s", opens / timing.meanStepSeconds, "1/s", Metric::Direction::kNone},
                {"cached_before", m_cached, "1", Metric::Direction::kNone}};
    }

private:
    void keep(Status status) {
        if (!status.ok() && m_status.ok()) m_status = std::move(status);
    }
    [[nodiscard]] std::filesystem::path samplePath(std::size_t sample) const {
        return m_folder->path() / fmt::format("train-data-{:03}", sample / kPerFolder) /
               fmt::format("sample-{:06}.bin", sample);
    }
    [[nodiscard]] std::filesystem::path shardPath() const {
        return m_folder->path() / "train-data.bin";
    }

    Status writeFiles() {
        for (std::size_t i = 0; i < kSamples; ++i) {
            std::error_code error;
            if (i % kPerFolder == 0) std::filesystem::create_directory(samplePath(i).parent_path(), error);
            if (error)
                return Error{ErrorCode::kIo, fmt::format("cannot create {}: {}",
                                                         samplePath(i).parent_path().string(),
                                                         error.message())};
            RIDGE_TRY(DiskFile file, DiskFile::create(samplePath(i)));
            fillSample(m_buffer.bytes().first(kSampleBytes), i);
            RIDGE_TRY_STATUS(file.write(m_buffer.bytes().first(kSampleBytes), 0));
            RIDGE_TRY_STATUS(file.close());
        }
        return {};
    }
    Status writeShard() {
        RIDGE_TRY(DiskFile file, DiskFile::create(shardPath()));
        for (std::size_t i = 0; i < kSamples; ++i) {
            fillSample(m_buffer.bytes().first(kSampleBytes), i);
            RIDGE_TRY_STATUS(file.write(m_buffer.bytes().first(kSampleBytes), i * kSampleBytes));
        }
        return file.close();
    }
    Status dropAll() {
        if (!m_shape.files) return dropPages(shardPath());
        for (std::size_t i = 0; i < kSamples; ++i) RIDGE_TRY_STATUS(dropPages(samplePath(i)));
        return {};
    }
    Result<double> cachedNow() {
        if (!m_shape.files) return cachedShare(shardPath());
        double sum = 0;
        constexpr std::size_t kEach = 80;
        for (std::size_t i = 0; i < kSamples; i += kEach) {
            RIDGE_TRY(const double share, cachedShare(samplePath(i)));
            sum += share;
        }
        return sum * kEach / kSamples;
    }

    Status readSome() {
        const WorkRange range("loader.read", opWork(RIDGE_OP_IO, RIDGE_DTYPE_NONE, 0,
                                                    kPerStep * kSampleBytes, 0));
        const std::size_t each = !m_shape.files && !m_shape.shuffled ? kPerRead : 1;
        for (std::size_t i = 0; i < kPerStep; i += each) {
            const std::uint64_t first = m_order[m_at];
            const auto data = m_buffer.bytes().first(each * kSampleBytes);
            if (m_shape.files) {
                RIDGE_TRY(DiskFile file, DiskFile::openForReading(samplePath(first), m_shape.caching));
                RIDGE_TRY_STATUS(file.read(data, 0));
                RIDGE_TRY_STATUS(file.close());
                ++m_opens;
            } else {
                RIDGE_TRY_STATUS(m_shard->read(data, first * kSampleBytes));
            }
            for (std::size_t k = 0; k < each; ++k) {
                const auto sample = data.subspan(k * kSampleBytes, kSampleBytes);
                RIDGE_TRY_STATUS(m_verify ? verifySample(sample, m_order[m_at + k])
                                          : identifySample(sample, m_order[m_at + k]));
            }
            m_at += each;
        }
        return {};
    }

    LayoutShape m_shape;
    AlignedBuffer m_buffer;
    std::optional<TempDir> m_folder;
    std::optional<DiskFile> m_shard;
    std::vector<std::uint64_t> m_order;
    std::size_t m_at = 0, m_opens = 0, m_steps = 0;
    bool m_verify = false;
    double m_cached = 0;
    Status m_status;
};

static_assert(kSamples % kPerStep == 0 && kPerStep % kPerRead == 0);

WorkloadSpec layoutSpec(LayoutShape shape) {
    const bool direct = shape.caching == Caching::kDirect;
    WorkloadSpec spec;
    spec.name = fmt::format("io.layout/{}-{}-{}", shape.files ? "files" : "shard",
                            shape.shuffled ? "shuffled" : "sequential",
                            direct ? "direct" : "buffered");
    spec.params = {{"samples", std::to_string(kSamples)},
                   {"sample_bytes", std::to_string(kSampleBytes)},
                   {"files", shape.files ? std::to_string(kSamples) : "1"},
                   {"bytes_per_read", std::to_string(!shape.files && !shape.shuffled
                                                         ? kPerRead * kSampleBytes
                                                         : kSampleBytes)},
                   {"samples_per_step", std::to_string(kPerStep)},
                   {"cache", direct ? "O_DIRECT: data cold, metadata warm"
                                    : "dropped by fadvise: data cold, metadata warm"}};
    const bool standard = (shape.files && shape.shuffled && !direct) ||
                          (!shape.files && !shape.shuffled && !direct) ||
                          (!shape.files && shape.shuffled && direct);
    spec.presets = standard ? std::vector<std::string>{"standard", "full"}
                            : std::vector<std::string>{"full"};
    spec.expected = {"io_input", "input_io"};
    spec.warmupSteps = 1;
    spec.steps = 24;  // with the warm-up: each sample once
    spec.create = [shape] { return std::make_unique<IoLayout>(shape); };
    return spec;
}

}  // namespace

std::vector<WorkloadSpec> ioLayoutSpecs() {
    std::vector<WorkloadSpec> specs;
    for (const bool files : {true, false})
        for (const bool shuffled : {false, true})
            for (const Caching caching : {Caching::kBuffered, Caching::kDirect})
                specs.push_back(layoutSpec({files, shuffled, caching}));
    return specs;
}

}  // namespace ridge::workloads
