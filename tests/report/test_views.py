"""The summary and the page: every figure there, every estimate called one."""

import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from edgecomp.report import InputNormalisation, figures, render_html, summarize, write_html
from edgecomp.report.compare import compare, comparison_page
from edgecomp.report.comparison_summary import summarize_comparison
from edgecomp.report.html import verbatim
from edgecomp.report.layer_table import layer_columns


def _text(report, width: int = 110, terminal: bool = False) -> str:
    console = Console(width=width, force_terminal=terminal, color_system=None)
    with console.capture() as capture:
        console.print(summarize(report))
    return capture.get()


def _heads(report) -> str:
    """The headings of the page's table of layers."""
    return " ".join(re.findall(r"<button>(.*?)</button>", render_html(report))).replace("<wbr>", "")


def _measured(report, provenance: str):
    latency = report.latency.model_copy(update={"provenance": provenance})
    return report.model_copy(update={"latency": latency})


class _Elements(HTMLParser):
    """Collects tags, the classes in use and the text; notes what is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "link", "br", "wbr", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_summary_shows_the_figures(report):
    text = _text(report)
    for expected in (
        "tinyissimomyo on gap9 (gap9_evk)",
        "1,793,286 parameters, 955 M MAC",
        "31.7 dB SQNR",
        "same class 98.4 %, 64 windows",
        "184 ms, 68.2 M cycles at 370 MHz",
        "10.5 mJ, 57.2 mW average",
        "117.2 KiB",
        "block0.attention",
    ):
        assert expected in text


def test_the_summary_calls_estimates_estimates(report):
    text = _text(report)
    assert re.search(r"latency .*\(estimate\)", text)
    assert re.search(r"energy .*\(estimate\)", text)
    assert "cycles (estimate)" in text


def test_a_measured_latency_leaves_the_energy_an_estimate(report):
    text = _text(_measured(report, "gvsoc"))
    assert re.search(r"latency .*\(simulated\)", text)
    assert re.search(r"energy .*\(estimate\)", text)
    assert "cycles (simulated)" in text


def test_the_summary_is_plain_text_off_the_terminal(simulation):
    assert _text(simulation).isascii()


def test_the_slowest_layer_comes_first(report):
    text = _text(report)
    assert text.index("block0.attention") < text.index("block0.qkv") < text.index("pool")


def test_notices_are_shown(report):
    [notice] = report.notices
    assert f"note: {notice}" in _text(report)
    assert notice in render_html(report)


def test_the_summary_of_a_simulation_says_whether_the_bits_agree(simulation):
    assert "equal to the integer reference in every layer (host)" in _text(simulation)
    different = simulation.model_copy(update={"bit_exact": False})
    assert "NOT equal to the integer reference (host)" in _text(different)


@pytest.mark.parametrize("kind", ["report", "simulation"])
def test_the_page_is_well_formed_and_self_contained(kind, request):
    elements = _Elements(render_html(request.getfixturevalue(kind)))
    assert elements.open == []
    assert elements.links == []


def test_the_page_shows_every_layer_and_memory(report):
    text = " ".join(_Elements(render_html(report).partition("<script")[0]).text)
    for layer in report.layers:
        assert layer.name in text
        assert layer.checksum in text
    assert all(level in text for level in ("L1", "L2", "L3"))


def test_what_of_a_memory_is_code_is_shown(report):
    """L2 has 132 KiB for code and stacks, 128 of them for code; L1 has stacks only."""
    l1, l2 = (line for line in _text(report).splitlines() if line.startswith(("L1 ", "L2 ")))
    assert l2.split()[-4:] == ["132.0", "KiB", "128.0", "KiB"]
    assert l1.split()[-3:] == ["10.0", "KiB", "-"]
    page = render_html(report).partition("<script")[0]
    assert re.findall(r"([\d.]+ KiB) of it code", page) == ["128.0 KiB"]


def test_the_page_marks_latency_and_energy_as_estimates(report):
    cards = dict(re.findall(r"<h2>(\w+)</h2>(.*?)</div>", render_html(report), re.DOTALL))
    assert 'class="mark estimate"' in cards["Latency"]
    assert 'class="mark estimate"' in cards["Energy"]
    measured = dict(
        re.findall(r"<h2>(\w+)</h2>(.*?)</div>", render_html(_measured(report, "board")), re.DOTALL)
    )
    assert 'class="mark measured"' in measured["Latency"]
    assert 'class="mark estimate"' in measured["Energy"]


@pytest.mark.parametrize(
    ("provenance", "label", "kind", "words"),
    [
        ("estimate", None, "estimate", "estimate"),
        ("gvsoc", "GVSoC, GAP9-like", "simulated", "simulated: GVSoC, GAP9-like"),
        ("board", "gap9_evk", "measured", "measured on the board: gap9_evk"),
    ],
)
def test_every_view_says_how_cycles_were_come_by(report, provenance, label, kind, words):
    """Terminal, page, comparison in the terminal, comparison as a page."""
    latency = report.latency.model_copy(update={"provenance": provenance, "label": label})
    found = report.model_copy(update={"latency": latency})
    assert re.search(rf"latency .*\({words}\)", _text(found))
    badge = f'<span class="mark {kind}">{words}</span>'
    cards = dict(re.findall(r"<h2>(\w+)</h2>(.*?)</div>", render_html(found), re.DOTALL))
    assert badge in cards["Latency"]
    compared = compare(report, found)
    console = Console(width=400)
    with console.capture() as capture:
        console.print(summarize_comparison(compared))
    both = words if provenance == "estimate" else f"estimate, {words}"
    assert re.search(rf"^latency .*\({both}\)$", capture.get(), re.MULTILINE)
    assert badge in comparison_page(compared)


def _on_board(report):
    """As a board leaves it: cycles and waits, nothing of NE16's work nor of the memories."""
    used = _measured(_used(report), "board")
    layers = [layer.model_copy(update={"ne16_busy": None}) for layer in used.layers]
    levels = {
        name: level.model_copy(update={"provenance": "estimate", "reserved": 1000})
        for name, level in used.memory
        if name in ("l1", "l2")
    }
    memory = used.memory.model_copy(update=levels)
    return used.model_copy(update={"layers": layers, "memory": memory})


