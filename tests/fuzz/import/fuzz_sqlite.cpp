// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// One input: the bytes of a timeline file. Whatever they are, reading and analysing them ends with an error of
// one line or with an answer that adds up. The file lives in memory.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "analyzer/timeline/load.h"
#include "verify.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const int fd = memfd_create("trace", MFD_CLOEXEC);
    if (fd < 0) std::abort();
    for (std::size_t done = 0; done < size;) {
        const ssize_t n = write(fd, data + done, size - done);
        if (n <= 0) std::abort();
        done += static_cast<std::size_t>(n);
    }
    auto timeline = ridge::analyzer::load({"/proc/self/fd/" + std::to_string(fd)});
    if (timeline.ok()) {
        ridge::test::verifyTimeline(*timeline);
        ridge::test::verifyAnswer(ridge::analyzer::analyzeTimeline(*timeline, {}));
    } else {
        ridge::test::verifyError(timeline.error());
    }
    close(fd);
    return 0;
}
