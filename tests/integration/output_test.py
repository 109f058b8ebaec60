# SPDX-License-Identifier: Apache-2.0
"""Every command that prints, into a full disk (4), into a closed stdout (2), and words that say nothing (2): one line each time."""
import errno
import json
import os
import re
import shutil
import stat
import subprocess
import unittest

from analyze_test import kineto, steps
from health_test import STAND_IN
from support import BUILD, RIDGE, SANITIZED, WHY_NOT_SANITIZED, Case, main, query, record, run
from verdicts_test import session

COUNTING = BUILD / "bin" / "counting_ranges"
FULL = "/dev/full"


def commands():
    """Those that `ridge --help` lists."""
    listed = run(RIDGE, "--help").stdout.split("Subcommands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  (\w+) ", listed, re.MULTILINE)


class Printing(Case):
    def setUp(self):
        super().setUp()
        program = self.folder / "stand-in"
        program.write_text(STAND_IN)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.environment = {**os.environ, "RIDGE_WORKLOADS": str(program), "STAND_IN_COUNT": str(self.folder / "count")}
        self.run_file, self.db, self.kineto = self.folder / "run.json", self.folder / "h.sqlite", self.folder / "k.json"
        self.run_file.write_text(json.dumps(session("a", 100)))
        self.kineto.write_text(kineto(*steps()))
        for arguments in (["import", "kineto", self.kineto, "-o", self.trace], ["pack", self.trace, "-o", self.folder / "t.pack"], ["track", "add", "--db", self.db, self.run_file],
                          ["track", "export", "--db", self.db, "-o", self.folder / "h.csv"]):
            result = run(RIDGE, *arguments)
            self.assertEqual(result.returncode, 0, result.stderr)

    def printing(self):
        """By command, what makes it print; with the outputs that it needs. Nothing here prints nothing."""
        out, db = ["-o", self.folder / "out", "--force"], ["--db", self.db]
        return {
            "run": [["--list"], ["--list", "--json"], ["-n", "infer.decode"]],
            "record": [["-q", *out, "--json", "-", "--", "true"]],
            "analyze": [[self.kineto], [self.kineto, "--json"], [self.trace, "--html", "-"], [self.trace, "--markdown", "-"], [self.trace, "--summary", "-"]],
            "ab": [["--a", "true", "--b", "true", "--blocks", "3", "--no-confirm", "-q", "--json"], ["--a", "true", "--b", "true", "--blocks", "3", "--no-confirm"]],
            "compare": [[self.run_file, self.run_file], [self.run_file, self.run_file, "--json"], [self.run_file, self.run_file, "--openmetrics", "-"], [self.trace, self.kineto],
                        [self.trace, self.kineto, "--html", "-"]],
            "stats": [[self.trace], ["--list"], ["--list", "--json"], ["cuda_gpu_kern_sum", self.trace, "--format", "csv"]],
            "import": [["kineto", self.kineto, *out], ["kineto", self.kineto, *out, "--json"]],
            "merge": [],  # below: of recordings of our own
            "pack": [[self.trace, *out], [self.trace, *out, "--json"]],
            "unpack": [[self.folder / "t.pack", *out]],
            "scrub": [[self.trace, *out], [self.trace, *out, "--json"]],
            "ceilings": [[], ["--json"]],
            "doctor": [[], ["--json"]],
            "track": [["add", *db, self.run_file], ["list", *db], ["list", *db, "--runs"], ["list", *db, "--changes", "--json"], ["check", *db], ["check", *db, "--json"], ["plot", *db],
                      ["plot", *db, "--html", "-"], ["export", *db], ["import", *db, self.folder / "h.csv"]],
            "export": [["csv", self.run_file], ["openmetrics", self.run_file], ["perfetto", self.trace]],
            "health": [["--backend", "cpu"], ["--backend", "cpu", "--json"]],
            "view": [["--help"]],
            "completion": [["bash"], ["zsh"]],
        }

    def into(self, where, *arguments):
        with open(where, "w") as output:
            return subprocess.run([str(a) for a in (RIDGE, *arguments)], stdout=output, stderr=subprocess.PIPE, text=True, timeout=110, env=self.environment)

    def full(self, *arguments, code=4):
        result = self.into(FULL, *arguments)
        self.assertEqual(result.returncode, code, (arguments, result.stderr))
        self.assertEqual(result.stderr.splitlines()[-1], f"ridge: cannot write to standard output: {os.strerror(errno.ENOSPC)}", arguments)
        self.assertEqual(result.stderr.count("standard output"), 1, result.stderr)

    def test_a_full_disk_is_4_whatever_the_command(self):
        printing = self.printing()
        self.assertEqual(sorted(printing), sorted(commands()), "every command stands in this test")
        checked = 0
        for command, calls in printing.items():
            for options in calls:
                with self.subTest(command=command, options=options):
                    usual = self.into(os.devnull, command, *options)
                    self.assertIn(usual.returncode, (0, 3), usual.stderr)
                    self.assertNotEqual(run(RIDGE, command, *options, env=self.environment).stdout, "", "it prints")
                    if command != "view":  # a program of its own, after whose help nothing is lost
                        self.full(command, *options)
                    checked += 1
            if command != "view":
                self.full(command, "--help")
        for options in (["--help"], ["--version"], ["--version", "--json"], ["--dump-config", "run"]):
            self.full(*options)
        self.assertGreater(checked, 40)

    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_merged_recordings_too(self):
        for name in "ab":
            self.assertEqual(record(self.folder / f"{name}.sqlite", [COUNTING, self.folder / "counter", "100"]).returncode, 0)
        self.full("merge", self.folder / "a.sqlite", self.folder / "b.sqlite", "-o", self.folder / "all.sqlite", "--json", "-q")
        self.assertTrue((self.folder / "all.sqlite").exists(), "the file is made, and only what was printed is lost")

    def test_a_threshold_that_was_missed_and_a_monitor_keep_their_codes(self):
        sides = []
        for side, value in (("base", 100), ("slow", 200)):
            for i in range(5):
                folder = self.folder / side / f"s{i}"
                folder.mkdir(parents=True)
                (folder / "run.json").write_text(json.dumps(session(f"{side}{i}", value + 0.1 * i)))
            sides.append(self.folder / side)
        self.full("compare", *sides, code=1)
        self.full("health", "--backend", "cpu", "--nagios", code=3)
        self.full("health", "--nagios", "--bogus", code=3)
        result = self.into(FULL, "analyze", self.folder / "nowhere.sqlite")
        self.assertEqual((result.returncode, result.stderr.count("\n")), (2, 1), "what went wrong before keeps its code, and its line")

    def test_a_closed_stdout_is_a_wrong_place(self):
        for arguments in (["doctor"], ["stats", self.trace], ["--help"], ["completion", "bash"]):
            result = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *map(str, (RIDGE, *arguments))], stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual((result.returncode, result.stderr), (2, f"ridge: cannot write to standard output: {os.strerror(errno.EBADF)}\n"), arguments)

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_files_on_a_full_disk_are_4_too(self):
        small = self.folder / "small"
        small.mkdir()
        if run("mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", small).returncode != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(run, "umount", "-l", small)
        (small / "rest").write_bytes(b"x" * 8192)
        out = small / "out"
        calls = [["analyze", self.kineto, "-q", "--json", out], ["analyze", self.kineto, "-q", "--html", out], ["compare", self.trace, self.kineto, "-q", "--html", out],
                 ["compare", self.run_file, self.run_file, "-q", "--html", out], ["stats", self.trace, "--format", "json", "-o", out], ["import", "kineto", self.kineto, "-o", out],
                 ["pack", self.trace, "-o", out], ["unpack", self.folder / "t.pack", "-o", out], ["scrub", self.trace, "-o", out], ["export", "perfetto", self.trace, "-o", out],
                 ["track", "add", "--db", out, self.run_file], ["track", "plot", "--db", self.db, "--html", out], ["record", "-o", out, "--", "true"], ["ceilings", "-q", "-o", out]]
        for call in calls:
            with self.subTest(call=call[0:2]):
                result = run(RIDGE, *call, env=self.environment)
                for left in small.iterdir():
                    if left.name != "rest":
                        shutil.rmtree(left) if left.is_dir() else left.unlink()
                self.assertEqual(result.returncode, 4, result.stderr)
                self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_a_disk_that_is_full_on_the_way_is_4_too_and_named(self):
        large = [self.folder / f"{name}.sqlite" for name in "ab"]
        for trace in large:
            self.assertEqual(record(trace, [COUNTING, self.folder / "counter", "20000"]).returncode, 0)
        packed, small = self.folder / "a.pack", self.folder / "small"
        self.assertEqual(run(RIDGE, "pack", large[0], "-o", packed).returncode, 0)
        small.mkdir()
        if run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small).returncode != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(run, "umount", "-l", small)
        for call in (["pack", large[0]], ["unpack", packed], ["scrub", large[0]], ["merge", *large]):
            with self.subTest(call=call[0]):
                result = run(RIDGE, *call, "-o", small / "out", "-q")
                self.assertEqual((result.returncode, len(result.stderr.splitlines())), (4, 1), result.stderr)
                self.assertIn(str(small / "out"), result.stderr)
                self.assertNotIn(str(call[1]), result.stderr)
                self.assertEqual(list(small.iterdir()), [])

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_a_recording_on_a_full_disk_is_recovered_onto_another(self):
        small = self.folder / "small"
        small.mkdir()
        if run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small).returncode != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(run, "umount", "-l", small)
        spool = small / "t.sqlite.spool"
        result = record(small / "t.sqlite", [COUNTING, self.folder / "counter", "200000"])
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn(f"ridge record --recover {spool} -o", result.stderr)
        self.assertIn("name an output on another", result.stderr)
        rest = os.open(small / "rest", os.O_WRONLY | os.O_CREAT)
        with self.assertRaises(OSError):  # when not a byte is left
            while True:
                os.write(rest, b"x" * 4096)
        os.close(rest)
        again = run(RIDGE, "record", "--recover", spool, "-o", small / "again.sqlite")
        self.assertEqual((again.returncode, len(again.stderr.splitlines())), (4, 1), again.stderr)
        self.assertTrue((spool / "session.json").exists())
        self.assertEqual(sorted(path.name for path in small.iterdir()), ["rest", "t.sqlite.spool"])
        recovered = run(RIDGE, "record", "--recover", spool, "-o", self.trace, "--force")
        self.assertEqual(recovered.returncode, 0, recovered.stderr)
        self.assertGreater(query(self.trace, "SELECT count(*) FROM NVTX_EVENTS")[0][0], 1000)
        self.assertEqual(query(self.trace, "PRAGMA integrity_check"), [("ok",)])
        self.assertFalse(spool.exists())
        self.assertEqual(list(self.folder.glob("*.recovering")), [])


