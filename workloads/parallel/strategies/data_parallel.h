// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Data parallel training: every rank holds the whole model and works on its share of the batch; the
// gradients are summed over the ranks before the optimizer's step (the trainer's setParts() makes
// that sum the mean of the whole batch).
//
// Gradients become final from the end of the flat array to its beginning (GptTrainer), and are sent
// in that order as buckets of bucketBytes (0: one for the whole model). Overlapped, a bucket goes
// out during the backward pass as soon as it is full, and finish() waits for the rest in a range
// "gradients.wait"; otherwise all buckets go out in finish(). Both give the same sums. Wire bytes
// per rank and step: formulas::dataParallelWireBytes, stage 0.
//
// All ranks make the same calls in the same order. Errors: the communicator's; the first is kept
// and returned by finish(). In a device's memory under an OrderedCollectives.

#include "workloads/models/gpt_trainer.h"
#include "workloads/parallel/communicator.h"

#include <cstdint>

namespace ridge::workloads {

struct GradientBuckets {
    std::int64_t bucketBytes = 0;
    bool overlap = true;
};

class GradientReducer {
public:
    // Listens to the trainer from now on; both outlive it.
    GradientReducer(GptTrainer& trainer, Communicator& communicator, GradientBuckets buckets);
    ~GradientReducer();
    GradientReducer(const GradientReducer&) = delete;
    GradientReducer& operator=(const GradientReducer&) = delete;

    // The gradients of the next backward pass are the step's last: reduce them. Without it (all but
    // the last micro-batch) they only pile up.
    void arm();
    // After that backward pass: all gradients are the ranks' sums.
    [[nodiscard]] Status finish();

private:
    void ready(std::int64_t offset, std::int64_t count);
    void sendFullBuckets();
    void send(std::int64_t begin, std::int64_t end);

    GptTrainer& m_trainer;
    Communicator& m_communicator;
    std::int64_t m_bucket;  // elements
    bool m_overlap;
    bool m_armed = false;
    std::int64_t m_begin = 0;  // final, from here ...
    std::int64_t m_end = 0;    // ... to here, and not sent
    Status m_status;
};

}  // namespace ridge::workloads
