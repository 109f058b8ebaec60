// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Reads of equal size at given offsets with up to `depth` of them under way: one pread after the
// other (psync, depth 1), or io_uring. A read's latency is from handing it to the kernel until its
// completion is seen.
//
// io_uring goes past every preloaded hook, so its caller marks it with a ridge::WorkRange of kind
// io. Errors: kUnsupported when the kernel refuses io_uring, kIo for a failed or short read. One
// thread.

#include "base/result.h"
#include "workloads/storage/disk_file.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ridge::workloads {

enum class ReadEngine { kPsync, kUring };

class ReadQueue {
public:
    virtual ~ReadQueue() = default;
    // Called with the read's key (its index, or its offset) and its bytes, which are gone when it
    // returns.
    using Done = std::function<Status(std::uint64_t key, std::span<const std::byte> data)>;
    // All reads of blockBytes at offsets; appends one latency each, in ns, in order of completion.
    virtual Status readAll(const DiskFile& file, std::span<const std::uint64_t> offsets,
                           std::vector<std::int64_t>& latenciesNs, const Done& done) = 0;
    // Goes on until `count` more reads are done, and leaves the queue full for the next call: a
    // queue that runs empty in between waits for its slowest read every time. key: the offset.
    using NextOffset = std::function<std::uint64_t()>;
    virtual Status readOn(const DiskFile& file, const NextOffset& next, std::size_t count,
                          std::vector<std::int64_t>& latenciesNs, const Done& done) = 0;
};

// depth is 1 for kPsync. Buffers are aligned and first touched here.
Result<std::unique_ptr<ReadQueue>> makeReadQueue(ReadEngine engine, std::size_t blockBytes,
                                                 unsigned depth);

}  // namespace ridge::workloads
