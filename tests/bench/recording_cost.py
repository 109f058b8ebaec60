# SPDX-License-Identifier: Apache-2.0
"""What recording costs the reference set: step times recorded and not, in random order, in one run.

Two figures per workload. The bound: events in the timeline x measured ns per event / wall time of the
run, which resolves far below 1 %. The pairs: ratio of mean step times recorded / not, block by block,
with the smallest difference that so many blocks on this machine can tell apart.
Usage: recording_cost.py --build DIR [--blocks N] [--ns-per-event X] [--workload REGEX]; prints JSON.
"""
import argparse
import json
import math
import pathlib
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile


def step_time(result_file):
    rows = [b for b in json.loads(pathlib.Path(result_file).read_text())["benchmarks"]
            if b.get("run_type") == "iteration" and not b.get("error_occurred")]
    if not rows:
        return None
    scale = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
    return sum(b["real_time"] * scale[b["time_unit"]] for b in rows) / len(rows)


def measure(programs, folder, name, recorded):
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    command = [programs / "ridge-workloads", f"--benchmark_filter=^{name}$", f"--benchmark_out={result}",
               "--benchmark_out_format=json"]
    trace = folder / "trace.sqlite"
    if recorded:
        command = [programs / "ridge", "record", "--force", "--trace", "nvtx,io", "-o", trace, "--"] + command
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: exit code {done.returncode}: {done.stderr.strip()[-300:]}")
    events = 0
    if recorded:
        db = sqlite3.connect(trace)
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
        events = sum(db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("NVTX_EVENTS", "OSRT_API") if t in tables)
        span = db.execute("SELECT durationNs FROM RIDGE_RUN").fetchone()[0]
        db.close()
        return step_time(result), events, span
    return step_time(result), 0, 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--ns-per-event", type=float, default=40.0)
    parser.add_argument("--workload", default="")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    programs = arguments.build / "bin"
    described = json.loads(subprocess.run([str(programs / "ridge-workloads"), "--describe"], capture_output=True,
                                          text=True, check=True).stdout)
    chosen = [w["name"] for w in described if "smoke" in w["presets"] and w["ranks"] == 1 and arguments.workload in w["name"]]
    rng = random.Random(arguments.seed)
    rows = []
    with tempfile.TemporaryDirectory(prefix="ridge-bench-") as scratch:
        folder = pathlib.Path(scratch)
        for name in chosen:
            logs, events, span = [], 0, 0
            for _ in range(arguments.blocks):
                order = [False, True]
                rng.shuffle(order)
                times = {}
                for recorded in order:
                    time, n, duration = measure(programs, folder, name, recorded)
                    times[recorded] = time
                    if recorded:
                        events, span = n, duration
                logs.append(math.log(times[True] / times[False]))
            spread = statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else float("nan")
            rows.append({"workload": name, "blocks": arguments.blocks, "ratio_median": math.exp(statistics.median(logs)),
                         "smallest_visible_change": math.exp(2.8 * spread) - 1,
                         "events": events, "run_ns": span,
                         "bound_share": events * arguments.ns_per_event / span if span else None})
            print(f"  {name}: ratio {rows[-1]['ratio_median']:.4f}, events cost at most "
                  f"{100 * (rows[-1]['bound_share'] or 0):.4f} % of the run", file=sys.stderr)
    json.dump({"ns_per_event": arguments.ns_per_event, "workloads": rows}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
