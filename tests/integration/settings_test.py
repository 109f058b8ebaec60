# SPDX-License-Identifier: Apache-2.0
"""Options that come from ridge.toml, the user's file and the environment, and what shells complete."""
import json
import os
import shutil
import unittest

from support import RIDGE, Case, main, run


class Settings(Case):
    def setUp(self):
        super().setUp()
        self.home = self.folder / "home"
        self.deep = self.folder / "project" / "a" / "b"
        self.deep.mkdir(parents=True)
        (self.home / "ridge").mkdir(parents=True)

    def ridge(self, *arguments, **variables):
        return run(RIDGE, *arguments, cwd=self.deep, env={**os.environ, "XDG_CONFIG_HOME": str(self.home), **variables})

    def project(self, text):
        (self.folder / "project" / "ridge.toml").write_text(text)

    def user(self, text):
        (self.home / "ridge" / "config.toml").write_text(text)

    def effective(self, *arguments, **variables):
        result = self.ridge("--dump-config", *arguments, **variables)
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = [line for line in result.stdout.splitlines() if " = " in line and not line.startswith("#")]
        return dict(line.split(" = ", 1) for line in lines)

    def refused(self, *words, arguments=("run", "--dry-run"), **variables):
        result = self.ridge(*arguments, **variables)
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_the_nearer_source_holds(self):
        self.user("[run]\npreset = \"full\"\ntimeout = 17\nrepeats = 2\n")
        self.assertEqual(self.effective("run"), {"preset": '"full"', "timeout": "17", "repeats": "2"})
        self.project("[run]\npreset = \"smoke\"\nrepeats = 3\n[analyze]\nfindings = 9\n")
        self.assertEqual(self.effective("run"), {"preset": '"smoke"', "timeout": "17", "repeats": "3"})
        self.assertEqual(self.effective("run", RIDGE_RUN_REPEATS="4")["repeats"], "4")
        self.assertEqual(self.effective("run", "--repeats", "5", RIDGE_RUN_REPEATS="4")["repeats"], "5")
        self.assertEqual(self.effective("analyze", "x.sqlite"), {"findings": "9"})

    def test_a_section_is_for_its_own_command(self):
        self.project("[doctor]\njson = true\n")
        for variables in ({}, {"RIDGE_DOCTOR_JSON": "true"}):
            result = self.ridge("--version", **variables)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertTrue(result.stdout.startswith("ridge "), result.stdout)

    def test_what_is_dumped_can_be_read_again(self):
        self.project("[run]\npreset = \"smoke\"\nfilter = \"^a|b\\\\.c\"\nforce = true\n")
        first = self.ridge("--dump-config", "run").stdout
        (self.deep / "other.toml").write_text(first)
        self.assertEqual(self.ridge("--config", "other.toml", "--dump-config", "run").stdout, first)

    def test_what_has_no_effect_is_an_error(self):
        self.project("[run]\npresett = \"smoke\"\n")
        self.refused("ridge.toml", "presett", "no option of ridge run")
        self.project("[rum]\npreset = \"smoke\"\n")
        self.refused("ridge.toml", "[rum]")
        self.project("preset = \"smoke\"\n")
        self.refused("outside of any [command]")
        self.project("[run]\npreset = \"bogus\"\n")
        self.refused("bogus", "ridge.toml")
        self.project("")
        self.refused("many", arguments=("run", "--dry-run"), RIDGE_RUN_REPEATS="many")
        self.refused("nowhere.toml", arguments=("--config", "nowhere.toml", "run"))
        for share in ("nan", "-5%", "banana"):  # without a baseline as with one
            self.refused("--min-effect", share, arguments=("run", "-n", f"--min-effect={share}"))
        self.refused("--dump-config", arguments=("--dump-config",))

    def test_help_is_there_beside_a_broken_file(self):
        self.project("[nonsense\n=\n")
        self.assertEqual(self.ridge("run", "--help").returncode, 0)
        self.assertNotIn("Env:", self.ridge("run", "--help").stdout)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a file away")
    def test_a_strangers_file_is_not_read(self):
        self.project("[run]\npreset = \"full\"\n")
        os.chown(self.folder / "project" / "ridge.toml", 12345, 12345)
        self.assertEqual(self.effective("run"), {})

    def test_version_as_json(self):
        version = json.loads(self.ridge("--version", "--json").stdout)
        self.assertEqual(version["name"], "ridge")
        self.assertIn("git", version)
        self.assertIsInstance(version["features"], dict)


class Completion(Case):
    def script(self, shell):
        result = run(RIDGE, "completion", shell)
        self.assertEqual(result.returncode, 0, result.stderr)
        path = self.folder / shell
        path.write_text(result.stdout)
        return path

    def test_bash(self):
        script = self.script("bash")
        ask = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); COMPREPLY=(); _ridge; printf "%s\\n" "${COMPREPLY[@]}"'

        def complete(*words):
            return run("bash", "-c", ask, script, *words).stdout.split()

        self.assertEqual(complete("ridge", "rec"), ["record"])
        self.assertEqual(complete("ridge", "run", "--preset", "s"), ["smoke", "standard"])
        self.assertEqual(complete("ridge", "import", ""), ["kineto"])
        self.assertEqual(complete("ridge", "import", "kineto", "--fo"), ["--force"])
        self.assertIn("bash", complete("ridge", "record", "--", "bas"))

    def test_fish(self):
        if not shutil.which("fish"):
            self.skipTest("no fish")
        script = self.script("fish")
        said = run("fish", "-c", f"source {script}; complete -C 'ridge rec'; complete -C 'ridge run --preset s'").stdout
        self.assertEqual([line.split("\t")[0] for line in said.splitlines()], ["record", "smoke", "standard"])

    def test_zsh(self):
        if not shutil.which("zsh"):
            self.skipTest("no zsh")
        self.assertEqual(run("zsh", "-n", self.script("zsh")).returncode, 0)

    def test_another_shell(self):
        self.assertEqual(run(RIDGE, "completion", "tcsh").returncode, 2)


if __name__ == "__main__":
    main()