class Deleted(Case):
    def test_a_recording_that_its_program_deletes_is_not_said_to_be_kept(self):
        result = record(self.trace, ["sh", "-c", f"rm -r '{self.trace}.spool'"])
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("the recording is lost: somebody deleted", result.stderr)
        self.assertNotIn("--recover", result.stderr)


class Agents(Case):
    """That no process loaded an agent is said where one was wanted, and only there."""

    def told(self, *options):
        result = record(self.trace, ["sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"], *options, "--force")
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stderr

    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_what_is_said_of_a_program_without_nvtx(self):
        self.assertIn("no process loaded an agent", self.told("--trace", "nvtx"))
        self.assertNotIn("no process loaded an agent", self.told("--trace", "none"))
        late = self.told("--delay", "600")
        self.assertIn("ended before the delay", late)
        self.assertNotIn("no process loaded an agent", late)
        sampled = self.told("--trace", "cpu,sched")
        self.assertNotIn("no process loaded an agent", sampled)
        replaced = self.folder / "replaced.sqlite"
        told = record(replaced, ["env", "LD_PRELOAD=", "cat", "/dev/null"], "--trace", "io").stderr
        self.assertIn("(a program that sets LD_PRELOAD anew)", told)
        self.assertNotIn("--trace nvtx,io", told, "what was asked for is not advised")
        rows = sum(query(self.trace, f"SELECT count(*) FROM {table}")[0][0] if query(self.trace, f"SELECT 1 FROM {table} LIMIT 1") else 0
                   for table in ("COMPOSITE_EVENTS", "SCHED_EVENTS"))
        self.assertIn(f"{rows} events in " if rows else "0 events of 0 processes", sampled)
        self.assertIn("--sample-rate is that of call stacks", self.told("--sample-rate", "99"))

    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    @unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
    def test_io_of_a_static_program_is_said_to_be_missing(self):
        source = self.folder / "p.c"
        source.write_text("int main(void) { return 0; }")
        for name, options, missing in (("static", ["-static"], True), ("static-pie", ["-static-pie"], True), ("dynamic", [], False)):
            if run("cc", *options, source, "-o", self.folder / name).returncode != 0:
                self.skipTest(f"nothing can be linked {name} here")
            said = record(self.trace, [self.folder / name], "--trace", "nvtx,io", "--force").stderr
            self.assertEqual("is statically linked: of its file calls nothing can be seen" in said, missing, said)
        self.assertNotIn("of its file calls", record(self.trace, [self.folder / "static"], "--trace", "nvtx", "--force").stderr)


