# SPDX-License-Identifier: Apache-2.0
"""`ridge ab`, `ridge compare` on runs, `ridge track` and `ridge export`, from outside: verdicts, exit codes, what is left behind, documents against their schemas."""
import json
import os
import signal
import subprocess
import time
import unittest
import xml.etree.ElementTree

from support import RIDGE, SOURCE, Case, main, run

try:
    import jsonschema
except ImportError:
    jsonschema = None


def validate(document, schema):
    if jsonschema:
        jsonschema.Draft202012Validator(json.loads((SOURCE / f"schemas/json/{schema}").read_text())).validate(document)


def printing(low, high, extra=""):
    """A command that prints a number of this range."""
    return f"/usr/bin/python3 -S -c \"import random; print('took', random.uniform({low}, {high}), 'ms')\"{extra}"


METRIC = ("--metric", "regex:took ([0-9.]+) ms")


def session(identity, value, environment=None, benchmark="step", unit="ns", direction="lower", status="ok"):
    samples = [{"value": value * (1 + 0.001 * i), "process": i, "block": 0, "slot": i, "t_ns": 1, "iterations": 1, "valid": True, "cause": None} for i in range(3)]
    nothing = dict.fromkeys(["n"], 0) | dict.fromkeys(["median", "mean", "stddev", "mad", "min", "max", "p05", "p95", "cv", "ci_low", "ci_high", "ci_level"])
    subject = dict.fromkeys(["git_sha", "git_dirty", "branch", "commit_time", "binary_sha256", "code_sha256", "compiler", "compiler_version", "flags", "build_type", "cuda_arch"])
    return {"schema_version": 1,
            "run": {"id": identity, "session_id": identity, "started_at": "2026-01-05T10:00:00Z", "ended_at": "2026-01-05T10:01:00Z",
                    "tool": {"name": "ridge", "version": "0", "git_sha": None}, "argv": [], "seed": None, "ci": None},
            "subject": subject, "environment": {"key": "0" * 64, "key_fields": environment or {"cpu.model": "x"}, "recorded": {}, "volatile": {}},
            "benchmarks": [{"id": benchmark, "suite": "t", "name": benchmark, "params": {}, "status": status, "reason": "broke" if status != "ok" else None,
                            "metrics": [{"name": "time", "unit": unit, "direction": direction, "clock": "wall", "samples": samples, "stats": nothing}] if status == "ok" else []}],
            "warnings": [], "labels": {}}


class Verdicts(Case):
    def one_line(self, code, *arguments, words=""):
        result = run(RIDGE, *arguments, timeout=60)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        self.assertIn(words, result.stderr)
        return result.stderr


