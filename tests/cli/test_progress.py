"""Progress: lines off a terminal, bars on one."""

import io

from rich.console import Console

from edgecomp.cli.progress import PlainProgress, TerminalProgress
from edgecomp.progress import Progress


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_steps_are_said_only_after_a_while(capsys):
    clock = _Clock()
    progress: Progress = PlainProgress(clock)
    progress.stage("tile", 3)
    progress.step("block0")
    clock.now = 11
    progress.step("block1")
    progress.step("block2")
    assert capsys.readouterr().err == "tile\ntile: 2/3 block1\n"


def test_a_stage_of_unknown_length_counts(capsys):
    clock = _Clock()
    progress = PlainProgress(clock)
    progress.stage("search")
    clock.now = 11
    progress.step()
    assert capsys.readouterr().err == "search\nsearch: 1\n"


def test_bars_name_the_stages_in_order():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with TerminalProgress(console) as progress:
        progress.stage("export")
        progress.step()
        progress.stage("tile", 2)
        progress.step("block0")
    text = console.file.getvalue()
    assert text.index("export") < text.index("tile")
    assert "2/2" in text


def test_a_failed_stage_is_not_shown_as_done():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    try:
        with TerminalProgress(console) as progress:
            progress.stage("tile", 5)
            raise RuntimeError
    except RuntimeError:
        pass
    assert "0/5" in console.file.getvalue()
    assert "5/5" not in console.file.getvalue()
