"""The site holds the measurements of benchmarks/, too, to which pages link as files do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

MEASURED = "benchmarks"


def on_files(files: Files, config: Any) -> Files:
    """Its pages, as if they lay beside those of docs/."""
    root = Path(config.config_file_path).parent
    for page in sorted((root / MEASURED).glob("*.md")):
        name = page.relative_to(root).as_posix()
        files.append(File(name, str(root), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links as they are in the site."""
    return markdown.replace(f"](../{MEASURED}/", f"]({MEASURED}/")
