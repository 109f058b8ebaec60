# SPDX-License-Identifier: Apache-2.0
"""`ridge health` from outside: a node against itself, a slow one (planted by altering the reference), other kinds, references that are no reference."""
import json
import os
import re
import stat
import subprocess
import time
import unittest

from support import BUILD, RIDGE, SANITIZED, SOURCE, WHY_NOT_SANITIZED, Case, main, run

try:
    import jsonschema
except ImportError:
    jsonschema = None

# A stand-in for ridge-workloads: its roofs and times are said by its environment, so that verdicts are certain on any machine.
STAND_IN = '''#!/usr/bin/python3 -S
import json, os, re, sys, time
def option(name):
    for a in sys.argv[1:]:
        if a.startswith(name + "="):
            return a.split("=", 1)[1]
count = os.environ["STAND_IN_COUNT"]
if "--check-backend" in sys.argv: sys.exit(77)
names = ["train.single/fp32.small", "infer.decode/fp32", "ckpt.restore"]
if "--describe" in sys.argv:
    time.sleep(float(os.environ.get("STAND_IN_DESCRIBES", "0")))
    print(json.dumps([{"name": n} for n in names]))
    sys.exit(0)
with open(count, "a") as log: log.write("roofs\\n" if option("--ceilings") else option("--benchmark_filter") + "\\n")
calls = open(count).read().count("roofs")
if option("--ceilings"):
    if os.environ.get("STAND_IN_DAEMON"):  # one that no signal to the group reaches, and that keeps the pipe
        if os.fork() == 0:
            os.setsid()
            time.sleep(60)
            os._exit(0)
    if os.environ.get("STAND_IN_CLOSES"):
        os.close(1), os.close(2)
    time.sleep(float(os.environ.get("STAND_IN_SLEEP", "0")))
    speed = 1e9
    if os.environ.get("STAND_IN_HICCUP") and calls == 1: speed = 5e8
    roof = lambda kind, name, value, unit, **more: dict({"kind": kind, "name": name, "dtype": None, "level": None, "access": None, "value": value, "unit": unit, "method": "said"}, **more)
    json.dump({"schema_version": "1", "roofs": [roof("compute", "fma", 1e11, "FLOP/s", dtype="f32"), roof("memory", "read", speed, "B/s", level="DRAM", access="read"),
               roof("memory", "l1", 1e12, "B/s", level="L1", access="read"), roof("network", "loop-back latency", 1e-5, "s")]}, open(option("--ceilings"), "w"))
    sys.exit(0)
name = [n for n in names if re.search(option("--benchmark_filter"), n)][0]
broken = os.environ.get("STAND_IN_BROKEN") == name
json.dump({"workloads": [{"name": name, "status": "error" if broken else "ok", "detail": "numbers are wrong" if broken else "", "runs": [] if broken else [{"step_seconds": [0.01, 0.011, 0.0105], "metrics": []}]}]}, open(option("--result"), "w"))
sys.exit(4 if broken else 0)
'''


