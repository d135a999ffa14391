"""build and simulate: what they ask the pipeline for and what they print."""

import inspect
import json
import re
from pathlib import Path

import pytest

from edgecomp.errors import EdgecompError
from edgecomp.pipeline import Mismatch
from edgecomp.pipeline.build_project import build
from edgecomp.zoo.recordings import KEYS, SUFFIXES

DEFAULTS = inspect.signature(build).parameters


def test_build_passes_its_options_on(run, pipeline, tmp_path):
    windows = tmp_path / "windows.npz"
    windows.touch()
    options = ["--board", "biogap", "--calibration", windows, "--out", "there", "--seed", 3]
    more = [
        "--set",
        "channels=8",
        "--set",
        "head=none",
        "--set",
        "engines=cores",
        "--dim",
        "time=200",
        "--windows",
        5,
    ]
    rest = ["--method", "mse", "--exporter", "legacy", "--every", "250"]
    rest += ["--cell-mah", "40", "--normalise", "zscore"]
    assert run("build", "tinymyo", *options, *more, *rest).exit_code == 0
    [(function, positional, keywords)] = pipeline.calls
    assert (function, positional) == ("build", ("tinymyo",))
    assert {name: str(value) for name, value in keywords.items()} == {
        "target": "gap9",
        "board": "biogap",
        "calibration": str(windows),
        "out": "there",
        "seed": "3",
        "options": "{'channels': '8', 'head': 'none'}",
        "engines": "cores",
        "dims": "{'time': 200}",
        "windows": "5",
        "method": "mse",
        "exporter": "legacy",
        "period": "0.25",
        "cell_mah": "40.0",
        "normalise": "zscore",
    }


def test_build_leaves_defaults_to_the_pipeline(run, pipeline):
    run("build", "model.onnx")
    [(_, _, keywords)] = pipeline.calls
    assert set(keywords) == {"target", "board", "options", "engines", "dims", "seed"}
    assert keywords["engines"] == "all"


def test_build_prints_the_summary_and_the_next_command(run, pipeline, tmp_path):
    result = run("build", "tinymyo")
    assert "184 ms, 68.2 M cycles at 370 MHz (estimate)" in result.stdout
    assert f"edgecomp simulate {tmp_path / 'out'}" in result.stdout
    assert not any(line.endswith(" ") for line in result.stdout.splitlines())


def test_progress_is_plain_lines_on_standard_error(run, pipeline):
    result = run("build", "tinymyo")
    assert result.stderr == "calibrate\n"
    assert "calibrate" not in result.stdout


@pytest.mark.parametrize("command", [("build", "tinymyo"), ("simulate", ".")])
def test_json_is_all_that_standard_output_holds(run, pipeline, command):
    result = run(*command, "--json")
    expected = pipeline.report if command[0] == "build" else pipeline.simulation
    assert json.loads(result.stdout)["report"] == expected.to_json()


def test_simulate_passes_its_options_on(run, pipeline, tmp_path):
    windows = tmp_path / "windows.npz"
    windows.touch()
    result = run(
        "simulate", tmp_path, "--simulator", "host", "--input", windows, "--windows", 2,
        "--sanitize",
    )  # fmt: skip
    assert result.exit_code == 0
    assert pipeline.calls == [
        (
            "simulate",
            (tmp_path,),
            {
                "simulator": "host",
                "input": windows,
                "windows": 2,
                "sanitize": True,
                "trace": None,
            },
        )
    ]


def test_bits_that_differ_are_a_failure(run, pipeline):
    pipeline.mismatch = Mismatch(1, 7, "block0.qkv")
    pipeline.simulation = pipeline.simulation.model_copy(update={"bit_exact": False})
    result = run("simulate", ".")
    assert result.exit_code == 1
    assert "NOT equal" in result.stdout
    assert "window 1, layer 7 (block0.qkv) is the first that differs" in result.stderr


def test_an_error_is_one_message_and_status_1(run, pipeline):
    pipeline.error = EdgecompError("no such layer", "look again")
    result = run("build", "tinymyo")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.endswith("edgecomp: error: no such layer\nlook again\n")
    assert "Traceback" not in result.stderr


