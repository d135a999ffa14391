"""The output directory: made beside its final place and moved there when it is whole."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgecomp.errors import EdgecompError

MANIFEST = ".edgecomp"
"""Lists the files of a build; only a folder that holds nothing else is replaced."""

MADE_LATER = ("simulation.json", "simulation.html", "firmware/build/")
"""What simulations and the project's Makefile leave in a build."""


class OutputError(EdgecompError):
    """An output directory that cannot be written."""


@contextmanager
def new_directory(final: Path) -> Iterator[Path]:
    """A fresh directory that becomes ``final`` if the block ends well, and vanishes if not.

    ``OutputError`` where ``final`` holds something that is no build, cannot be written, or the
    disk is full.
    """
    _check_replaceable(final)
    missing = _missing_parents(final)
    work = _make_work_directory(final)
    try:
        yield work
        _write_manifest(work)
        _move(work, final)
    except OSError as error:
        raise _unwritable(final, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if not final.exists():
            _remove(missing)


def check_writable(final: Path) -> None:
    """Fail early, before long work, where ``final`` cannot be written; leaves nothing behind."""
    _check_replaceable(final)
    missing = _missing_parents(final)
    shutil.rmtree(_make_work_directory(final), ignore_errors=True)
    _remove(missing)


def made_later(final: Path) -> list[str]:
    """What the build in ``final`` was given since it was made, and loses when it is replaced."""
    return [name for name in MADE_LATER if (final / name).exists()]


def _missing_parents(final: Path) -> list[Path]:
    """The folders that have to be made for ``final``, innermost first."""
    return [folder for folder in final.parents if not folder.exists()]


def _remove(folders: list[Path]) -> None:
    """Delete what is empty of ``folders``."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _check_replaceable(final: Path) -> None:
    if final.resolve() == Path.cwd():
        raise OutputError(
            f"{final} is the folder you are in, which a build cannot replace",
            "give another --out, for example a folder below it",
        )
    try:
        if not final.exists():
            return
        if not final.is_dir():
            raise OutputError(f"{final} is a file", "give another --out")
        foreign = _foreign_files(final)
    except OSError as error:
        raise _unwritable(final, error) from error
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise OutputError(
            f"{final} holds files that no build made: {', '.join(foreign[:3])}{more}",
            "move them away, or give another --out",
        )


def _foreign_files(folder: Path) -> list[str]:
    """Files that a new build would destroy: those that the last one did not make."""
    manifest = folder / MANIFEST
    known = {MANIFEST}
    if manifest.is_file():
        known |= set(manifest.read_text(encoding="utf-8").splitlines())
    return [
        name for name in _files(folder) if name not in known and not name.startswith(MADE_LATER)
    ]


def _write_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text("\n".join([*_files(folder), ""]), encoding="utf-8")


def _files(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(found)


def _make_work_directory(final: Path) -> Path:
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
    except OSError as error:
        raise _unwritable(final, error) from error


def _move(work: Path, final: Path) -> None:
    """Let ``work`` take the place of ``final``; an older build vanishes only after that."""
    work.chmod(0o755)
    if not final.exists():
        work.replace(final)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{final.name}-old-", dir=final.parent))
    final.replace(old / "build")
    try:
        work.replace(final)
    except BaseException:
        (old / "build").replace(final)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)


def _unwritable(final: Path, error: OSError) -> OutputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = f"free some space in {final.parent}, or give an --out on another disk"
    else:
        hint = "check permissions, or give another --out"
    return OutputError(f"cannot write {final}: {error.strerror or error}", hint)
