# SPDX-License-Identifier: Apache-2.0
"""The viewer's part of bench.py: frames, first picture, load, memory and statistics of bench_timeline."""
import json
import os
import pathlib
import subprocess
import sys

SIZES = [1_000_000, 10_000_000, 100_000_000]
QUICK = SIZES[:2]


def measure(build, sizes):
    """One result per size; None where the viewer was not built."""
    program = build / "bin/bench_timeline"
    if not program.exists():
        return None
    results = []
    for slices in sizes:
        print(f"bench: bench_timeline {slices} ...", file=sys.stderr)
        load = os.getloadavg()[0]
        results.append(json.loads(subprocess.run([str(program), str(slices)], stdout=subprocess.PIPE, text=True, check=True).stdout))
        results[-1]["load_average"] = load
    return results


def rows(results):
    """(what, measured, target, met)"""
    if results is None:
        yield ("viewer", "built without Qt", "", None)
        return
    for result in results:
        millions = result["slices"] / 1e6
        load = result.get("load")
        ten = 9e6 < result["slices"] < 11e6  # what targets are set for
        worst = max(result["frames"], key=lambda zoom: zoom["p99_ms"])
        yield (f"viewer, {millions:g} M slices: frame p99, worst of six zooms",
               f"{worst['p99_ms']:.1f} ms (p50 {worst['p50_ms']:.1f}, p95 {worst['p95_ms']:.1f})", "<= 16 ms", worst["p99_ms"] <= 16)
        # Where others take the processor away, the time that a frame takes says more of them than of it.
        busy = result["load_average"] > os.cpu_count()
        cpu = max(zoom["p99_cpu_ms"] for zoom in result["frames"])
        yield ("  its processor time" + (f" (busy machine: load {result['load_average']:.1f} on {os.cpu_count()} CPUs)" if busy else ""),
               f"{cpu:.1f} ms p99, worst of six zooms", "<= 16 ms", cpu <= 16)
        zooms = result["frames"] + result["frames_between"]
        dearest = max(zooms, key=lambda zoom: zoom["p50_cpu_ms"])
        yield ("  dearest of twenty zooms", f"{dearest['p50_cpu_ms']:.1f} ms of processor, p50, with {dearest['share_of_trace']:g} of the trace in view", "", None)
        blocked = sum(zoom["blocked"] for zoom in zooms)
        frames = result["frames_measured"]
        yield ("  waits of a frame", f"{blocked} for a lock, a disk or a thread in {frames} frames; preempted {sum(zoom['preempted'] for zoom in zooms)} times", "", None)
        yield ("  memory", f"{result['bytes_per_slice']:.1f} B a slice, indexes included", "<= 64 B", result["bytes_per_slice"] <= 64)
        if load is None:
            yield ("  load from a file", result["no_file"], "", None)
        else:
            yield from load_rows(load, ten)
        for key, what in (("all", "statistics over everything"), ("tenth", "statistics over a tenth")):
            ours = result["statistics"][key]["ms"]
            query = result["sqlite_group_by"][key] if load else None
            beside = "" if query is None else (f"; GROUP BY in SQLite {query['ms']:.0f} ms = {query['ms'] / ours:.0f} x" if query["ended"] else
                                               f"; GROUP BY in SQLite had not ended after {query['ms']:.0f} ms = more than {query['ms'] / ours:.0f} x")
            yield (f"  {what}", f"{ours:.0f} ms{beside}", "", None)


def load_rows(load, judged):
    yield ("  first picture after opening", f"{load['first_picture_ms']:.0f} ms", "<= 1 s" if judged else "",
           load["first_picture_ms"] <= 1000 if judged else None)
    yield ("  load", f"{load['total_ms'] / 1000:.2f} s = {load['rows_per_s'] / 1e6:.1f} M rows/s", "", None)
    yield ("  loaded from the file", f"{load['bytes_per_slice']:.1f} B a slice (process at its peak {load['peak_bytes_per_slice']:.0f})", "<= 64 B",
           load["bytes_per_slice"] <= 64)
    yield ("  cancelled load ends within", f"{load['cancel']['worst_ms']:.1f} ms, worst of {load['cancel']['moments']}", "<= 100 ms",
           load["cancel"]["worst_ms"] <= 100)