def test_an_error_is_json_too_where_json_is_asked_for(run, pipeline):
    pipeline.error = EdgecompError("no such layer", "look again")
    result = run("build", "tinymyo", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"error": "no such layer", "hint": "look again"}
    assert result.stderr.endswith("edgecomp: error: no such layer\nlook again\n")


def test_bits_that_differ_leave_one_json_value(run, pipeline):
    pipeline.mismatch = Mismatch(1, 7, "block0.qkv")
    result = run("simulate", ".", "--json")
    assert result.exit_code == 1
    assert "report" in json.loads(result.stdout)


def test_the_next_command_is_quoted_for_the_shell(run, pipeline):
    pipeline.directory = Path("my [bold] builds")
    result = run("build", "tinymyo")
    assert result.stdout.endswith("next: edgecomp simulate 'my [bold] builds'\n")


def test_a_build_says_what_it_deleted(run, pipeline):
    """The simulation of an older build in the same folder; nothing where there was none."""
    assert "deleted" not in run("build", "tinymyo").stdout
    assert json.loads(run("build", "tinymyo", "--json").stdout)["deleted"] == []
    pipeline.deleted = ["simulation.json", "simulation.html"]
    said = "deleted with the build before it: simulation.json, simulation.html\n"
    assert said in run("build", "tinymyo").stdout
    assert json.loads(run("build", "tinymyo", "--json").stdout)["deleted"] == pipeline.deleted


@pytest.mark.parametrize("command", ["build", "simulate"])
def test_help_names_the_formats_of_a_recording(run, command):
    text = " ".join(run(command, "--help").stdout.split())
    assert all(suffix in text for suffix in SUFFIXES)
    assert ", ".join(KEYS[:-1]) + f" or {KEYS[-1]}" in text


def test_help_states_the_defaults_of_the_pipeline(run):
    text = " ".join(run("build", "--help").stdout.split())
    for name in ("windows", "method", "exporter", "seed"):
        default = DEFAULTS[name].default
        assert re.search(rf"--{name} [^-]*\[default: {default}", text), name


def test_debug_adds_the_traceback(run, pipeline):
    pipeline.error = EdgecompError("no such layer")
    result = run("build", "tinymyo", "--debug")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("edgecomp: error: no such layer\n")


def test_a_defect_is_called_a_defect(run, pipeline):
    pipeline.error = KeyError("value7")
    result = run("build", "tinymyo")
    assert result.exit_code == 1
    assert "KeyError: 'value7'\nthis is a defect of edgecomp" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_full_disk_is_named(run, pipeline):
    pipeline.error = OSError(28, "No space left on device", "build/x")
    result = run("build", "tinymyo")
    assert "edgecomp: error: build/x: No space left on device\nfree some space" in result.stderr


def test_an_interrupt_is_clean(run, pipeline):
    pipeline.error = KeyboardInterrupt()
    result = run("build", "tinymyo")
    assert result.exit_code == 130
    assert result.stderr.endswith("edgecomp: interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build"], "Missing argument 'MODEL'"),
        (["build", "m", "--set", "channels"], "'channels' is not of the form name=value"),
        (["build", "m", "--set", "=8"], "not of the form name=value"),
        (["build", "m", "--set", "a=1", "--set", "a=2"], "'a' is given twice"),
        (["build", "m", "--dim", "time=0"], "time=0: a size is a positive whole number"),
        (["build", "m", "--dim", "time=²"], "a size is a positive whole number"),
        (["build", "m", "--weights", "absent.pt"], "'absent.pt' does not exist"),
        (["build", "m", "--method", "guess"], "'guess' is not one of"),
        (["build", "m", "--seed", "-1"], "-1 is not in the range"),
        (["simulate", "absent"], "'absent' does not exist"),
        (["simulate", ".", "--simulator", "qemu"], "'qemu' is not one of auto, host, gvsoc"),
        (["deploy"], "No such command 'deploy'"),
    ],
)
def test_wrong_usage_is_status_2(run, pipeline, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert pipeline.calls == []
