"""The page in headless Chromium: it draws, sorts, filters, zooms, fits, and asks for nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgecomp.report import (
    Buffer,
    Buffers,
    OutputSample,
    Peaks,
    Report,
    render_html,
)
from edgecomp.report.compare import compare, write_comparison

pytestmark = pytest.mark.browser
LAYERS = 400


@pytest.fixture(scope="module")
def browser(browser_program) -> Iterator:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser_program, args=["--no-sandbox"])
        yield started
        started.close()


@dataclass
class Opened:
    """A page, what it complained of, and what it asked for."""

    page: object
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def open_page(browser, tmp_path):
    """A function: opens a report; at the end no page may have complained or loaded anything."""
    opened: list[Opened] = []

    def open_(report: Report | Path, width: int = 1280, scheme: str = "light") -> object:
        path = report if isinstance(report, Path) else tmp_path / f"report-{len(opened)}.html"
        if isinstance(report, Report):
            path.write_text(render_html(report), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        each = Opened(page)
        page.on("console", lambda message: each.complaints.append(message.text))
        page.on("pageerror", lambda error: each.complaints.append(str(error)))
        page.on("request", lambda request: each.requests.append(request.url))
        page.goto(path.as_uri())
        opened.append(each)
        return page

    yield open_
    for each in opened:
        assert each.complaints == []
        assert len(each.requests) == 1  # the file itself
        each.page.close()


@pytest.fixture
def large(report) -> Report:
    """400 layers with buffers: tensors that live for two layers, weights, three tiles each."""
    layers = [
        report.layers[i % len(report.layers)].model_copy(
            update={
                "name": f"/encoder/blocks/{i}/mlp/fc{i % 7}/MatMul",
                "op": ("q_linear", "q_attention", "q_add")[i % 3],
                "engine": ("cluster", "cluster+ne16")[i % 2],
                "cycles": float(1000 + (i * 7919) % 50021),
                "macs": 4000 * (1 + i % 11),
                "compute": 600.0,
                "exposed_ne16": 100.0 * (i % 2),
                "exposed_dma": 100.0,
                "exposed_l3": 10.0,
                "overhead": 190.0,
                "ne16_busy": 500.0 * (i % 2),
                "ne16_macs": 2000 * (i % 2),
                "bytes_moved": 512 + 64 * (i % 5),
                "dma_busy": 300.0,
                "read_from": max(i - 1, 0),
                "read_cycles": 400.0,
                "l3_address": 4096 * i,
                "bytes": 4096,
                "sqnr_db": 50 - i / 20,
            }
        )
        for i in range(LAYERS)
    ]
    last = LAYERS - 1
    l2 = [
        Buffer(
            name=f"linear_{i}",
            kind="activation",
            address=300_000 * (i % 2),
            bytes=250_000,
            first=i,
            last=min(i + 1, last),
        )
        for i in range(LAYERS)
    ]
    tiles = (("x", "input", 0), ("w", "weights", 20_000), ("y", "result", 40_000))
    l1 = [
        Buffer(name=name, kind=kind, address=at, bytes=20_000, first=i, last=i, copies=2)
        for i in range(LAYERS)
        for name, kind, at in tiles
    ]
    l3 = [
        Buffer(
            name=f"weights of {layer.name}",
            kind="weights",
            address=4096 * i,
            bytes=4096,
            first=0,
            last=last,
        )
        for i, layer in enumerate(layers)
    ]
    values = [i / 10 for i in range(-50, 50)]
    output = OutputSample(
        name="scores", total=5000, float_model=values, integer=[v + 0.01 for v in values]
    )
    return report.model_copy(
        update={
            "layers": layers,
            "buffers": Buffers(l1=l1, l2=l2, l3=l3),
            "outputs": [output],
            "peaks": Peaks(
                cores_macs_per_cycle=21.3, l2_l1_bytes_per_cycle=8, l3_l2_bytes_per_cycle=0.5
            ),
            "ne16_macs_per_cycle": 70.0,
        }
    )


def _ticks(page, chart: str) -> list[str]:
    return page.locator(f"#{chart} .axis text[text-anchor=middle]").all_text_contents()


def _drag(page, chart: str, start: float, end: float) -> None:
    """Draw a flat box over a part of a chart; places are shares of its width."""
    svg = page.locator(f"#{chart} svg")
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], y, steps=3)
    page.mouse.up()


OVERLAPS = """() => {
  const found = [];
  for (const svg of document.querySelectorAll(".chart svg")) {
    const frame = svg.getBoundingClientRect();
    const all = [...svg.querySelectorAll("text")];
    const texts = all.map(t => [t.textContent, t.getBoundingClientRect()]);
    texts.forEach(([text, a], i) => {
      if (a.left < frame.left - 1 || a.right > frame.right + 1) found.push(`${text} is cut`);
      for (const [other, b] of texts.slice(i + 1)) {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 1 && high > 4) found.push(`${text} overlaps ${other}`);
      }
    });
  }
  for (const name of document.querySelectorAll(".chart svg text.name")) {
    const a = name.getBoundingClientRect();
    const svg = name.closest("svg");
    for (const mark of svg.querySelectorAll("rect.buffer, rect.reading, rect.span, circle")) {
      const b = mark.getBoundingClientRect();
      const meet = a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
      if (meet && name.compareDocumentPosition(mark) & Node.DOCUMENT_POSITION_FOLLOWING) {
        found.push(`${mark.getAttribute("class")} covers ${name.textContent}`);
      }
    }
  }
  for (const card of document.querySelectorAll(".card, .slowest, .levels, .tools, .legend")) {
    if (card.scrollWidth > card.clientWidth + 1) found.push(`${card.className} is cut`);
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page is too wide");
  return found;
}"""


def test_400_layers_are_drawn_and_named(open_page, large):
    page = open_page(large)
    assert page.locator(".chart svg").count() == 7
    for level, buffers in large.buffers:
        drawn = page.locator(f"#memory-{level} rect.buffer:not(.reserved)").count()
        assert drawn == len(buffers)
    assert page.locator("#memory-l3 rect.reading").count() > LAYERS - 10
    assert page.locator("#roofline circle").count() == LAYERS
    assert page.locator("#output-0 circle").count() == 100
    assert page.locator("#timeline rect.span").count() == LAYERS
    assert len(render_html(large)) < 1_500_000


def test_400_layers_are_drawn_soon(open_page, large):
    """A second here; the bounds leave room for a slow computer, not for work that grows faster."""
    page = open_page(large)
    drawn = page.evaluate("() => performance.getEntriesByType('navigation')[0].domInteractive")
    assert drawn < 10_000
    filtered = "filter.value = 'qkv', applyFilter()"
    for action in ("select(5)", "span.zoom(0.5)", "setEven(true)", filtered):
        taken = page.evaluate(
            f"() => {{ const begin = performance.now(); {action};"
            " document.body.getBoundingClientRect(); return performance.now() - begin; }"
        )
        assert taken < 3_000, action


def test_what_is_thin_keeps_its_colour(open_page, large):
    """At 400 layers a border would be all that is left of most boxes."""
    page = open_page(large)
    borders = """all => all.map(e => [Math.min(e.width.baseVal.value, e.height.baseVal.value),
                                      getComputedStyle(e).stroke])"""
    for chart in ("#memory-l3", "#memory-l1", "#timeline"):
        boxes = page.locator(f"{chart} :is(.buffer, .span:not(.slowest))").evaluate_all(borders)
        assert {stroke for size, stroke in boxes if size < 3} == {"none"}
    sizes = page.locator("#memory-l3 rect.reading").evaluate_all(borders)
    assert min(size for size, _ in sizes) >= 2


def test_headings_and_sums_of_many_layers_stay_in_sight(open_page, large, report):
    page = open_page(large)
    scroll = page.locator(".scroll")
    scroll.scroll_into_view_if_needed()
    scroll.evaluate("e => { e.scrollTop = e.scrollHeight / 2; }")
    frame = scroll.bounding_box()
    assert frame["height"] < 900 and scroll.evaluate("e => e.scrollTop") > 1000
    first = page.locator(".layers thead th").first.bounding_box()
    assert first["y"] == pytest.approx(frame["y"], abs=2)
    last = page.locator(".layers tfoot td").first.bounding_box()
    assert last["y"] + last["height"] == pytest.approx(frame["y"] + frame["height"], abs=2)
    page.emulate_media(media="print")
    assert scroll.evaluate("e => e.scrollHeight <= e.clientHeight + 1")
    few = open_page(report).locator(".scroll")
    assert few.evaluate("e => e.scrollHeight <= e.clientHeight + 1")


def test_pointing_at_a_buffer_names_it(open_page, large):
    page = open_page(large)
    _drag(page, "memory-l2", 0.10, 0.11)
    page.locator("#memory-l2 rect.activation").nth(1).hover()
    assert re.search(r"linear_\d+\nactivation, 244\.1 KiB", page.locator(".tooltip").inner_text())


def test_a_heading_sorts_both_ways(open_page, large):
    page = open_page(large)
    cycles = [layer.cycles for layer in large.layers]

    def shown() -> list[float]:
        cells = page.locator(".layers tbody td.share")
        return [float(v) for v in cells.evaluate_all("all => all.map(c => c.dataset.value)")]

    assert shown() == cycles
    heading = page.locator(".layers th button", has_text=re.compile("^Cycles$"))
    heading.click()
    assert shown() == sorted(cycles, reverse=True)
    heading.click()
    assert shown() == sorted(cycles)
    page.locator(".layers th button", has_text=re.compile("^Layer$")).click()
    first = page.locator(".layers tbody tr").first.inner_text()
    assert first.startswith(max(layer.name for layer in large.layers))


def test_words_filter_the_rows(open_page, large):
    page = open_page(large)
    page.locator("#filter").fill("blocks/12 attention")
    rows = page.locator(".layers tbody tr:visible")
    expected = [e for e in large.layers if "blocks/12" in e.name and e.op == "q_attention"]
    assert rows.count() == len(expected) > 0
    assert page.locator("#counted").inner_text() == f"{len(expected)} of {LAYERS} layers"
    page.locator("#filter").fill("no such layer")
    assert rows.count() == 0
    page.locator("#filter").fill("")
    assert rows.count() == LAYERS


def test_a_box_zooms_all_charts_over_time(open_page, large):
    page = open_page(large)
    whole = _ticks(page, "timeline")
    assert _ticks(page, "memory-l1") == whole
    _drag(page, "timeline", 0.5, 0.6)
    part = _ticks(page, "timeline")
    assert part != whole
    assert _ticks(page, "memory-l1") == _ticks(page, "sqnr") == part
    assert page.locator("#timeline rect.span").count() < LAYERS / 4
    page.locator("#memory-l1").get_by_role("button", name="Show all").click()
    assert _ticks(page, "timeline") == whole


def test_buttons_and_keys_zoom_and_move(open_page, large):
    page = open_page(large)
    whole = _ticks(page, "roofline")
    chart = page.locator("#roofline")
    chart.get_by_role("button", name="Zoom in").click()
    assert _ticks(page, "roofline") != whole
    assert _ticks(page, "timeline") == _ticks(page, "sqnr")
    chart.locator("svg").focus()
    page.keyboard.press("0")
    assert _ticks(page, "roofline") == whole
    page.keyboard.press("+")
    near = _ticks(page, "roofline")
    page.keyboard.press("ArrowRight")
    assert _ticks(page, "roofline") != near != whole


def test_layers_may_be_drawn_with_the_same_width(open_page, large):
    page = open_page(large)
    page.get_by_label("the same for all").check()
    widths = page.locator("#timeline rect.span").evaluate_all(
        "all => all.map(r => r.width.baseVal.value)"
    )
    inner = widths[1:-1]
    assert max(inner) - min(inner) < 0.01
    assert all(tick.startswith("layer ") for tick in _ticks(page, "timeline"))


def test_a_click_marks_a_layer_in_table_and_charts(open_page, large):
    page = open_page(large)
    page.locator(".layers tbody tr").nth(3).click()
    assert page.locator("tr.selected").get_attribute("data-layer") == "3"
    assert page.locator("#memory-l1 rect.chosen").count() == 1
    assert page.locator("#roofline .chosen-point").count() == 1
    page.locator(".layers tbody tr").nth(3).click()
    assert page.locator(".selected, .chosen").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_overlaps_or_is_cut(open_page, large, simulation, width, scheme):
    for report in (large, simulation):
        assert open_page(report, width, scheme).evaluate(OVERLAPS) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_a_comparison_is_a_page_that_fits(open_page, large, tmp_path, width):
    half = [e.model_copy(update={"cycles": e.cycles / 2}) for e in large.layers[: LAYERS // 2]]
    other = large.model_copy(update={"layers": [*half, *large.layers[LAYERS // 2 :]]})
    path = tmp_path / "compared.html"
    write_comparison(compare(large, other), path)
    page = open_page(path, width)
    assert page.evaluate(OVERLAPS) == []
    assert page.locator(".compared").nth(1).locator("tbody tr").count() == LAYERS // 2


def test_dark_is_dark(open_page, large):
    style = "() => getComputedStyle(document.body).backgroundColor"
    light, dark = (open_page(large, scheme=each).evaluate(style) for each in ("light", "dark"))
    assert [int(n) for n in re.findall(r"\d+", light)] > [200] * 3
    assert [int(n) for n in re.findall(r"\d+", dark)] < [60] * 3


def test_it_prints_without_what_only_a_screen_has(open_page, large):
    page = open_page(large, scheme="dark")
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.locator(".on-screen:visible").count() == 0
    background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"


@pytest.mark.slow
def test_screenshots_of_tinymyo(open_page, tmp_path):
    """A real build; with EDGECOMP_SCREENSHOTS=FOLDER the images stay there, to be looked at."""
    from edgecomp.pipeline import build

    folder = Path(os.environ.get("EDGECOMP_SCREENSHOTS", tmp_path / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    built = build("tinymyo", windows=2, out=tmp_path / "tinymyo")
    for name, width, scheme in (
        ("light", 1280, "light"),
        ("dark", 1280, "dark"),
        ("narrow", 390, "light"),
    ):
        page = open_page(built.directory / "report.html", width, scheme)
        assert page.evaluate(OVERLAPS) == []
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        slowest = max(built.report.layers, key=lambda layer: layer.cycles)
        row = page.locator(".slowest tr").first
        assert slowest.name in row.inner_text()
        if width > 1000:  # without scrolling
            box = row.bounding_box()
            assert box["y"] + box["height"] < 900
