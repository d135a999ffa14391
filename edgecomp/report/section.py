"""What the sections of a report share."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

Provenance: TypeAlias = Literal["estimate", "gvsoc", "board"]


class Section(BaseModel):
    """A part of a report: no field that is not known, and none that changes."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True
    )