def test_what_a_board_does_not_count_is_not_shown(report):
    board = _on_board(report)
    text, heads = _text(board, 160), _heads(board)
    assert "wait NE16" in text and "NE16 wait" in heads
    assert "NE16 busy" not in text + heads and "of 70" not in text + heads
    assert "reserved (estimate)" in text  # and not how much code and stacks take
    content = board.to_json()
    assert all("ne16_busy" not in layer and layer["exposed_ne16"] for layer in content["layers"])
    peaks = {t.name: t.mark_b for t in compare(report, board).totals if "peak" in t.name}
    assert peaks == {"L1 peak": "estimate", "L2 peak": "estimate", "L3 peak": "planned"}


def test_names_cannot_inject_html(report):
    model = report.model.model_copy(update={"name": "<script>alert(1)</script>"})
    assert "<script>alert" not in render_html(report.model_copy(update={"model": model}))


def test_the_page_is_written_to_a_file(report, tmp_path):
    write_html(report, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (figures.count, 1_909_000_000, "1.91 G"),
        (figures.count, 812, "812"),
        (figures.count, 0, "0"),
        (figures.seconds, 0.0891, "89.1 ms"),
        (figures.joules, 0, "0 J"),
        (figures.joules, 57.2e-9, "57.2 nJ"),
        (figures.joules, 4.2e-10, "0.42 nJ"),
        (figures.seconds, 3e-7, "300 ns"),
        (figures.seconds, 1.0000004e-3, "1 ms"),
        (figures.count, 0.25, "0.25"),
        (figures.size, 131_072, "128.0 KiB"),
        (figures.size, 1_572_864, "1.50 MiB"),
        (figures.size, 12, "12 B"),
        (figures.decibels, None, "-"),
        (figures.hertz, 370e6, "370 MHz"),
        (figures.watts, 45e-6, "45 uW"),
    ],
)
def test_figures_read_well(function, value, expected):
    assert function(value) == expected


def test_a_share_of_nothing_is_a_dash():
    assert figures.percent(1, 0) == "-"
    assert figures.rate(10, 0) == "-"


def test_the_summary_names_the_layer_that_is_furthest_from_the_float_model(report):
    first, second, *rest = report.layers
    judged = [
        first.model_copy(update={"sqnr_db": 31.5, "name": "good"}),
        second.model_copy(update={"sqnr_db": 12.25, "name": "bad"}),
        *(layer.model_copy(update={"sqnr_db": None}) for layer in rest),
    ]
    text = _text(report.model_copy(update={"layers": judged}))
    assert re.search(r"weakest +bad: 12\.2 dB", text)


