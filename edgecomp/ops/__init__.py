"""Operators, one a file. Importing :mod:`edgecomp.ir.operator` finds them here by itself."""
