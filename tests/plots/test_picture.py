"""What a figure is in a notebook: words for those who do not see it, and dark on a dark page."""

import base64
import io
import re
from pathlib import Path

import matplotlib.colors
import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image

from empkit import plots
from empkit.clients import looks
from empkit.clients.look import PALETTE
from empkit.course import plots as course_plots
from empkit.experiment.search import RateSearch
from empkit.plots.style import DARK, ms
from empkit.results.verdicts import KINDS
from tests.made_up_runs import START_NS, made_up, together
from tests.plots.test_register import FIGURES

ROOT = Path(__file__).parents[2]
FAULT = ("server-crash", "server", START_NS + 50_000_000, START_NS + 90_000_000)
RUNS = together(
    made_up("http", faults=[FAULT], verdict={3: "lost"}, acked_ns={7: START_NS + 400_000_000}),
    made_up("websocket"), made_up("kafka", faults=[FAULT]),
)  # fmt: skip
SEARCH = RateSearch(
    "http", 100.0,
    pd.DataFrame({
        "rate": [500.0, 1_000.0, 2_000.0], "stored_per_s": [500.0, 1_000.0, 1_800.0],
        "p50_ms": [1.0, 2.0, 50.0], "p99_ms": [3.0, 9.0, 300.0],
        "kept_up": [True, True, False], "why": ["", "", "the p99 is above 100 ms"],
    }),
)  # fmt: skip


def copies():
    runs = made_up("kafka")
    runs.runs[0].appended = 203
    return plots.copies([runs])


def callers():
    names = ("bare socket", "requests")
    return course_plots.callers(
        pd.DataFrame(
            {"caller": name, "connection": kind, "round_trip_ms": 1.5}
            for name in names
            for kind in ("kept", "new")
            for _ in range(5)
        )
    )


DRAWN = {
    **{draw.__name__: lambda draw=draw: draw(RUNS) for draw in FIGURES},
    "journey": lambda: plots.journey(RUNS, "run-E55"),
    "choices": lambda: plots.choices([RUNS]),
    "copies": copies,
    "knee": lambda: plots.knee(SEARCH),
    "members": lambda: course_plots.members({"before": {"server": 5, "consumer 1": 3}}),
    "scaling": lambda: course_plots.scaling({1: [1_000.0, 900.0], 2: [1_500.0, 1_400.0]}),
    "callers": callers,
}
every_figure = pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)


def median_ms(protocol, begin, end):
    timings = RUNS.of(protocol).timings
    return ms(float((timings[end] - timings[begin]).astype(float).median() / 1e6))


def stored_per_s(protocol):
    (rate,) = RUNS.rates(protocol)
    return f"{rate:,.0f}"


