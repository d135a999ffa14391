"""From tile programs and addresses to a self-contained C project."""

from edgecomp.codegen.checksum import checksum
from edgecomp.codegen.project import ProjectSpec, write_project

__all__ = ["ProjectSpec", "checksum", "write_project"]
