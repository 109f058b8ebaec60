# SPDX-License-Identifier: Apache-2.0
"""How the analysis grows: synthetic timelines of 1, 3 and 10 million events, each in processes of their own.

Prints JSON: seconds, CPU seconds, events/s, peak memory and bytes per event of each size, time per event against that of the
smallest (1 is linear), and rows/s of reading tables by pages beside SQLite on the same file.
Usage: analysis_scale.py --build DIR [--events N ...] [--rounds N] [--seed N]
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 3_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    program = arguments.build / "bin" / "timeline_scale"

    def call(*words):
        return json.loads(subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=True).stdout)

    sizes, scan = [], None
    with tempfile.TemporaryDirectory(prefix="ridge-bench-") as scratch:
        files = [pathlib.Path(scratch) / f"{n}.sqlite" for n in arguments.events]
        for file, events in zip(files, arguments.events):
            call("make", file, events, arguments.seed)
        rounds = [[call("run", file) for file in files] for _ in range(arguments.rounds)]  # interleaved
        for i, file in enumerate(files):
            runs = [round[i] for round in rounds]
            seconds = statistics.median(r["load_s"] + r["analysis_s"] for r in runs)
            events = runs[0]["events"]
            peak = statistics.median(r["peak_bytes"] for r in runs)
            sizes.append({"events": events, "file_bytes": file.stat().st_size, "load_s": statistics.median(r["load_s"] for r in runs),
                          "analysis_s": statistics.median(r["analysis_s"] for r in runs),
                          "cpu_s": statistics.median(r["cpu_s"] for r in runs), "seconds": seconds, "events_per_s": events / seconds,
                          "peak_bytes": peak, "bytes_per_event": peak / events, "steps": runs[0]["steps"],
                          "path_steps_left_out": runs[0]["path_steps_left_out"]})
        scan = call("scan", files[0])
    per_event = sizes[0]["seconds"] / sizes[0]["events"]
    for size in sizes:
        size["ratio_to_linear"] = size["seconds"] / size["events"] / per_event
    json.dump({"sizes": sizes, "scan": scan}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
