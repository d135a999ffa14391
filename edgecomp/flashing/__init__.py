"""Building a project with the vendor's SDK and writing it to a board."""

from edgecomp.flashing.built_for import built_for
from edgecomp.flashing.commands import Command, FlashError, plan_commands
from edgecomp.flashing.execute import flash_board

__all__ = ["Command", "FlashError", "built_for", "flash_board", "plan_commands"]
