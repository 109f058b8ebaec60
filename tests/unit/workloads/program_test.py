# SPDX-License-Identifier: Apache-2.0
"""ridge-workloads as a user starts it: its JSON, its exit codes, what it leaves behind."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

program, schema_path = sys.argv[1], sys.argv[2]
environment = {k: v for k, v in os.environ.items() if not k.startswith(("BENCHMARK_", "OMPI_", "PMI", "SLURM_", "RANK", "WORLD_"))}


def run(*arguments, **extra):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120,
                          env={**environment, **extra.pop("env", {})}, **extra)


def expect(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def test_usage():
    for arguments in (["--bogus"], ["extra"], ["--benchmark_bogus=1"], ["--benchmark_filter=no.such.workload"], ["--threads=none"],
                      ["--benchmark_repetitions=0", "--benchmark_filter=^gemm/fp32.256$"],
                      ["--benchmark_out=/nonexistent/o.json", "--benchmark_filter=^gemm/fp32.256$"],
                      ["--benchmark_out=/", "--benchmark_filter=^gemm/fp32.256$"]):
        result = run(*arguments)
        expect(result.returncode == 2, f"{arguments}: exit {result.returncode}, wanted 2")
        expect(result.stdout == "" and len(result.stderr.strip().splitlines()) == 1, f"{arguments}: {result.stderr!r}")
    expect(run("--help").returncode == 0, "--help")
    expect(run(env={"OMPI_COMM_WORLD_RANK": "0"}).returncode == 2, "a rank without a size")


def test_threads_are_those_asked_for():
    product = ("--benchmark_filter=^gemm/fp32.256$", "--brief")
    for threads, variables in (("--threads=2", {"OMP_THREAD_LIMIT": "1"}), ("--brief", {"RIDGE_THREADS": "2", "OMP_THREAD_LIMIT": "1"}),
                               ("--brief", {"RIDGE_THREADS": "banana"}), ("--brief", {"RIDGE_THREADS": "-5"})):
        result = run(*product, threads, env=variables)
        expect(result.returncode == 2 and len(result.stderr.strip().splitlines()) == 1, f"{variables}: exit {result.returncode}: {result.stderr}")
    result = run(*product, "--threads=2", env={"OMP_DYNAMIC": "true"})
    expect(result.returncode == 0, f"exit {result.returncode}: {result.stdout} {result.stderr}")
    # The shell of a batch job, which is no rank.
    result = run(*product, env={"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "77"})
    expect(result.returncode == 0, f"exit {result.returncode}: {result.stdout} {result.stderr}")


def test_check_backend(directory):
    expect(run("--check-backend").returncode == 0, "the CPU runs everywhere")
    # A driver that is none: what it finds out, it says in one line.
    subprocess.run(["cc", "-shared", "-x", "c", "/dev/null", "-o", f"{directory}/libcuda.so.1"], check=True)
    result = run("--check-backend", "--backend=cuda", env={"LD_LIBRARY_PATH": directory})
    expect(result.returncode == 77, f"an empty driver: exit {result.returncode}, wanted 77")
    expect(len(result.stderr.strip().splitlines()) == 1, result.stderr)


def test_describe():
    described = json.loads(run("--describe").stdout)
    listed = run("--benchmark_list_tests").stdout.split()
    expect([entry["name"] for entry in described] == listed, "--describe and --benchmark_list_tests differ")
    some = json.loads(run("--describe", "--benchmark_filter=^io.train").stdout)
    expect(some and all(entry["family"] == "io.train" for entry in some), "--describe with a filter")


def test_list():
    described = {entry["name"]: entry for entry in json.loads(run("--describe").stdout)}
    text = run("--list").stdout
    for name, entry in described.items():
        start = text.find(f"\n  {name}\n")
        expect(start >= 0, f"--list lacks {name}")
        block = "\n".join(text[start + 1:].split("\n")[:5])
        expect(f"{entry['expected']['class']} ({entry['expected']['cause']})" in block, f"{name}: no wall in {block!r}")
        for knob, value in entry["params"].items():
            expect(f"{knob} = {value}" in block, f"{name}: no {knob} in {block!r}")
        expect(entry["formula"] and f"{entry['family']}: {entry['formula']}" in text, f"{name}: no formula")


def test_skip():
    result = run("--benchmark_filter=^comm.allreduce/1MiB$", "--benchmark_format=json")
    expect(result.returncode == 77, f"nothing could run: exit {result.returncode}, wanted 77")
    row = json.loads(result.stdout)["benchmarks"][0]
    expect(row["error_message"] == "skipped: needs 2 ranks: start with mpirun -n 2", row)


def test_run(folder):
    out, result_file = os.path.join(folder, "out.json"), os.path.join(folder, "result.json")
    data = os.path.join(folder, "data")
    os.mkdir(data)
    result = run("--benchmark_filter=^ckpt.restore$", f"--benchmark_out={out}", f"--result={result_file}",
                 f"--data-dir={data}", "--benchmark_repetitions=2")
    if result.returncode == 77:
        print("ckpt.restore skipped:", result.stdout)
        return
    expect(result.returncode == 0, f"exit {result.returncode}: {result.stdout} {result.stderr}")
    expect(os.listdir(data) == [], f"left behind: {os.listdir(data)}")
    rows = [row for row in json.load(open(out))["benchmarks"] if row["run_type"] == "iteration"]
    described = json.loads(run("--describe", "--benchmark_filter=^ckpt.restore$").stdout)[0]
    expect(len(rows) == 2 and all(row["name"] == "ckpt.restore" for row in rows), f"names {[row['name'] for row in rows]}")
    expect(all(row["iterations"] == described["steps"] for row in rows), "the fixed number of steps")
    expect(all(row["real_time"] > 0 and row["time_unit"] == "ms" and row["read_bandwidth"] > 0 for row in rows), "times and counters")
    entry = json.load(open(result_file))["workloads"][0]
    expect(entry["check"] == "passed" and len(entry["runs"]) == 2, entry)
    for once in entry["runs"]:
        expect(len(once["step_seconds"]) == described["steps"], "a time for every step")
        expect({"name", "value", "unit", "direction"} <= set(once["metrics"][0]), once["metrics"])


def test_brief():
    name = "launch/batched"
    described = json.loads(run("--describe", f"--benchmark_filter=^{name}$").stdout)[0]
    expect(described["brief_steps"] == described["steps"] // 2, described)
    result = run("--brief", f"--benchmark_filter=^{name}$", "--benchmark_format=json")
    expect(json.loads(result.stdout)["benchmarks"][0]["iterations"] == described["brief_steps"], result.stdout)
    expect(f"{described['brief_steps']} steps" in run("--brief", "--list", f"--benchmark_filter=^{name}$").stdout, "--list says so")


def test_csv():
    # A skipped row first and then one with metrics: Google Benchmark's CSV reporter would abort.
    result = run("--benchmark_filter=^(comm.allreduce/1MiB|ckpt.restore)$", "--benchmark_format=csv")
    expect(result.returncode in (0, 77), f"csv: exit {result.returncode}: {result.stderr}")


def test_signal(folder):
    data = os.path.join(folder, "interrupted")
    os.mkdir(data)
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen([program, "--benchmark_filter=^io.train/prefetch0$", f"--data-dir={data}"], env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            if os.listdir(data):
                break
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(number)
        code = process.wait(timeout=30)
        expect(code == 128 + number, f"{number}: exit {code}")
        expect(os.listdir(data) == [], f"left behind: {os.listdir(data)}")


def test_data_folder_is_for_those_that_need_one(folder):
    # No process makes a folder in /proc, root's neither.
    result = run("--benchmark_filter=^launch/batched$", "--data-dir=/proc")
    expect(result.returncode == 0, f"exit {result.returncode}: {result.stderr}")
    result = run("--benchmark_filter=^ckpt.restore$", "--data-dir=/proc")
    expect(result.returncode == 4 and "/proc" in result.stdout, f"exit {result.returncode}: {result.stdout} {result.stderr}")
    result = run("--benchmark_filter=^launch/batched$", f"--data-dir={folder}/missing")
    expect(result.returncode == 2 and "no such folder" in result.stderr, f"exit {result.returncode}: {result.stderr}")
    # What was never made is not left behind, however the process ends.
    data = os.path.join(folder, "unused")
    os.mkdir(data)
    process = subprocess.Popen([program, "--benchmark_filter=^gemm/fp32.512$", "--benchmark_min_time=60", f"--data-dir={data}"],
                               env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    process.kill()
    process.wait(timeout=30)
    expect(os.listdir(data) == [], f"left behind: {os.listdir(data)}")


def test_a_file_that_may_not_grow_is_an_error(folder):
    data = os.path.join(folder, "limited")
    os.mkdir(data)
    # 10 MB: less than the data set, and than a shard of a checkpoint.
    for name in ("io.train/prefetch0", "ckpt.save/sync"):
        result = subprocess.run(["bash", "-c", 'ulimit -f 10000; exec "$0" "$@"', program, f"--benchmark_filter=^{name}$", f"--data-dir={data}"],
                                capture_output=True, text=True, timeout=120, env=environment)
        expect(result.returncode == 4 and "File too large" in result.stdout, f"{name}: exit {result.returncode}: {result.stdout} {result.stderr}")
        expect(os.listdir(data) == [], f"left behind: {os.listdir(data)}")


def test_ceilings_that_are_ended_leave_no_shared_memory():
    def read(path):  # nothing of a process that has ended
        try:
            return open(path).read()
        except OSError:
            return ""

    def segments():
        return {name for name in os.listdir("/dev/shm") if name.startswith("vader_segment")}

    def children(pid):
        return read(f"/proc/{pid}/task/{pid}/children").split()

    process = subprocess.Popen([program, "--ceilings=/dev/null", "--ceilings-budget=6"], env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ours = set()  # those that its ranks have open
    while process.poll() is None and not ours:
        maps = "".join(read(f"/proc/{rank}/maps") for launcher in children(process.pid) for rank in children(launcher))
        ours = {segment for segment in segments() if segment in maps}
        time.sleep(0.01)
    if not ours:
        print("no MPI loop-back roof here: nothing shared to look for")
        return
    process.send_signal(signal.SIGTERM)
    expect(process.wait(timeout=30) == 128 + signal.SIGTERM, "its exit code")
    for _ in range(500):
        if not ours & segments():
            break
        time.sleep(0.01)
    expect(not ours & segments(), f"left behind: {ours & segments()}")


def test_ceilings(folder):
    file = os.path.join(folder, "ceilings.json")
    result = run(f"--ceilings={file}", "--ceilings-budget=2")
    expect(result.returncode == 0, result.stderr)
    document = json.load(open(file))
    kinds = {roof["kind"] for roof in document["roofs"]}
    expect({"compute", "memory", "dispatch"} <= kinds, f"kinds {kinds}")
    for roof in document["roofs"]:
        expect(roof["min"] <= roof["median"] <= roof["max"], roof)
        best = roof["min"] if roof["unit"] == "s" else roof["max"]
        expect(roof["value"] == best, roof)
        interval = roof["interval"]
        expect(roof["min"] <= interval["low"] <= roof["median"] <= interval["high"] <= roof["max"], roof)
        expect(interval["coverage"] >= 0.95 or (roof["samples"] < 6 and interval["low"] == roof["min"]), roof)
        expect(len(roof["sample_values"]) == len(roof["gap_shares"]) == len(roof["wait_shares"]) == roof["samples"], roof["name"])
        lost = sum(gap + wait > 0.02 for gap, wait in zip(roof["gap_shares"], roof["wait_shares"]))
        expect(abs(lost - roof["flagged"]) <= sum(abs(g + w - 0.02) < 2e-4 for g, w in zip(roof["gap_shares"], roof["wait_shares"])), roof)
        if not roof["name"].startswith(("mpi_loopback", "gpu.")):  # those were timed elsewhere
            expect(roof["clock"]["source"] and roof["clock"]["hz_before"] > 1e8 and roof["clock"]["hz_after"] > 1e8, roof["clock"])
    names = {roof["name"] for roof in document["roofs"]}
    for level in ("L1", "L2", "DRAM"):
        expect({f"{level}.read", f"{level}.copy", f"{level}.triad"} <= names, f"{level}: {sorted(names)}")
    mpi = {"mpi_loopback.latency", "mpi_loopback.bandwidth"}
    expect(mpi <= names or any("MPI loop-back" in note for note in document["notes"]), f"{sorted(names)} {document['notes']}")
    try:
        import jsonschema
    except ImportError:
        print("no python3-jsonschema: the schema was not checked")
        return
    schema = json.load(open(schema_path))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)
    document["roofs"][0]["unit"] = "furlongs"
    expect(list(jsonschema.Draft202012Validator(schema).iter_errors(document)), "the schema lets anything pass")


with tempfile.TemporaryDirectory() as directory:
    test_usage()
    test_threads_are_those_asked_for()
    test_check_backend(directory)
    test_describe()
    test_list()
    test_skip()
    test_run(directory)
    test_brief()
    test_csv()
    test_signal(directory)
    test_data_folder_is_for_those_that_need_one(directory)
    test_a_file_that_may_not_grow_is_an_error(directory)
    test_ceilings_that_are_ended_leave_no_shared_memory()
    test_ceilings(directory)
print("passed")
