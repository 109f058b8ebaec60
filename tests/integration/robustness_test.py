# SPDX-License-Identifier: Apache-2.0
"""Programs that do what recorders trip over: each behaves as without us, and the number of events is asserted."""
import ctypes
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time
import unittest

from support import BUILD, RIDGE, SANITIZED, WHY_NOT_SANITIZED, Case, losses, main, query, ranges, record, run

PROGRAM = BUILD / "bin" / "misbehaving"
LIBRARY = next(iter(BUILD.glob("**/libmisbehaving_library.so")), None)
NAMED = ("SELECT COALESCE(n.text, s.value) name, count(*), sum(n.end IS NULL) FROM NVTX_EVENTS n "
         "LEFT JOIN StringIds s ON s.id = n.textId WHERE n.eventType = 59 GROUP BY name")


def counts(path):
    """Push/pop ranges by their name."""
    return {name: number for name, number, _ in query(path, NAMED)}


def outcome(path):
    return query(path, "SELECT outcome FROM RIDGE_RUN")[0][0]


class Robustness(Case):
    def recorded(self, *arguments, code=0, options=(), **run_options):
        plain = run(PROGRAM, *arguments, **run_options)
        result = record(self.trace, [PROGRAM, *arguments], *options, **run_options)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, plain.stdout, "the program's output is its own")
        self.assertEqual(plain.returncode, code if code < 128 else 128 - code)
        return result

    def test_fork_without_exec(self):
        self.recorded("fork", "4")
        self.assertEqual(counts(self.trace), {"before": 100, "child": 4000, "after": 100})
        self.assertSound(self.trace)

    def test_a_chain_of_execs(self):
        self.recorded("exec", "5", code=7)
        self.assertEqual(counts(self.trace), {"link": 3000})
        self.assertSound(self.trace)

    def test_threads_that_never_exit(self):
        self.recorded("threads", "6", code=3)
        self.assertEqual(counts(self.trace), {"thread": 6000, "open for ever": 6})
        self.assertEqual(query(self.trace, "SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end IS NULL"), [(6,)])
        self.assertSound(self.trace)

    @unittest.skipUnless(LIBRARY, "the library of this test is not built")
    def test_an_instrumented_library_is_unloaded_again_and_again(self):
        self.recorded("unload", LIBRARY, "20")
        self.assertEqual(counts(self.trace), {"of the library": 2000, "between": 200})
        self.assertSound(self.trace)

    def test_exit_without_handlers(self):
        self.recorded("_exit", code=9)
        self.assertEqual(counts(self.trace), {"before": 1234, "open": 1})
        self.assertSound(self.trace)

    def test_abort(self):
        self.recorded("abort", code=128 + signal.SIGABRT, preexec_fn=no_core)
        self.assertEqual(counts(self.trace), {"before": 4321, "open": 1})
        self.assertSound(self.trace)

    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_a_stack_that_overflows(self):
        self.recorded("overflow", code=128 + signal.SIGSEGV, preexec_fn=small_stack)
        found = counts(self.trace)
        self.assertEqual(found["before"], 100)
        self.assertGreaterEqual(found["deep"], 50, "1 MiB of stack in pages, every fourth with a range")
        self.assertSound(self.trace)

    def test_a_program_that_closes_all_descriptors(self):
        self.recorded("closes", code=5)
        self.assertEqual(counts(self.trace), {"before": 1000, "after": 100000})
        self.assertSound(self.trace)
        if SANITIZED:
            self.skipTest("the part with file calls: " + WHY_NOT_SANITIZED)
        second = self.folder / "io.sqlite"
        result = record(second, [PROGRAM, "closes"], "--trace", "nvtx,io")
        self.assertEqual(result.returncode, 5, result.stderr)
        self.assertEqual(counts(second), {"before": 1000, "after": 100000})
        self.assertEqual(query(second, "SELECT count(*) FROM OSRT_API o JOIN StringIds s ON s.id = o.nameId "
                                       "WHERE s.value = 'close'"), [(1024,)])

    def test_a_sandbox_that_refuses_our_calls(self):
        if run(PROGRAM, "sandbox", "1").returncode == 77:
            self.skipTest("no seccomp filter can be set here")
        self.recorded("sandbox", "20000", code=8)
        self.assertEqual(counts(self.trace), {"before": 100, "sandboxed": 20000})
        self.assertEqual(losses(self.trace), [("no_ring", 50)], "a range is lost once")

    def test_two_recorders_at_once(self):
        other = self.folder / "other.sqlite"
        first = subprocess.Popen([RIDGE, "record", "-o", self.trace, "--", PROGRAM, "plain", "300000"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        second = record(other, [PROGRAM, "plain", "200000"])
        _, said = first.communicate(timeout=120)
        self.assertEqual((first.returncode, second.returncode), (0, 0), said + second.stderr)
        self.assertEqual((counts(self.trace), counts(other)), ({"plain": 300000}, {"plain": 200000}))
        inner = self.folder / "inner.sqlite"
        outer = self.folder / "outer.sqlite"
        result = record(outer, [RIDGE, "record", "-o", inner, "--", PROGRAM, "plain", "500"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((counts(inner), counts(outer)), ({"plain": 500}, {}), "the inner one has the program")

    def test_a_static_program_is_named_as_a_reason(self):
        source = self.folder / "static.c"
        source.write_text('#include <stdio.h>\nint main(void) { puts("static"); return 6; }\n')
        static = self.folder / "static"
        if not shutil.which("gcc") or run("gcc", "-static", "-o", static, source).returncode != 0:
            self.skipTest("no static program can be linked here")
        result = record(self.trace, [static])
        self.assertEqual((result.returncode, result.stdout), (6, "static\n"), result.stderr)
        self.assertIn("statically linked", result.stderr)

    def test_without_a_driver_no_second_run_counts_kernels(self):
        try:
            ctypes.CDLL("libcuda.so.1")
            self.skipTest("there is a CUDA driver here")
        except OSError:
            pass
        for counters, told in (("kernel", "not run a second time"), ("gpu", "has counted nothing")):
            log = self.folder / f"runs-{counters}"
            result = record(self.folder / f"{counters}.sqlite", ["sh", "-c", f"echo run >> {log}"], "--counters", counters)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(log.read_text(), "run\n")
            self.assertIn(told, result.stderr)
            self.assertIn("no CUDA driver", result.stderr)

    @unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
    def test_a_driver_without_a_device_is_no_reason_for_a_second_run(self):
        """It loads and starts; nothing that the program could run a kernel on is there."""
        source = self.folder / "cuda.c"
        source.write_text("int cuInit(unsigned flags) { return 0; }\nint cuDeviceGetCount(int* count) { *count = 0; return 0; }\n")
        self.assertEqual(run("cc", "-shared", "-fPIC", source, "-o", self.folder / "libcuda.so.1").returncode, 0)
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.folder)}
        log = self.folder / "runs"
        result = record(self.trace, ["sh", "-c", f"echo run >> {log}"], "--counters", "kernel", env=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(log.read_text(), "run\n")
        self.assertIn("no kernel while it was recorded", result.stderr)
        self.assertIn("not run a second time", result.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can make a program set-uid of another user")
    def test_a_set_uid_program_is_refused_before_it_runs(self):
        raised = self.folder / "raised"
        shutil.copy(PROGRAM, raised)
        os.chown(raised, 65534, 65534)
        raised.chmod(0o4755)
        result = record(self.trace, [raised, "plain", "10"])
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        self.assertIn("set-uid", result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)


class Losses(Case):
    """Where there is no room: nothing is lost uncounted, and names last of all."""

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_names_survive_a_disk_that_is_full(self):
        small = self.folder / "small"
        small.mkdir()
        if run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small).returncode != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(run, "umount", "-l", small)
        output = small / "t.sqlite"
        result = record(output, [PROGRAM, "names", "400000", "1000"])
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("--recover", result.stderr)
        self.assertEqual(run("mount", "-o", "remount,size=128m", small).returncode, 0)
        result = run(RIDGE, "record", "--recover", str(output) + ".spool", "-o", self.trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        found = counts(self.trace)
        lost = dict(losses(self.trace))
        self.assertGreater(lost["spool_write"], 0)
        self.assertTrue(all(name.startswith("name ") for name in found), "no range without its name")
        self.assertNotIn("definition", lost)
        self.assertIn("name 999", found, "a name that came when the disk was long full")
        self.assertGreaterEqual(sum(found.values()) + lost["spool_write"], 400000)
        self.assertLessEqual(sum(found.values()) + lost["spool_write"], 400000 + 1000, "beside clock readings")

    def test_a_limit_on_file_sizes_makes_smaller_rings(self):
        limit = 256 * 1024
        result = record(self.trace, [PROGRAM, "limit", limit, "2000"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(counts(self.trace), {"limited": 2000})
        self.assertSound(self.trace)

    def test_a_limit_that_leaves_no_ring_counts_every_event(self):
        result = record(self.trace, [PROGRAM, "limit", "4096", "5000"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(counts(self.trace), {})
        self.assertEqual(losses(self.trace), [("no_ring", 5000)], "each range once, not at its push and its pop")
        self.assertIn("5000 records were lost or cut short", result.stderr)
        self.assertNotIn("no process loaded an agent", result.stderr, "one did, and found no place for its ring")


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def small_stack():
    no_core()
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20))


if __name__ == "__main__":
    main()
