// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The families' symbol of libridge_cuda.so; see ops/cuda/plugin.h.

#include "workloads/families/family_operators.h"
#include "workloads/ops/operators.h"

#define RIDGE_CUDA_FAMILY_SYMBOL "ridgeCudaFamilyOperators"

// An object that the caller deletes before `dense`, which ridgeCudaOperators() made; null for
// operators of another kind.
extern "C" __attribute__((visibility("default"))) ridge::workloads::FamilyOperators*
ridgeCudaFamilyOperators(ridge::workloads::Operators* dense);

using ridge_cuda_family_function =
    ridge::workloads::FamilyOperators* (*)(ridge::workloads::Operators*);
