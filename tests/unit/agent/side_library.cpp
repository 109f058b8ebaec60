// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A second shared object with NVTX in it: its globals are its own.
#include <nvtx3/nvToolsExt.h>

extern "C" __attribute__((visibility("default"))) void sideRanges() {
    nvtxEventAttributes_t a{};
    a.version = NVTX_VERSION;
    a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    a.messageType = NVTX_MESSAGE_TYPE_ASCII;
    a.message.ascii = "from the library";
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("shared domain");
    nvtxDomainRangePushEx(domain, &a);
    nvtxDomainRangePop(domain);
}
