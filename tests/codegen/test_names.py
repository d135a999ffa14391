"""Names that users choose, as C identifiers."""

from __future__ import annotations

import pytest

from edgecomp.codegen.names import Names, identifier


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("logits", "logits"),
        ("351", "output_351"),
        ("onnx::Add_3", "onnx__Add_3"),
        ("größe", "gr__e"),
        ("int", "output_int"),
        ("memcpy", "output_memcpy"),
        ("ec_layers", "output_ec_layers"),
        ("_hidden", "output_hidden"),
        ("", "output"),
        ("///", "output"),
    ],
)
def test_an_identifier(text: str, expected: str) -> None:
    assert identifier(text, "output") == expected


def test_names_differ_also_in_upper_case() -> None:
    """x and X would be the same macro."""
    names = Names()
    assert [names.make(text, "port") for text in ("x", "X", "x", "x_2")] == [
        "x",
        "X_2",
        "x_3",
        "x_2_2",
    ]
