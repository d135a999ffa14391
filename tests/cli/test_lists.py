"""models, boards, ops and doctor."""

import json
import sys

import click
import pytest

from edgecomp import zoo
from edgecomp.cli import tools
from edgecomp.frontend import supported_operators
from edgecomp.simulators import installation
from edgecomp.targets import board_names, load_board


def test_models_lists_the_zoo(run):
    result = run("models")
    assert result.exit_code == 0
    for model in zoo.describe():
        assert model["name"] in result.stdout
        assert f"{model['parameters']:,}" in result.stdout


def test_models_as_json_is_the_description(run):
    assert json.loads(run("models", "--json").stdout) == zoo.describe()


def test_one_model_shows_its_options(run):
    name = zoo.names()[0]
    result = run("models", name)
    for option in zoo.describe(name)[0]["options"]:
        assert f"--set {option['name']}={option['default']}" in result.stdout


def test_an_unknown_model_is_an_error(run):
    result = run("models", "hugemyo")
    assert result.exit_code == 1
    assert result.stderr.startswith("edgecomp: error: unknown encoder 'hugemyo'")


def test_boards_lists_memories(run):
    result = run("boards")
    assert "gap9_evk" in result.stdout
    assert "128.0 KiB" in result.stdout


def test_boards_as_json_is_the_description(run):
    listed = json.loads(run("boards", "--json").stdout)
    assert listed == [load_board(name).model_dump(mode="json") for name in board_names()]


@pytest.mark.parametrize("width", [80, 60])
def test_a_narrow_terminal_cuts_no_name_and_no_option(run, monkeypatch, width):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    boards = click.unstyle(run("boards").stdout)
    assert all(f"{name} " in boards for name in board_names())
    assert "128.0 KiB" in boards
    options = click.unstyle(run("models", "tinymyo").stdout)
    [model] = zoo.describe("tinymyo")
    for option in model["options"]:
        assert f"--set {option['name']}={option['default']} " in options
        assert all(choice in options for choice in option.get("choices", ()))
    for text in (boards, options):
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text


def test_ops_lists_the_converters(run):
    assert run("ops").stdout.split() == supported_operators()
    assert json.loads(run("ops", "--json").stdout) == supported_operators()
    assert {"MatMul", "Attention"} <= set(supported_operators())


def test_doctor_names_every_tool(run):
    result = run("doctor")
    for name in ("PyTorch", "C compiler", "sanitizers", "GVSoC", "RISC-V", "vendor SDK", "gapy"):
        assert name in result.stdout


def pretend_gvsoc(folder, monkeypatch):
    """A program that EDGECOMP_GVSOC names, without anything else."""
    program = folder / "bin" / "gvsoc"
    program.parent.mkdir()
    program.touch()
    program.chmod(0o755)
    monkeypatch.setenv("EDGECOMP_GVSOC", str(folder))
    return program


def test_doctor_finds_gvsoc_by_its_variable_and_says_what_is_wrong_with_it(
    run, monkeypatch, tmp_path
):
    program = pretend_gvsoc(tmp_path, monkeypatch)
    monkeypatch.setattr(installation, "_python", lambda: sys.executable)
    found = {tool["name"]: tool for tool in json.loads(run("doctor", "--json").stdout)}
    assert found["GVSoC"]["found"]
    assert str(program) in found["GVSoC"]["detail"]
    assert "not gap9_evk: the GVSoC in" in found["GVSoC"]["detail"]


def test_doctor_misses_the_packages_that_gvsocs_scripts_import(run, monkeypatch, tmp_path):
    pretend_gvsoc(tmp_path, monkeypatch)
    monkeypatch.setitem(installation.PACKAGES, "no_such_module", "no-such-package")
    installation._python.cache_clear()
    found = {tool["name"]: tool for tool in json.loads(run("doctor", "--json").stdout)}
    assert not found["GVSoC"]["found"]
    for words in ("no Python here has the packages", "no-such-package", "edgecomp[gvsoc]"):
        assert words in found["GVSoC"]["how"]
    [line] = [line for line in run("doctor").stdout.splitlines() if "GVSoC" in line.split()]
    assert line.startswith("unusable GVSoC")


def test_doctor_fails_without_a_compiler_and_says_how_to_get_one(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    result = run("doctor")
    assert result.exit_code == 1
    assert "cannot work without: C compiler" in result.stderr
    assert "install gcc or clang" in result.stdout


def test_doctor_accepts_a_missing_simulator(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGECOMP_GVSOC", str(tmp_path / "absent"))
    monkeypatch.setenv("PATH", str(tmp_path))
    gvsoc = next(tool for tool in tools.inspect_tools() if tool.name == "GVSoC")
    assert not gvsoc.found
    assert not gvsoc.required


@pytest.mark.parametrize("output", ["exit 3", "sleep 60"])
def test_a_tool_that_misbehaves_is_shown_without_version(monkeypatch, tmp_path, output):
    monkeypatch.setattr(tools, "_TIMEOUT_SECONDS", 0.2)
    program = tmp_path / "gapy"
    program.write_text(f"#!/bin/sh\n{output}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert tools._gapy().detail == str(program)
