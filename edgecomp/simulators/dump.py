"""What a program leaves of one layer, for finding its first wrong element.

The format is that of runtime_c/hal/include/edgecomp_dump.h.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgecomp.simulators.common import SimulatorError

FILE = "dump.bin"
_BEGIN, _STORE, _END, _WROTE = range(4)


def options(layer: int, watch: int | None = None) -> tuple[str, ...]:
    """Compiler options for a program that dumps ``layer`` and watches a byte of L1."""
    watched = () if watch is None else (f"-DEC_WATCH_L1={watch}",)
    return (f"-DEC_DUMP_LAYER={layer}", *watched)


@dataclass(frozen=True)
class Store:
    """A transfer of a tile from L1 to L2: ``planes x rows`` runs of ``length`` bytes.

    Dense in L1 from byte ``l1`` of the layer's buffers on; in L2 from byte ``l2`` of the arena on,
    with strides in bytes. ``core`` is the last one that changed the watched byte of L1 before it.
    """

    core: int | None
    l2: int
    l1: int
    length: int
    rows: int
    row_stride: int
    planes: int
    plane_stride: int

    def source(self, byte: int) -> int | None:
        """Where in L1 byte ``byte`` of the arena comes from; None where it does not."""
        for plane in range(self.planes):
            for row in range(self.rows):
                start = self.l2 + plane * self.plane_stride + row * self.row_stride
                if start <= byte < start + self.length:
                    return self.l1 + (plane * self.rows + row) * self.length + byte - start
        return None


@dataclass(frozen=True)
class LayerDump:
    """A layer's result in the last window that a program ran, and the stores that made it.

    ``offset``: where it lies in the L2 arena, in bytes; rows of ``row`` bytes, ``pitch`` apart.
    """

    stores: Sequence[Store]
    offset: int
    row: int
    pitch: int
    data: bytes

    @classmethod
    def read(cls, folder: Path) -> LayerDump:
        """The dump in a program's folder. SimulatorError where there is none, or not all of it."""
        path = folder / FILE
        if not path.is_file():
            raise SimulatorError("the program left no dump of the layer", "build it again")
        return cls.parse(path.read_bytes())

    @classmethod
    def parse(cls, content: bytes) -> LayerDump:
        """SimulatorError where the content is not whole."""
        stores: list[Store] = []
        found: LayerDump | None = None
        core: int | None = None
        at = 0
        try:
            while at < len(content):
                (kind,) = struct.unpack_from("<I", content, at)
                if kind == _BEGIN:
                    stores, found, core, at = [], None, None, at + 4
                elif kind == _STORE:
                    stores.append(Store(core, *struct.unpack_from("<7I", content, at + 4)))
                    at += 32
                elif kind == _WROTE:
                    (core,) = struct.unpack_from("<I", content, at + 4)
                    at += 8
                else:
                    offset, size, row, pitch = struct.unpack_from("<4I", content, at + 4)
                    at += 20 + size
                    found = cls(stores, offset, row, pitch, content[at - size : at])
        except struct.error as error:
            raise SimulatorError("the program's dump of a layer ends too early") from error
        if found is None or at != len(content):
            raise SimulatorError("the program's dump of a layer ends too early")
        return found

    def address(self, byte: int) -> int:
        """Where in the arena byte ``byte`` of the result lies."""
        row, column = divmod(byte, self.row)
        return self.offset + row * self.pitch + column

    def origin(self, byte: int) -> tuple[int, int] | None:
        """(store, byte of L1) that byte ``byte`` of the arena comes from; the last one there is."""
        for index in range(len(self.stores) - 1, -1, -1):
            place = self.stores[index].source(byte)
            if place is not None:
                return index, place
        return None
