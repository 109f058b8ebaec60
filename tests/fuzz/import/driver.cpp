// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Feeds a fuzz target where there is no libFuzzer: mutates the files of a corpus blindly, from a fixed seed.
// usage: DRIVER CORPUS SECONDS [SEED]; the input that ends the process is left as crash-input.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::array<std::string_view, 24> kWords{
    "\"", "\\", "{", "}", "[", "]", ":", ",", "-", "1e308", "9223372036854775807", "-9223372036854775808", "99999999999999999999999",
    "0", "null", "\\ud800", "\"ts\"", "\"dur\"", "\"args\"", "\"cat\": \"kernel\"", "\"baseTimeNanoseconds\": ", "\xff", "1e-5", "\"pid\""};

std::string mutate(std::string input, const std::vector<std::string>& corpus, std::mt19937_64& random) {
    const auto below = [&](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
    for (std::size_t i = 0; i < 1 + below(8); ++i) {
        const std::size_t at = below(input.size());
        switch (below(7)) {
            case 0:
                if (!input.empty()) input[at] = static_cast<char>(random());
                break;
            case 1: input.insert(at, kWords[below(kWords.size())]); break;
            case 2: input.erase(at, 1 + below(20)); break;
            case 3: input.resize(at); break;
            case 4: {
                const std::string& other = corpus[below(corpus.size())];
                const std::size_t from = below(other.size());
                input.insert(at, other.substr(from, 1 + below(200)));
                break;
            }
            case 5: input.insert(at, input.substr(below(input.size()), 1 + below(300))); break;
            default: {
                const std::string_view word = kWords[below(kWords.size())];
                for (std::size_t k = 0; k < word.size() && at + k < input.size(); ++k) input[at + k] = word[k];
            }
        }
    }
    return input;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    std::vector<std::string> corpus;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    if (corpus.empty()) {
        std::fprintf(stderr, "%s: no corpus\n", argv[1]);
        return 2;
    }
    const auto run = [](const std::string& input) {
        std::ofstream("crash-input", std::ios::binary) << input;
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    };
    for (const std::string& input : corpus) run(input);
    std::mt19937_64 random(argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atol(argv[2]));
    long rounds = 0;
    for (; std::chrono::steady_clock::now() < end; ++rounds) run(mutate(corpus[random() % corpus.size()], corpus, random));
    std::filesystem::remove("crash-input");
    std::printf("%ld mutated inputs from %zu seeds: no crash, every sum exact\n", rounds, corpus.size());
    return 0;
}
