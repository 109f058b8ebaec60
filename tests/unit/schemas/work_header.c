/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: The Ridgepoint authors */
/* A C program of a stranger: with no tool attached it runs and changes nothing. */
#include <ridge/work.h>

int main(void) {
    ridge_work_t work = {0};
    work.op_kind = RIDGE_OP_IO;
    work.bytes_read = 4096;
    ridge_frame_push("step", RIDGE_CATEGORY_STEP, 3);
    ridge_range_push("read batch", &work);
    ridge_range_pop_work(&work);
    ridge_range_pop();
    return ridge_domain() == NULL ? 0 : 1;
}
