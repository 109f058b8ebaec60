# SPDX-License-Identifier: Apache-2.0
"""What `ridge stats` and `ridge analyze` say of recorded programs: files by their class, size and offset; functions by
their samples."""
import csv
import io
import textwrap
import unittest

from support import BUILD, RIDGE, SANITIZED, WHY_NOT_SANITIZED, Case, main, query, record, run

BUSY = BUILD / "bin" / "perf_busy_child"


class Reports(Case):
    def report(self, name):
        result = run(RIDGE, "stats", name, self.trace, "--format", "csv")
        self.assertEqual(result.returncode, 0, result.stderr)
        return list(csv.DictReader(io.StringIO(result.stdout)))


@unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
class Files(Reports):
    def test_classes_sizes_offsets_and_times_of_a_known_program(self):
        script = self.folder / "program.py"
        script.write_text(textwrap.dedent("""
            import os, sys
            folder = sys.argv[1]
            os.makedirs(folder + "/ckpt"); os.makedirs(folder + "/shards")
            fd = os.open(folder + "/shards/a.bin", os.O_RDWR | os.O_CREAT)
            os.pwrite(fd, b"x" * 65536, 0)
            for i in range(16):
                assert len(os.pread(fd, 4096, i * 4096)) == 4096
            os.pread(fd, 100, 0)
            os.close(fd)
            fd = os.open(folder + "/ckpt/model.pt", os.O_WRONLY | os.O_CREAT)
            for i in range(3):
                os.pwrite(fd, b"y" * 2_000_000, i * 2_000_000)
                os.fsync(fd)
            os.close(fd)
            fd = os.open(folder + "/note.txt", os.O_WRONLY | os.O_CREAT)
            os.write(fd, b"hello")
            os.close(fd)
        """))
        work = self.folder / "work"
        # The first pattern that fits counts.
        result = record(self.trace, ["/usr/bin/python3", script, work], "--trace", "io", "--no-sample", "--io-class", "checkpoint=*/ckpt/*",
                        "--io-class", "data=*/shards/*", "--io-class", "other=*/work/*")
        self.assertEqual(result.returncode, 0, result.stderr)
        told = query(self.trace, "SELECT DISTINCT d.filePath, c.class FROM RIDGE_FILE_CLASS c JOIN OSRT_FILE_ACCESS_DESCRIPTORS d USING (fileAccessId)")
        self.assertEqual(sorted(told), [(f"{work}/ckpt/model.pt", "checkpoint"), (f"{work}/note.txt", "other"), (f"{work}/shards/a.bin", "data")])

        files = {row["Path"].removeprefix(f"{work}/"): row for row in self.report("file_access_sum")}
        data, model, note = files["shards/a.bin"], files["ckpt/model.pt"], files["note.txt"]
        self.assertEqual([data[c] for c in ("Class", "Opens", "Reads", "Writes", "Syncs", "Errors")], ["data", "1", "17", "1", "0", "0"])
        self.assertEqual((float(data["Read (MB)"]), float(data["Written (MB)"]), float(data["Extent (MB)"])), (0.066, 0.066, 0.066))
        self.assertEqual(float(data["Sequential (%)"]), 93.8, "15 of 16 reads follow the one before")
        self.assertEqual([model[c] for c in ("Class", "Opens", "Reads", "Writes", "Syncs")], ["checkpoint", "1", "0", "3", "3"])
        self.assertEqual((float(model["Written (MB)"]), float(model["Avg Write (B)"])), (6.0, 2e6))
        self.assertGreater(int(model["Sync Time (ns)"]), 0)
        times = ("Read Time (ns)", "Write Time (ns)", "Sync Time (ns)", "Meta Time (ns)")
        for row in files.values():
            self.assertEqual(sum(int(row[t]) for t in times), int(row["Total Time (ns)"]))
        self.assertEqual([note[c] for c in ("Class", "Writes")], ["other", "1"])
        synced = query(self.trace, "SELECT sum(o.end - o.start) FROM RIDGE_IO i JOIN OSRT_API o ON o.rowid = i.osrtId WHERE i.op = 9")
        self.assertEqual(int(model["Sync Time (ns)"]), synced[0][0])

        classes = {row["Class"]: row for row in self.report("file_class_sum")}
        self.assertLessEqual({"data", "checkpoint", "other"}, set(classes))
        self.assertEqual((classes["data"]["Reads"], classes["checkpoint"]["Syncs"]), ("17", "3"))
        sizes = {(row["Operation"], row["Size (B)"]): row["Calls"] for row in self.report("file_size_hist") if row["Path"] == f"{work}/shards/a.bin"}
        self.assertEqual(sizes, {("read", "0-100"): "1", ("read", "1Ki-10Ki"): "16", ("write", "10Ki-100Ki"): "1"})
        offsets = {(row["Operation"], row["Offset (B)"]): row["Calls"] for row in self.report("file_offset_hist") if row["Path"] == f"{work}/ckpt/model.pt"}
        self.assertEqual(offsets, {("write", "0-1Mi"): "1", ("write", "1Mi-16Mi"): "2"})

    def test_what_is_no_class_is_refused(self):
        for wrong in ("data", "data=", "=x", "weights=*"):
            result = record(self.trace, ["true"], "--trace", "io", "--io-class", wrong)
            self.assertEqual(result.returncode, 2)
            self.assertIn("CLASS=PATTERN", result.stderr)
        self.assertEqual(record(self.trace, ["true"], "--io-class", "data=*").returncode, 2, "without io in --trace there are no files")


@unittest.skipUnless(BUSY.exists(), "perf_busy_child is not built")
class Samples(Reports):
    def test_the_hot_functions_of_a_known_program(self):
        result = record(self.trace, [BUSY, "1.5", "2"], "--trace", "nvtx,cpu")
        self.assertEqual(result.returncode, 0, result.stderr)
        state = query(self.trace, "SELECT state, reason FROM RIDGE_SOURCE WHERE name = 'cpu_stacks'")
        if state[0][0] != "on":
            self.skipTest(f"no call stacks here: {state[0][1]}")
        rows = self.report("cpu_samples_sum")
        functions = {row["Symbol Name"]: row for row in rows}
        hot, cool, caller = (functions[name] for name in ("ridgeThreeQuarters", "ridgeOneQuarter", "busy::caller(double)"))
        self.assertGreater(float(hot["Self (%)"]), 55)
        self.assertGreater(float(hot["Self (%)"]), 2 * float(cool["Self (%)"]))
        self.assertGreater(float(caller["Total (%)"]), 85, "both are called by it")
        self.assertLess(float(caller["Self (%)"]), 20)
        self.assertEqual(hot["Threads"], "2")
        self.assertTrue(hot["Module Name"].endswith("perf_busy_child"))
        samples = query(self.trace, "SELECT count(DISTINCT id) FROM SAMPLING_CALLCHAINS")[0][0]
        self.assertEqual(sum(int(row["Self Samples"]) for row in rows), samples)
        analyzed = run(RIDGE, "analyze", self.trace)
        self.assertIn(analyzed.returncode, (0, 3), analyzed.stderr)  # 3: it marks no steps and does no work that is told
        self.assertNotIn("internal", analyzed.stderr)


if __name__ == "__main__":
    main()