class Health(Case):
    def setUp(self):
        super().setUp()
        program = self.folder / "stand-in"
        program.write_text(STAND_IN)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.count = self.folder / "count"
        self.environment = {**os.environ, "RIDGE_WORKLOADS": str(program), "STAND_IN_COUNT": str(self.count)}
        self.reference = self.folder / "reference.json"

    def health(self, *options, code, **environment):
        self.count.unlink(missing_ok=True)
        result = run(RIDGE, "health", *options, env={**self.environment, **environment}, timeout=110)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def judged(self, *options, code, **environment):
        document = json.loads(self.health("--json", *options, code=code, **environment).stdout)
        if jsonschema:
            jsonschema.Draft202012Validator(json.loads((SOURCE / "schemas/json/health-1.json").read_text())).validate(document)
        return document

    def make_reference(self):
        self.health("-o", self.reference, "-q", code=0)

    def altered(self, name, change):
        """A copy of the reference in which change() was made to each benchmark and the environment."""
        run_file = json.loads(self.reference.read_text())
        change(run_file)
        path = self.folder / name
        path.write_text(json.dumps(run_file))
        return path

    def scaled(self, name, benchmark, factor):
        def change(run_file):
            for b in run_file["benchmarks"]:
                if b["id"] == benchmark:
                    for s in b["metrics"][0]["samples"]:
                        s["value"] *= factor
        return self.altered(name, change)

    def test_a_node_as_its_reference(self):
        self.make_reference()
        if jsonschema:
            jsonschema.Draft202012Validator(json.loads((SOURCE / "schemas/json/run-1.json").read_text())).validate(json.loads(self.reference.read_text()))
        document = self.judged("--reference", self.reference, code=0)
        self.assertEqual(document["verdict"], "fit")
        self.assertEqual({c["id"] for c in document["checks"]}, {"roof.compute/fma.f32", "roof.memory/read.DRAM", "roof.network/loop-back latency", "train.single/fp32.small", "infer.decode/fp32", "ckpt.restore"},
                         "a cache is told, not judged")
        self.assertTrue(all(c["fitness"] == "fit" and c["slower_pct"] == 0 for c in document["checks"]))
        self.assertLess(document["seconds"], document["budget_s"])
        self.assertEqual(self.count.read_text().count("roofs"), 1, "what is fit is measured once")
        self.assertEqual(run(RIDGE, "track", "add", "--db", self.folder / "h.sqlite", self.reference, "-q").returncode, 0, "it is a run as others are")
        self.assertIn("ridge_metric", run(RIDGE, "export", "openmetrics", self.reference).stdout)

    def test_a_slow_node_is_measured_twice_and_found(self):
        self.make_reference()
        for benchmark, factor, part in (("roof.memory/read.DRAM", 1.5, "roofs"), ("roof.network/loop-back latency", 0.5, "roofs"), ("infer.decode/fp32", 0.7, "infer")):
            reference = self.scaled("slow.json", benchmark, factor)
            document = self.judged("--reference", reference, code=1)
            self.assertEqual(document["verdict"], "slow")
            self.assertEqual([c["id"] for c in document["checks"] if c["fitness"] == "slow"], [benchmark])
            self.assertEqual(document["checks"][0]["reason"], "slow twice")
            self.assertIn(benchmark, document["reason"])
            self.assertEqual(self.count.read_text().count(part), 2)
            self.assertEqual(len(self.count.read_text().splitlines()), 5, "only the part that was slow")
            said = self.health("--reference", reference, "--nagios", code=2).stdout
            self.assertRegex(said, r"^RIDGE CRITICAL - 1 of 6 checks are slow: [^|\n]+ \|( '[^'=|]+'=[0-9.]+%;;[0-9.]+:)+\n$")
        self.health("--reference", self.scaled("slow.json", "roof.memory/read.DRAM", 1.5), "--tolerance", "60%", code=0)

    def test_a_hiccup_accuses_nobody(self):
        self.make_reference()
        out = self.folder / "again.json"
        document = self.judged("--reference", self.reference, "-o", out, code=0, STAND_IN_HICCUP="1")
        self.assertEqual([c["reason"] for c in document["checks"] if c["id"] == "roof.memory/read.DRAM"], ["slow once, and not when it was measured again"])
        samples = [b for b in json.loads(out.read_text())["benchmarks"] if b["id"] == "roof.memory/read.DRAM"][0]["metrics"][0]["samples"]
        self.assertEqual([(s["value"], s["valid"], s["cause"]) for s in samples], [(5e8, False, "measured twice, and this one was slower"), (1e9, True, None)])

    def test_a_fleet(self):
        self.make_reference()
        fleet = self.folder / "fleet"
        fleet.mkdir()
        for i in range(6):
            (fleet / f"node{i}").mkdir()
            self.scaled(f"fleet/node{i}/run.json", "ckpt.restore", 0.94 + 0.01 * i)

            def rename(run_file, i=i):
                run_file["run"]["id"] = run_file["run"]["session_id"] = f"node{i}"
            path = fleet / f"node{i}/run.json"
            run_file = json.loads(path.read_text())
            rename(run_file)
            path.write_text(json.dumps(run_file))
        document = self.judged("--reference", fleet, code=0)
        self.assertEqual(document["references"]["used"], 6)
        limits = {c["id"]: c["limit_pct"] for c in document["checks"]}
        self.assertAlmostEqual(limits["roof.compute/fma.f32"], 3, delta=0.01)
        self.assertGreater(limits["ckpt.restore"], 5, "its nodes differ, and say how much")

    def test_no_reference(self):
        document = self.judged(code=3)
        self.assertEqual((document["verdict"], document["references"]["used"]), ("unknown", 0))
        self.assertIn("no reference", document["reason"])
        self.assertRegex(self.health("--nagios", code=3).stdout, r"^RIDGE UNKNOWN - no reference[^\n]+\n$")

    def test_a_damaged_reference_is_said_before_anything_is_measured(self):
        self.make_reference()
        whole = self.reference.read_text()
        bad = self.folder / "bad.json"
        for text in (whole[:len(whole) // 2], "", "{}", "[1, 2]", "\0" * 100, whole.replace('"benchmarks"', '"benchmark"')):
            bad.write_text(text)
            result = self.health("--reference", bad, code=2)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
            self.assertFalse(self.count.exists(), "no minute is spent")
            self.assertRegex(self.health("--reference", bad, "--nagios", code=3).stdout, r"^RIDGE UNKNOWN - [^\n]+\n$")
        self.health("--reference", self.folder / "nowhere.json", code=2)
        kept = self.reference.read_bytes()
        self.health("--reference", self.reference, "-o", self.reference, code=2)
        self.health("--reference", self.reference, "-o", self.reference, "--force", code=2)
        self.assertEqual(self.reference.read_bytes(), kept)
        for wrong in (("--bogus",), ("--budget", "4")):  # a monitor takes 2 for a node that is ill
            self.assertRegex(self.health("--nagios", *wrong, code=3).stdout, r"^RIDGE UNKNOWN - [^\n]+\n$")

    def test_a_foreign_kind(self):
        self.make_reference()

        def other_processor(run_file):
            run_file["environment"]["key_fields"]["cpu.model"] = "Another Processor"
        foreign = self.altered("foreign.json", other_processor)
        document = self.judged("--reference", foreign, code=3)
        self.assertEqual(document["verdict"], "unknown")
        self.assertEqual([m["field"] for m in document["references"]["mismatches"]], ["cpu.model"])
        self.assertFalse(self.count.exists(), "no minute is spent")
        self.assertIn("Another Processor", self.health("--reference", foreign, "--nagios", code=3).stdout)
        self.health("--reference", foreign, "--allow-env-mismatch", "cpu.model", code=0)
        self.assertEqual(self.judged("--reference", foreign, "--reference", self.reference, code=0)["references"]["other_kinds"], 1)

    def test_a_workload_that_fails(self):
        self.make_reference()
        document = self.judged("--reference", self.reference, code=4, STAND_IN_BROKEN="ckpt.restore")
        self.assertEqual(document["failed"], ["ckpt.restore: numbers are wrong"])
        self.health("--reference", self.reference, "--nagios", code=2, STAND_IN_BROKEN="ckpt.restore")

    def test_the_budget_is_kept(self):
        self.make_reference()
        began = time.monotonic()
        document = self.judged("--reference", self.reference, "--budget", "5", code=3, STAND_IN_SLEEP="60")
        self.assertLess(time.monotonic() - began, 30, "ended, not waited for")
        self.assertTrue(all(c["fitness"] == "unknown" for c in document["checks"]))
        hollow = self.folder / "hollow.json"
        said = self.health("-o", hollow, "--budget", "5", code=3, STAND_IN_SLEEP="60").stdout
        self.assertIn("was not measured", said)
        self.assertFalse(hollow.exists(), "a reference without what it is for")
        slow = self.scaled("slow.json", "roof.memory/read.DRAM", 1.5)
        document = self.judged("--reference", slow, "--budget", "5", code=3, STAND_IN_SLEEP="3")
        self.assertIn("no time to measure it again", document["checks"][0]["reason"], "one measurement accuses nobody")

    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_the_budget_binds_whatever_takes_long(self):
        """Asking, a grandchild, a child without output, hashing a huge program, a disk that does not answer: together, for each takes the five seconds."""
        huge = self.folder / "huge"
        huge.write_text(f'#!/bin/sh\nexec {self.folder}/stand-in "$@"\n')
        huge.chmod(huge.stat().st_mode | stat.S_IXUSR)
        os.truncate(huge, 40 << 30)  # sparse; hashing it would take minutes
        run_file, stuck = self.folder / "huge.json", self.folder / "stuck.json"
        cases = {
            "asking": ([], {"STAND_IN_DESCRIBES": "60"}),
            "daemon": (["--json"], {"STAND_IN_SLEEP": "60", "STAND_IN_DAEMON": "1"}),
            "closes": (["--json"], {"STAND_IN_SLEEP": "60", "STAND_IN_CLOSES": "1"}),
            "hashing": (["-o", run_file], {"RIDGE_WORKLOADS": str(huge)}),
            "disk": (["-o", stuck], {"LD_PRELOAD": str(BUILD / "lib/libslow_disk.so"), "RIDGE_SLOW_FSYNC_MS": "60000"}),
            "monitor": (["-o", stuck, "--nagios"], {"LD_PRELOAD": str(BUILD / "lib/libslow_disk.so"), "RIDGE_SLOW_FSYNC_MS": "60000"}),
        }
        if not (BUILD / "lib/libslow_disk.so").exists():
            del cases["disk"], cases["monitor"]
        began = time.monotonic()
        started = {name: subprocess.Popen([str(x) for x in (RIDGE, "health", "--budget", "5", "--backend", "cpu", *options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                          env={**self.environment, "STAND_IN_COUNT": str(self.folder / f"count-{name}"), "TMPDIR": str(self.folder), **environment})
                   for name, (options, environment) in cases.items()}
        ended = {name: (*process.communicate(timeout=110), process.returncode) for name, process in started.items()}
        self.assertLess(time.monotonic() - began, 40, "ended, not waited for")
        for name, (out, said, code) in ended.items():
            with self.subTest(name):
                self.assertEqual(code, 0 if name == "hashing" else 3, out + said)
                if name in ("asking", "disk"):
                    self.assertRegex(said, r"^ridge: the 5 s of --budget were over while [^\n]+\n$")
                if name in ("daemon", "closes"):
                    self.assertTrue(all("budget" in note or "was not measured" in note for note in json.loads(out)["notes"]), out)
                if name == "monitor":
                    self.assertRegex(out, r"^RIDGE UNKNOWN - the 5 s of --budget were over while writing the run\n$")
        written = json.loads(run_file.read_text())
        self.assertIsNone(written["subject"]["binary_sha256"])
        self.assertEqual([w["code"] for w in written["warnings"]], ["program_not_hashed"])
        self.assertFalse(stuck.exists())
        self.assertEqual(list(self.folder.glob("ridge-health-*")), [], "no temporary folder stays")

    def test_the_real_workloads(self):
        if not (BUILD / "bin" / "ridge-workloads").exists():
            self.skipTest("ridge-workloads was not built")
        environment = {k: v for k, v in os.environ.items() if k != "RIDGE_WORKLOADS"}
        result = run(RIDGE, "health", "-o", self.reference, "--json", "--backend", "cpu", env=environment, timeout=110)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        document = json.loads(result.stdout)
        ids = [c["id"] for c in document["checks"]]
        for wanted in ("train.single/fp32.small", "infer.decode/fp32", "ckpt.restore"):
            self.assertIn(wanted, ids)
        self.assertTrue(any(re.match(r"roof\.compute/", i) for i in ids) and any("DRAM" in i for i in ids), ids)
        self.assertEqual(document["notes"], [])
        print(f"health: {len(ids)} checks in {document['seconds']:.1f} s")
        twice = self.scaled("twice.json", "train.single/fp32.small", 0.2)
        result = run(RIDGE, "health", "--reference", twice, "--json", "--backend", "cpu", "--tolerance", "100%", env=environment, timeout=110)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("train.single/fp32.small", json.loads(result.stdout)["reason"])


if __name__ == "__main__":
    main()