class Ab(Verdicts):
    def ab(self, a, b, *options, code=0, metric=METRIC):
        result = run(RIDGE, "ab", "--a", a, "--b", b, *metric, "--seed", "1", "-q", "--json", *options, timeout=110)
        self.assertEqual(result.returncode, code, result.stderr + result.stdout)
        document = json.loads(result.stdout)
        validate(document, "verdicts-1.json")
        return document

    def test_a_regression_is_found_and_confirmed(self):
        out = self.folder / "out"
        junit, markdown, html = self.folder / "j.xml", self.folder / "m.md", self.folder / "h.html"
        document = self.ab(printing(100, 103), printing(120, 123), "-o", out, "--junit", junit, "--markdown", markdown, "--html", html, code=1)
        result = document["results"][0]
        self.assertEqual((result["verdict"], result["confirmed"]), ("regressed", True))
        self.assertAlmostEqual(result["ratio"], 1.2, delta=0.02)
        self.assertLess(result["ci_low"], result["ratio"])
        self.assertLess(result["p"], 1e-6)
        self.assertEqual(result["n_candidate"], 20, "of the ten fresh blocks")
        self.assertEqual(document["method"]["seed"], 1)
        for side in "ab":
            samples_of = json.loads((out / side / "run.json").read_text())
            validate(samples_of, "run-1.json")
            samples = samples_of["benchmarks"][0]["metrics"][0]["samples"]
            self.assertEqual(len(samples), 30, "5 blocks and 10 to confirm, 2 runs each")
            self.assertEqual({sum(s["block"] == b for s in samples) for b in range(15)}, {2})
            self.assertTrue(all(s["valid"] and s["preempted_ns"] >= 0 for s in samples))
        tree = xml.etree.ElementTree.parse(junit).getroot()
        self.assertEqual((tree.get("tests"), tree.get("failures")), ("1", "1"))
        self.assertEqual(tree.find(".//failure").get("type"), "regression")
        self.assertIn("**regressed**", markdown.read_text())
        self.assertIn("<svg", html.read_text())
        self.assertNotIn("<script", html.read_text())
        self.assertEqual(run(RIDGE, "compare", out / "a", out / "b", "-q").returncode, 0, "one session a side decides nothing")

    def test_higher_is_better_turns_it_round(self):
        document = self.ab(printing(100, 103), printing(120, 123), "--higher-is-better", code=0)
        self.assertEqual(document["results"][0]["verdict"], "improved")
        self.assertAlmostEqual(document["results"][0]["ratio"], 1.2, delta=0.02)

    def test_the_same_command_is_not_accused(self):
        document = self.ab(printing(100, 110), printing(100, 110), "--min-effect", "0.05")
        self.assertEqual(document["summary"]["regressed"] + document["summary"]["improved"], 0)
        self.assertEqual(document["results"][0]["reason"] or "", document["results"][0]["reason"] or "")

    def test_noise_is_inconclusive_and_says_what_could_be_seen(self):
        a, b = printing(50, 150), printing(50, 151)
        # With three blocks two-sided p is 0.9 % at the least; an alpha below that accuses nobody, whatever is drawn.
        document = self.ab(a, b, "--blocks", "3", "--no-confirm", "--alpha", "0.001", "--fail-on", "inconclusive", code=3)
        result = document["results"][0]
        self.assertEqual(result["verdict"], "inconclusive")
        self.assertGreater(result["mde_pct"], 5)

    def test_the_seed_gives_the_order(self):
        orders = []
        for name in ("x", "y"):
            out = self.folder / name
            self.ab(printing(1, 2), printing(1, 2.001), "--blocks", "3", "--no-confirm", "-o", out)
            slots = []
            for side in "ab":
                for s in json.loads((out / side / "run.json").read_text())["benchmarks"][0]["metrics"][0]["samples"]:
                    slots.append((s["block"], s["slot"], side))
            orders.append(sorted(slots))
        self.assertEqual(*orders)

    def test_a_slot_that_fails_is_measured_again_with_its_block(self):
        counter = self.folder / "n"
        flaky = f"n=$(cat {counter} 2>/dev/null || echo 0); n=$((n + 1)); echo $n > {counter}; [ $n -ne 4 ] && " + printing(100, 101)
        out = self.folder / "out"
        document = self.ab(flaky, printing(100, 101.5), "--blocks", "3", "--no-confirm", "-o", out)
        self.assertIn("measured again", " ".join(document["notes"]))
        samples = json.loads((out / "a/run.json").read_text())["benchmarks"][0]["metrics"][0]["samples"]
        bad = [s for s in samples if not s["valid"]]
        self.assertIn("exit code 1", [s["cause"] for s in bad])
        self.assertEqual(sum(s["valid"] for s in samples), 6)

    def test_a_command_that_always_fails_is_4(self):
        self.one_line(4, "ab", "--a", "true", "--b", "echo broken >&2; exit 3", words="broken")
        once = self.folder / "once"
        out = self.folder / "out"
        message = self.one_line(4, "ab", "--a", f"test ! -e {once} && touch {once}", "--b", "true", "-q", "-o", out, words="failed in block 1 and in 3 repetitions")
        self.assertIn("exit code 1", message)
        samples = json.loads((out / "a/run.json").read_text())["benchmarks"][0]["metrics"][0]["samples"]
        self.assertTrue(samples and not any(s["valid"] for s in samples), "what there is was written")
        self.one_line(4, "ab", "--a", "echo nothing", "--b", "echo nothing", *METRIC, words="regex")
        self.one_line(4, "ab", "--a", "sleep 5", "--b", "true", "--timeout", "0.2", words="timeout")

    def test_a_signal_ends_it_with_what_there_is(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            out = self.folder / f"out{code}"
            mark = f"61{code}.5"
            process = subprocess.Popen([RIDGE, "ab", "--a", "sleep 0.05", "--b", f"test -e {out}.on && sleep {mark}; true", "-o", out], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            time.sleep(1.5)
            (self.folder / f"out{code}.on").touch()
            deadline = time.time() + 20
            while time.time() < deadline and not self.running(mark):
                time.sleep(0.05)
            self.assertTrue(self.running(mark))
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=30), code, process.stderr.read())
            process.stdout.close(), process.stderr.close()
            self.assertFalse(self.running(mark), "its child is gone")
            self.assertTrue(json.loads((out / "verdicts.json").read_text())["summary"]["interrupted"])
            validate(json.loads((out / "a/run.json").read_text()), "run-1.json")

    @staticmethod
    def running(mark):
        return subprocess.run(["pgrep", "-f", f"^sleep {mark}"], capture_output=True).returncode == 0

    def test_google_benchmarks_json(self):
        def command(ns, extra=""):
            rows = [{"name": n, "run_name": n, "run_type": "iteration", "iterations": 10, "real_time": v, "cpu_time": v, "time_unit": "us", **e}
                    for n, v, e in (("BM_x/8", ns, {"items_per_second": 1e9 / ns}), ("BM_x/8", ns * 1.01, {"items_per_second": 1e9 / ns}), ("BM_y", 5, {}))]
            path = self.folder / f"gb{ns}.json"
            path.write_text(json.dumps({"context": {"num_cpus": 2}, "benchmarks": rows}))
            return f"cat {path}"
        document = self.ab(command(100), command(130), "--no-confirm", metric=("--metric", "gbench:*"), code=1)
        self.assertEqual([(r["id"], r["verdict"]) for r in document["results"]], [("BM_x/8", "regressed"), ("BM_y", "unchanged")])
        self.assertEqual(document["results"][0]["unit"], "ns")
        self.assertAlmostEqual(document["results"][0]["baseline"], 100.5e3)
        document = self.ab(command(100), command(130), "--no-confirm", metric=("--metric", "gbench:BM_x/8@items_per_second"), code=1)
        self.assertAlmostEqual(document["results"][0]["ratio"], 1 / 1.3, places=6)

    def test_usage(self):
        ok = ["ab", "--a", "true", "--b", "true"]
        for wrong in (["--blocks", "2"], ["--metric", "speed"], ["--metric", "regex:("], ["--min-effect", "0"], ["--min-effect", "5 percent"], ["--alpha", "nan"],
                      ["--higher-is-better"], ["--json", "x", "--markdown", "x"], ["--fail-on", "anything"]):
            self.one_line(2, *ok, *wrong)
        self.one_line(2, "ab", "--a", "true")
        self.one_line(2, "ab", "--a", " ", "--b", "true")
        there = self.folder / "there"
        there.touch()
        self.one_line(2, *ok, "--markdown", there, words="--force")


