"""Files that a command writes after long work."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from edgecomp.errors import EdgecompError


def check_file(path: Path) -> None:
    """Fail before the work where ``path`` cannot become a file: EdgecompError. Writes nothing."""
    folder = path.parent
    if path.is_dir():
        reason = errno.EISDIR
    elif not folder.exists():
        reason = errno.ENOENT
    elif not folder.is_dir():
        reason = errno.ENOTDIR
    elif not os.access(path if path.exists() else folder, os.W_OK):
        reason = errno.EACCES
    else:
        return
    raise EdgecompError(
        f"cannot write {path}: {os.strerror(reason)}",
        "name a file in a folder that exists and that you may write to",
    )
