#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often `ridge ab` accuses one program compared with itself on this machine, and what it says of 5 % more work; beside
Google Benchmark's compare.py on the same samples, and compare.py as it is used: A measured first, then B.

Usage: ab_rates.py --build DIR [--jobs 40] [--more-jobs 20] [--blocks 5] [--rounds N]
compare.py comes with Debian's libbenchmark-tools and needs python3-scipy; without it its columns are empty."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

COMPARE = pathlib.Path("/usr/share/benchmark/compare.py")


def ask_compare(a, b):
    """True when compare.py's U test says that the two differ (its default alpha, 0.05); None when it cannot run."""
    if not COMPARE.exists():
        return None
    out = subprocess.run(["/usr/bin/python3", COMPARE, "--no-color", "benchmarks", a, b], capture_output=True, text=True)
    match = re.search(r"_pvalue\s+([0-9.]+)", out.stdout)
    if not match:
        return None
    return float(match.group(1)) < 0.05


def google(path, values):
    rows = [{"name": "work", "run_name": "work", "run_type": "iteration", "repetitions": len(values), "repetition_index": i, "threads": 1, "iterations": 1, "real_time": v, "cpu_time": v, "time_unit": "ns"}
            for i, v in enumerate(values)]
    path.write_text(json.dumps({"context": {"date": "2026-01-01", "num_cpus": 2, "caches": []}, "benchmarks": rows}))
    return path


def one_after_the_other(command_a, command_b, n):
    sides = []
    for command in (command_a, command_b):
        values = []
        for _ in range(n):
            start = time.monotonic_ns()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            values.append(time.monotonic_ns() - start)
        sides.append(values)
    return sides


def study(name, arguments, jobs, a, b, folder):
    counts = dict(regressed=0, improved=0, unchanged=0, inconclusive=0)
    same, usual, mdes, ratios = [], [], [], []
    for job in range(jobs):
        out = folder / f"{name}{job}"
        result = subprocess.run([arguments.build / "bin/ridge", "ab", "--a", " ".join(a), "--b", " ".join(b), "--blocks", str(arguments.blocks), "-q", "--json", "-o", out], capture_output=True, text=True)
        if result.returncode not in (0, 1):
            sys.exit(result.stderr)
        verdict = json.loads(result.stdout)["results"][0]
        counts[verdict["verdict"]] += 1
        if verdict["verdict"] == "inconclusive":
            mdes.append(verdict["mde_pct"])
        ratios.append(verdict["ratio"])
        values = []
        for side in "ab":
            samples = json.loads((out / side / "run.json").read_text())["benchmarks"][0]["metrics"][0]["samples"]
            values.append([s["value"] for s in samples if s["valid"] and s["block"] < arguments.blocks])
        same.append(ask_compare(google(folder / "a.json", values[0]), google(folder / "b.json", values[1])))
        values = one_after_the_other(a, b, 2 * arguments.blocks)
        usual.append(ask_compare(google(folder / "a.json", values[0]), google(folder / "b.json", values[1])))
        print(f"{name} {job + 1}/{jobs}: {verdict['verdict']} {verdict['ratio']:.4f}; compare.py {same[-1]}, A then B {usual[-1]}", file=sys.stderr)
    mdes.sort()
    ratios.sort()

    def accused(list_):
        known = [x for x in list_ if x is not None]
        return f"{sum(known)} of {len(known)}" if known else "-"
    print(f"| {name} | {jobs} | {counts['regressed']} | {counts['improved']} | {counts['unchanged']} | {counts['inconclusive']}"
          f"{f' (median MDE {mdes[len(mdes) // 2]:.1f} %)' if mdes else ''} | {ratios[len(ratios) // 2]:.3f} | {accused(same)} | {accused(usual)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--more-jobs", type=int, default=20)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20000)
    arguments = parser.parse_args()
    work = str(arguments.build.resolve() / "bin/ab_work")
    base, again, more = [work, str(arguments.rounds)], [work, f"+{arguments.rounds}"], [work, str(round(arguments.rounds * 1.05))]
    print("| program | jobs | regressed | improved | unchanged | inconclusive | median ratio | compare.py, same samples: differs | compare.py, A then B: differs |\n|---|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        # "+N" is N to the program and another command to ridge: the two are not known to be the same.
        study("A against A", arguments, arguments.jobs, base, again, pathlib.Path(folder))
        study("5 % more work", arguments, arguments.more_jobs, base, more, pathlib.Path(folder))


if __name__ == "__main__":
    main()
