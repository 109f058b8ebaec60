// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The machine and its settings, from an allow-list: what a comparison of two runs must know.
// Never a whole environment, never a secret: variables that are not listed are not even looked at.
//   key       hashed into environment.key: a difference means that two runs cannot be compared
//   recorded  told, and only warned about
//   volatile  of this moment (load, free memory), never hashed

#include <string>
#include <vector>

namespace ridge::recorder {

struct EnvironmentEntry {
    std::string name;      // 'cpu.model', 'env.OMP_NUM_THREADS', ...
    std::string category;  // 'key', 'recorded', 'volatile'
    std::string value;
};

// Sorted by name; the last step adds environment.key = SHA-256 over the canonical JSON of the key
// fields.
std::vector<EnvironmentEntry> readEnvironment();

// The hash alone: JSON object with sorted keys, no spaces, and the number of this schema.
std::string environmentKey(const std::vector<EnvironmentEntry>& entries);

}  // namespace ridge::recorder
