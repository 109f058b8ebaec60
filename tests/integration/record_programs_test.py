# SPDX-License-Identifier: Apache-2.0
"""Programs that no one here wrote, under the recorder: their ranges, their I/O, their output."""
import collections
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import unittest

from support import SOURCE, Case, main, query, ranges, record, run

PYTHON = SOURCE / ".deps/venv/bin/python"


def has_nvtx():
    return PYTHON.exists() and run(PYTHON, "-c", "import nvtx").returncode == 0


@unittest.skipUnless(has_nvtx(), "PyPI's nvtx package is not in .deps/venv (scripts/setup --test brings it)")
class PythonNvtx(Case):
    def test_ranges_are_those_of_the_program(self):
        script = self.folder / "program.py"
        script.write_text(textwrap.dedent("""
            import nvtx, sys, threading
            domain = "my.domain"
            @nvtx.annotate("decorated", color="blue", domain=domain)
            def work(i):
                with nvtx.annotate(f"inner {i % 3}", color="red", category="loop", payload=i):
                    return i * i
            def loop():
                for i in range(1000):
                    work(i)
            threads = [threading.Thread(target=loop) for _ in range(3)]
            [t.start() for t in threads]; [t.join() for t in threads]
            handle = nvtx.start_range("started", color="green"); nvtx.end_range(handle)
            nvtx.push_range("gr\\u00fcn \\U0001F600"); nvtx.pop_range()
            for i in range(5): nvtx.mark("mark", color="yellow")
            print("out"); print("err", file=sys.stderr); sys.exit(3)
        """))
        result = record(self.trace, [PYTHON, script])
        self.assertEqual((result.returncode, result.stdout), (3, "out\n"), result.stderr)
        self.assertIn("err\n", result.stderr)
        names = collections.Counter(row[0] for row in ranges(self.trace))
        self.assertEqual(names["decorated"], 3000)
        self.assertEqual({n: names[n] for n in names if n.startswith("inner")},
                         {"inner 0": 1002, "inner 1": 999, "inner 2": 999})
        self.assertEqual(names["started"], 1)
        self.assertEqual(names["gr\u00fcn \U0001F600"], 1)
        self.assertEqual(query(self.trace, "SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 34"), [(5,)])
        self.assertEqual(len({row[3] for row in ranges(self.trace, "decorated")}), 3, "three threads")
        self.assertTrue(all(end is not None and end >= start for _, start, end, _ in ranges(self.trace)))
        domains = query(self.trace, "SELECT COALESCE(n.text, s.value) FROM NVTX_EVENTS n LEFT JOIN StringIds s "
                                    "ON s.id = n.textId WHERE eventType = 75")
        self.assertIn(("my.domain",), domains)
        self.assertSound(self.trace)


@unittest.skipUnless(shutil.which("fio") and shutil.which("strace"), "fio and strace are not both installed")
class Fio(Case):
    def test_io_counts_are_those_of_strace(self):
        data = self.folder / "data.bin"
        job = ["fio", "--name=job", f"--filename={data}", "--size=8M", "--bs=4k", "--rw=randrw", "--ioengine=psync",
               "--fsync=64", "--randseed=7", "--thread", "--output-format=json", "--allow_mounted_write=0"]
        log = self.folder / "strace.log"
        traced = run("strace", "-f", "-y", "-e", "trace=pread64,pwrite64,fsync", "-o", log, *job)
        if traced.returncode != 0:
            self.skipTest("strace cannot trace here: " + traced.stderr.strip()[:200])
        seen = collections.Counter(
            m.group(1) for m in re.finditer(r"\b(pread64|pwrite64|fsync)\(\d+<[^>]*data\.bin>", log.read_text()))
        data.unlink()
        result = record(self.trace, job, "--trace", "nvtx,io")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn('"jobname"', result.stdout, "fio's own output is untouched")
        hooked = dict(query(self.trace, """
            SELECT e.name, count(*) FROM RIDGE_IO i JOIN ENUM_RIDGE_IO_OP e ON e.id = i.op
            JOIN OSRT_FILE_ACCESS_DESCRIPTORS f ON f.fileAccessId = i.fileAccessId
            WHERE f.filePath LIKE '%data.bin' GROUP BY e.name"""))
        self.assertGreater(seen["pread64"], 100)
        self.assertEqual({"pread": hooked.get("pread"), "pwrite": hooked.get("pwrite"), "fsync": hooked.get("fsync")},
                         {"pread": seen["pread64"], "pwrite": seen["pwrite64"], "fsync": seen["fsync"]})
        moved = query(self.trace, "SELECT sum(bytes) FROM RIDGE_IO i JOIN ENUM_RIDGE_IO_OP e ON e.id = i.op "
                                  "JOIN OSRT_FILE_ACCESS_DESCRIPTORS f USING (fileAccessId) "
                                  "WHERE f.filePath LIKE '%data.bin' AND e.name IN ('pread', 'pwrite')")
        self.assertEqual(moved[0][0], 4096 * (seen["pread64"] + seen["pwrite64"]))
        self.assertSound(self.trace)


