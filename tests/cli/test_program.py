"""The installed program as a process: start-up, pipes, and the README's commands."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from edgecomp.cli import cli

ROOT = Path(__file__).parents[2]


def _python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60
    )


@pytest.mark.parametrize("arguments", [["--help"], ["build", "--help"], ["boards"], ["doctor"]])
def test_light_commands_do_not_import_torch(arguments):
    done = _python(
        "import sys\n"
        "from edgecomp.cli import cli\n"
        f"cli({arguments!r}, standalone_mode=False)\n"
        "print('torch' in sys.modules, file=sys.stderr)"
    )
    assert done.stderr == "False\n"


def test_every_command_takes_json_and_debug():
    for name, command in cli.commands.items():
        flags = {flag for parameter in command.params for flag in parameter.opts}
        assert {"--json", "--debug"} <= flags, name


def test_a_reader_that_leaves_early_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "edgecomp", "boards", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(timeout=60)


def test_the_readme_shows_only_commands_and_options_that_exist():
    lines = re.findall(r"^    edgecomp (.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert lines
    for line in lines:
        name, *rest = shlex.split(line, comments=True)
        command = cli.commands.get(name)
        assert isinstance(command, click.Command), line
        flags = {flag for parameter in command.params for flag in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= flags, line


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_build_leaves_nothing_behind(tmp_path, number):
    """The signal comes while the build runs; temporary folders go with it."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "edgecomp", "build", "tinyissimomyo", "--out", tmp_path / "out"],
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    for _ in range(600):
        if list(temporary.glob("edgecomp-*")):
            break
        time.sleep(0.1)
    process.send_signal(number)
    assert process.wait(60) == 128 + number
    assert not list(temporary.glob("edgecomp-*"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("line", "error", "hint"),
    [
        ("bogus --json", "No such command 'bogus'", "see `edgecomp --help`"),
        ("--json", "No such option", "see `edgecomp --help`"),
        ("build --json", "Missing argument 'MODEL'", "see `edgecomp build --help`"),
        ("build x --seed -1 --json", "'--seed': -1", "see `edgecomp build --help`"),
        ("build x --set a --json", "not of the form name=value", "see `edgecomp build --help`"),
        ("simulate nowhere --json", "'nowhere' does not exist", "see `edgecomp simulate --help`"),
        ("ops --json --bogus", "No such option", "see `edgecomp ops --help`"),
    ],
)
def test_wrong_usage_is_json_too_where_json_is_asked_for(run, line, error, hint):
    """One object on standard output; text and status stay as they are without it."""
    result = run(*line.split())
    found = json.loads(result.stdout)
    assert found.keys() == {"error", "hint"} and error in found["error"] and found["hint"] == hint
    assert found["error"] in result.stderr and result.exit_code == 2


@pytest.mark.parametrize("line", ["bogus", "build", "ops --bogus"])
def test_wrong_usage_is_text_alone_otherwise(run, line):
    result = run(*line.split())
    assert (result.stdout, result.exit_code) == ("", 2) and "Error: " in result.stderr
