"""The version of edgecomp."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("edgecomp")
except PackageNotFoundError:  # used from a source tree that is not installed
    VERSION = "0+source"
