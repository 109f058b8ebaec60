# SPDX-License-Identifier: Apache-2.0
"""Regressions planted one by one, and what `ridge compare` and `ridge run --baseline` say of each: the class, the op, adding up to the difference."""
import json
import os
import shutil
import stat
import unittest

from compare_runs_test import check_sums
from support import BUILD, RIDGE, SANITIZED, SOURCE, WHY_NOT_SANITIZED, Case, main, run

WORKLOADS = BUILD / "bin" / "ridge-workloads"
SLOW_DISK = BUILD / "lib" / "libslow_disk.so"
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def training(gemm=6000, hidden=True, load=1000, small=20, steps=8):
    """A PyTorch profiler's trace: data loading, a product beside an all-reduce, a softmax, small additions. Times in us."""
    events, calls, t = [], [0], 1000.0

    def slice_of(category, name, pid, tid, start, length, **arguments):
        events.append({"ph": "X", "cat": category, "name": name, "pid": pid, "tid": tid, "ts": start, "dur": length, "args": arguments})

    def launch(op, kernel, length, stream, start, host):
        calls[0] += 1
        slice_of("cpu_op", op, 1, 1, host, 8)
        slice_of("cuda_runtime", "cudaLaunchKernel", 1, 1, host + 1, 5, correlation=calls[0])
        slice_of("kernel", kernel, 0, stream, start, length, device=0, stream=stream, correlation=calls[0], grid=[200, 1, 1])

    for step in range(steps):
        began = t
        slice_of("user_annotation", "enumerate(DataLoader)#_MultiProcessingDataLoaderIter.__next__", 1, 1, t, load)
        t += load
        gpu = t + 20
        launch("aten::mm", "sgemm_128x128", gemm, 7, gpu, t)
        reduce_at = gpu + 30 if hidden else gpu + gemm + 2
        launch("nccl:all_reduce", "ncclDevKernel_AllReduce_Sum_f32_RING_LL", 5000, 20, reduce_at, t + 10)
        gpu = gpu + gemm + 2 if hidden else reduce_at + 5002
        launch("aten::softmax", "softmax_warp_forward", 2000, 7, gpu, t + 20)
        gpu += 2002
        host = gpu - 30
        for _ in range(small):
            start = max(gpu, host + 10)
            launch("aten::add", "vectorized_elementwise_kernel<add>", 4, 7, start, host)
            gpu, host = start + 4, host + 12
        slice_of("cuda_runtime", "cudaDeviceSynchronize", 1, 1, host + 3, max(gpu - host - 3, 1) + 5, correlation=0)
        t = max(gpu, host) + 30
        slice_of("user_annotation", f"ProfilerStep#{step}", 1, 1, began, t - began)
        t += 5
    return {"schemaVersion": 1, "deviceProperties": [{"id": 0, "name": "Test GPU"}], "distributedInfo": {"rank": 0, "world_size": 2}, "traceEvents": events}