VALUES = {
    "latency": lambda: [
        f"HTTP: acked p50 {median_ms('http', 'intended_ns', 'acked_ns')}, p90 ",
        f"stored p50 {median_ms('kafka', 'intended_ns', 'stored_ns')}, p90 ",
    ],
    "stages": lambda: [f"until durable {median_ms('http', 'received_ns', 'stored_ns')}"],
    "verdicts": lambda: ["HTTP: 199 stored, 1 lost.", "Kafka: 200 stored."],
    "rates": lambda: [f"HTTP: {stored_per_s('http')}; WebSocket: {stored_per_s('websocket')}"],
    "timeline": lambda: [
        f"199 stored, known after {median_ms('http', 'intended_ns', 'acked_ns')} in the median, "
        f"{ms(393)} at most; 1 lost, known after ",
        "Shaded: server-crash from 0.05 s to 0.09 s.",
    ],
    "timelines": lambda: [
        f"{ms(393)} at most; 1 lost, known after ",
        "Kafka: 200 stored, known after ",
        "Shaded: HTTP: server-crash from 0.05 s to 0.09 s; Kafka: server-crash ",
    ],
    "throughput": lambda: ["HTTP: at most ", "Most in ", " records per second; in the median "],
    "percentiles_over_time": lambda: ["p50 ", "p90 ", " in the worst", "Shaded: server-crash "],
    "journey": lambda: ["Attempt 1 at ", "Received at ", "stored at ", "acked at "],
    "choices": lambda: [
        f"HTTP, as set: acked p50 {median_ms('http', 'intended_ns', 'acked_ns')}, p90 "
    ],
    "copies": lambda: ["200 sent, 203 in the log, 200 stored"],
    "knee": lambda: [f"2,000 records per second: p50 {ms(50)}, p99 {ms(300)}"],
    "members": lambda: ["before: server 5, consumer 1 3"],
    "scaling": lambda: ["1: 1,000, 900; 2: 1,500, 1,400"],
    "callers": lambda: [f"bare socket: {ms(1.5)} on a connection that is kept, "],
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_alternative_text_has_title_values_and_axes(name):
    picture = DRAWN[name]()
    assert picture.alt.startswith(picture.get_suptitle().replace("\n", " "))
    assert [words for words in VALUES[name]() if words not in picture.alt] == []
    for axes in picture.axes:
        for label in (axes.get_xlabel(), axes.get_ylabel()):
            assert " ".join(label.split()) in picture.alt
    assert picture.alt.endswith(".") and ".." not in picture.alt


@pytest.mark.parametrize("name", [name for name in DRAWN if name not in dir(course_plots)])
def test_the_alternative_text_says_what_was_measured(name):
    measured = DRAWN[name]().alt.partition("Measured: ")[2]
    assert (
        "3 steps over HTTP" if name == "knee" else "200 records, at 1,000 records/s"
    ) in measured


@every_figure
def test_a_logarithmic_axis_says_that_it_is_one_and_no_other_does(draw):
    for axes in draw().axes:
        for axis in (axes.xaxis, axes.yaxis):
            is_logarithmic = axis.get_scale() == "log"
            assert axis.get_label_text().endswith("(logarithmic)") == is_logarithmic


def test_the_timelines_say_that_their_axis_is_logarithmic():
    (axes,) = plots.timeline(RUNS).axes
    assert axes.get_ylabel() == "milliseconds until the sender knew (logarithmic)"
    labels = {axes.get_ylabel() for axes in plots.timelines(RUNS).axes}
    assert labels == {"ms until known\n(logarithmic)"}


def test_the_text_is_in_the_html_that_jupyterlab_shows_and_with_the_png():
    picture = plots.verdicts(RUNS)
    picture.alt += ' 1 < 2 & "so on"'
    bundle, metadata = picture._repr_mimebundle_(include=None, exclude=None)
    (image,) = BeautifulSoup(bundle["text/html"], "html.parser").select("img")
    assert image["alt"] == picture.alt == metadata["image/png"]["alt"]
    assert image["src"] == f"data:image/png;base64,{bundle['image/png']}"
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")


@pytest.mark.slow
@every_figure
def test_few_colours_make_the_image_smaller_and_change_nothing_that_can_be_seen(draw, monkeypatch):
    picture, saved = draw(), []
    monkeypatch.setattr(
        picture,
        "savefig",
        lambda data, **how: (Figure.savefig(picture, data, **how), saved.append(data.getvalue())),
    )
    small = picture.png()
    (all_colours,) = saved
    assert len(small) < 0.5 * len(all_colours)
    before, after = (
        np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=int)
        for data in (all_colours, small)
    )
    assert before.shape == after.shape and abs(before - after).max() <= 8


def on_a_dark_page(colour):
    """A colour as a dark page shows it, by the W3C's Filter Effects: `invert` by a part of it, then
    `hue-rotate` by 180 degrees."""
    part, degrees = re.fullmatch(r"invert\((.+)\) hue-rotate\((.+)deg\)", DARK).groups()
    assert degrees == "180"
    inverted = np.array(matplotlib.colors.to_rgb(colour)) * (1 - 2 * float(part)) + float(part)
    rotate = [[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]]
    return np.clip(np.array(rotate) @ inverted, 0, 1)