def _deep(report):
    """The report with layers whose names are as long as those of an exported network."""
    layers = [
        layer.model_copy(update={"name": f"/encoder/blocks/{i}/mlp/fc2/MatMul", "op": "q_mlp"})
        for i, layer in enumerate(report.layers)
    ]
    return report.model_copy(update={"layers": layers})


@pytest.mark.parametrize("width", [80, 60])
def test_a_narrow_terminal_keeps_figures_whole_and_the_end_of_names(simulation, width):
    lines = _text(_deep(simulation), width, terminal=True).splitlines()
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for figure in ("3.10 M", "5.40 M", "955 M MAC", "117.2 KiB", "68.2 M cycles", "370 MHz"):
        assert figure in text
    for index in range(3):
        assert f"/{index}/mlp/fc2/MatMul q_mlp " in text
    assert "cycles (estimate)" in text


def test_a_wide_terminal_shows_all_columns_and_whole_names(simulation):
    text = _text(_deep(simulation), 120, terminal=True)
    assert "/encoder/blocks/0/mlp/fc2/MatMul q_mlp" in text
    assert "107.2 KiB" in text
    assert "tiles" in text


def test_the_layers_are_called_slowest_only_where_some_are_left_out(report):
    one = report.model_copy(update={"layers": report.layers[:1]})
    assert re.search(r"^layer +cycles", _text(one), re.MULTILINE)
    many = report.model_copy(update={"layers": report.layers * 4})
    assert "8 slowest of 12 layers" in _text(many)


def test_without_classes_no_view_speaks_of_them(report, simulation):
    none = {"argmax_agreement": None}
    report = report.model_copy(update={"quantization": report.quantization.model_copy(update=none)})
    simulation = simulation.model_copy(update={"float_": simulation.float_.model_copy(update=none)})
    for each in (report, simulation):
        assert "same class" not in _text(each) + render_html(each)


def test_every_column_of_figures_says_how_they_were_come_by(report):
    used = _used(report)
    heads = re.findall(r'<th scope="col">(.*?)</th>', render_html(used), re.DOTALL)
    marks = [re.findall(r'class="mark (\w+)"', head) for head in heads]
    named = dict(zip([column.head for column in layer_columns(used)], marks, strict=True))
    assert named["Cycles"] == named["NE16 busy"] == ["estimate"]
    assert named["SQNR"] == ["measured"]
    texts = {"Layer", "Operator", "Engine", "Checksum"}
    assert {head for head, mark in named.items() if not mark} == texts
    for provenance, mark in (("gvsoc", "simulated"), ("board", "measured")):
        again = layer_columns(_measured(used, provenance))
        assert {c.head: c.mark for c in again}["Cycles"] == mark


def test_the_page_has_rules_for_paper_and_a_legend_that_names_no_shade(report):
    page = render_html(report)
    assert "@media print" in page
    assert 'class="key arena"' in page
    assert "Dark:" not in page


def test_layer_names_break_at_their_parts_and_inject_no_html(report):
    layers = [report.layers[0].model_copy(update={"name": "/block/<b>"})]
    page = render_html(report.model_copy(update={"layers": layers}))
    assert "<td><wbr>/block<wbr>/&lt;b&gt;</td>" in page


def _used(report, ne16: bool = True):
    """The report with the same use of the engines in every layer, NE16 among them or not."""
    parts = {"exposed_ne16": 0.1, "exposed_dma": 0.2, "exposed_l3": 0.3, "overhead": 0.0}
    if not ne16:
        parts |= {"exposed_ne16": 0.0, "overhead": 0.1}
    layers = []
    for layer in report.layers:
        each = {name: share * layer.cycles for name, share in parts.items()}
        busy = {"ne16_busy": 0.5 * layer.cycles, "ne16_macs": int(25 * layer.cycles)}
        each |= {"compute": 0.4 * layer.cycles, **(busy if ne16 else {"ne16_busy": 0.0})}
        layers.append(layer.model_copy(update=each))
    return report.model_copy(update={"layers": layers, "ne16_macs_per_cycle": 70.0})


def test_the_summary_shows_how_the_engines_are_used(report):
    text = _text(_used(report), 120)
    head = "where cycles go (estimate) cores wait NE16 wait DMA wait L3 overhead NE16 busy"
    assert f"{head} MAC/busy cycle of 70" in re.sub(" +", " ", text)
    for name in ("all layers", "block0.attention"):
        shares = r"40 % +10 % +20 % +30 % +0 % +50 % +50\.0"
        assert re.search(rf"^{name}\S*( \w+)? +{shares}$", text, re.MULTILINE)
    assert "where cycles go (simulated)" in _text(_measured(_used(report), "gvsoc"))


