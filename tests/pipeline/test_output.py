"""The output directory appears whole or not at all, and nothing of the user's is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecomp.pipeline.output import (
    MANIFEST,
    OutputError,
    check_writable,
    made_later,
    new_directory,
)

FILES = ("graph.txt", "reference.npz", "report.json")


def fill(folder: Path, text: str) -> None:
    for name in FILES:
        (folder / name).write_text(text)


def test_a_directory_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    final = tmp_path / "deep" / "out"
    with new_directory(final) as folder:
        fill(folder, "new")
        assert not final.exists()
    assert (final / "report.json").read_text() == "new"
    assert final.stat().st_mode & 0o777 == 0o755
    assert [p.name for p in final.parent.iterdir()] == ["out"]


def test_nothing_remains_of_a_block_that_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyError), new_directory(tmp_path / "out") as folder:
        fill(folder, "half")
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_an_older_build_is_replaced_whole(tmp_path: Path) -> None:
    final = tmp_path / "out"
    for text in ("old", "new"):
        with new_directory(final) as folder:
            fill(folder, text)
            (folder / text).touch()
    assert {p.name for p in final.iterdir()} == {*FILES, MANIFEST, "new"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_older_build_survives_a_block_that_fails(tmp_path: Path) -> None:
    final = tmp_path / "out"
    with new_directory(final) as folder:
        fill(folder, "old")
    with pytest.raises(OutputError, match="No space"), new_directory(final):
        raise OSError(28, "No space left on device")
    assert (final / "report.json").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_older_build_returns_when_the_new_one_cannot_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = tmp_path / "out"
    with new_directory(final) as folder:
        fill(folder, "old")
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self.name.startswith(".out-") and target == final:
            raise OSError(5, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="Input/output"), new_directory(final) as folder:
        fill(folder, "new")
    assert (final / "report.json").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("names", [["thesis.tex"], ["report.json", "thesis.tex"]])
def test_a_folder_that_is_no_build_is_left_alone(tmp_path: Path, names: list[str]) -> None:
    """A report.json alone does not make a build: many tools write one."""
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(OutputError, match="no build made"):
        check_writable(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    for final in (tmp_path / "out", tmp_path / "out" / "below"):
        with pytest.raises(OutputError):
            check_writable(final)


def test_files_that_a_user_put_into_a_build_are_not_deleted(tmp_path: Path) -> None:
    """What simulate and make leave there may go; a main.c of the user's may not."""
    final = tmp_path / "out"
    with new_directory(final) as folder:
        fill(folder, "old")
        (folder / "firmware" / "src").mkdir(parents=True)
    (final / "simulation.json").touch()
    (final / "firmware" / "build").mkdir()
    (final / "firmware" / "build" / "network").touch()
    check_writable(final)
    (final / "firmware" / "src" / "main.c").touch()
    with pytest.raises(OutputError, match=r"no build made: firmware/src/main\.c"):
        check_writable(final)


def test_what_a_build_was_given_later_is_told_apart(tmp_path: Path) -> None:
    final = tmp_path / "out"
    assert made_later(final) == []
    with new_directory(final) as folder:
        fill(folder, "old")
    assert made_later(final) == []
    (final / "simulation.json").touch()
    (final / "firmware" / "build").mkdir(parents=True)
    assert made_later(final) == ["simulation.json", "firmware/build/"]
