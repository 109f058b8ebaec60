# SPDX-License-Identifier: Apache-2.0
"""Regressions planted one by one, and what `ridge compare` and `ridge run --baseline` say of each: the class, the op, adding up to the difference."""
import json
import math
import os
import re
import shutil
import stat
import unittest

from compare_runs_test import check_sums
from support import BUILD, RIDGE, SANITIZED, WHY_NOT_SANITIZED, Case, main, run

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


def shorter(folder, preload=""):
    """The workloads with a few steps each: a minute of fixed numbers of them proves nothing more. launch has enough short ones as it is."""
    program = folder / ("slow-workloads" if preload else "short-workloads")
    program.write_text(f'''#!/bin/sh
case "$*" in
    *filter=?launch*) ;;
    *filter=?ckpt*) set -- "$@" --benchmark_min_time=0.001 ;;
    *filter=*) set -- "$@" --benchmark_min_time=0.5 ;;
esac
{f'LD_PRELOAD="${{LD_PRELOAD:+$LD_PRELOAD:}}{preload}" ' if preload else ""}exec {WORKLOADS} "$@"
''')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
@unittest.skipUnless(WORKLOADS.exists(), "ridge-workloads was not built")
class Real(Case):
    """Pairs of the reference set in which one thing is different: all in one run, laid into two folders and compared as a person would."""

    PAIRS = {"elementwise/bias_gelu_residual.fused": "elementwise/bias_gelu_residual", "launch/batched": "launch/single", "io.train/prefetch4": "io.train/prefetch0"}
    # Where vectors are narrow (AVX2) the exponentials of GELU take longer than its memory: near neither roof.
    EXPECTED = {"elementwise/bias_gelu_residual": ("memory_wall", "latency_bound"), "launch/single": ("latency_bound", "host", "launch"), "io.train/prefetch0": ("io_input",),
                "comm.overlap/off": ("comm_transfer", "comm_wait", "comm_unsplit")}

    def test_each_pair_is_explained_by_what_is_different_in_it(self):
        pairs = dict(self.PAIRS)
        if shutil.which("mpirun"):
            pairs["comm.overlap/on"] = "comm.overlap/off"
        out = self.folder / "run"
        result = run(RIDGE, "run", *pairs, *pairs.values(), "-q", "--backend", "cpu", "--ceilings-budget", "0.5", "-o", out, timeout=300,
                     env={**os.environ, **MPI, "RIDGE_WORKLOADS": str(shorter(self.folder))})
        self.assertEqual(result.returncode, 0, result.stderr)
        sides = {"fast": list(pairs), "slow": list(pairs.values())}
        for side, names in sides.items():
            (self.folder / side).mkdir()
            for name in names:
                folder = name.replace("/", "__")
                (self.folder / side / folder).symlink_to(out / folder)
            (self.folder / side / "ceilings-before.json").symlink_to(out / "ceilings-before.json")
        named = [word for pair in pairs.items() for word in ("--pair", "=>".join(pair))]
        result = run(RIDGE, "compare", "--timelines", self.folder / "fast", self.folder / "slow", *named, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        comparison = json.loads(result.stdout)
        check_sums(comparison)
        lanes = {}
        for lane in comparison["lanes"]:  # the ranks of one run are several
            self.assertEqual(pairs[lane["workload_a"]], lane["workload_b"])
            if lane["workload_b"] not in lanes or lane["delta_ns"] > lanes[lane["workload_b"]]["delta_ns"]:
                lanes[lane["workload_b"]] = lane
        self.assertEqual(set(lanes), set(pairs.values()))
        explained = 0
        for slow, lane in lanes.items():
            moved = sorted(((c["delta_ns"], c["class"]) for c in lane["classes"]), reverse=True)
            print(f"{lane['workload_a']} -> {slow}: {lane['delta_ns'] / 1e6:+.2f} ms, {moved[0][1]} {moved[0][0] / 1e6:+.2f}; first row {(lane['rows'][0]['b'] or lane['rows'][0]['a'])['name']}")
            if lane["delta_ns"] <= 0:  # others had the processors; Synthetic holds the rule
                continue
            explained += 1
            with self.subTest(slow=slow):
                self.assertIn(moved[0][1], self.EXPECTED[slow])
        if explained == 0:
            self.skipTest("on this busy machine no slow one took longer than its fast one: there is no difference to explain")
        wrong = run(RIDGE, "compare", "--timelines", self.folder / "fast", self.folder / "slow", "--pair", "launch/batched=>nowhere")
        self.assertEqual((wrong.returncode, wrong.stderr.count("\n")), (2, 1), wrong.stderr)
        self.assertIn("B has no workload nowhere", wrong.stderr)


@unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
@unittest.skipUnless(WORKLOADS.exists() and SLOW_DISK.exists(), "ridge-workloads was not built")
class Gate(Case):
    """ridge run --baseline on this machine, now: what is as it was passes, and a slower disk does not. Against five sessions the eight of the baseline can accuse
    what several metrics show together; of one alone the tool says beforehand that it could not."""

    def gate(self, name, *options, code, program=None, workloads=("ckpt.save/sync",)):
        out = self.folder / name
        result = run(RIDGE, "run", *workloads, "--backend", "cpu", "--ceilings-budget", "0.5", "-o", out, *options, timeout=900,
                     env={**os.environ, "RIDGE_WORKLOADS": str(program or shorter(self.folder)), "RIDGE_SLOW_FSYNC_MS": "150"})
        self.assertEqual(result.returncode, code, result.stderr[-2000:] + result.stdout[-3000:])
        return out, result

    def test_the_same_build_passes_and_a_slower_disk_does_not(self):
        base, _ = self.gate("base", "--sessions", "8", code=0, workloads=("ckpt.save/sync", "launch/batched"))
        metrics = {m["name"]: m for b in json.loads((base / "run.json").read_text())["benchmarks"] if b["id"] == "ckpt.save/sync" for m in b["metrics"]}
        self.assertIn("class.io_checkpoint", metrics, "the analyzer's metrics stand beside the workload's")
        self.assertIn("memory_wall_share", metrics)
        # The sessions of one sitting share its moment: only what doubles is told apart here.
        self.gate("same", "--baseline", base, "--min-effect", "100%", code=0, workloads=("launch/batched",))
        same = json.loads((self.folder / "same/verdicts.json").read_text())
        self.assertEqual(same["summary"]["regressed"], 0)
        slow, result = self.gate("slow", "--baseline", base, "--min-effect", "100%", "--junit", self.folder / "j.xml", code=1, program=shorter(self.folder, SLOW_DISK))
        said = re.search(r"8 sessions against 5 cannot accuse one of (\d+) metrics alone, however much it changed: a baseline of (\d+) sessions can", result.stderr)
        self.assertTrue(said, result.stderr)
        judged = sum(m["direction"] != "none" for m in metrics.values())
        self.assertEqual(int(said[1]), judged)
        self.assertEqual(int(said[2]), next(n for n in range(5, 100) if 2 / math.comb(n + 5, 5) <= 0.01 / judged))
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
