// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// So many rounds of work that nothing can leave out: a program whose length is known, for ab_rates.py.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    const long rounds = argc > 1 ? std::atol(argv[1]) : 1000;
    std::uint64_t x = 88172645463325252ULL;
    for (long i = 0; i < rounds; ++i)
        for (int j = 0; j < 1000; ++j) {  // xorshift: each step needs the one before
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
    std::printf("%llu\n", static_cast<unsigned long long>(x));
}