class Compare(Verdicts):
    def sessions(self, name, values, **options):
        folder = self.folder / name
        for i, value in enumerate(values):
            (folder / f"s{i}").mkdir(parents=True)
            document = session(f"{name}-{i}", value, **options)
            validate(document, "run-1.json")
            (folder / f"s{i}/run.json").write_text(json.dumps(document))
        return folder

    def compare(self, *arguments, code=0):
        result = run(RIDGE, "compare", *arguments, "--json")
        self.assertEqual(result.returncode, code, result.stderr)
        document = json.loads(result.stdout)
        validate(document, "verdicts-1.json")
        return document

    def test_sessions_decide(self):
        base = self.sessions("base", [100 + 0.3 * (i % 7) for i in range(20)])
        slow = self.sessions("slow", [108 + 0.3 * i for i in range(5)])
        document = self.compare(base, slow, code=1)
        result = document["results"][0]
        self.assertEqual((result["verdict"], result["n_baseline"], result["n_candidate"]), ("regressed", 20, 5))
        self.assertAlmostEqual(result["p"], 2 / 53130, places=6)
        self.assertEqual(self.compare(slow, base)["results"][0]["verdict"], "improved")
        same = self.sessions("same", [100 + 0.3 * (i % 7) for i in range(6)])
        self.assertEqual(self.compare(base, same)["results"][0]["verdict"], "unchanged")
        few = self.sessions("few", [150, 151, 152, 153])
        result = self.compare(base, few)["results"][0]
        self.assertEqual(result["verdict"], "inconclusive")
        self.assertIn("only 4 sessions", result["reason"])
        self.compare(base, few, "--fail-on", "inconclusive", code=3)
        table = run(RIDGE, "compare", base, slow)
        self.assertEqual(table.returncode, 1)
        self.assertIn("regressed", table.stdout)
        self.assertIn("at most", table.stdout)

    def test_rates_are_worse_when_lower(self):
        base = self.sessions("base", [100 + 0.1 * i for i in range(8)], unit="1/s", direction="higher")
        slow = self.sessions("slow", [90 + 0.1 * i for i in range(8)], unit="1/s", direction="higher")
        result = self.compare(base, slow, code=1)["results"][0]
        self.assertAlmostEqual(result["ratio"], 0.9, delta=0.01)
        self.assertLess(result["ci_high"], 1)

    def test_other_machines_are_refused_by_name(self):
        base = self.sessions("base", [100] * 5)
        other = self.sessions("other", [100] * 5, environment={"cpu.model": "y", "gpu.driver": "1"})
        message = self.one_line(3, "compare", base, other, words="cpu.model (x -> y), gpu.driver")
        self.assertIn("--allow-env-mismatch", message)
        document = self.compare(base, other, code=3)
        self.assertEqual([m["field"] for m in document["environment"]["mismatches"]], ["cpu.model", "gpu.driver"])
        self.assertEqual(document["results"], [])
        self.one_line(3, "compare", base, other, "--allow-env-mismatch", "cpu.model", words="gpu.driver")
        self.assertTrue(self.compare(base, other, "--allow-env-mismatch", "cpu.model", "--allow-env-mismatch", "gpu.driver")["results"])

    def test_what_failed_is_told_and_is_4(self):
        base = self.sessions("base", [100] * 5)
        broken = self.sessions("broken", [100] * 5, status="error")
        document = self.compare(base, broken, code=4)
        self.assertEqual(document["summary"]["failed"], ["step: broke"])
        self.assertEqual(document["summary"]["missing"], ["step time"])

    def test_google_benchmark_files_are_one_session_each(self):
        for name, value in (("x", 10), ("y", 20)):
            rows = [{"name": "BM", "run_name": "BM", "run_type": "iteration", "repetition_index": i, "iterations": 9, "real_time": value + i / 100, "cpu_time": value, "time_unit": "ms"} for i in range(20)]
            (self.folder / f"{name}.json").write_text(json.dumps({"context": {"date": "2026-01-01", "num_cpus": 2}, "benchmarks": rows}))
        document = self.compare(self.folder / "x.json", self.folder / "y.json")
        self.assertEqual({r["verdict"] for r in document["results"]}, {"inconclusive"})
        self.assertTrue(any("one session" in note for note in document["notes"]))

    def test_damaged_files_are_one_line(self):
        good = self.sessions("good", [100])
        for i, text in enumerate(('{"schema_version": 1, "run": {}}', '{"schema_version": 9, "run": {"id": "x"}}', '{"schema_version": 1, "run": 5, "benchmarks": []}')):
            path = self.folder / f"bad{i}.json"
            path.write_text(text)
            self.one_line(2, "compare", good, path, words=f"bad{i}.json")
        self.one_line(2, "compare", good, self.folder / "nothing")


