# SPDX-License-Identifier: Apache-2.0
"""`ridge analyze` on other tools' files and on what is no trace at all; every report against its schema."""
import gzip
import json
import os
import pathlib
import sqlite3
import subprocess
import unittest

from support import RIDGE, SOURCE, Case, main, record, run

TRACES = SOURCE.parent / "shared/traces"

try:
    import jsonschema
except ImportError:
    jsonschema = None


def validate(report):
    schema = json.loads((SOURCE / "schemas/json/report-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(report)


def partition_errors(report):
    """Steps whose classes do not add up to their wall time, exactly."""
    return [s for s in report["steps"] if sum(s["classes"].values()) != s["end_ns"] - s["start_ns"]]


@unittest.skipUnless(TRACES.is_dir(), f"no folder of other tools' traces at {TRACES}")
class NsightSystems(Case):
    def test_each_export_matches_its_expected_values(self):
        checked = 0
        for packed in sorted((TRACES / "nsys").glob("*.sqlite.gz")):
            name = packed.name.removesuffix(".gz")
            trace = self.folder / name
            trace.write_bytes(gzip.decompress(packed.read_bytes()))
            before = trace.read_bytes()
            expected = json.loads((TRACES / "expected" / (packed.name.removesuffix(".sqlite.gz") + ".json")).read_text())
            result = run(RIDGE, "analyze", trace, "--json")
            self.assertEqual(result.returncode, 0, f"{name}: {result.stderr}")
            self.assertEqual(trace.read_bytes(), before, "the input is not touched")
            report = json.loads(result.stdout)
            if jsonschema:
                validate(report)
            self.assertEqual(partition_errors(report), [])
            devices = {str(d["id"]): d for d in report["devices"] if d["kind"] == "gpu"}
            self.assertEqual(set(devices), set(expected["devices"]), name)
            for key, want in expected["devices"].items():
                have = devices[key]
                self.assertEqual(
                    {"span_ns": have["span_ns"], "busy_ns": have["busy_ns"], "compute_ns": have["compute_ns"],
                     "comm_ns": have["comm_ns"], "mem_ns": have["copy_ns"],
                     "comm_compute_overlap_ns": have["overlap_ns"], "exposed_comm_ns": have["exposed_comm_ns"],
                     "exposed_mem_ns": have["exposed_copy_ns"], "idle_ns": have["idle_ns"]},
                    {"exposed_comm_ns": want["exclusive"]["exposed_comm_ns"],
                     "exposed_mem_ns": want["exclusive"]["exposed_mem_ns"],
                     "idle_ns": want["exclusive"]["idle_ns"],
                     **{k: want[k] for k in ("span_ns", "busy_ns", "compute_ns", "comm_ns", "mem_ns",
                                             "comm_compute_overlap_ns")}}, f"{name} device {key}")
                checked += 1
        self.assertGreaterEqual(checked, 5)
        print(f"{checked} devices equal to the nanosecond")


def kineto(*events, **members):
    return json.dumps({"schemaVersion": 1, **members, "traceEvents": list(events)})


def steps(count=8, pid=500):
    """A kernel and its launch per step."""
    events = []
    for i in range(count):
        t = 1_000_000 + i * 1000
        events += [{"ph": "X", "cat": "user_annotation", "name": f"ProfilerStep#{i}", "pid": pid, "tid": 1, "ts": t, "dur": 1000},
                   {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": pid, "tid": 1, "ts": t + 10, "dur": 5,
                    "args": {"correlation": i + 1}},
                   {"ph": "X", "cat": "kernel", "name": "gemm", "pid": 0, "tid": 7, "ts": t + 20, "dur": 400,
                    "args": {"device": 0, "stream": 7, "correlation": i + 1}}]
    return events


class OneClearLine(Case):
    """What cannot be done, or was not looked at, is said in one line that a person can read."""

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def line(self, code, *arguments):
        result = run(RIDGE, *arguments, timeout=60)
        self.assertEqual(result.returncode, code, result.stderr)
        lines = result.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        for raw in ("json.exception", ".part", "; ;", "; 1 ", "()"):
            self.assertNotIn(raw, lines[0])
        return lines[0]

    def test_a_trace_without_events_is_not_imported(self):
        out = self.folder / "out.sqlite"
        for name, text in (("none.json", kineto()), ("meta.json", kineto({"ph": "M", "name": "process_name", "pid": 1, "args": {}})),
                           ("broken.json", '[["x"]]')):
            self.assertIn("nothing was written", self.line(2, "import", "kineto", self.write(name, text), "-o", out))
            self.assertFalse(out.exists())

    def test_the_name_of_an_unfinished_file_is_nobodys_business(self):
        trace = self.write("t.json", kineto(*steps()))
        self.assertIn("/proc/nowhere/out.sqlite", self.line(2, "import", "kineto", trace, "-o", "/proc/nowhere/out.sqlite"))

    def test_options_that_say_nothing_are_told(self):
        trace = self.write("t.json", kineto(*steps()))
        self.assertIn("--step", self.line(2, "analyze", "--step", "", trace))
        roofs = self.write("roofs.json", '{"roofs": []}')
        self.assertIn("lists no roof", self.line(0, "analyze", "--ceilings", roofs, trace))
        other = self.write("u.json", kineto(*steps()))
        self.assertIn("--pair", self.line(0, "compare", trace, other, "--pair", "a=>b"))
        self.assertIn("--warmup 99", run(RIDGE, "compare", "--warmup", "99", trace, other).stderr)

    def test_a_broken_trace_is_told_in_a_sentence(self):
        self.assertIn("an event is expected", self.line(3, "analyze", self.write("t.json", '[["x"]]')))

    def test_a_damaged_summary_is_told_without_the_librarys_mark(self):
        trace, summary = self.write("t.json", kineto(*steps())), self.folder / "s.json"
        self.assertEqual(run(RIDGE, "analyze", trace, "--summary", summary, "-q").returncode, 0)
        good = json.loads(summary.read_text())
        for change in ({"kind": 7}, {"ranks": [{}]}, {"gate": 1}):
            self.assertIn("damaged", self.line(2, "analyze", "--merge", self.write("bad.json", json.dumps({**good, **change}))))

    def test_a_trace_that_says_no_schema_has_no_empty_one(self):
        trace = self.write("t.json", json.dumps(steps()))
        self.assertNotIn("schema ,", run(RIDGE, "analyze", trace).stdout)

    def test_two_formats_at_once_are_refused(self):
        trace = self.folder / "t.sqlite"
        self.assertEqual(run(RIDGE, "import", "kineto", self.write("t.json", kineto(*steps())), "-o", trace).returncode, 0)
        self.assertIn("two formats", self.line(2, "stats", "cuda_gpu_kern_sum", trace, "--json", "--format", "csv"))

    def test_stats_says_what_is_a_view(self):
        trace = self.folder / "t.sqlite"
        self.assertEqual(run(RIDGE, "import", "kineto", self.write("t.json", kineto(*steps())), "-o", trace).returncode, 0)
        with sqlite3.connect(trace) as db:
            for (view,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
                db.execute(f"DROP VIEW {view}")
            db.executescript("ALTER TABLE CUPTI_ACTIVITY_KIND_KERNEL RENAME TO k; CREATE VIEW CUPTI_ACTIVITY_KIND_KERNEL AS SELECT * FROM k")
        for options in ([], ["--format", "csv"]):
            result = run(RIDGE, "stats", "cuda_gpu_kern_sum", trace, *options)
            self.assertIn("CUPTI_ACTIVITY_KIND_KERNEL is a view", result.stdout + result.stderr)

    def test_traces_of_two_tools_are_refused(self):
        trace = self.folder / "t.sqlite"
        self.assertEqual(run(RIDGE, "import", "kineto", self.write("t.json", kineto(*steps())), "-o", trace).returncode, 0)
        self.assertIn("different tools", self.line(2, "analyze", trace, self.write("u.json", kineto(*steps()))))

    def test_kernels_without_an_end_give_no_verdict(self):
        trace = self.folder / "t.sqlite"
        self.assertEqual(run(RIDGE, "import", "kineto", self.write("t.json", kineto(*steps())), "-o", trace).returncode, 0)
        with sqlite3.connect(trace) as db:
            for (view,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
                db.execute(f"DROP VIEW {view}")
            db.executescript("CREATE TABLE k AS SELECT * FROM CUPTI_ACTIVITY_KIND_KERNEL; DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL; "
                             "ALTER TABLE k DROP COLUMN end; ALTER TABLE k RENAME TO CUPTI_ACTIVITY_KIND_KERNEL")
        self.assertIn("no verdict", self.line(3, "analyze", trace))


class Hostile(Case):
    def one_line(self, code, *arguments):
        result = run(RIDGE, *arguments, timeout=60)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        return result.stderr

    def test_what_is_no_trace_gives_one_line_and_code_2(self):
        (self.folder / "text").write_text("hello " * 1000)
        (self.folder / "empty").write_bytes(b"")
        other = self.folder / "other.sqlite"
        with sqlite3.connect(other) as db:
            db.execute("CREATE TABLE people(name TEXT)")
        for bad in ("text", "empty", "missing", ".", "other.sqlite"):
            self.one_line(2, "analyze", self.folder / bad)
        self.one_line(2, "analyze")
        self.one_line(2, "analyze", "--no-such-option", other)
        self.one_line(2, "frobnicate")

    def make_trace(self):
        result = record(self.trace, ["sh", "-c", "echo hi"], "--trace", "nvtx,io")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_truncated_and_damaged_files_never_crash_it(self):
        self.make_trace()
        whole = self.trace.read_bytes()
        for i in range(1, 12):
            cut = self.folder / f"cut{i}.sqlite"
            cut.write_bytes(whole[: len(whole) * i // 12])
            self.assertIn(run(RIDGE, "analyze", cut, timeout=60).returncode, (0, 2, 3))
        for i in range(40):
            damaged = bytearray(whole)
            for j in range(20):
                damaged[(i * 7919 + j * 104729) % len(damaged)] ^= 0xFF
            path = self.folder / "damaged.sqlite"
            path.write_bytes(damaged)
            self.assertIn(run(RIDGE, "analyze", path, timeout=60).returncode, (0, 2, 3))

    def test_an_existing_output_is_not_overwritten(self):
        self.make_trace()
        before = self.trace.read_bytes()
        self.one_line(2, "record", "-o", self.trace, "--", "true")
        self.assertEqual(self.trace.read_bytes(), before)
        self.assertEqual(run(RIDGE, "record", "--force", "-o", self.trace, "--", "true").returncode, 0)

    def test_a_folder_that_cannot_be_written(self):
        code = record("/proc/nowhere/t.sqlite", ["true"])
        self.assertEqual(code.returncode, 4 if code.returncode == 4 else 2, code.stderr)
        self.assertEqual(len(code.stderr.strip().splitlines()), 1, code.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_a_full_disk_keeps_the_program_unharmed_and_says_so(self):
        small = self.folder / "small"
        small.mkdir()
        if run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small).returncode != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(run, "umount", "-l", small)
        counter = self.folder / "counter"
        program = pathlib.Path(os.environ["RIDGE_BUILD_DIR"]) / "bin/counting_ranges"
        result = record(small / "t.sqlite", [program, counter, "200000"])
        self.assertEqual(counter.read_bytes()[:8], (200000).to_bytes(8, "little"), "the program ran to its end")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        self.assertIn("space", result.stderr)


if __name__ == "__main__":
    main()
