// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/read_queue.h"

#include "base/clock.h"

#include <fmt/format.h>

#ifdef RIDGE_HAVE_LIBURING
#include <liburing.h>
#endif

#include <cstring>

namespace ridge::workloads {
namespace {

class PsyncQueue final : public ReadQueue {
public:
    explicit PsyncQueue(std::size_t blockBytes) : m_buffer(blockBytes) {}

    Status readAll(const DiskFile& file, std::span<const std::uint64_t> offsets,
                   std::vector<std::int64_t>& latenciesNs, const Done& done) override {
        for (std::size_t i = 0; i < offsets.size(); ++i)
            RIDGE_TRY_STATUS(readOne(file, offsets[i], i, latenciesNs, done));
        return {};
    }
    Status readOn(const DiskFile& file, const NextOffset& next, std::size_t count,
                  std::vector<std::int64_t>& latenciesNs, const Done& done) override {
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t offset = next();
            RIDGE_TRY_STATUS(readOne(file, offset, offset, latenciesNs, done));
        }
        return {};
    }

private:
    Status readOne(const DiskFile& file, std::uint64_t offset, std::uint64_t key,
                   std::vector<std::int64_t>& latenciesNs, const Done& done) {
        const std::int64_t start = monotonicNs();
        RIDGE_TRY_STATUS(file.read(m_buffer.bytes(), offset));
        latenciesNs.push_back(monotonicNs() - start);
        return done(key, m_buffer.bytes());
    }
    AlignedBuffer m_buffer;
};

#ifdef RIDGE_HAVE_LIBURING

Error uringError(const char* what, int error) {
    return {ErrorCode::kIo, fmt::format("io_uring cannot {}: {}", what, std::strerror(error))};
}

class UringQueue final : public ReadQueue {
public:
    UringQueue(std::size_t blockBytes, unsigned depth)
        : m_block(blockBytes), m_depth(depth), m_buffer(blockBytes * depth), m_slots(depth) {
        for (unsigned i = 0; i < depth; ++i) m_free.push_back(i);
    }
    ~UringQueue() override {
        if (!m_open) return;
        drain();
        ::io_uring_queue_exit(&m_ring);
    }
    UringQueue(const UringQueue&) = delete;
    UringQueue& operator=(const UringQueue&) = delete;

    Status open() {
        // One thread hands over and waits: completions need not interrupt it. Older kernels know
        // fewer of the flags.
        int error = -EINVAL;
        for (const unsigned flags : {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER |
                                         IORING_SETUP_DEFER_TASKRUN,
                                     IORING_SETUP_COOP_TASKRUN, 0U}) {
            error = ::io_uring_queue_init(m_depth, &m_ring, flags);
            if (error != -EINVAL) break;
        }
        if (error < 0)
            return Error{ErrorCode::kUnsupported,
                         fmt::format("the kernel refuses io_uring: {}", std::strerror(-error))};
        m_open = true;
        return {};
    }

    Status readAll(const DiskFile& file, std::span<const std::uint64_t> offsets,
                   std::vector<std::int64_t>& latenciesNs, const Done& done) override {
        drain();
        std::size_t next = 0, finished = 0;
        while (finished < offsets.size()) {
            for (; !m_free.empty() && next < offsets.size(); ++next)
                queue(file, offsets[next], next);
            if (Status status = turn(latenciesNs, done, finished); !status.ok()) {
                drain();
                return status;
            }
        }
        return {};
    }

    Status readOn(const DiskFile& file, const NextOffset& next, std::size_t count,
                  std::vector<std::int64_t>& latenciesNs, const Done& done) override {
        std::size_t finished = 0;
        while (finished < count) {
            while (!m_free.empty()) {
                const std::uint64_t offset = next();
                queue(file, offset, offset);
            }
            if (Status status = turn(latenciesNs, done, finished); !status.ok()) {
                drain();
                return status;
            }
        }
        return {};
    }

private:
    struct Slot {
        std::uint64_t key = 0;
        std::int64_t startNs = 0;
    };

    void queue(const DiskFile& file, std::uint64_t offset, std::uint64_t key) {
        const unsigned slot = m_free.back();
        m_free.pop_back();
        m_slots[slot] = {key, monotonicNs()};
        io_uring_sqe* entry = ::io_uring_get_sqe(&m_ring);  // there are as many as slots
        ::io_uring_prep_read(entry, file.descriptor(), buffer(slot).data(),
                             static_cast<unsigned>(m_block), offset);
        ::io_uring_sqe_set_data64(entry, slot);
        ++m_flying;
    }

    // Hands over what is queued, waits for one, and takes that one alone: its place is filled again
    // before the next is looked at. Taking all that are done and handing over as many at once kept
    // the device a fifth less busy.
    Status turn(std::vector<std::int64_t>& latenciesNs, const Done& done, std::size_t& finished) {
        if (const int error = ::io_uring_submit_and_wait(&m_ring, 1); error < 0 && error != -EINTR)
            return uringError("submit", -error);
        io_uring_cqe* entry = nullptr;
        if (::io_uring_peek_cqe(&m_ring, &entry) == 0 && entry) {
            const unsigned slot = take(entry);
            latenciesNs.push_back(monotonicNs() - m_slots[slot].startNs);
            const int result = m_result;
            if (result < 0) return uringError("read", -result);
            if (static_cast<std::size_t>(result) != m_block)
                return Error{ErrorCode::kIo,
                             fmt::format("io_uring read {} of {} bytes", result, m_block)};
            RIDGE_TRY_STATUS(done(m_slots[slot].key, buffer(slot)));
            ++finished;
        }
        return {};
    }

    unsigned take(io_uring_cqe* entry) {
        const auto slot = static_cast<unsigned>(::io_uring_cqe_get_data64(entry));
        m_result = entry->res;
        ::io_uring_cqe_seen(&m_ring, entry);
        --m_flying;
        m_free.push_back(slot);
        return slot;
    }

    // The kernel still writes into the buffers of what is under way: wait for it.
    void drain() {
        ::io_uring_submit(&m_ring);
        while (m_flying > 0) {
            io_uring_cqe* entry = nullptr;
            const int error = ::io_uring_wait_cqe(&m_ring, &entry);
            if (error == -EINTR) continue;
            if (error < 0) break;
            take(entry);
        }
    }

    std::span<std::byte> buffer(unsigned slot) {
        return m_buffer.bytes().subspan(slot * m_block, m_block);
    }

    std::size_t m_block;
    unsigned m_depth;
    AlignedBuffer m_buffer;
    std::vector<Slot> m_slots;
    std::vector<unsigned> m_free;
    unsigned m_flying = 0;
    int m_result = 0;
    io_uring m_ring{};
    bool m_open = false;
};

#endif

}  // namespace

Result<std::unique_ptr<ReadQueue>> makeReadQueue(ReadEngine engine, std::size_t blockBytes,
                                                 [[maybe_unused]] unsigned depth) {
    if (engine == ReadEngine::kPsync)
        return std::unique_ptr<ReadQueue>(std::make_unique<PsyncQueue>(blockBytes));
#ifdef RIDGE_HAVE_LIBURING
    auto queue = std::make_unique<UringQueue>(blockBytes, depth);
    RIDGE_TRY_STATUS(queue->open());
    return std::unique_ptr<ReadQueue>(std::move(queue));
#else
    return Error{ErrorCode::kUnsupported,
                 "built without liburing; scripts/setup installs it (liburing-dev)"};
#endif
}

}  // namespace ridge::workloads
