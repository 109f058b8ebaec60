# SPDX-License-Identifier: Apache-2.0
"""When recording begins and ends: delays, durations, capture ranges, domains, sessions, and names of outputs."""
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import struct
import subprocess
import time
import unittest

from support import BUILD, RIDGE, SANITIZED, WHY_NOT_SANITIZED, Case, losses, main, query, ranges, record, run

PROGRAM = BUILD / "bin" / "misbehaving"


def named(path):
    rows = query(path, "SELECT COALESCE(n.text, s.value) name, count(*) FROM NVTX_EVENTS n "
                       "LEFT JOIN StringIds s ON s.id = n.textId WHERE n.eventType IN (59, 60) GROUP BY name")
    return dict(rows)


def windows(path):
    """CLOCK_MONOTONIC ns."""
    start = query(path, "SELECT startMonotonicNs FROM RIDGE_RUN")[0][0]
    text = query(path, "SELECT value FROM META_DATA_CAPTURE WHERE name = 'WINDOWS_NS'")
    return [(start + a, None if b is None else start + b) for a, b in json.loads(text[0][0])] if text else []


class Time(Case):
    FEWEST = 20  # ranges inside of a window, and outside of it

    def paced(self, *options, seconds="1.6"):
        log = self.folder / "log"
        result = record(self.trace, [PROGRAM, "paced", log, seconds, "500"], "--force", *options)
        whole = log.read_bytes()
        return result, [struct.unpack_from("qq", whole, at) for at in range(0, len(whole) // 16 * 16, 16)]

    def check(self, result, did):
        """Of every recording: its window, and how many of the program's ranges lie in it and out of it."""
        self.assertEqual((result.returncode, result.stdout), (6, "paced done\n"), result.stderr)
        (begin, end), = windows(self.trace) or [(1 << 62, None)]  # none: the recorder came to nothing
        end = end or 1 << 62
        inside = [t for t in did if t[0] >= begin and t[1] <= end]
        touching = [t for t in did if t[1] >= begin and t[0] <= end]
        found = named(self.trace).get("paced", 0)
        self.assertLessEqual(len(inside), found, "every range inside of the window is there")
        self.assertLessEqual(found, len(touching), "and none that lies outside")
        self.assertSound(self.trace)
        return begin, end, len(inside), len(did) - len(touching)

    def window(self, **times):
        """A recording of which enough lies on both sides of its ends. Seconds; on a busy machine the program may come to nothing
        in so short a time, so that it is done again in a longer one."""
        for longer in (1, 3, 9):
            options = [word for name, seconds in times.items() for word in (f"--{name}", str(seconds * longer))]
            begin, end, inside, outside = self.check(*self.paced(*options, seconds=str(1.6 * longer)))
            if inside > self.FEWEST and outside > self.FEWEST:
                return begin, end, longer * 1_000_000_000
        self.fail(f"too little to tell: {inside} ranges inside of the window, {outside} outside")

    def test_a_delay(self):
        begin, _, second = self.window(delay=0.5)
        self.assertGreaterEqual(begin - query(self.trace, "SELECT startMonotonicNs FROM RIDGE_RUN")[0][0], 0.5 * second)

    def test_a_duration_after_which_the_program_goes_on(self):
        begin, end, second = self.window(duration=0.5)
        self.assertGreaterEqual(end - begin, 0.5 * second)

    def test_both(self):
        begin, end, second = self.window(delay=0.4, duration=0.4)
        self.assertGreaterEqual(end - begin, 0.4 * second)

    def test_the_program_is_ended_only_when_asked(self):
        for duration in ("0.3", "1", "5"):
            result, _ = self.paced("--duration", duration, "--kill", "sigterm", seconds="60")
            self.assertEqual(result.returncode, 128 + signal.SIGTERM, result.stderr)
            found = named(self.trace).get("paced", 0)
            if found > self.FEWEST:
                return
        self.fail(f"{found} ranges in {duration} s")

    def test_a_delay_that_outlasts_the_program(self):
        result = record(self.trace, [PROGRAM, "plain", "10"], "--delay", "60")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("nothing was recorded", result.stderr)
        self.assertEqual(named(self.trace), {})


class Ranges(Case):
    def phases(self, *options, arguments=("3",)):
        result = record(self.trace, [PROGRAM, "phases", *arguments], *options)
        self.assertEqual((result.returncode, result.stdout), (4, "phases done\n"), result.stderr)
        self.assertSound(self.trace)
        return result

    def test_the_first_of_its_name_and_no_more(self):
        self.phases("--capture-range", "nvtx:epoch")
        self.assertEqual(named(self.trace), {"epoch": 1, "step": 50, "registered step": 20})
        self.assertEqual(query(self.trace, "SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 34"), [(1,)])
        self.assertEqual(query(self.trace, "SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end IS NULL"), [(0,)])
        self.assertEqual(len(windows(self.trace)), 1)

    def test_each_time(self):
        self.phases("--capture-range", "nvtx:epoch", "--capture-range-end", "repeat")
        self.assertEqual(named(self.trace), {"epoch": 3, "step": 150, "registered step": 60})
        self.assertEqual(len(windows(self.trace)), 3)

    def test_so_many_times(self):
        self.phases("--capture-range", "nvtx:epoch@default", "--capture-range-end", "repeat:2", arguments=("5",))
        self.assertEqual(named(self.trace), {"epoch": 2, "step": 100, "registered step": 40})

    def test_ranges_that_need_not_nest(self):
        self.phases("--capture-range", "nvtx:epoch", "--capture-range-end", "repeat", arguments=("3", "start-end"))
        self.assertEqual(named(self.trace), {"epoch": 3, "step": 150, "registered step": 60})

    def test_a_range_of_a_domain(self):
        self.phases("--capture-range", "nvtx:registered step@phases", "--capture-range-end", "repeat", arguments=("1",))
        self.assertEqual(named(self.trace), {"registered step": 20})

    def test_another_domains_range_does_not_begin_it(self):
        result = self.phases("--capture-range", "nvtx:epoch@phases")
        self.assertEqual(named(self.trace), {})
        self.assertIn("nothing was recorded", result.stderr)

    def test_domains_that_are_wanted(self):
        self.phases("--nvtx-domain-include", "phases")
        self.assertEqual(named(self.trace), {"registered step": 60})

    def test_domains_that_are_not(self):
        self.phases("--nvtx-domain-exclude", "phases,other")
        self.assertEqual(named(self.trace), {"whole run": 1, "between": 40, "epoch": 3, "step": 150})

    def test_the_default_domain_has_a_name(self):
        self.phases("--nvtx-domain-exclude", "default")
        self.assertEqual(named(self.trace), {"registered step": 60})

    def test_a_capture_range_among_wanted_domains(self):
        self.phases("--capture-range", "nvtx:epoch", "--nvtx-domain-include", "default")
        self.assertEqual(named(self.trace), {"epoch": 1, "step": 50})

    def test_what_makes_no_sense_is_one_line(self):
        for options in (["--capture-range", "epoch"], ["--capture-range", "nvtx:"], ["--capture-range-end", "repeat"],
                        ["--capture-range", "nvtx:a", "--delay", "1"], ["--kill", "sigterm"],
                        ["--capture-range", "nvtx:a@default", "--nvtx-domain-exclude", "default,b"],
                        ["--capture-range", "nvtx:a@b", "--nvtx-domain-include", "default"], ["--start-later"],
                        ["--capture-range", "nvtx:a", "--capture-range-end", "repeat:0"],
                        ["--nvtx-domain-include", "a", "--nvtx-domain-exclude", "b"],
                        ["--capture-range", "cudaProfilerApi", "--trace", "nvtx"], ["--nvtx-domain-include", "a,,b"]):
            result = record(self.trace, ["true"], *options)
            self.assertEqual(result.returncode, 2, (options, result.stderr))
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
            self.assertFalse(self.trace.exists())


class Sessions(Case):
    def command(self, name, what, code=0):
        result = run(RIDGE, "record", "--session", name, what)
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def test_started_and_stopped_from_another_shell(self):
        name = f"test-{os.getpid()}"
        log = self.folder / "log"
        last = self.folder / "last"  # the program ends with it
        recorder = subprocess.Popen([RIDGE, "record", "--session", name, "--start-later", "-o", self.trace, "--", PROGRAM,
                                     "paced", log, "120", "500", last], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(recorder.kill)

        def goes_on():
            """Until the program has done so many ranges more: however slow the machine, each window has some, and the time
            between them."""
            enough = log.stat().st_size + 150 * 16 if log.exists() else 150 * 16
            deadline = time.monotonic() + 60
            while (not log.exists() or log.stat().st_size < enough) and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertGreaterEqual(log.stat().st_size, enough, "the program does not go on")

        goes_on()
        self.command(name, "--start")
        self.assertIn("already", self.command(name, "--start", 2).stderr)
        goes_on()
        self.command(name, "--stop")
        goes_on()
        self.command(name, "--start")
        second = run(RIDGE, "record", "--session", name, "-o", self.folder / "u.sqlite", "--", "true")
        self.assertEqual(second.returncode, 2, "a name is taken once")
        goes_on()
        self.command(name, "--stop")
        goes_on()
        last.write_text("now")
        out, said = recorder.communicate(timeout=60)
        self.assertEqual((recorder.returncode, out), (6, "paced done\n"), said)
        self.assertEqual(len(windows(self.trace)), 2)
        whole = log.read_bytes()
        did = [struct.unpack_from("qq", whole, at) for at in range(0, len(whole), 16)]
        inside = sum(any(a >= begin and b <= end for begin, end in windows(self.trace)) for a, b in did)
        touching = sum(any(b >= begin and a <= end for begin, end in windows(self.trace)) for a, b in did)
        found = named(self.trace)["paced"]
        self.assertGreater(inside, 100)
        self.assertTrue(inside <= found <= touching, (inside, found, touching))
        self.assertLess(touching, len(did) - 100)
        self.assertSound(self.trace)
        self.assertIn("no session", self.command(name, "--stop", 2).stderr)


class Outputs(Case):
    def test_what_is_filled_in(self):
        pattern = self.folder / "%q{RIDGE_TEST_RANK}-%h-%p-%%.sqlite"
        result = record(pattern, ["sh", "-c", "echo $$"], env={**os.environ, "RIDGE_TEST_RANK": "r7"})
        self.assertEqual(result.returncode, 0, result.stderr)
        expected = self.folder / f"r7-{os.uname().nodename}-{result.stdout.strip()}-%.sqlite"
        self.assertEqual([p.name for p in self.folder.iterdir()], [expected.name])

    def test_the_first_free_number(self):
        for _ in range(3):
            self.assertEqual(record(self.folder / "t%n.sqlite", ["true"]).returncode, 0)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["t1.sqlite", "t2.sqlite", "t3.sqlite"])

    def test_several_at_once_take_a_number_each(self):
        started = [subprocess.Popen([RIDGE, "record", "-q", "-o", self.folder / "t%n.sqlite", "--", PROGRAM, "plain", "100"],
                                    stdout=subprocess.DEVNULL) for _ in range(4)]
        self.assertEqual([p.wait(60) for p in started], [0] * 4)
        files = sorted(self.folder.glob("t*.sqlite"))
        self.assertEqual(len(files), 4)
        self.assertEqual([named(f) for f in files], [{"plain": 100}] * 4)

    def test_what_cannot_be_filled_in(self):
        for pattern, said in (("%q{NO_SUCH_VARIABLE}.sqlite", "NO_SUCH_VARIABLE"), ("100%.sqlite", "%%"), ("%q.sqlite", "%q"), ("%q{}.sqlite", "write %q{NAME}")):
            result = record(self.folder / pattern, ["true"])
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(said, result.stderr)
            self.assertEqual(list(self.folder.iterdir()), [])

    @unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
    def test_a_file_for_each_rank_of_a_launcher(self):
        environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        result = run("mpirun", "-n", "2", "--oversubscribe", RIDGE, "record", "-q", "-o",
                     self.folder / "rank-%q{OMPI_COMM_WORLD_RANK}.sqlite", "--", PROGRAM, "plain", "1000", env=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, "plain output\n" * 2)
        for rank in (0, 1):
            path = self.folder / f"rank-{rank}.sqlite"
            self.assertEqual(named(path), {"plain": 1000})
            self.assertEqual(query(path, "SELECT rank, worldSize FROM RIDGE_RANK"), [(rank, 2)])

    def test_a_link_is_named_as_one(self):
        target = self.folder / "target"
        target.write_text("kept")
        link = self.folder / "link.sqlite"
        link.symlink_to(target)
        for force in ([], ["--force"]):
            result = record(link, ["true"], *force)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("symbolic link", result.stderr)
        self.assertEqual(target.read_text(), "kept")


class Daemons(Case):
    def test_a_child_that_has_not_shown_itself_yet_is_told_of(self):
        result = record(self.trace, [PROGRAM, "daemon", "2"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("1 process of the program still ran", result.stderr)
        self.assertEqual(query(self.trace, "SELECT outcome FROM RIDGE_RUN"), [("detached",)])
        self.assertEqual(named(self.trace), {"parent": 100})

    def test_it_can_be_waited_for(self):
        result = record(self.trace, [PROGRAM, "daemon", "1"], "--wait", "all")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(query(self.trace, "SELECT outcome FROM RIDGE_RUN"), [("complete",)])
        self.assertEqual(named(self.trace), {"parent": 100, "late": 300})
        self.assertSound(self.trace)


class Merge(Case):
    """The files of two recordings as one: every row once, each at its time, with its own names and files."""

    IO = ("SELECT s.value, count(*), sum(i.bytes) FROM RIDGE_IO i JOIN OSRT_API o ON o.rowid = i.osrtId "
          "JOIN StringIds s ON s.id = o.nameId JOIN OSRT_FILE_ACCESS_DESCRIPTORS f USING (fileAccessId) "
          "WHERE f.filePath LIKE '%file_' GROUP BY s.value, f.filePath ORDER BY f.filePath, s.value")
    WHEN = ("SELECT r.startMonotonicNs + n.start, r.startMonotonicNs + n.end, COALESCE(n.text, s.value) FROM NVTX_EVENTS n "
            "LEFT JOIN StringIds s ON s.id = n.textId JOIN RIDGE_RUN r WHERE n.eventType = 59 ORDER BY 1, 2")

    def two(self):
        paths = [self.folder / f"{k}.sqlite" for k in "ab"]
        for k, (path, epochs) in enumerate(zip(paths, "35")):
            shell = f'"$0" phases {epochs}; "$0" plain 7; echo data{k} > {self.folder}/file{k}; cat {self.folder}/file{k}'
            result = record(path, ["sh", "-c", shell, PROGRAM], "--trace", "nvtx,io")
            self.assertEqual(result.returncode, 0, result.stderr)
        return paths

    def merged(self, *paths):
        output = self.folder / "all.sqlite"
        result = run(RIDGE, "merge", *paths, "-o", output)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(query(output, "PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(query(output, "PRAGMA application_id"), query(paths[0], "PRAGMA application_id"))
        return output

    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_every_row_once_at_its_time(self):
        first, second = self.two()
        output = self.merged(second, first)  # in any order
        self.assertEqual(query(output, self.WHEN), sorted(query(first, self.WHEN) + query(second, self.WHEN)))
        self.assertGreater(len(query(output, self.IO)), 2)
        self.assertEqual(query(output, self.IO), query(first, self.IO) + query(second, self.IO))
        for table in ("NVTX_EVENTS", "OSRT_API", "RIDGE_IO", "RIDGE_PROCESS", "RIDGE_RANK", "RIDGE_COUNTER_SAMPLE", "RIDGE_CLOCK"):
            count = f"SELECT count(*) FROM {table}"
            self.assertEqual(query(output, count)[0][0], query(first, count)[0][0] + query(second, count)[0][0], table)
        orphans = "SELECT count(*) FROM RIDGE_COUNTER_SAMPLE WHERE counterId NOT IN (SELECT id FROM RIDGE_COUNTER)"
        self.assertEqual(query(output, orphans), [(0,)])
        self.assertEqual(query(output, "SELECT count(*), count(DISTINCT value) FROM StringIds")[0][0],
                         query(output, "SELECT count(DISTINCT value) FROM StringIds")[0][0])
        told = json.loads(query(output, "SELECT value FROM META_DATA_CAPTURE WHERE name = 'MERGED_FROM'")[0][0])
        self.assertEqual([t["path"] for t in told], [str(first), str(second)])
        self.assertEqual([t["clock"] for t in told], ["monotonic"] * 2)
        self.assertEqual(len(query(output, "SELECT * FROM RIDGE_RUN")), 1)
        self.assertEqual(query(output, "SELECT max(max(start, ifnull(end, 0))) <= (SELECT durationNs FROM RIDGE_RUN) FROM NVTX_EVENTS"), [(1,)])
        self.assertIn(run(RIDGE, "analyze", output).returncode, (0, 2), "it is a timeline as any other")

    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_processes_with_the_same_number_stay_apart(self):
        first, _ = self.two()
        copy = self.folder / "copy.sqlite"
        shutil.copy(first, copy)
        with sqlite3.connect(copy) as db:  # as one of another machine
            db.execute("UPDATE RIDGE_RUN SET runId = 'of-another-machine'")
        output = self.merged(first, copy)
        pids = "SELECT count(DISTINCT globalPid) FROM RIDGE_PROCESS"
        self.assertEqual(query(output, pids)[0][0], 2 * query(first, pids)[0][0])
        self.assertEqual(query(output, "SELECT count(*) FROM (SELECT globalTid, start, end FROM NVTX_EVENTS WHERE eventType = 59 "
                                       "GROUP BY 1, 2, 3 HAVING count(*) > 1)"), [(0,)])

    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_one_recording_twice_is_refused_under_any_name(self):
        first, second = self.two()
        copy, third = self.folder / "copy.sqlite", self.folder / "third.sqlite"
        shutil.copy(first, copy)
        both = self.merged(first, second)
        run_id = query(first, "SELECT runId FROM RIDGE_RUN")[0][0]
        for inputs in ([first, copy], [first, second, copy], [both, first]):
            result = run(RIDGE, "merge", *inputs, "-o", self.folder / "c.sqlite")
            self.assertEqual((result.returncode, len(result.stderr.splitlines())), (2, 1), result.stderr)
            self.assertIn(run_id, result.stderr)
            self.assertFalse((self.folder / "c.sqlite").exists())
        shutil.copy(second, third)
        with sqlite3.connect(third) as db:
            db.execute("UPDATE RIDGE_RUN SET runId = 'a-third'")
        result = run(RIDGE, "merge", both, third, "-o", self.folder / "c.sqlite")
        self.assertEqual(result.returncode, 0, result.stderr)
        told = [json.loads(value) for (value,) in query(self.folder / "c.sqlite", "SELECT value FROM META_DATA_CAPTURE WHERE name = 'MERGED_FROM'")]
        self.assertEqual([[part["path"] for part in parts] for parts in told], [[str(first), str(second), str(third)]])
        self.assertEqual(told[0][1]["offset_ns"], told[0][2]["offset_ns"])  # a copy of the second

    def test_what_cannot_be_merged_is_one_line(self):
        first, second = self.two()
        foreign = self.folder / "foreign.sqlite"
        foreign.write_text("no database")
        for arguments in ([first], [first, first], [first, foreign], [first, self.folder / "missing"], [first, second, "-o", first]):
            command = [RIDGE, "merge", *arguments] + ([] if "-o" in arguments else ["-o", self.folder / "c.sqlite"])
            result = run(*command)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
            self.assertFalse((self.folder / "c.sqlite").exists())


@unittest.skipUnless((BUILD / "bin/ridge-workloads").exists() or "RIDGE_WORKLOADS" in os.environ, "ridge-workloads is not built")
class RunFolders(Case):
    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_no_room_is_4_and_a_wrong_place_is_2(self):
        result = run(RIDGE, "run", "--filter", "^launch", "-o", "/proc/nowhere/run")
        self.assertEqual(result.returncode, 2, result.stderr)
        small = self.folder / "small"
        small.mkdir()
        if run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small).returncode != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(run, "umount", "-l", small)
        for command in (["run", "--filter", "^launch", "-o", small / "run"], ["record", "-o", small / "t.sqlite", "--", PROGRAM, "plain", "10000"]):
            result = run(RIDGE, *command)
            self.assertEqual(result.returncode, 4, result.stderr)
            self.assertIn("No space left", result.stderr)


if __name__ == "__main__":
    main()
