// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Everything but convolutions and batch norms. A thread has one element of what is written; threads
// beside each other have columns beside each other, so a row of a table or of a node's features is
// read in whole lines by as many threads as it is wide.
#include "workloads/families/cuda/cuda_family_backend.h"
#include "workloads/ops/cuda/passes.h"

#include <cmath>

namespace ridge::workloads::cuda {

namespace {

struct SumBag {
    const float* table;
    const std::int32_t* indices;
    float* out;
    std::int64_t tables, rows, width, perBag;
    __device__ void operator()(std::int64_t i) const {
        const std::int64_t bag = i / width, column = i % width;
        const float* from = table + bag % tables * rows * width + column;
        const std::int32_t* named = indices + bag * perBag;
        float sum = 0.0F;
        for (std::int64_t each = 0; each < perBag; ++each) sum += from[named[each] * width];
        out[i] = sum;
    }
};

// One element of one looked-up row: bags share rows, so they are added to by atomics.
struct UpdateBag {
    const std::int32_t* indices;
    const float* dOut;
    float rate;
    float* table;
    std::int64_t tables, rows, width, perBag;
    __device__ void operator()(std::int64_t i) const {
        const std::int64_t lookup = i / width, column = i % width;
        const std::int64_t bag = lookup / perBag;
        const std::int64_t row = bag % tables * rows + indices[lookup];
        atomicAdd(table + row * width + column, -rate * dOut[bag * width + column]);
    }
};

// The vectors of a sample: the dense one, then its bags.
struct Vectors {
    const float* dense;
    const float* bags;
    std::int64_t tables, width;
    __device__ const float* operator()(std::int64_t sample, std::int64_t v) const {
        return v == 0 ? dense + sample * width : bags + (sample * tables + v - 1) * width;
    }
    // Of a sample in the output: the dense vector, then the products (i, j < i) row by row.
    __device__ std::int64_t wide() const { return width + (tables + 1) * tables / 2; }
};

struct Interact {
    Vectors vectors;
    float* out;
    __device__ void operator()(std::int64_t at) const {
        const std::int64_t sample = at / vectors.wide(), place = at % vectors.wide();
        if (place < vectors.width) {
            out[at] = vectors(sample, 0)[place];
            return;
        }
        std::int64_t j = place - vectors.width, i = 1;
        for (; j >= i; ++i) j -= i;
        const float* a = vectors(sample, i);
        const float* b = vectors(sample, j);
        float dot = 0.0F;
        for (std::int64_t c = 0; c < vectors.width; ++c) dot += a[c] * b[c];
        out[at] = dot;
    }
};

// Of one element of one vector: the others' elements, each times its product's gradient.
struct InteractGradient {
    Vectors vectors;
    const float* dOut;
    float* dDense;
    float* dBags;
    __device__ void operator()(std::int64_t at) const {
        const std::int64_t width = vectors.width, count = vectors.tables + 1;
        const std::int64_t column = at % width, v = at / width % count;
        const std::int64_t sample = at / width / count;
        const float* gradient = dOut + sample * vectors.wide();
        const float* products = gradient + width;
        float sum = v == 0 ? gradient[column] : 0.0F;
        for (std::int64_t other = 0; other < count; ++other) {
            if (other == v) continue;
            const std::int64_t i = other > v ? other : v, j = other > v ? v : other;
            sum += products[i * (i - 1) / 2 + j] * vectors(sample, other)[column];
        }
        if (v == 0)
            dDense[sample * width + column] = sum;
        else
            dBags[(sample * vectors.tables + v - 1) * width + column] = sum;
    }
};

struct LogisticLoss {
    float* logits;
    const float* labels;
    float* losses;
    float scale;
    __device__ void operator()(std::int64_t r) const {
        // log(1 + e^z) - label z, without overflow for either sign.
        const float z = logits[r];
        const float size = expf(-fabsf(z));
        losses[r] = log1pf(size) + fmaxf(z, 0.0F) - labels[r] * z;
        const float sigmoid = (z >= 0.0F ? 1.0F : size) / (1.0F + size);
        logits[r] = (sigmoid - labels[r]) * scale;
    }
};

struct SparseProduct {
    const std::int32_t* offsets;
    const std::int32_t* indices;
    const float* values;
    const float* x;
    float* y;
    std::int64_t width;
    __device__ void operator()(std::int64_t i) const {
        const std::int64_t row = i / width;
        const float* column = x + i % width;
        float sum = 0.0F;
        for (std::int32_t e = offsets[row]; e < offsets[row + 1]; ++e)
            sum += values[e] * column[indices[e] * width];
        y[i] = sum;
    }
};

struct AveragePool {
    const float* x;
    float* y;
    std::int64_t pixels, channels;
    __device__ void operator()(std::int64_t i) const {
        const float* from = x + i / channels * pixels * channels + i % channels;
        float sum = 0.0F;
        for (std::int64_t p = 0; p < pixels; ++p) sum += from[p * channels];
        y[i] = sum / static_cast<float>(pixels);
    }
};

struct SpreadPool {
    const float* dY;
    float* dX;
    std::int64_t pixels, channels;
    __device__ void operator()(std::int64_t i) const {
        dX[i] = dY[i / channels / pixels * channels + i % channels] / static_cast<float>(pixels);
    }
};

struct Relu {
    const float* x;
    float* y;
    __device__ void operator()(std::int64_t i) const { y[i] = fmaxf(x[i], 0.0F); }
};

struct ReluGradient {
    const float* y;
    const float* dY;
    float* dX;
    __device__ void operator()(std::int64_t i) const { dX[i] = y[i] > 0.0F ? dY[i] : 0.0F; }
};

struct AddRelu {
    const float* a;
    const float* b;
    float* y;
    __device__ void operator()(std::int64_t i) const { y[i] = fmaxf(a[i] + b[i], 0.0F); }
};

struct Sgd {
    float* weights;
    const float* gradients;
    float rate;
    __device__ void operator()(std::int64_t i) const { weights[i] -= rate * gradients[i]; }
};

}  // namespace

void* CudaFamilyOperators::scratch(Slot slot, std::int64_t bytes) {
    Room& room = m_rooms[slot];
    if (room.bytes < bytes) {
        room.data = m_device.allocate(static_cast<std::size_t>(bytes));
        room.bytes = room.data == nullptr ? 0 : bytes;
    }
    return room.data;
}

void CudaFamilyOperators::doEmbeddingBag(const BagArgs& args, const Tensor& table,
                                         const Tensor& indices, const Tensor& out) {
    forElements(m_device, args.bags() * args.width,
                SumBag{table.f32(), indices.i32(), out.f32(), args.tables, args.rows, args.width,
                       args.perBag});
}

void CudaFamilyOperators::doEmbeddingBagUpdate(const BagArgs& args, const Tensor& indices,
                                               const Tensor& dOut, float rate,
                                               const Tensor& table) {
    forElements(m_device, args.lookups() * args.width,
                UpdateBag{indices.i32(), dOut.f32(), rate, table.f32(), args.tables, args.rows,
                          args.width, args.perBag});
}

void CudaFamilyOperators::doDotInteraction(std::int64_t samples, std::int64_t tables,
                                           std::int64_t width, const Tensor& dense,
                                           const Tensor& bags, const Tensor& out) {
    const std::int64_t wide = width + (tables + 1) * tables / 2;
    forElements(m_device, samples * wide,
                Interact{{dense.f32(), bags.f32(), tables, width}, out.f32()});
}

void CudaFamilyOperators::doDotInteractionBackward(std::int64_t samples, std::int64_t tables,
                                                   std::int64_t width, const Tensor& dense,
                                                   const Tensor& bags, const Tensor& dOut,
                                                   const Tensor& dDense, const Tensor& dBags) {
    forElements(
        m_device, samples * (tables + 1) * width,
        InteractGradient{
            {dense.f32(), bags.f32(), tables, width}, dOut.f32(), dDense.f32(), dBags.f32()});
}

void CudaFamilyOperators::doLogisticLoss(std::int64_t rows, const Tensor& logits,
                                         const Tensor& labels, const Tensor& losses, float scale) {
    forElements(m_device, rows, LogisticLoss{logits.f32(), labels.f32(), losses.f32(), scale});
}

void CudaFamilyOperators::doSpmm(const CsrMatrix& matrix, std::int64_t width, const Tensor& x,
                                 const Tensor& y) {
    forElements(m_device, matrix.rows * width,
                SparseProduct{matrix.offsets.i32(), matrix.indices.i32(), matrix.values.f32(),
                              x.f32(), y.f32(), width});
}

void CudaFamilyOperators::doAveragePool(std::int64_t samples, std::int64_t pixels,
                                        std::int64_t channels, const Tensor& x, const Tensor& y) {
    forElements(m_device, samples * channels, AveragePool{x.f32(), y.f32(), pixels, channels});
}

void CudaFamilyOperators::doAveragePoolBackward(std::int64_t samples, std::int64_t pixels,
                                                std::int64_t channels, const Tensor& dY,
                                                const Tensor& dX) {
    forElements(m_device, samples * pixels * channels,
                SpreadPool{dY.f32(), dX.f32(), pixels, channels});
}

void CudaFamilyOperators::doRelu(const Tensor& x, const Tensor& y) {
    forElements(m_device, x.count, Relu{x.f32(), y.f32()});
}

void CudaFamilyOperators::doReluBackward(const Tensor& y, const Tensor& dY, const Tensor& dX) {
    forElements(m_device, dY.count, ReluGradient{y.f32(), dY.f32(), dX.f32()});
}

void CudaFamilyOperators::doAddRelu(const Tensor& a, const Tensor& b, const Tensor& y) {
    forElements(m_device, a.count, AddRelu{a.f32(), b.f32(), y.f32()});
}

void CudaFamilyOperators::doSgd(float rate, const Tensor& weights, const Tensor& gradients) {
    forElements(m_device, weights.count, Sgd{weights.f32(), gradients.f32(), rate});
}

}  // namespace ridge::workloads::cuda
