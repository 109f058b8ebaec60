# SPDX-License-Identifier: Apache-2.0
"""What a recording cannot see is counted and told: in one line at the end, and in the file."""
import os
import shutil
import signal
import subprocess
import textwrap
import time
import unittest

from support import BUILD, RIDGE, SANITIZED, WHY_NOT_SANITIZED, Case, losses, main, program_of, query, record, run

PROGRAM = BUILD / "bin" / "misbehaving"
STEADY = BUILD / "bin" / "steady_ranges"


class Told(Case):
    def notes(self):
        """What the file itself says, without what every recording says."""
        rows = query(self.trace, "SELECT text FROM DIAGNOSTIC_EVENT WHERE severity > 1")
        return [text for text, in rows]

    def assertTold(self, result, words):
        """Once on stderr and once in the file."""
        lines = [line for line in result.stderr.splitlines() if words in line]
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertEqual(len([text for text in self.notes() if words in text]), 1, self.notes())
        return lines[0]


@unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
class Rights(Told):
    def given_up(self, what, *options):
        result = record(self.trace, [PROGRAM, "gives-up", what, self.folder, "500"], *options, "--force")
        if result.returncode == 77:
            self.skipTest(f"this user cannot give up {what}")
        self.assertEqual(result.returncode, 11, result.stderr)
        return result

    def test_events_after_the_rights_were_given_up_are_counted(self):
        for what in ("user", "files"):
            result = self.given_up(what, "--trace", "nvtx,io")
            self.assertEqual(losses(self.trace), [("no_ring", 500)], f"500 ranges, each once, {what}")
            self.assertIn("no process could make a recording of its events, 500 of them", result.stderr)
            self.assertIn("500 records were lost or cut short", result.stderr)
            self.assertNotIn("no process loaded an agent", result.stderr)

    def test_without_a_preloaded_library_the_reason_says_what_counts_them(self):
        for what in ("user", "files"):
            result = self.given_up(what, "--trace", "nvtx")
            self.assertIn("had given up the rights", result.stderr)
            self.assertIn("are counted only with io in --trace", result.stderr)


@unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
class StaticPrograms(Told):
    WORDS = "of their file calls nothing can be seen"

    def setUp(self):
        super().setUp()
        source = self.folder / "s.c"
        source.write_text("int main(void) { return 0; }")
        for name, options in (("static", ["-static"]), ("static-pie", ["-static-pie"]), ("dynamic", [])):
            if not shutil.which("cc") or run("cc", *options, source, "-o", self.folder / name).returncode != 0:
                self.skipTest(f"nothing can be linked {name} here")

    def shell(self, script, *options):
        result = record(self.trace, ["sh", "-c", textwrap.dedent(script)], "--trace", "nvtx,io", "--force", *options, cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_those_that_a_dynamic_program_starts_are_counted(self):
        line = self.assertTold(self.shell("./static; ./static-pie; ./dynamic; (exec ./static); true"), self.WORDS)
        self.assertIn("started 3 times, the first was ./static:", line)

    def test_one_is_told_as_one(self):
        line = self.assertTold(self.shell("PATH=.:$PATH; static; ./dynamic"), "a statically linked program was started, ./static")
        self.assertIn("of its file calls nothing can be seen", line)

    def test_every_way_of_starting_one(self):
        starts = self.folder / "starts.c"
        starts.write_text(textwrap.dedent("""
            #define _GNU_SOURCE
            #include <fcntl.h>
            #include <spawn.h>
            #include <stdlib.h>
            #include <sys/wait.h>
            #include <unistd.h>
            extern char** environ;
            int main(void) {
                setenv("PATH", "/nowhere:.", 1);
                char* none[] = {"static", NULL};
                char* const changed[] = {"CHANGED=1", NULL};
                for (int way = 0; way < 11; ++way) {
                    pid_t child = 0;
                    if (way == 8) { if (posix_spawn(&child, "./static", NULL, NULL, none, environ)) return 1; }
                    else if (way == 9) { if (posix_spawnp(&child, "static", NULL, NULL, none, environ)) return 1; }
                    else if ((child = way == 10 ? vfork() : fork()) == 0) {
                        switch (way) {
                            case 0: execve("./static", none, environ); break;
                            case 1: execv("./static", none); break;
                            case 2: execvp("static", none); break;
                            case 3: execvpe("static", none, environ); break;
                            case 4: execl("./static", "static", "a", "b", (char*)NULL); break;
                            case 5: execlp("static", "static", (char*)NULL); break;
                            case 6: execle("./static", "static", "a", (char*)NULL, changed); break;
                            case 7: fexecve(open("./static", O_RDONLY), none, environ); break;
                            case 10: execv("./static", none); break;
                        }
                        _exit(2);
                    }
                    int status = 0;
                    waitpid(child, &status, 0);
                    if (status != 0) return 3 + way;
                }
                execv("./not-there", none);              // is not started, so not counted
                char* dynamic[] = {"dynamic", NULL};
                return posix_spawn(NULL, "./s.c", NULL, NULL, none, environ) == 0 || execv("./dynamic", dynamic) == 0;
            }
        """))
        self.assertEqual(run("cc", "-Wno-nonnull", starts, "-o", self.folder / "starts").returncode, 0)
        line = self.assertTold(self.shell("exec ./starts"), self.WORDS)
        self.assertIn("started 11 times, the first was ./static:", line)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "another shell in the place of /bin/sh needs a mount of one's own, and root")
    def test_a_static_shell_that_libc_itself_starts(self):
        source = self.folder / "shells.c"
        source.write_text(textwrap.dedent("""
            #include <stdio.h>
            #include <stdlib.h>
            int main(void) {
                FILE* stream = popen("exit 0", "r");
                return !system(NULL) || system("exit 0") != 0 || stream == NULL || pclose(stream) != 0;
            }
        """))
        self.assertEqual(run("cc", source, "-o", self.folder / "shells").returncode, 0)
        command = [RIDGE, "record", "--trace", "nvtx,io", "--force", "-o", self.trace, "--", self.folder / "shells"]
        self.assertNotIn("statically linked program", run(*command).stderr, "a dynamic one is seen from within")
        result = run("unshare", "-m", "sh", "-c", 'mount --bind static "$(readlink -f /bin/sh)" || exit 77; exec "$@"', "sh", *command, cwd=self.folder)
        if result.returncode == 77 or result.stderr.startswith("unshare:"):
            self.skipTest("nothing can be mounted here")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("started 2 times, the first was /bin/sh:", self.assertTold(result, self.WORDS))

    def test_a_script_of_a_static_interpreter_and_a_loader_that_is_none(self):
        script = self.folder / "script"
        script.write_text(f"#! {self.folder}/static -x\n")
        script.chmod(0o755)
        loader = next((p for p in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1") if os.path.exists(p)), "true")
        line = self.assertTold(self.shell(f"./script; {loader} ./dynamic"), "a statically linked program was started")
        self.assertIn("./script:", line)

    def test_without_io_nothing_is_missing(self):
        result = record(self.trace, ["sh", "-c", "./static; true"], "--trace", "nvtx", cwd=self.folder)
        self.assertNotIn("static", result.stderr.replace("or it is statically linked", ""))

    def test_a_recovered_recording_tells_it_too(self):
        recorder = subprocess.Popen([RIDGE, "record", "--trace", "nvtx,io", "-o", self.trace, "--", "sh", "-c", "./static; echo there; exec sleep 60"],
                                    cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.assertEqual(recorder.stdout.readline(), "there\n")
        program = program_of(recorder)
        recorder.kill()
        recorder.wait()
        os.kill(program, signal.SIGKILL)
        recorder.stdout.close()
        deadline = time.monotonic() + 30
        while True:
            result = run(RIDGE, "record", "--recover", f"{self.trace}.spool", "-o", self.trace)
            if result.returncode == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.1)  # the kernel takes it down
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTold(result, "a statically linked program was started")


class DomainFilters(Told):
    def phases(self, *options):
        result = record(self.trace, [PROGRAM, "phases", "1"], *options, "--force")
        self.assertEqual(result.returncode, 4, result.stderr)
        return result

    def test_a_name_that_no_domain_has_is_told(self):
        for option in ("include", "exclude"):
            line = self.assertTold(self.phases(f"--nvtx-domain-{option}", "nosuch"), f"--nvtx-domain-{option} \"nosuch\"")
            self.assertIn("made no NVTX domain of that name; it has \"default\", \"phases\"", line)

    def test_only_those_without_a_match_are_named(self):
        line = self.assertTold(self.phases("--nvtx-domain-include", "phases,a,default,b"), "--nvtx-domain-include \"a\", \"b\"")
        self.assertIn("of these names", line)

    def test_names_that_match_say_nothing(self):
        for names in ("phases", "default", "default,phases"):
            self.assertNotIn("nvtx-domain", self.phases("--nvtx-domain-include", names).stderr)
            self.assertEqual([text for text in self.notes() if "nvtx-domain" in text], [])


class Threads(Case):
    """Of another pid namespace: ranges and samples of a thread have one number, ours."""

    def setUp(self):
        super().setUp()
        if run("unshare", "-rpf", "true").returncode != 0:
            self.skipTest("this machine gives us no pid namespace")

    def numbers(self, *command):
        result = record(self.trace, ["unshare", "-rpf", *command])
        self.assertEqual(result.returncode, 0, result.stderr)
        ranges = dict(query(self.trace, "SELECT DISTINCT globalTid & 0xFFFFFF, globalTid >> 24 & 0xFFFFFF FROM NVTX_EVENTS WHERE eventType = 59"))
        sampled = {int(name.partition("/")[2]): pid for name, pid in
                   query(self.trace, "SELECT name, globalPid >> 24 & 0xFFFFFF FROM RIDGE_COUNTER WHERE name LIKE 'thread.cpu/%'")}
        self.assertEqual({tid: sampled.get(tid) for tid in ranges}, ranges, "each has the counters of its number and process")
        return ranges

    def test_threads_at_once(self):
        self.assertEqual(len(self.numbers(STEADY, "2000", "2")), 2)

    def test_threads_in_turn(self):
        self.assertEqual(len(self.numbers(PROGRAM, "in-turn", "4")), 4, "each in the ring of the one before")


class Outputs(Case):
    def refused(self, output, words, **options):
        started = self.folder / "started"
        result = run(RIDGE, "record", "-o", output, "--", "touch", started, **options)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        self.assertIn(words, result.stderr)
        self.assertFalse(started.exists(), "the program ran although its recording could not be written")

    @unittest.skipUnless(os.geteuid() == 0, "mounting a file system needs root")
    def test_a_file_system_that_is_read_only(self):
        mount = self.folder / "mount"
        mount.mkdir()
        if run("mount", "-t", "tmpfs", "tmpfs", mount).returncode != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(run, "umount", "-l", mount)
        (mount / "there.sqlite").write_text("old")
        self.assertEqual(run("mount", "-o", "remount,ro", mount).returncode, 0)
        self.refused(mount / "t.sqlite", "Read-only file system")
        self.refused(mount / "no" / "t.sqlite", "there is no such folder")
        result = run(RIDGE, "record", "--force", "-o", mount / "there.sqlite", "--", "touch", self.folder / "started")
        self.assertEqual((result.returncode, (self.folder / "started").exists()), (2, False), result.stderr)
        result = run(RIDGE, "record", "-o", self.trace, "--json", mount / "s.json", "--", "touch", self.folder / "started")
        self.assertEqual((result.returncode, (self.folder / "started").exists()), (2, False), result.stderr)

    def test_a_folder_that_cannot_be_written_and_special_places(self):
        self.refused("/proc/t.sqlite", "/proc")
        self.refused("/dev/stdout", "/dev/stdout")
        self.refused("-", "cannot go to stdout")
        folder = self.folder / "closed"
        folder.mkdir(mode=0o500)
        if os.geteuid() == 0:
            self.folder.chmod(0o711)
            if run("setpriv", "--reuid=65534", "--clear-groups", RIDGE, "--version").returncode != 0:
                self.skipTest("the command cannot be run as another user here")
            result = run("setpriv", "--reuid=65534", "--clear-groups", RIDGE, "record", "-o", folder / "t.sqlite", "--", "touch", self.folder / "started")
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("Permission denied", result.stderr)
            self.assertFalse((self.folder / "started").exists())
        else:
            self.refused(folder / "t.sqlite", "Permission denied")


if __name__ == "__main__":
    main()
