# SPDX-License-Identifier: Apache-2.0
"""The house: who may include whom, and what the built libraries may need."""
import re
import subprocess
import unittest

from support import BUILD, RIDGE, SOURCE, main, run

# Room -> rooms whose headers it may include.
ALLOWED = {
    "base": {"base"},
    "schemas": {"base", "schemas"},
    "collector/agent": {"collector/agent", "schemas/spool"},
    "collector/recorder": {"base", "schemas", "collector/recorder"},
    "workloads": {"base", "workloads"},
    "analyzer": {"base", "schemas", "analyzer"},
    "reports": {"base", "schemas/enums", "analyzer", "reports"},
    "gui": {"base", "schemas", "analyzer", "reports", "gui"},
    "cli": {"base", "schemas", "collector/recorder", "analyzer", "reports", "cli"},
}
PUBLIC = {"ridge/work.h"}  # the work payload, from schemas/include: a stranger's program includes it too
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


class House(unittest.TestCase):
    def test_nobody_reaches_past_a_neighbour(self):
        wrong, files = [], 0
        for room, allowed in ALLOWED.items():
            for path in sorted((SOURCE / room).rglob("*")):
                if path.suffix not in (".h", ".cpp", ".cu", ".c") or not path.is_file():
                    continue
                files += 1
                for included in INCLUDE.findall(path.read_text()):
                    if "/" not in included or (included in PUBLIC and room != "collector/agent"):
                        continue  # a neighbour in the same folder, or a generated header
                    if not any(included.startswith(prefix + "/") for prefix in allowed):
                        wrong.append(f"{path.relative_to(SOURCE)} includes {included}")
        self.assertGreater(files, 50)
        self.assertEqual(wrong, [])

    def needed(self, path):
        output = run("readelf", "-d", path).stdout
        return set(re.findall(r"\(NEEDED\).*\[([^\]]+)\]", output))

    def test_the_agents_need_nothing_but_libc(self):
        for library in ("libridge_agent.so", "libridge_io.so", "libridge_start.so"):
            found = list(BUILD.rglob(library))
            self.assertTrue(found, library)
            extra = {n for n in self.needed(found[0]) if not re.match(r"(libc|libdl|libpthread|librt|ld-linux.*)\.so", n)}
            if any("san" in n for n in extra):
                self.skipTest("a sanitizer build links its runtime")
            self.assertEqual(extra, set(), library)

    def test_the_command_line_links_no_qt_and_no_cuda(self):
        self.assertEqual({n for n in self.needed(RIDGE) if re.search(r"Qt|cuda|cupti|nccl|mpi", n)}, set())

    def test_every_room_has_a_readme(self):
        for room in ("schemas", "collector", "workloads", "analyzer", "reports", "cli", "tests", "scripts", "base"):
            self.assertTrue((SOURCE / room / "README.md").exists(), f"{room}/README.md")

    def test_every_script_explains_itself(self):
        for script in sorted((SOURCE / "scripts").iterdir()):
            if script.suffix or not script.is_file():
                continue
            result = run(script, "--help")
            self.assertEqual(result.returncode, 0, script)
            self.assertIn("Usage", result.stdout, script)


if __name__ == "__main__":
    main()
