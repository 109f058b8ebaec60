// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/solo_transport.h"

#include <cstdlib>
#include <cstring>

namespace ridge::workloads {

namespace {

constexpr int kBadPeer = 1;

void copy(const void* in, void* out, size_t bytes) {
    if (in != out && bytes > 0) std::memcpy(out, in, bytes);
}

int nothing() {
    return 0;
}
int split(int, int color, int, int* made) {
    *made = color < 0 ? -1 : 1;
    return 0;
}
int release(int) {
    return 0;
}
int rank(int) {
    return 0;
}
int size(int) {
    return 1;
}
int reduce(int, int, const float* in, float* out, size_t count) {
    copy(in, out, count * sizeof(float));
    return 0;
}
int gather(int, int, const void* in, void* out, size_t bytes) {
    copy(in, out, bytes);
    return 0;
}
int broadcast(int, int, void*, size_t, int root) {
    return root == 0 ? 0 : kBadPeer;
}
int sendReceive(int, int, const void* in, size_t inBytes, int to, void* out, size_t outBytes,
                int from) {
    if (to > 0 || from > 0 || to != from || (to == 0 && inBytes != outBytes)) return kBadPeer;
    if (to == 0) copy(in, out, inBytes);
    return 0;
}
int barrier(int, int) {
    return 0;
}
void abortAll(int exitCode) {
    std::_Exit(exitCode);
}
const char* errorText(int) {
    return "there is no such rank in a run of one";
}

const char* name() {
    return "solo";
}

int timingValid() {
    return 1;
}

}  // namespace

const ridge_transport_t& soloTransport() {
    static const ridge_transport_t table{.version = RIDGE_TRANSPORT_VERSION,
                                         .start = nothing,
                                         .stop = nothing,
                                         .split = split,
                                         .release = release,
                                         .rank = rank,
                                         .size = size,
                                         .allReduceSumF32 = reduce,
                                         .reduceScatterSumF32 = reduce,
                                         .allGather = gather,
                                         .allToAll = gather,
                                         .broadcast = broadcast,
                                         .sendReceive = sendReceive,
                                         .barrier = barrier,
                                         .abortAll = abortAll,
                                         .errorText = errorText,
                                         .name = name,
                                         .timingValid = timingValid,
                                         .allocate = nullptr,
                                         .deallocate = nullptr,
                                         .copyIn = nullptr,
                                         .copyOut = nullptr,
                                         .after = nullptr};
    return table;
}

}  // namespace ridge::workloads