class Words(Case):
    """What no command understands is one line, which says what to write instead."""

    def refused(self, words, *arguments):
        result = run(RIDGE, *arguments)
        self.assertEqual((result.returncode, result.stdout), (2, ""), (arguments, result.stderr))
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        self.assertIn(words, result.stderr)

    def test_an_output_on_stdout_an_empty_word_and_none_beside_others(self):
        for command in (["pack", __file__], ["unpack", __file__], ["scrub", __file__], ["merge", __file__, RIDGE], ["record"]):
            program = ["--", "true"] if command == ["record"] else []
            self.refused("cannot go to stdout", *command, "-o", "-", *program)
        self.refused("--word is empty", "scrub", __file__, "-o", "x.sqlite", "--word", "")
        self.refused("none stands alone", "record", "--trace", "none,nvtx", "--", "true")
        self.assertFalse(os.path.exists("-"))

    def test_an_option_before_its_command(self):
        for command in ("compare", "analyze", "doctor", "run"):
            self.refused(f"--json stands before the command; write it behind: ridge {command} --json", "--json", command)
        self.refused("-q stands before the command; write it behind: ridge compare -q", "-q", "compare", "a", "b")
        self.refused("--force stands before the command; write it behind: ridge import kineto --force", "import", "--force", "kineto", "a", "-o", "b")
        self.refused("--db stands before the command; write it behind: ridge track list --db", "track", "--db=h.sqlite", "list")
        self.assertEqual(run(RIDGE, "--version", "--json").returncode, 0)
        self.assertEqual(run(RIDGE, "--json", "--version").returncode, 0)

    def test_a_command_that_there_is_none_of(self):
        self.refused("ridge has no command bogus; it has run, record, analyze", "bogus")
        self.refused("ridge track has no command bogus; it has add, list, check", "track", "bogus")
        self.refused("ridge track wants a command: add, list, check", "track")
        self.refused("ridge import wants a command: kineto", "import")

    def test_the_usage_names_what_is_wanted(self):
        for command in commands():
            text = run(RIDGE, command, "--help").stdout
            self.assertNotRegex(text, r"\(\d+x\)| x \d", command)
        self.assertIn("ridge merge [OPTIONS] TRACE TRACE...", run(RIDGE, "merge", "--help").stdout)
        self.assertIn("ridge compare [OPTIONS] [RUN RUN]", run(RIDGE, "compare", "--help").stdout)

    def test_pairs_and_runs_that_are_not_there(self):
        trace, one = self.folder / "k.json", self.folder / "run.json"
        trace.write_text(kineto(*steps()))
        one.write_text(json.dumps(session("a", 100)))
        for pair in ("foo", "=>b", "a=>", "=", "a=b=c"):
            for inputs in ((trace, trace), (one, one)):
                self.refused("give NAME_IN_A=>NAME_IN_B", "compare", *inputs, "--pair", pair)
        for inputs in (("nope", one), (one, "nope"), ("nope", trace), (self.folder, "nope")):
            self.refused("nope: there is no such run or trace", "compare", *inputs)
        said = run(RIDGE, "compare", one, one, "--pair", "a=>b", "--warmup", "1")
        self.assertEqual(said.returncode, 0)
        self.assertIn("--pair, --warmup: for timelines", said.stderr)
        self.assertIn("--alpha: for verdicts between runs", run(RIDGE, "compare", trace, trace, "--alpha", "0.01").stderr)

    def test_what_is_no_file_or_damaged_is_one_line_that_can_be_read(self):
        fifo, damaged, google = self.folder / "fifo", self.folder / "damaged.json", self.folder / "google.json"
        os.mkfifo(fifo)
        self.refused("is no regular file", "--config", fifo, "doctor")
        self.refused("is no regular file", "--config", "/dev/zero", "doctor")
        self.assertEqual(run(RIDGE, "--config", "/dev/null", "doctor").returncode, 0, "a way to say: no settings")
        for command in (["export", "csv"], ["track", "add", "--db", self.folder / "h.sqlite"], ["track", "import", "--db", self.folder / "h.sqlite"], ["analyze", "--merge"]):
            self.assertIn(run(RIDGE, *command, "/dev/zero").returncode, (2,), command)
        self.refused("is a device, not a file", "export", "csv", "/dev/zero")
        damaged.write_text('{"schema_version": 1, "run": {}}')
        google.write_text('{"context": {"num_cpus": 2}, "benchmarks": [{"name": "a", "real_time": 1}]}')
        for path in (damaged, google):
            for command in (["export", "csv", path], ["compare", path, path], ["track", "add", "--db", self.folder / "h.sqlite", path]):
                self.refused(f"{path}: is damaged: key '", *command)
        for arguments in (["analyze", "a" * 5000], ["doctor", *["x"] * 3000], ["export", "b" * 5000, damaged]):
            said = run(RIDGE, *arguments)
            self.assertEqual((said.returncode, said.stderr.count("\n")), (2, 1))
            self.assertLess(len(said.stderr), 2000)
            self.assertRegex(said.stderr, r"bytes more|\.\.\.")


if __name__ == "__main__":
    main()
