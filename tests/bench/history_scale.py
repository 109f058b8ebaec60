# SPDX-License-Identifier: Apache-2.0
"""A history of 100,000 results: how long ridge track takes to add a run of 50 metrics and to check it. Prints JSON.

The result of each is checked (the run was added; the planted step is found), so that what is timed is the work itself."""
import argparse
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from verdicts_test import session  # noqa: E402

HEADER = "run_id,session_id,started_at,environment_key,git_sha,branch,tag,benchmark,metric,unit,direction,samples,value"


def when(i):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1700000000 + 3600 * i))


def value(noise, i, runs, metric):
    return (100 + metric) * noise.gauss(1, 0.005) * (1.12 if metric == 0 and i >= runs - 12 else 1)


def new_run(i, runs, metrics, noise):
    document = session(f"run{i}", 1)
    document["run"]["started_at"] = when(i)
    first = document["benchmarks"].pop()
    for m in range(metrics):
        one = json.loads(json.dumps(first))
        one["id"] = one["name"] = f"bench{m}"
        for s in one["metrics"][0]["samples"]:
            s["value"] = value(noise, i, runs, m)
        document["benchmarks"].append(one)
    return document


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ridge", default=str(ROOT / "build/ci/bin/ridge"))
    parser.add_argument("--results", type=int, default=100_000)
    parser.add_argument("--metrics", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    a = parser.parse_args()
    noise, runs = random.Random(1), a.results // a.metrics
    seconds = {}

    def timed(name, *command, codes=(0,)):
        began = time.monotonic()
        result = subprocess.run([a.ridge, "track", *map(str, command)], capture_output=True, text=True)
        seconds.setdefault(name, []).append(time.monotonic() - began)
        if result.returncode not in codes:
            raise SystemExit(f"ridge track {name}: exit code {result.returncode}: {result.stderr}")
        return result.stdout

    with tempfile.TemporaryDirectory(prefix="ridge-history-") as folder:
        folder = pathlib.Path(folder)
        db, csv = folder / "h.sqlite", folder / "all.csv"
        first = new_run(0, runs, 1, noise)
        (folder / "first.json").write_text(json.dumps(first))
        timed("first add", "add", "--db", db, folder / "first.json")  # for the key of the environment
        key = timed("export", "export", "--db", db).splitlines()[1].split(",")[3]
        with csv.open("w") as out:
            out.write(HEADER + "\n")
            for i in range(1, runs):
                for m in range(a.metrics):
                    out.write(f"run{i},run{i},{when(i)},{key},,,,bench{m},time,ns,lower,3,{value(noise, i, runs, m)}\n")
        timed("import", "import", "--db", db, csv)
        for repeat in range(a.repeats):
            path = folder / f"new{repeat}.json"
            path.write_text(json.dumps(new_run(runs + repeat, runs, a.metrics, noise)))
            timed("add", "add", "--db", db, path)
            found = json.loads(timed("check", "check", "--db", db, "--dry-run", "--json", codes=(1,)))
            names = [f["id"] for f in found["findings"] if f["kind"] == "regressed"]
            if names != ["bench0"]:
                raise SystemExit(f"the planted step is bench0; found {names}")
        results = len(timed("export", "export", "--db", db).splitlines()) - 1
    print(json.dumps({"results": results, "runs": runs, **{f"{k}_s": statistics.median(v) for k, v in seconds.items()}, "worst_add_s": max(seconds["add"]), "worst_check_s": max(seconds["check"])}))


if __name__ == "__main__":
    main()
