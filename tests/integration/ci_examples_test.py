# SPDX-License-Identifier: Apache-2.0
"""scripts/ci-examples, as far as one machine can run them; every ridge command line in them names what exists."""
import json
import os
import pathlib
import re
import shlex
import shutil

import slurm
from health_test import STAND_IN
from support import BUILD, RIDGE, SOURCE, WHY_NOT_SANITIZED, SANITIZED, Case, main, run

EXAMPLES = SOURCE / "scripts" / "ci-examples"
COUNTING = BUILD / "bin" / "counting_ranges"
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def command_lines(text):
    """What calls ridge: up to the end of the line, a pipe, or the program that is recorded."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        if line.lstrip().startswith("#") or line.lstrip().startswith("//"):
            continue
        for match in re.finditer(r"(?:(?<![\w/.-])ridge|\"\$RIDGE\"|\"\$ridge\") ((?:run|record|analyze|ab|compare|track|health|merge|export)\b[^\n|;']*)", line):
            found.append(match.group(1).split(" -- ")[0].split(" > ")[0].split(" 2>")[0])
    return found


class Examples(Case):
    def setUp(self):
        super().setUp()
        self.environment = {**os.environ, **MPI, "RIDGE": str(RIDGE), "PATH": f"{RIDGE.parent}:{os.environ['PATH']}"}

    def test_every_command_and_option_exists(self):
        checked = 0
        for example in sorted(EXAMPLES.iterdir()):
            if example.suffix == ".md" or not example.is_file():
                continue
            for line in command_lines(example.read_text()):
                words = shlex.split(line)
                path = [words[0]] + ([words[1]] if words[0] in ("track", "export", "import") else [])
                known = run(RIDGE, *path, "--help")
                self.assertEqual(known.returncode, 0, f"{example.name}: ridge {line}")
                for option in (word for word in words if word.startswith("-")):
                    self.assertRegex(known.stdout, rf"(?m)(^|[ ,]){re.escape(option)}($|[ ,=])", f"{example.name}: ridge {line}")
                checked += 1
        self.assertGreater(checked, 5)

    def test_the_readme_names_every_file(self):
        readme = (EXAMPLES / "README.md").read_text()
        for example in EXAMPLES.iterdir():
            if example.name not in ("README.md", "__pycache__"):
                self.assertIn(f"`{example.name}`", readme)

    def test_scripts_are_shell(self):
        for example in [*EXAMPLES.glob("*.sh"), *EXAMPLES.glob("*.sbatch")]:
            self.assertEqual(run("bash", "-n", example).returncode, 0, example)

    def test_yaml_is_yaml(self):
        try:
            import yaml
        except ImportError:
            self.skipTest("no python3-yaml")
        for example in [*EXAMPLES.glob("*.yml"), *EXAMPLES.glob("*.yaml")]:
            self.assertIsInstance(yaml.safe_load(example.read_text()), dict, example)

    def assert_report_of_two(self, folder):
        report = json.loads((folder / "report.json").read_text())
        self.assertEqual([rank["rank"] for rank in report["ranks"]], [0, 1])
        self.assertIn("<html", (folder / "report.html").read_text())

    def test_mpirun(self):
        if SANITIZED:
            self.skipTest(WHY_NOT_SANITIZED)
        if not shutil.which("mpirun"):
            self.skipTest("no mpirun")
        environment = {**self.environment, "MPIRUN": "mpirun --oversubscribe"}
        result = run(EXAMPLES / "mpirun-ranks.sh", self.folder / "out", "2", COUNTING, self.folder / "count", "1000", env=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_report_of_two(self.folder / "out")
        failed = run(EXAMPLES / "mpirun-ranks.sh", self.folder / "out", "2", "sh", "-c", "exit 7", env=environment)
        self.assertEqual(failed.returncode, 7, failed.stderr)
        self.assertEqual(run(EXAMPLES / "mpirun-ranks.sh", env=environment).returncode, 2)

    def test_kubernetes(self):
        if SANITIZED:
            self.skipTest(WHY_NOT_SANITIZED)
        try:
            import yaml
        except ImportError:
            self.skipTest("no python3-yaml")
        container = yaml.safe_load((EXAMPLES / "kubernetes-job.yaml").read_text())["spec"]["template"]["spec"]["containers"][0]
        script = container["args"][0].replace("/scratch/", f"{self.folder}/").replace("/out/", f"{self.folder}/")
        for index in ("0", "1"):
            given = {entry["name"]: entry["value"] for entry in container["env"]}
            given |= {"JOB_COMPLETION_INDEX": index, "PROGRAM": f"{COUNTING} {self.folder}/count 1000"}
            result = run(*container["command"], script, env={**self.environment, **given})
            self.assertEqual(result.returncode, 0, result.stderr)
        merged = run(RIDGE, "analyze", "--merge", self.folder / "summary-0.json", self.folder / "summary-1.json", "--json")
        self.assertEqual([rank["rank"] for rank in json.loads(merged.stdout)["ranks"]], [0, 1])

    def test_slurm(self):
        if SANITIZED:
            self.skipTest(WHY_NOT_SANITIZED)
        if reason := slurm.missing():
            self.skipTest(reason)
        out = self.folder / "report"
        with slurm.cluster(self.folder / "slurm") as cluster:
            environment = {**self.environment, "SLURM_CONF": cluster["SLURM_CONF"], "OUT": str(out), "PROGRAM": f"{COUNTING} {self.folder}/count 1000",
                           "TMPDIR": str(self.folder)}
            for program, code in ((f"{COUNTING} {self.folder}/count 1000", 0), ("false", 1)):
                environment["PROGRAM"] = program
                job = run("sbatch", "--wait", f"--output={self.folder}/log", EXAMPLES / "slurm-ranks.sbatch", env=environment)
                self.assertEqual(job.returncode, code, job.stderr + (self.folder / "log").read_text())
                if code == 0:
                    self.assert_report_of_two(out)
        self.assertEqual(list(self.folder.glob("ridge-*")), [], "the nodes' own disks are left clean")

    def test_slurm_prolog(self):
        """A node as fit as its reference stays; one far below it is drained, with the reason."""
        if reason := slurm.missing() or ("not installed: scontrol" if not shutil.which("scontrol") else ""):
            self.skipTest(reason)
        program, reference = self.folder / "stand-in", self.folder / "reference.json"
        program.write_text(STAND_IN)
        program.chmod(0o755)
        environment = {**self.environment, "RIDGE_WORKLOADS": str(program), "STAND_IN_COUNT": str(self.folder / "count"), "REFERENCE": str(reference), "SLURMD_NODENAME": "localhost"}
        made = run(RIDGE, "health", "-q", "-o", reference, env=environment)
        self.assertEqual(made.returncode, 0, made.stderr)
        good = reference.read_text()
        with slurm.cluster(self.folder / "slurm") as cluster:
            environment["SLURM_CONF"] = cluster["SLURM_CONF"]

            def state_after_check():
                self.assertEqual(run(EXAMPLES / "slurm-prolog.sh", env=environment).returncode, 0)
                return run("sinfo", "-h", "-o", "%T|%E", env=environment).stdout.strip()
            self.assertTrue(state_after_check().startswith("idle"))
            reference.write_text("damaged")
            self.assertTrue(state_after_check().startswith("idle"), "what cannot be judged is left alone")
            better = json.loads(good)
            for benchmark in better["benchmarks"]:
                if benchmark["id"] == "ckpt.restore":
                    for sample in benchmark["metrics"][0]["samples"]:
                        sample["value"] /= 3
            reference.write_text(json.dumps(better))
            said = state_after_check()
            self.assertTrue(said.startswith("drain"), said)
            self.assertIn("ckpt.restore", said)

    def test_reframe(self):
        if SANITIZED:
            self.skipTest(WHY_NOT_SANITIZED)
        reframe = shutil.which("reframe") or SOURCE / ".deps" / "venv" / "bin" / "reframe"
        if not pathlib.Path(reframe).exists():
            self.skipTest("no ReFrame; scripts/setup --dev brings it")
        result = run(reframe, "-c", EXAMPLES / "reframe_ridge.py", "-r", f"--prefix={self.folder}", "-S", "ridge_smoke.workloads=elementwise/fused",
                     env=self.environment, cwd=self.folder, timeout=300)
        self.assertEqual(result.returncode, 0, result.stdout[-3000:])
        self.assertRegex(result.stdout, r"PASSED.*1/1 test case")


if __name__ == "__main__":
    main()