def luminance(colour):
    """The relative luminance of a colour, as the Web Content Accessibility Guidelines define it."""
    parts = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(colour, background):
    dark, light = sorted((luminance(colour), luminance(background)))
    return (light + 0.05) / (dark + 0.05)


def on_both(colour):
    """The contrast of a colour with the figure's background, on a light page and on a dark one."""
    dark = on_a_dark_page(colour), on_a_dark_page("white")
    return contrast(colour, "white"), contrast(*dark)


def test_on_a_dark_page_a_figure_does_not_glare():
    assert luminance("white") == pytest.approx(1.0)
    assert luminance(on_a_dark_page("white")) < 0.02


@every_figure
def test_words_beside_the_marks_can_be_read_on_a_light_page_and_on_a_dark_one(draw):
    picture = draw()
    assert matplotlib.colors.to_hex(picture.get_facecolor()) == "#ffffff"
    texts = [*picture.texts, *(text for one in picture.legends for text in one.get_texts())]
    for axes in picture.axes:
        texts += [axes.title, axes.xaxis.label, axes.yaxis.label]
        texts += [*axes.get_xticklabels(), *axes.get_yticklabels()]
    colours = {matplotlib.colors.to_hex(text.get_color()) for text in texts}
    assert {colour for colour in colours if min(on_both(colour)) < 4.5} == set()


def test_marks_stand_out_on_a_dark_page_at_least_as_on_a_light_one():
    colours = {look.colour for look in looks(["http", "websocket", "kafka"]).values()}
    colours |= {*PALETTE, *(kind.colour for kind in KINDS.values())}
    for colour in colours:
        light, dark = on_both(colour)
        assert dark >= min(light, 3.0), colour


def test_the_report_turns_its_figures_dark_in_the_same_way():
    css = (ROOT / "empkit/report/style.css").read_text(encoding="utf-8")
    dark = css.partition("@media screen and (prefers-color-scheme: dark)")[2].partition("@media")[0]
    assert f"img {{ filter: {DARK}; }}" in dark


@pytest.mark.slow
def test_a_notebook_exported_to_html_has_a_text_on_every_image_and_follows_the_theme():
    code = (
        "from tests.made_up_runs import made_up\n"
        "from empkit import plots\n"
        "from IPython.display import display\n"
        "import matplotlib.pyplot as plt\n"  # which tells IPython how to show figures
        "plt.close(plt.figure())\n"
        "runs = made_up('http')\n"
        "display(plots.timeline(runs))\n"
        "plots.latency(runs)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    run_in = {"metadata": {"path": str(ROOT)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=run_in).execute()
    runs = made_up("http")
    words = [plots.timeline(runs).alt, plots.latency(runs).alt]
    for theme, name in (("light", "true"), ("dark", "false")):
        page, _ = HTMLExporter(theme=theme).from_notebook_node(notebook)
        soup = BeautifulSoup(page, "html.parser")
        assert [image["alt"] for image in soup.select("img")] == words
        assert soup.body["data-jp-theme-light"] == name
        assert '[data-jp-theme-light="false"] .empkit-figure' in page
        assert f"filter:{DARK}" in page


PAGES = [
    *ROOT.glob("*.md"), *(ROOT / "benchmarks").glob("*.md"), *(ROOT / "notebooks").glob("*.md"),
    *(ROOT / "notebooks").glob("*.ipynb"),
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES, ids=[path.name for path in PAGES])
def test_an_image_in_a_page_says_what_it_shows(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for words in re.findall(r"!\[([^\]]*)\]\(", text):
        assert len(words) > 40
    assert not re.findall(r"<img(?![^>]*\balt=['\"][^'\"]+)", text)