class History(Verdicts):
    def setUp(self):
        super().setUp()
        self.db = self.folder / "history.sqlite"

    def track(self, name, *arguments, code=0):
        result = run(RIDGE, "track", name, *arguments, "--db", self.db)
        self.assertEqual(result.returncode, code, result.stderr + result.stdout)
        return result.stdout

    def add(self, values, first=0):
        """One session a day, each a folder as ridge run leaves it."""
        for i, value in enumerate(values, first):
            folder = self.folder / f"day{i}"
            folder.mkdir()
            document = session(f"day{i}", value)
            document["run"]["started_at"] = f"2026-{1 + i // 28:02}-{1 + i % 28:02}T10:00:00Z"
            (folder / "run.json").write_text(json.dumps(document))
        self.track("add", *[self.folder / f"day{i}" for i in range(first, first + len(values))])

    @staticmethod
    def level(base, n):
        return [base * (1 + 0.002 * (i * 7 % 5)) for i in range(n)]

    def test_a_level_that_holds_is_silent(self):
        self.add(self.level(100, 30))
        self.track("check")
        self.assertEqual(json.loads(self.track("list", "--changes", "--json")), [])
        listed = json.loads(self.track("list", "--json"))
        self.assertEqual([(s["id"], s["metric"], s["points"]) for s in listed], [("step", "time", 30)])
        again = json.loads(self.track("add", self.folder / "day3", "--json"))
        self.assertEqual((again["runs"], again["known"]), (0, 1))

    def test_a_step_is_found_until_somebody_accepts_it(self):
        self.add(self.level(100, 20) + self.level(112, 15))
        junit, markdown = self.folder / "j.xml", self.folder / "m.md"
        self.track("check", "--dry-run", code=1)
        self.assertEqual(json.loads(self.track("list", "--changes", "--json")), [], "a dry run stores nothing")
        self.track("check", "--junit", junit, "--markdown", markdown, code=1)
        self.assertIsNotNone(xml.etree.ElementTree.parse(junit).getroot().find(".//failure"))
        self.assertIn("step", markdown.read_text())
        change, = json.loads(self.track("list", "--changes", "--json"))
        self.assertTrue(change["worse"])
        self.assertEqual(change["at"][:10], "2026-01-21", "since the first run of the new level")
        self.assertIsNone(change["accepted_by"])
        self.track("check", code=1)
        self.track("accept", str(change["id"]), "--by", "ada", "--comment", "on purpose")
        self.assertEqual(json.loads(self.track("list", "--changes", "--json"))[0]["accepted_by"], "ada")
        self.track("check")
        page = self.track("plot", "--html", "-")
        self.assertIn("<svg", page)
        self.assertNotIn("<script", page)

    def test_what_is_exported_can_be_imported(self):
        self.add(self.level(100, 6))
        csv = self.folder / "all.csv"
        self.track("export", "-o", csv)
        first, self.db = self.track("export"), self.folder / "other.sqlite"
        self.track("import", csv)
        self.assertEqual(self.track("export"), first)
        self.assertEqual(len(first.splitlines()), 7)

    def test_usage(self):
        self.one_line(2, "track", "list", "--db", self.folder / "nothing.sqlite")
        self.add(self.level(100, 2))
        self.one_line(2, "track", "accept", "77", "--db", self.db, "--by", "ada")
        self.one_line(2, "track", "accept", "--db", self.db, "--by", "ada")
        self.one_line(2, "track", "list", "--db", self.db, "--filter", "(")
        (self.folder / "text").write_text("no database")
        self.one_line(2, "track", "check", "--db", self.folder / "text")


