"""A path that cannot be written is noticed before the work, and nothing is written for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecomp import files
from edgecomp.errors import EdgecompError
from edgecomp.pipeline import simulate


def test_a_new_file_and_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    files.check_file(path)
    assert not path.exists()
    path.write_text("old")
    files.check_file(path)
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "Is a directory"), ("none/t.json", "No such file"), ("file/t.json", "Not a directory")],
)
def test_the_reason_is_named(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EdgecompError, match=f"cannot write {tmp_path}.*: {reason}"):
        files.check_file(tmp_path / name)


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root every folder can be written, so the system's answer is a given one."""
    monkeypatch.setattr(files.os, "access", lambda _path, _mode: False)
    with pytest.raises(EdgecompError, match="Permission denied"):
        files.check_file(tmp_path / "t.json")


def test_a_timeline_is_refused_before_anything_runs(tmp_path: Path) -> None:
    """The build does not even exist, and no simulator is looked for."""
    with pytest.raises(EdgecompError, match=r"cannot write .*absent/t\.json"):
        simulate(tmp_path / "build", simulator="gvsoc", trace=tmp_path / "absent" / "t.json")
