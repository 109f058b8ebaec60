# SPDX-License-Identifier: Apache-2.0
"""Man pages of ridge and of each of its commands, by help2man from their own --help.

Usage: make_man_pages.py RIDGE HELP2MAN FOLDER
"""
import json
import pathlib
import re
import subprocess
import sys

ridge, help2man, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])


def help_of(path):
    return subprocess.run([ridge, *path, "--help"], capture_output=True, text=True, check=True).stdout


def commands_of(path):
    text = help_of(path)
    if "\nSubcommands:\n" not in text:
        return []
    section = text.split("\nSubcommands:\n", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^  (\S+)", section, re.MULTILINE)


def write(path, others):
    name = "-".join(["ridge", *path])
    summary = help_of(path).splitlines()[0].rstrip(".")
    include = folder / f"{name}.h2m"
    include.write_text("[SEE ALSO]\n" + ", ".join(f"{other}(1)" for other in others if other != name) + "\n")
    subprocess.run([help2man, "--no-info", "--no-discard-stderr", f"--name={summary}", f"--version-string={version}", "--source=Ridgepoint",
                    f"--include={include}", f"--output={folder / name}.1", " ".join([ridge, *path])], check=True)
    include.unlink()


version = json.loads(subprocess.run([ridge, "--version", "--json"], capture_output=True, text=True, check=True).stdout)["version"]
pages = [[]]
for command in commands_of([]):
    pages.append([command])
    pages += [[command, below] for below in commands_of([command])]
names = ["-".join(["ridge", *path]) for path in pages]
for path in reversed(pages):  # ridge.1 last: it says that all are there
    write(path, names)
