# SPDX-License-Identifier: Apache-2.0
"""Two ranks under mpirun: only rank 0 reports, the counts agree, a rank's workload of one process is skipped."""
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

    result = run("--benchmark_filter=^(ckpt.restore|comm.allreduce/1MiB)$", ranks=3)
    expect(result.returncode == 77, f"three ranks: exit {result.returncode}")
    expect("needs 2 ranks" in result.stdout and "runs in one process" in result.stdout, result.stdout)
print("passed")
