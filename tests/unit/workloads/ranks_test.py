# SPDX-License-Identifier: Apache-2.0
"""Two ranks under mpirun: only rank 0 reports, the counts agree, a rank's workload of one process is skipped, parallel training equals serial."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

program = sys.argv[1]
if not shutil.which("mpirun"):
    print("no mpirun here")
    sys.exit(77)
environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def run(*arguments, ranks=2):
    return subprocess.run(["mpirun", "-n", str(ranks), "--oversubscribe", program, *arguments], capture_output=True, text=True,
                          timeout=100, env=environment)


def expect(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


with tempfile.TemporaryDirectory() as folder:
    out = os.path.join(folder, "out.json")
    # An adaptive count and repetitions: both must be followed by the other rank, or this hangs.
    result = run("--benchmark_filter=^comm.allreduce/(64KiB|1MiB)$", "--benchmark_min_time=0.05", "--benchmark_repetitions=2",
                 f"--benchmark_out={out}", "--benchmark_format=csv")
    expect(result.returncode == 0, f"exit {result.returncode}: {result.stdout} {result.stderr}")
    rows = [row for row in json.load(open(out))["benchmarks"] if row["run_type"] == "iteration"]
    expect([row["name"] for row in rows] == ["comm.allreduce/64KiB"] * 2 + ["comm.allreduce/1MiB"] * 2, [row["name"] for row in rows])
    for row in rows:
        expect(row["label"].startswith("check passed: 0 of"), row)
        expect(row["busbw"] > 0 and abs(row["busbw"] / row["algbw"] - 1) < 1e-6, "busbw = algbw for two ranks")
    expect(result.stdout.count("name,iterations") == 1, "both ranks reported")

    # Collectives take any number of ranks; a workload of one process is skipped.
    result = run("--benchmark_filter=^(ckpt.restore|comm.allreduce/1MiB)$", f"--benchmark_out={out}", f"--result={out}.result", ranks=3)
    expect(result.returncode == 0, f"three ranks: exit {result.returncode}: {result.stdout} {result.stderr}")
    expect("runs in one process" in result.stdout, result.stdout)
    row = next(row for row in json.load(open(out))["benchmarks"] if row["name"] == "comm.allreduce/1MiB")
    expect(abs(row["busbw"] / row["algbw"] - 4 / 3) < 1e-6, "busbw = 4/3 algbw for three ranks")
    by_name = {entry["name"]: entry for entry in json.load(open(out + ".result"))["workloads"]}
    expect(by_name["comm.allreduce/1MiB"]["ranks"] == 3, by_name["comm.allreduce/1MiB"]["ranks"])

    # Those that are built for two stay with two.
    result = run("--benchmark_filter=^comm.overlap/on$", ranks=3)
    expect(result.returncode == 77 and "needs 2 ranks" in result.stdout, f"exit {result.returncode}: {result.stdout}")

    # Every operation once, in and out of place where it can.
    result = run("--benchmark_filter=^comm.(allgather|reducescatter|alltoall|broadcast|sendrecv)/(8B|8KiB)$", "--benchmark_min_time=0.01",
                 f"--benchmark_out={out}", ranks=2)
    expect(result.returncode == 0, f"exit {result.returncode}: {result.stdout} {result.stderr}")
    rows = json.load(open(out))["benchmarks"]
    expect(len(rows) == 10, [row["name"] for row in rows])
    for row in rows:
        both = not row["name"].startswith(("comm.broadcast", "comm.sendrecv"))
        factor = 0.5 if both else 1.0
        expect(abs(row["busbw"] / row["algbw"] - factor) < 1e-6, row)
        expect(("in_place_busbw" in row) == both and 0 < row["latency_share"] <= 1, row)

    # Checkpoints of several ranks, and what the fit says.
    result = run("--benchmark_filter=^(ckpt.save/ranks|ckpt.restore/reshard|comm.fit/allgather)$", f"--benchmark_out={out}", ranks=2)
    expect(result.returncode in (0, 77), f"exit {result.returncode}: {result.stdout} {result.stderr}")
    for row in json.load(open(out))["benchmarks"]:
        if row.get("error_occurred"):
            expect(row["error_message"].startswith("skipped: "), row)
        elif row["name"] == "comm.fit/allgather" and "alpha" in row:
            expect(row["alpha_low"] <= row["alpha"] <= row["alpha_high"] and row["beta_low"] <= row["beta"], row)
            expect(abs(row["knee_bytes"] / (row["alpha"] * row["beta"]) - 1) < 1e-6, "knee = alpha * beta")
    # Parallel training proves itself against one rank in double precision before it is timed.
    result = run("--benchmark_filter=^train.dp/", "--benchmark_min_time=0.01", f"--benchmark_out={out}")
    expect(result.returncode == 0, f"exit {result.returncode}: {result.stdout} {result.stderr}")
    rows = [row for row in json.load(open(out))["benchmarks"] if row["run_type"] == "iteration"]
    expect(len(rows) == 4, [row["name"] for row in rows])
    for row in rows:
        expect("losses of 2 ranks against one in double" in row["label"], row)
    # Gradients are averaged over any number of ranks.
    result = run("--benchmark_filter=^train.dp/bucket64KiB$", "--benchmark_min_time=0.01", f"--benchmark_out={out}", ranks=3)
    expect(result.returncode == 0, f"three ranks: exit {result.returncode}: {result.stdout} {result.stderr}")
    row = json.load(open(out))["benchmarks"][0]
    expect("losses of 3 ranks against one in double" in row["label"], row)
    # Three ranks divide what this one shares, but not the small model of its proof.
    result = run("--benchmark_filter=^train.cp/ring$", "--benchmark_min_time=0.01", ranks=3)
    expect(result.returncode == 77 and "skipped: no proof on 3 ranks" in result.stdout, f"exit {result.returncode}: {result.stdout} {result.stderr}")
    # The other strategies have the same life: one that is quick stands for them.
    result = run("--benchmark_filter=^train.tp/plain$", "--benchmark_min_time=0.01", f"--benchmark_out={out}")
    expect(result.returncode == 0, f"exit {result.returncode}: {result.stdout} {result.stderr}")
    row = json.load(open(out))["benchmarks"][0]
    expect("allreduce exact" in row["label"] and "parameters after them" in row["label"], row)
    expect(row["wire_bytes_per_step"] == 2 * 4 * 512 * 512 * 4, row["wire_bytes_per_step"])
print("passed")
