# SPDX-License-Identifier: Apache-2.0
"""The viewer's part of bench.py: frames, first picture, load, memory and statistics of bench_timeline."""
import json
import subprocess
import sys


def measure(build, sizes):
    """One result per size; None where the viewer was not built."""
    program = build / "bin/bench_timeline"
    if not program.exists():
        return None
    results = []
    for slices in sizes:
        print(f"bench: bench_timeline {slices} ...", file=sys.stderr)
        results.append(json.loads(subprocess.run([str(program), str(slices)], capture_output=True, text=True, check=True).stdout))
    return results


def rows(results):
    """(what, measured, target, met)"""
    if results is None:
        yield ("viewer", "built without Qt", "", None)
        return
    for result in results:
        millions = result["slices"] / 1e6
        load = result["load"]
        ten = 9e6 < result["slices"] < 11e6  # what targets are set for
        worst = max(result["frames"], key=lambda zoom: zoom["p99_ms"])
        yield (f"viewer, {millions:g} M slices: frame p99, worst of six zooms",
               f"{worst['p99_ms']:.1f} ms (p50 {worst['p50_ms']:.1f}, p95 {worst['p95_ms']:.1f})", "<= 16 ms", worst["p99_ms"] <= 16)
        yield ("  first picture after opening", f"{load['first_picture_ms']:.0f} ms", "<= 1 s" if ten else "",
               load["first_picture_ms"] <= 1000 if ten else None)
        yield ("  load", f"{load['total_ms'] / 1000:.2f} s = {load['rows_per_s'] / 1e6:.1f} M rows/s", "", None)
        yield ("  memory", f"{load['bytes_per_slice']:.1f} B a slice (process at its peak {load['peak_bytes_per_slice']:.0f})", "<= 64 B",
               load["bytes_per_slice"] <= 64)
        yield ("  cancelled load ends within", f"{load['cancel_worst_ms']:.1f} ms, worst of seven", "<= 100 ms", load["cancel_worst_ms"] <= 100)
        for key, what in (("all", "statistics over everything"), ("tenth", "statistics over a tenth")):
            ours, sqlite = result["statistics"][key]["ms"], result["sqlite_group_by"][f"{key}_ms"]
            yield (f"  {what}", f"{ours:.0f} ms; GROUP BY in SQLite {sqlite:.0f} ms = {sqlite / ours:.0f} x", "", None)
