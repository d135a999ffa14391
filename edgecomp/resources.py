"""The folders that are not Python: `boards`, `runtime_c` and `templates`.

They sit at the top of the repository; a wheel carries them inside the package, under `_data`.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `name`, of the installed package or else of the repository.

    Raises FileNotFoundError when neither has it: an incomplete installation.
    """
    candidates = (_PACKAGE / "_data" / name, _PACKAGE.parent / name)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"edgecomp is installed without its folder '{name}'")
