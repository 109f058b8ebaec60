// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which hardware counters are asked for, by chip (as cuptiDeviceGetChipName says it). Per kernel:
// what a roofline needs (bytes of DRAM, L2 and L1; operations of each pipe; use of the tensor pipe;
// occupancy). As time series: the set that fits one pass on the data-centre chips, utilisations in
// percent. A metric that a chip has not is left out by asking for each by itself.

#include <initializer_list>
#include <stddef.h>
#include <string.h>

namespace ridge::agent {

inline constexpr size_t kMostMetrics = 32;
struct MetricList {
    const char* names[kMostMetrics];
    size_t count;
    void add(const char* name) {
        if (count < kMostMetrics) names[count++] = name;
    }
};

// "gh100": 9, "ga100": 8, "gv100": 7, "tu102": 7.5 as 75, "ad102": 89, "gb100": 100; 0: not known.
inline int chipGeneration(const char* chip) {
    static constexpr struct {
        const char* prefix;
        int generation;
    } kChips[] = {{"gv1", 70}, {"tu1", 75}, {"ga100", 80}, {"ga1", 86},
                  {"ad1", 89}, {"gh1", 90}, {"gb1", 100},  {"gb2", 120}};
    for (const auto& known : kChips)
        if (strncmp(chip, known.prefix, strlen(known.prefix)) == 0) return known.generation;
    return 0;
}

inline MetricList kernelMetrics(const char* chip) {
    MetricList list{};
    for (const char* name :
         {"dram__bytes_read.sum", "dram__bytes_write.sum", "lts__t_bytes.sum", "l1tex__t_bytes.sum",
          "sm__sass_thread_inst_executed_op_dadd_pred_on.sum",
          "sm__sass_thread_inst_executed_op_dmul_pred_on.sum",
          "sm__sass_thread_inst_executed_op_dfma_pred_on.sum",
          "sm__sass_thread_inst_executed_op_fadd_pred_on.sum",
          "sm__sass_thread_inst_executed_op_fmul_pred_on.sum",
          "sm__sass_thread_inst_executed_op_ffma_pred_on.sum",
          "sm__sass_thread_inst_executed_op_hadd_pred_on.sum",
          "sm__sass_thread_inst_executed_op_hmul_pred_on.sum",
          "sm__sass_thread_inst_executed_op_hfma_pred_on.sum", "sm__inst_executed_pipe_tensor.sum",
          "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active",
          "sm__warps_active.avg.pct_of_peak_sustained_active"})
        list.add(name);
    // From Hopper on the tensor pipe counts operations, by type of the operands.
    if (chipGeneration(chip) >= 90)
        for (const char* name :
             {"sm__ops_path_tensor_src_bf16_dst_fp32.sum",
              "sm__ops_path_tensor_src_fp16_dst_fp32.sum",
              "sm__ops_path_tensor_src_tf32_dst_fp32.sum", "sm__ops_path_tensor_src_fp8.sum",
              "sm__ops_path_tensor_src_fp64.sum", "sm__ops_path_tensor_src_int8.sum"})
            list.add(name);
    return list;
}

// What Nsight Systems samples on these chips; links and PCIe where the chip has them.
inline MetricList samplingMetrics(const char* chip) {
    MetricList list{};
    const int generation = chipGeneration(chip);
    for (const char* name :
         {"gr__cycles_active.sum.pct_of_peak_sustained_elapsed",
          "sm__cycles_active.avg.pct_of_peak_sustained_elapsed",
          "sm__inst_executed_realtime.avg.pct_of_peak_sustained_elapsed",
          "sm__pipe_tensor_cycles_active_realtime.avg.pct_of_peak_sustained_elapsed",
          "dram__read_throughput.avg.pct_of_peak_sustained_elapsed",
          "dram__write_throughput.avg.pct_of_peak_sustained_elapsed",
          "pcie__read_bytes.avg.pct_of_peak_sustained_elapsed",
          "pcie__write_bytes.avg.pct_of_peak_sustained_elapsed"})
        list.add(name);
    if (generation == 80 || generation >= 90)
        for (const char* name : {"nvlrx__bytes.avg.pct_of_peak_sustained_elapsed",
                                 "nvltx__bytes.avg.pct_of_peak_sustained_elapsed"})
            list.add(name);
    return list;
}

// The trigger by time is there from GA10x on: not on Turing and GA100, where it is by clock cycles.
inline bool samplesByTime(const char* chip) {
    const int generation = chipGeneration(chip);
    return generation != 70 && generation != 75 && generation != 80;
}

inline constexpr const char* kPermissionCure =
    "the driver lets only administrators read counters (RmProfilingAdminOnly in "
    "/proc/driver/nvidia/params): run with "
    "CAP_SYS_ADMIN, or load the module with NVreg_RestrictProfilingToAdminUsers=0";

}  // namespace ridge::agent
