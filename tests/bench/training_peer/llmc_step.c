// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Training steps of llm.c's GPT-2 of 124 million parameters on the CPU, random weights of that shape.
// Compiled by training_peer.py beside llm.c's own train_gpt2.c (RIDGE_LLMC), which is no part of this
// repository: -DLLMC_SOURCE names it, -DLLMC_VERSION the version of checkpoints that it reads.
// llmc_step FILE BATCH TOKENS STEPS: FILE holds the weights for a moment. Prints JSON.
#define TESTING
#include LLMC_SOURCE

#include <time.h>

enum { kVocabulary = 50304, kContext = 1024, kLayers = 12, kHeads = 12, kWidth = 768 };

static double secondsOf(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int writeWeights(const char* path) {
    const size_t width = kWidth, perLayer = 12 * width * width + 13 * width;
    const size_t count = (kVocabulary + kContext) * width + kLayers * perLayer + 2 * width;
    int header[256] = {20240326, LLMC_VERSION, kContext, kVocabulary, kLayers, kHeads, kWidth, kVocabulary};
    FILE* file = fopen(path, "wb");
    if (file == NULL) return 0;
    int whole = fwrite(header, sizeof header, 1, file) == 1;
    unsigned state = 1;
    float piece[4096];
    for (size_t at = 0; whole && at < count; at += 4096) {
        const size_t length = count - at < 4096 ? count - at : 4096;
        for (size_t i = 0; i < length; ++i) {
            state = state * 1664525U + 1013904223U;
            piece[i] = ((float)(state >> 8) / 8388608.0f - 1.0f) * 0.02f;
        }
        whole = fwrite(piece, sizeof(float), length, file) == length;
    }
    return fclose(file) == 0 && whole;
}

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    const int batch = atoi(argv[2]), tokens = atoi(argv[3]), steps = atoi(argv[4]);
    if (batch < 1 || tokens < 1 || tokens > kContext || steps < 1 || !writeWeights(argv[1])) return 2;
    FILE* const chatter = freopen("/dev/null", "w", stdout);  // it prints as it loads
    GPT2 model;
    gpt2_build_from_checkpoint(&model, argv[1]);
    remove(argv[1]);
    int* text = malloc(sizeof(int) * (size_t)(batch * tokens + 1));
    unsigned state = 7;
    for (int i = 0; i <= batch * tokens; ++i) {
        state = state * 1664525U + 1013904223U;
        text[i] = (int)((state >> 8) % kVocabulary);
    }
    double wall = 0, cpu = 0;
    for (int step = 0; step <= steps; ++step) {  // the first allocates
        const double wallStart = secondsOf(CLOCK_MONOTONIC), cpuStart = secondsOf(CLOCK_PROCESS_CPUTIME_ID);
        gpt2_forward(&model, text, text + 1, batch, tokens);
        gpt2_zero_grad(&model);
        gpt2_backward(&model);
        gpt2_update(&model, 1e-4f, 0.9f, 0.999f, 1e-8f, 0.0f, step + 1);
        if (step == 0) continue;
        wall += secondsOf(CLOCK_MONOTONIC) - wallStart;
        cpu += secondsOf(CLOCK_PROCESS_CPUTIME_ID) - cpuStart;
    }
    fprintf(stderr, "{\"step_s\": %.6f, \"step_cpu_s\": %.6f, \"loss\": %.4f}\n", wall / steps, cpu / steps, (double)model.mean_loss);
    free(text);
    return chatter == NULL ? 2 : 0;
}