class Export(Verdicts):
    def test_other_tools_formats(self):
        path = self.folder / "run.json"
        path.write_text(json.dumps(session("one", 2000)))
        said = {f: run(RIDGE, "export", f, path) for f in ("csv", "gbench", "gbench-rows", "smaller-is-better", "bigger-is-better", "openmetrics")}
        for name, result in said.items():
            self.assertEqual((result.returncode, result.stderr), (0, ""), name)
        self.assertEqual(len(said["csv"].stdout.splitlines()), 4, "a line per sample and the names")
        rows = json.loads(said["gbench"].stdout)["benchmarks"]
        self.assertEqual([round(r["real_time"], 6) for r in rows if r["run_type"] == "iteration"], [2000, 2002, 2004])
        self.assertEqual(len(json.loads(said["gbench-rows"].stdout)["benchmarks"]), 1)
        smaller, = json.loads(said["smaller-is-better"].stdout)
        self.assertEqual((smaller["unit"], round(smaller["value"], 6)), ("ns", 2002))
        self.assertEqual(json.loads(said["bigger-is-better"].stdout), [])
        self.assertIn("# TYPE", said["openmetrics"].stdout)
        self.one_line(2, "export", "csv", self.folder / "nothing")
        self.one_line(2, "export", "nonsense", path)


if __name__ == "__main__":
    main()