def test_views_speak_of_ne16_only_where_a_layer_uses_it(report):
    used = _used(report, ne16=False)
    text = _text(used, 120)
    assert re.search(r"^all layers +40 % +20 % +30 % +10 %$", text, re.MULTILINE)
    assert "NE16" not in text + _heads(used)
    assert "Cores busy" in _heads(used)


def test_reports_of_earlier_versions_have_no_table_of_use(report):
    assert "where cycles go" not in _text(report)
    assert "Cores busy" not in _heads(report)


@pytest.mark.parametrize("width", [120, 80, 60])
def test_the_table_of_use_fits_and_keeps_what_matters(report, width):
    deep = _used(_deep(report))
    layers = [each.model_copy(update={"op": "q_depthwise_convolution"}) for each in deep.layers]
    text = _text(deep.model_copy(update={"layers": layers}), width, terminal=True)
    assert max(map(len, text.splitlines())) <= width
    assert "NE16 busy" in text and "cores" in text


def test_the_page_shows_use_per_layer_and_in_all(report):
    used = _used(report)
    page = render_html(used)
    table = page[page.index('class="layers"') :]
    [head, *rows] = re.findall(r"<tr[^>]*>(.*?)</tr>", table.replace("<wbr>", ""), re.DOTALL)
    names = re.findall(r"<button>(.*?)</button>", head)
    at = names.index("Cores busy")
    assert names[at : at + 6] == [
        "Cores busy", "DMA wait", "L3 wait", "NE16 wait", "NE16 busy", "NE16 MAC/busy cycle of 70",
    ]  # fmt: skip
    assert len(rows) == len(used.layers) + 1
    for row in rows:
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        assert len(cells) == len(names)
        assert cells[at : at + 6] == ["40 %", "20 %", "30 %", "10 %", "50 %", "50.0"]
    assert _Elements(page).open == []


def test_the_model_s_card_has_a_unit(report):
    card = cards_of(report)["Model"]
    assert re.search(r'class="value">[\d.]+ [kMG]? ?MAC<', card)


def cards_of(report) -> dict[str, str]:
    return dict(re.findall(r"<h2>(\w+)</h2>(.*?)</div>", render_html(report), re.DOTALL))


def test_accuracy_says_over_how_many_windows_it_is(report, simulation):
    """A simulation may run fewer than the build judged by."""
    for windows, text in ((1, "1 window<"), (3, "3 windows<")):
        quantization = report.quantization.model_copy(update={"windows": windows})
        changed = {"quantization": quantization}
        assert f"measured, {text}" in cards_of(report.model_copy(update=changed))["Accuracy"]
        card = cards_of(simulation.model_copy(update=changed))["Accuracy"]
        assert f"measured, {simulation.simulator}, {text}" in card


def test_no_two_columns_of_the_table_have_the_same_name(report):
    heads = [column.head for column in layer_columns(_used(report))]
    assert len(set(heads)) == len(heads)
    assert [head for head in heads if head.endswith("MAC/cycle")] == ["MAC/cycle"]


NAMED = ("blue", "orange", "violet", "green", "grey", "slow-back", "reading")
"""Colours of boxes on which a chart writes names, in --ink."""


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * each for each in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_names_in_charts_can_be_read(scheme):
    """A contrast of 4.5, as WCAG asks of text; both for boxes and for reads drawn over them."""
    style = verbatim("report.css")
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", style.split(":root {")[1 + scheme]))
    for name in NAMED:
        pair = sorted([luminance(colours["ink"]), luminance(colours[name])])
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, name
    assert "svg .reading { fill: var(--reading); }" in style


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"kind": "zscore", "source": "encoder"}, "<b>zscore</b> (the encoder&#39;s own)"),
        ({"kind": "scale", "factor": 0.01, "unit": "microvolt", "source": "stated"},
         "<b>scale 0.01 of microvolt</b> (as asked for)"),
    ],
)  # fmt: skip
def test_the_page_says_what_the_sample_application_computes(report, fields, text):
    chosen = {"normalisation": InputNormalisation(**fields), "options": {"seed": "0"}}
    assert text in render_html(report.model_copy(update=chosen))
