"""The Jinja2 environment of the firmware templates."""

from __future__ import annotations

from functools import cache

import jinja2

from edgecomp import resources


@cache
def environment() -> jinja2.Environment:
    """Strict (an undefined name is an error), no escaping, blocks on lines of their own."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.folder("templates") / "firmware"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(template: str, **values: object) -> str:
    """The text of ``template`` for ``values``."""
    return environment().get_template(template).render(**values)
