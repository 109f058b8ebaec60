# SPDX-License-Identifier: Apache-2.0
"""What recording costs the reference set: step times recorded and not, in random order, in one run.

Two figures per workload. The bound: events in the timeline x measured ns per event / wall time of the
run, which resolves far below 1 %; the ns are those of nvtx_cost.py, measured in the same run. The pairs:
ratio of mean step times recorded / not, block by block, with the smallest difference that so many blocks
on this machine can tell apart (80 % power, 5 % level). Prints JSON; progress goes to stderr.
"""
import argparse
import json
import math
import pathlib
import random
import re
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
    pattern = re.sub(r"([][\\.*+?^${}()|])", r"\\\1", name)  # names are paths with ':' and ',', not patterns
    command = [programs / "ridge-workloads", f"--benchmark_filter=^{pattern}$", f"--benchmark_out={result}",
               "--benchmark_out_format=json"]
    trace = folder / "trace.sqlite"
    if recorded:
        command = [programs / "ridge", "record", "--force", "--trace", "nvtx,io", "-o", trace, "--"] + command
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: exit code {done.returncode}: {done.stderr.strip()[-300:]}")
    time = step_time(result) if result.exists() else None
    if time is None:
        raise RuntimeError(f"{name}: no result: {done.stderr.strip()[-300:]}")
    if not recorded:
        return time, {}, 0
    db = sqlite3.connect(trace)
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
    events = {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] if t in tables else 0
              for t in ("NVTX_EVENTS", "OSRT_API")}
    span = db.execute("SELECT durationNs FROM RIDGE_RUN").fetchone()[0]
    lost = db.execute("SELECT sum(count) FROM RIDGE_LOSS").fetchone()[0] if "RIDGE_LOSS" in tables else 0
    db.close()
    if lost:
        raise RuntimeError(f"{name}: {lost} records were lost")
    return time, events, span


def measured_costs(build):
    """ns that an event adds: a range with a work payload, and a call on a file."""
    script = pathlib.Path(__file__).with_name("nvtx_cost.py")
    done = subprocess.run([sys.executable, str(script), str(build), "--runs", "3", "--rounds", "50"],
                          capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        sys.exit(f"recording_cost.py: {done.stderr.strip()}")
    costs = json.loads(done.stdout)
    return {"NVTX_EVENTS": costs["agent_work_ns"], "OSRT_API": costs["io_pread1_added_ns"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--blocks", type=int, default=5, help="pairs of runs per workload (at least 2)")
    parser.add_argument("--workload", default="", help="regular expression; only names that it is found in")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.blocks < 2:
        parser.error("--blocks: a spread needs two blocks at least")
    programs = arguments.build / "bin"
    costs = measured_costs(arguments.build)
    described = json.loads(subprocess.run([str(programs / "ridge-workloads"), "--describe"], capture_output=True,
                                          text=True, check=True).stdout)
    chosen = [w["name"] for w in described if "smoke" in w["presets"] and w["ranks"] == 1 and re.search(arguments.workload, w["name"])]
    if not chosen:
        sys.exit("recording_cost.py: no workload of the smoke set has that in its name")
    rng = random.Random(arguments.seed)
    rows = []
    with tempfile.TemporaryDirectory(prefix="ridge-bench-") as scratch:
        folder = pathlib.Path(scratch)
        for name in chosen:
            logs, events, span = [], {}, 0
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
            spread = statistics.stdev(logs) / math.sqrt(len(logs))
            added = sum(events[table] * costs[table] for table in events)
            rows.append({"workload": name, "blocks": arguments.blocks, "ratio_median": math.exp(statistics.median(logs)),
                         "smallest_visible_change": math.exp(2.8 * spread) - 1,
                         "events": events, "run_ns": span, "bound_share": added / span if span else None})
            print(f"  {name}: ratio {rows[-1]['ratio_median']:.4f}, events cost at most "
                  f"{100 * (rows[-1]['bound_share'] or 0):.4f} % of the run", file=sys.stderr)
    json.dump({"ns_per_event": costs, "workloads": rows}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
