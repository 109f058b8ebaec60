// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A CUDA program that knows exactly what it does: kernels on two streams, copies both ways and on the
// device, sets, synchronisations, under NVTX ranges. It checks its own result and prints its counts as
// one line of JSON, so that a recording of it can be held against them. Exit 77: no GPU here.

#include <cuda_runtime.h>
#include <nvtx3/nvToolsExt.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

__global__ void axpy(float* y, const float* x, float a, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] += a * x[i];
}

__global__ void spin(long long cycles) {
    const long long start = clock64();
    while (clock64() - start < cycles) {
    }
}

void check(cudaError_t error, const char* what) {
    if (error == cudaSuccess) return;
    std::fprintf(stderr, "cuda_streams: %s: %s\n", what, cudaGetErrorString(error));
    std::exit(error == cudaErrorInsufficientDriver || error == cudaErrorNoDevice ? 77 : 4);
}

}  // namespace

int main(int argc, char** argv) {
    const int steps = argc > 1 ? std::atoi(argv[1]) : 20;
    const int n = 1 << 20;
    const size_t bytes = n * sizeof(float);
    int devices = 0;
    check(cudaGetDeviceCount(&devices), "counting devices");
    cudaStream_t compute{}, copy{};
    check(cudaStreamCreateWithFlags(&compute, cudaStreamNonBlocking), "stream");
    check(cudaStreamCreateWithFlags(&copy, cudaStreamNonBlocking), "stream");
    float *x = nullptr, *y = nullptr, *z = nullptr, *host = nullptr;
    check(cudaMalloc(&x, bytes), "allocating");
    check(cudaMalloc(&y, bytes), "allocating");
    check(cudaMalloc(&z, bytes), "allocating");
    check(cudaMallocHost(&host, bytes), "allocating");
    for (int i = 0; i < n; ++i) host[i] = 1.0f;
    long kernels = 0, copies = 0, sets = 0;
    check(cudaMemcpy(x, host, bytes, cudaMemcpyHostToDevice), "copying"), ++copies;
    check(cudaMemset(y, 0, bytes), "setting"), ++sets;
    for (int step = 0; step < steps; ++step) {
        nvtxRangePushA("step");
        nvtxRangePushA("compute");
        axpy<<<n / 256, 256, 0, compute>>>(y, x, 2.0f, n), ++kernels;
        spin<<<1, 1, 0, compute>>>(100000), ++kernels;
        check(cudaGetLastError(), "launching");
        nvtxRangePop();
        nvtxRangePushA("copy");
        check(cudaMemcpyAsync(z, x, bytes, cudaMemcpyDeviceToDevice, copy), "copying"), ++copies;
        check(cudaMemsetAsync(z, 0, 4096, copy), "setting"), ++sets;
        nvtxRangePop();
        check(cudaStreamSynchronize(copy), "synchronising");
        check(cudaStreamSynchronize(compute), "synchronising");
        nvtxRangePop();
    }
    std::vector<float> result(n);
    check(cudaMemcpy(result.data(), y, bytes, cudaMemcpyDeviceToHost), "copying"), ++copies;
    for (const float value : result)
        if (value != 2.0f * static_cast<float>(steps)) {
            std::fprintf(stderr, "cuda_streams: wrong result %g\n", value);
            return 4;
        }
    check(cudaDeviceSynchronize(), "synchronising");
    std::printf("{\"kernels\": %ld, \"copies\": %ld, \"sets\": %ld, \"ranges\": %d}\n", kernels, copies, sets, 3 * steps);
    return 0;
}
