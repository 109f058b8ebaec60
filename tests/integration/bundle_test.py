# SPDX-License-Identifier: Apache-2.0
"""The installed tree, moved to a machine that has a glibc, a shell and nothing else."""
import os
import pathlib
import re
import shutil
import unittest

from support import BUILD, SANITIZED, WHY_NOT_SANITIZED, Case, main, query, run

# What Debian's libc6 brings; everything else has to come with the tree.
LIBC = re.compile(r"(libc|libm|libdl|libpthread|librt|libresolv|libutil|ld-linux[^ ]*)\.so")


@unittest.skipUnless(os.geteuid() == 0, "chroot needs root")
class Bundle(Case):
    def copy_with_libc(self, root, program):
        target = root / str(program).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(program), target)
        for path in re.findall(r"(/[^ ]+) \(0x", run("ldd", program).stdout):
            if LIBC.match(os.path.basename(path)):
                copy = root / path.lstrip("/")
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(os.path.realpath(path), copy)

    def setUp(self):
        super().setUp()
        self.root = self.folder / "root"
        for folder in ("proc", "dev", "tmp", "opt"):
            (self.root / folder).mkdir(parents=True)
        installed = run("cmake", "--install", BUILD, "--prefix", self.root / "opt/ridge", "--strip", timeout=300)
        self.assertEqual(installed.returncode, 0, installed.stderr)
        for program in ("/bin/sh", "/bin/sleep", "/bin/cat"):
            self.copy_with_libc(self.root, program)
        self.copy_with_libc(self.root, BUILD / "bin/ridge")  # for libm and the loader
        shutil.rmtree(self.root / str(BUILD).lstrip("/"), ignore_errors=True)
        # Devices of its own: the folder is removed afterwards, and the machine's /dev must not be in it.
        for name, number in (("null", 3), ("zero", 5), ("urandom", 9)):
            if run("mknod", "-m", "666", self.root / "dev" / name, "c", "1", str(number)).returncode != 0:
                self.skipTest("no device can be made here")
        (self.root / "dev/shm").mkdir()
        if run("mount", "-t", "proc", "proc", self.root / "proc").returncode != 0:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(run, "umount", "-l", self.root / "proc")

    def inside(self, *command, **options):
        return run("/usr/sbin/chroot", self.root, *command, env={"PATH": "/bin", "HOME": "/tmp"}, **options)

    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_it_records_analyzes_and_runs_a_workload_there(self):
        doctor = self.inside("/opt/ridge/bin/ridge", "doctor")
        self.assertEqual(doctor.returncode, 0, doctor.stderr)
        recorded = self.inside("/opt/ridge/bin/ridge", "record", "--trace", "nvtx,io", "-o", "/tmp/t.sqlite", "--",
                               "/opt/ridge/bin/ridge-workloads", "--benchmark_filter=^elementwise/fused$",
                               "--benchmark_min_time=0.1")
        self.assertEqual(recorded.returncode, 0, recorded.stderr)
        steps = query(self.root / "tmp/t.sqlite", "SELECT count(*) FROM NVTX_EVENTS n JOIN StringIds s ON s.id = n.textId "
                                                  "WHERE s.value = 'step'")
        self.assertGreater(steps[0][0], 0)
        analyzed = self.inside("/opt/ridge/bin/ridge", "analyze", "/tmp/t.sqlite")
        self.assertEqual(analyzed.returncode, 0, analyzed.stderr)
        self.assertIn("elementwise/fused", analyzed.stdout)

    def test_the_viewer_draws_there_without_qt_fonts_or_a_display(self):
        if not (BUILD / "bin/ridge-view").exists():
            self.skipTest("built without the viewer")
        recorded = self.inside("/opt/ridge/bin/ridge", "record", "--trace", "nvtx", "-o", "/tmp/v.sqlite", "--",
                               "/opt/ridge/bin/ridge-workloads", "--benchmark_filter=^elementwise/fused$", "--benchmark_min_time=0.05")
        self.assertEqual(recorded.returncode, 0, recorded.stderr)
        for name in ("p.png", "p.svg"):
            drawn = self.inside("/opt/ridge/bin/ridge", "view", "/tmp/v.sqlite", "--screenshot", f"/tmp/{name}", "--size", "900x600")
            self.assertEqual(drawn.returncode, 0, drawn.stderr)
            self.assertGreater((self.root / "tmp" / name).stat().st_size, 5000)

    def test_every_library_is_in_the_tree_or_in_libc(self):
        tree = self.root / "opt/ridge"
        have = {p.name for p in (tree / "lib").iterdir()}
        programs = [p for p in (tree / "bin").iterdir() if p.suffix == ""]
        for binary in [*programs, *(tree / "lib").glob("*.so*"), *(tree / "lib/qt6").rglob("*.so")]:
            if binary.name == "libridge_mpi.so":
                continue  # MPI is the machine's own
            for name in re.findall(r"\(NEEDED\).*\[([^\]]+)\]", run("readelf", "-d", binary).stdout):
                if binary.name == "libridge_nccl.so" and name.startswith("libnccl.so"):
                    continue  # NCCL comes with the machine's GPUs
                if binary.name == "libridge_cuda.so" and name.startswith("libcublasLt.so"):
                    continue  # so is CUDA, and this one is half a gigabyte
                self.assertTrue(name in have or LIBC.match(name), f"{binary.name} needs {name}")


if __name__ == "__main__":
    main()
