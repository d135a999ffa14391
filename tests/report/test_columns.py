"""Columns: what gives way where there is no room, and what never does."""

import pytest
from rich.console import Console

from edgecomp.report.columns import Column, Columns, fold, shorten

TABLE = Columns(
    [
        Column("board", "whole"),
        Column("size"),
        Column("power", leave_out=1),
        Column("", "prose"),
    ],
    [
        ["evaluation_kit", "128 KiB", "57.2 mW", "the kit that is sold with eight sensors"],
        ["chip", "64 KiB", "9 mW", ""],
    ],
)


def _lines(width: int) -> list[str]:
    console = Console(width=width, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(TABLE)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_all_is_in_a_row_where_there_is_room():
    assert _lines(100) == [
        "board              size    power",
        "evaluation_kit  128 KiB  57.2 mW  the kit that is sold with eight sensors",
        "chip             64 KiB     9 mW",
    ]


def test_prose_is_folded_in_its_column():
    assert _lines(60)[1:3] == [
        "evaluation_kit  128 KiB  57.2 mW  the kit that is sold with",
        "                                  eight sensors",
    ]


def test_prose_moves_below_where_its_column_would_be_narrow():
    assert _lines(50) == [
        "board              size    power",
        "evaluation_kit  128 KiB  57.2 mW",
        "    the kit that is sold with eight sensors",
        "chip             64 KiB     9 mW",
    ]


def test_columns_are_left_out_before_names_or_figures_are_cut():
    assert _lines(24)[:2] == ["board              size", "evaluation_kit  128 KiB"]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (40, "/encoder/blocks/0/mlp/fc2/MatMul"),
        (24, "…/0/mlp/fc2/MatMul"),
        (8, "…/MatMul"),
        (5, "…tMul"),
    ],
)
def test_names_are_shortened_from_the_left_at_a_part(width, expected):
    assert shorten("/encoder/blocks/0/mlp/fc2/MatMul", width) == expected


def test_a_number_stays_with_its_unit():
    assert fold("all in all 8.53 M cycles", 16) == ["all in all", "8.53 M cycles"]