class Shell(Case):
    def test_a_pipeline_with_forks_keeps_output_and_exit_code(self):
        script = "seq 1 20000 | sort -rn | head -3; (exit 5); echo done $?; cat < /dev/null; printf 'no newline'; exit 7"
        plain = run("sh", "-c", script)
        result = record(self.trace, ["sh", "-c", script], "--trace", "nvtx,io")
        self.assertEqual((result.returncode, result.stdout), (plain.returncode, plain.stdout), result.stderr)
        processes = query(self.trace, "SELECT DISTINCT name FROM PROCESSES")
        self.assertLessEqual({"sort", "seq"}, {os.path.basename(str(row[0])) for row in processes})
        written = query(self.trace, """SELECT sum(i.bytes) FROM RIDGE_IO i JOIN OSRT_API a ON a.rowid = i.osrtId
            JOIN PROCESSES p ON p.globalPid = (a.globalTid & ~0xFFFFFF) JOIN ENUM_RIDGE_IO_OP e ON e.id = i.op
            WHERE p.name LIKE '%seq' AND e.name IN ('write', 'fwrite')""")
        self.assertGreater(written[0][0] or 0, 0)
        self.assertSound(self.trace)

    def test_a_signal_is_passed_on_as_128_plus_n(self):
        result = record(self.trace, ["sh", "-c", "kill -TERM $$"])
        self.assertEqual(result.returncode, 143, result.stderr)
        self.assertSound(self.trace)

    def test_a_program_that_is_not_there(self):
        result = record(self.trace, ["/no/such/program"])
        self.assertEqual(result.returncode, 127, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)

    def test_standard_input_reaches_the_program(self):
        result = record(self.trace, ["cat"], input="from stdin\n")
        self.assertEqual((result.returncode, result.stdout), (0, "from stdin\n"), result.stderr)

    def test_a_secret_in_the_environment_is_nowhere_in_the_file(self):
        environment = dict(os.environ, API_TOKEN="s3cr3t-value-4711", OMP_NUM_THREADS="1")
        result = record(self.trace, ["true"], env=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn(b"s3cr3t-value-4711", self.trace.read_bytes())
        self.assertEqual(query(self.trace, "SELECT value FROM RIDGE_ENVIRONMENT WHERE name = 'env.OMP_NUM_THREADS'"),
                         [("1",)])

    def test_a_daemon_does_not_hold_the_recorder(self):
        left = self.folder / "pid"
        daemon = f"setsid sh -c 'echo $$ > {left}; exec sleep 60' >/dev/null 2>&1 & while ! test -s {left}; do sleep 0.01; done"
        result = record(self.trace, ["sh", "-c", daemon], timeout=30)
        self.assertEqual(result.returncode, 0, result.stderr)
        os.kill(int(left.read_text()), signal.SIGKILL)  # which also shows that it was still there


if __name__ == "__main__":
    main()
