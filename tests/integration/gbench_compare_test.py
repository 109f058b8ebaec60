# SPDX-License-Identifier: Apache-2.0
"""Google Benchmark's own compare.py reads what ridge-workloads writes: names, times, a skipped row, and a change that
is there."""
import copy
import json
import os
import re
import subprocess
import sys
import tempfile

COMPARE = "/usr/share/benchmark/compare.py"
PROGRAM = os.path.join(os.environ["RIDGE_BUILD_DIR"], "bin", "ridge-workloads")
FILTER = "^(launch/batched|comm.allreduce/8B)$"  # the second needs two ranks: a row that was skipped


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def expect(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


if not os.path.exists(COMPARE):
    skip(f"{COMPARE} is not there; scripts/setup --test installs libbenchmark-tools")
if subprocess.run(["/usr/bin/python3", "-c", "import numpy, scipy"], capture_output=True).returncode != 0:
    skip("compare.py needs python3-numpy and python3-scipy; scripts/setup --test installs them")


def compare(*arguments):
    result = subprocess.run(["/usr/bin/python3", COMPARE, "--no-color", *arguments], capture_output=True, text=True, timeout=120)
    expect(result.returncode == 0, f"compare.py {arguments}: exit {result.returncode}: {result.stderr}")
    return result.stdout


def changes(text, name):
    """The relative change of the real time in every row of that name."""
    return [float(m[1]) for m in re.finditer(rf"^{re.escape(name)}\s+([+-]\d+\.\d+)\s+[+-]", text, re.MULTILINE)]


with tempfile.TemporaryDirectory() as folder:
    first, slower = os.path.join(folder, "first.json"), os.path.join(folder, "slower.json")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("BENCHMARK_", "OMPI_", "PMI", "SLURM_"))}
    ran = subprocess.run([PROGRAM, f"--benchmark_filter={FILTER}", "--benchmark_repetitions=3", f"--benchmark_out={first}"],
                         capture_output=True, text=True, timeout=120, env=environment)
    expect(ran.returncode == 0, f"ridge-workloads: exit {ran.returncode}: {ran.stdout} {ran.stderr}")
    document = json.load(open(first))
    twice = copy.deepcopy(document)
    for row in twice["benchmarks"]:
        if row["name"].startswith("launch/batched"):
            row["real_time"] *= 2
    json.dump(twice, open(slower, "w"))

    same = compare("benchmarks", first, first)
    for name in ("launch/batched", "comm.allreduce/8B", "launch/batched_median"):
        found = changes(same, name)
        expect(found and all(change == 0 for change in found), f"{name} against itself: {found}\n{same}")
    expect(len(changes(same, "launch/batched")) == 3, f"three repetitions:\n{same}")
    expect("launch/batched_pvalue" in same, f"no U test over the repetitions:\n{same}")

    doubled = compare("benchmarks", first, slower)
    found = changes(doubled, "launch/batched")
    expect(len(found) == 3 and all(abs(change - 1) < 1e-3 for change in found), f"twice the time: {found}\n{doubled}")

    # One family against another in one file, compare.py's other way of asking.
    filtered = compare("filters", first, "launch/batched", "launch/batched")
    expect(re.search(r"\[launch/batched vs\. launch/batched\]\s+\+0\.0000", filtered), filtered)
print("passed")
