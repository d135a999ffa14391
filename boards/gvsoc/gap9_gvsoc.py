"""A GAP9-like chip for GVSoC, made of the parts of its pulp-open chip.

GVSoC has no GAP9. This target takes its pulp-open chip (9 cluster cores with Xpulp, 1.5 MiB +
64 KiB of L2, cluster DMA, uDMA) and changes what differs: the size of the TCDM and the bandwidth of
its banks, an NE16 on it, the clocks, the HyperRAM. Nothing is calibrated against silicon.

The values come from `board.json` beside this file, as edgecomp writes it into every project, or
are those of the GAP9 evaluation kit. It imports GVSoC's installed Python modules and is loaded by
GVSoC (`gvsoc --target=gap9_gvsoc --target-dir=...`), never by edgecomp. The installation must hold
the model of NE16, which no stock target uses: name this target and this folder when building it.
"""

from __future__ import annotations

import json
from pathlib import Path

import gvsoc.runner
import gvsoc.systree
import pulp.chips.pulp_open.cluster as stock_cluster
import pulp.chips.pulp_open.pulp_open as stock_chip
from devices.hyperbus.hyperflash import Hyperflash
from devices.hyperbus.hyperram import Hyperram
from pulp.ne16.ne16 import Ne16

_EVALUATION_KIT = {
    "memories": {"l1_bytes": 131_072, "l3_bytes": 33_554_432, "flash_bytes": 67_108_864},
    "clocks": {
        "cluster_hz": 370_000_000,
        "fabric_hz": 240_000_000,
        "peripheral_hz": 200_000_000,
    },
}
_BANK_BYTES_LOG2 = 2
_NE16_EVENT = "acc_0"


def _board() -> dict[str, dict[str, int]]:
    path = Path(__file__).resolve().parent / "board.json"
    return json.loads(path.read_text()) if path.exists() else _EVALUATION_KIT


BOARD = _board()


_load_stock_properties = stock_cluster.ClusterConf.load_property_file


def _load_properties(self: stock_cluster.ClusterConf, path: str) -> dict:
    """The stock cluster's properties with the board's TCDM."""
    properties = _load_stock_properties(self, path)
    size = hex(BOARD["memories"]["l1_bytes"])
    properties["l1"]["mapping"]["size"] = size
    properties["l1"]["ts_mapping"]["size"] = size
    return properties


class _Cluster(stock_chip.Cluster):
    """The stock cluster with banks that serve one word a cycle, and NE16."""

    def __init__(self, parent: gvsoc.systree.Component, name: str, **options: object) -> None:
        super().__init__(parent, name, **options)
        self._limit_banks()
        self._add_ne16()

    def _limit_banks(self) -> None:
        for name, component in self.get_component("l1").components.items():
            if name.startswith("bank"):
                component.add_property("width_bits", _BANK_BYTES_LOG2)

    def _add_ne16(self) -> None:
        engine = Ne16(self, "ne16")
        bus = self.get_component("periph_ico")
        mapping = self._reloc_mapping(self.conf.get_property("peripherals/ne16/mapping"))
        bus.add_mapping("ne16", **mapping)
        self.bind(bus, "ne16", engine, "input")
        self.bind(engine, "out", self.get_component("l1"), "ne16_in")
        event = self.conf.get_property("pe/irq").index(_NE16_EVENT)
        for core in range(self.conf.get_property("nb_pe", int)):
            port = f"in_event_{event}_pe_{core}"
            self.bind(engine, "irq", self.get_component("event_unit"), port)


stock_cluster.ClusterConf.load_property_file = _load_properties
stock_chip.Cluster = _Cluster


def _fll_register(hertz: float) -> str:
    """The FLL setting (divider and oscillator code, open loop) nearest to a frequency.

    The curve is that of GVSoC's model of the oscillator, in MHz over the code.
    """

    def megahertz(code: int, divider: int) -> float:
        return (-642.570 + 2.590 * code - 0.000445 * code * code) / (1 << divider)

    settings = ((divider, code) for divider in range(1, 8) for code in range(520, 1024))
    divider, code = min(settings, key=lambda s: abs(megahertz(s[1], s[0]) * 1e6 - hertz))
    return hex(divider << 26 | code << 16 | 0x05F5)


class Gap9Board(gvsoc.systree.Component):
    """The chip with the board's HyperRAM (chip select 0) and a HyperFlash (1).

    The flash holds weights.bin of the folder in which the simulation runs, from address 0 on.
    """

    def __init__(self, parent: object, name: str, parser: object, options: object) -> None:
        super().__init__(parent, name, options=options)
        self.set_target_name("gap9_gvsoc")
        attributes = stock_chip.PulpOpenAttr(self)
        self.set_attributes(attributes)
        chip = stock_chip.Pulp_open(self, "chip", attributes, parser)
        self._set_clocks(chip)
        ram = Hyperram(self, "ram", size=int(BOARD["memories"]["l3_bytes"]))
        self.bind(chip, "hyper0_cs0_data", ram, "input")
        self.bind(chip, "hyper0_cs1_data", self._flash(), "input")

    def _flash(self) -> gvsoc.systree.Component:
        flash = Hyperflash(self, "hyperflash", size=int(BOARD["memories"]["flash_bytes"]))
        weights = Path("weights.bin").resolve()
        if weights.exists() and weights.stat().st_size > 0:
            flash.add_property("preload_file", str(weights))
            flash.add_property("writeback", False)
        return flash

    def _set_clocks(self, chip: gvsoc.systree.Component) -> None:
        soc = chip.get_component("soc")
        domains = (
            ("fll_soc", chip.get_component("soc_clock_domain"), "fabric_hz"),
            ("fll_cluster", chip.get_component("cluster_clock"), "cluster_hz"),
            ("fll_periph", soc.get_component("periph_clock"), "peripheral_hz"),
        )
        for fll, domain, clock in domains:
            hertz = int(BOARD["clocks"][clock])
            domain.add_property("frequency", hertz)
            soc.get_component(fll).add_property("regmap/conf1/reset", _fll_register(hertz))


class Target(gvsoc.runner.Target):
    """What GVSoC looks for in the module of a target."""

    gapy_description = "GAP9-like chip made of pulp-open parts"
    model = Gap9Board
    name = "gap9_gvsoc"

    def __init__(self, parser: object, options: object = None, name: object = None) -> None:
        super().__init__(parser, options, model=Gap9Board, name=name)
