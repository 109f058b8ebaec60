// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Operators that are recorded once and then started together: CUDA graphs, which replace the start
// of each kernel by one of the whole.
//
//   if (GraphRecorder* recorder = graphsOf(ops)) {
//       recorder->beginGraph();
//       ... operators ...
//       RIDGE_TRY(graph, recorder->endGraph());
//   }
//   graph->launch();
//
// Between begin and end nothing is done, only noted: no copies to or from the host, nothing that
// synchronises, and every shape must have run once before, so that its plan exists. The recorded
// addresses stay: tensors must outlive the graph, the graph must go before its operators. What is
// recorded opens ranges as ever, when it is recorded; a launch has a range only if its caller opens
// one. One thread at a time, as for Operators.

#include "workloads/ops/operators.h"

#include <memory>

namespace ridge::workloads {

class OperatorGraph {
public:
    virtual ~OperatorGraph() = default;
    OperatorGraph() = default;
    OperatorGraph(const OperatorGraph&) = delete;
    OperatorGraph& operator=(const OperatorGraph&) = delete;

    // In the order of everything else that is issued; a failure goes to the operators' status().
    virtual void launch() = 0;
    // Kernels, copies and sets in it.
    [[nodiscard]] virtual std::int64_t nodes() const = 0;
};

class GraphRecorder {
public:
    virtual ~GraphRecorder() = default;
    virtual void beginGraph() = 0;
    // kUnsupported where this device cannot.
    [[nodiscard]] virtual Result<std::unique_ptr<OperatorGraph>> endGraph() = 0;
};

// Null: this backend starts every operator by itself.
[[nodiscard]] inline GraphRecorder* graphsOf(Operators& ops) {
    return dynamic_cast<GraphRecorder*>(&ops);
}

}  // namespace ridge::workloads