class Synthetic(Case):
    """Every nanosecond is known, so the answer is exact."""

    def lane(self, **changed):
        paths = []
        for name, trace in (("base", training()), ("new", training(**changed))):
            paths.append(self.folder / f"{name}.json")
            paths[-1].write_text(json.dumps(trace))
        result = run(RIDGE, "compare", *paths, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        comparison = json.loads(result.stdout)
        check_sums(comparison)
        lane, = comparison["lanes"]
        self.text = run(RIDGE, "compare", *paths).stdout
        return lane

    def top(self, lane):
        row = lane["rows"][0]
        return lane["classes"][0]["class"], lane["classes"][0]["delta_ns"], row["class"], row["b"]["name"], row["delta_ns"]

    def test_nothing(self):
        lane = self.lane()
        self.assertEqual(lane["delta_ns"], 0)
        self.assertFalse(any(row["delta_ns"] for row in lane["rows"]))

    def test_a_slower_kernel(self):
        lane = self.lane(gemm=8000)
        self.assertEqual(lane["delta_ns"], 2_000_000)
        self.assertEqual(self.top(lane), ("compute_unknown", 2_000_000, "compute_unknown", "sgemm_128x128", 2_000_000))
        self.assertEqual((lane["rows"][0]["slower_ns"], lane["rows"][0]["oftener_ns"]), (2_000_000, 0))
        self.assertIn("sgemm_128x128", self.text)

    def test_lost_overlap(self):
        lane = self.lane(hidden=False)
        self.assertEqual(self.top(lane), ("comm_unsplit", 5_000_000, "comm_unsplit", "ncclDevKernel_AllReduce_Sum_f32_RING_LL", 5_000_000))
        self.assertEqual(lane["delta_ns"], 5_002_000, "and the gap of 2 us before it")
        self.assertEqual([c["delta_ns"] for c in lane["classes"] if c["class"].startswith("compute")], [0], "no kernel is slower")

    def test_a_slower_disk(self):
        lane = self.lane(load=4000)
        name = "enumerate(DataLoader)#_MultiProcessingDataLoaderIter.__next__"
        self.assertEqual(self.top(lane), ("io_input", 3_000_000, "io_input", name, 3_000_000))
        self.assertEqual(lane["delta_ns"], 3_000_000)

    def test_more_launches(self):
        lane = self.lane(small=220)
        moved = {c["class"]: c["delta_ns"] for c in lane["classes"] if c["delta_ns"]}
        self.assertEqual(moved, {"kernel_gap": 1_600_000, "compute_unknown": 800_000}, "200 times 4 us of work and 8 us between")
        self.assertEqual(lane["delta_ns"], 2_400_000)
        for row in lane["rows"][:2]:
            self.assertIn("add", row["b"]["name"])
            self.assertEqual((row["a"]["count"], row["b"]["count"]), (20, 220))
            self.assertGreater(row["oftener_ns"], 0.8 * row["delta_ns"], "oftener, not slower")
        self.assertEqual(sum(row["delta_ns"] for row in lane["rows"][:2]), 2_400_000)


@unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
@unittest.skipUnless(WORKLOADS.exists(), "ridge-workloads was not built")
class Real(Case):
    """Pairs of the reference set in which one thing is different."""

    def lanes(self, fast, slow):
        for name in (fast, slow):
            result = run(RIDGE, "run", name, "-q", "--backend", "cpu", "--ceilings-budget", "0.5", "-o", self.folder / name.replace("/", "_"), env={**os.environ, **MPI})
            self.assertEqual(result.returncode, 0, result.stderr)
        result = run(RIDGE, "compare", "--timelines", self.folder / fast.replace("/", "_"), self.folder / slow.replace("/", "_"), "--pair", f"{fast}=>{slow}", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        comparison = json.loads(result.stdout)
        check_sums(comparison)
        self.assertGreater(len(comparison["lanes"]), 0)
        if any(lane["delta_ns"] <= 0 for lane in comparison["lanes"]):  # others had the processors; Synthetic holds the rule
            self.skipTest(f"on this busy machine {slow} did not take longer than {fast}: there is no difference to explain")
        for lane in comparison["lanes"]:
            moved = sorted(((c["delta_ns"], c["class"]) for c in lane["classes"]), reverse=True)
            print(f"{fast} -> {slow}: {lane['delta_ns'] / 1e6:+.2f} ms, {moved[0][1]} {moved[0][0] / 1e6:+.2f}; first row {(lane['rows'][0]['b'] or lane['rows'][0]['a'])['name']}")
        return comparison["lanes"]

    def grown(self, lane):
        return max(lane["classes"], key=lambda c: c["delta_ns"])["class"]

    def test_unfused(self):
        lane, = self.lanes("elementwise/fused", "elementwise/unfused")
        self.assertEqual(self.grown(lane), "memory_wall")

    def test_more_launches(self):
        lane, = self.lanes("launch/batched", "launch/single")
        self.assertIn(self.grown(lane), ("latency_bound", "host", "launch"))

    def test_waited_for_input(self):
        lane, = self.lanes("io.train/prefetch4", "io.train/prefetch0")
        self.assertEqual(self.grown(lane), "io_input")

    def test_lost_overlap(self):
        if not shutil.which("mpirun"):
            self.skipTest("no mpirun")
        lanes = self.lanes("comm.overlap/on", "comm.overlap/off")
        self.assertIn(self.grown(max(lanes, key=lambda lane: lane["delta_ns"])), ("comm_transfer", "comm_wait", "comm_unsplit"))


@unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
@unittest.skipUnless(WORKLOADS.exists() and SLOW_DISK.exists(), "ridge-workloads was not built")
class Gate(Case):
    """ridge run --baseline: five sessions against twelve, on this machine, now. (Five against five could accuse no single metric of fourteen.)"""

    def gate(self, name, *options, code, environment=None):
        out = self.folder / name
        result = run(RIDGE, "run", "ckpt.save/sync", "--backend", "cpu", "--ceilings-budget", "0.5", "-o", out, *options, env={**os.environ, **(environment or {})}, timeout=900)
        self.assertEqual(result.returncode, code, result.stderr[-2000:] + result.stdout[-3000:])
        return out, result

    def test_the_same_build_passes_and_a_slower_disk_does_not(self):
        base, _ = self.gate("base", "--sessions", "12", code=0)
        metrics = {m["name"]: m for b in json.loads((base / "run.json").read_text())["benchmarks"] for m in b["metrics"]}
        self.assertIn("class.io_checkpoint", metrics, "the analyzer's metrics stand beside the workload's")
        self.assertIn("memory_wall_share", metrics)
        # The sessions of one sitting share its moment: only what doubles is told apart here.
        self.gate("same", "--baseline", base, "--min-effect", "100%", code=0)
        same = json.loads((self.folder / "same/verdicts.json").read_text())
        self.assertEqual(same["summary"]["regressed"], 0)
        program = self.folder / "ridge-workloads"
        program.write_text(f"#!/bin/sh\nLD_PRELOAD=\"${{LD_PRELOAD:+$LD_PRELOAD:}}{SLOW_DISK}\" exec {WORKLOADS} \"$@\"\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        slow, result = self.gate("slow", "--baseline", base, "--min-effect", "100%", "--junit", self.folder / "j.xml", code=1,
                                 environment={"RIDGE_WORKLOADS": str(program), "RIDGE_SLOW_FSYNC_MS": "300"})
        verdicts = json.loads((slow / "verdicts.json").read_text())
        regressed = {r["metric"] for r in verdicts["results"] if r["verdict"] == "regressed"}
        self.assertIn("step_time", regressed)
        self.assertIn("class.io_checkpoint", regressed, "the wall that moved is judged too")
        why = " ".join(verdicts["why"])
        self.assertIn("checkpoint", why)
        self.assertIn("fsync", why)
        self.assertIn("failure", (self.folder / "j.xml").read_text())
        self.assertIn("Why", result.stdout)


if __name__ == "__main__":
    main()
