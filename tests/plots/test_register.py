"""Every figure: drawn of whatever a run may be."""

import pandas as pd
import pytest

from empkit import plots
from tests.made_up_runs import START_NS, made_up, together

FAULT = ("server-crash", "server", START_NS + 50_000_000, START_NS + 90_000_000)

MANY = together(
    made_up("http", faults=[FAULT]), made_up("http", number=2, seed=1), made_up("kafka"),
)  # fmt: skip

ONE_RECORD = made_up("websocket", 1)

NOTHING_ACKED = made_up(
    "http", 20,
    acked_ns=dict.fromkeys(range(20), pd.NA), stored_ns=dict.fromkeys(range(20), pd.NA),
    received_ns=dict.fromkeys(range(20), pd.NA),
    outcome=dict.fromkeys(range(20), "unknown"), verdict=dict.fromkeys(range(20), "failed"),
)  # fmt: skip

FIGURES = [
    plots.latency, plots.stages, plots.verdicts, plots.rates, plots.timeline, plots.throughput,
    plots.percentiles_over_time, plots.timelines,
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("draw", FIGURES)
@pytest.mark.parametrize("runs", [MANY, ONE_RECORD, NOTHING_ACKED])
def test_every_figure_can_be_drawn_of_any_run(draw, runs):
    png, metadata = draw(runs)._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert len(metadata["alt"]) > 20


def test_the_figures_come_in_the_order_in_which_they_are_read():
    runs = together(made_up("http"), made_up("kafka"))
    assert list(plots.drawers(runs)) == [
        "latency", "stages", "verdicts", "rates", "timeline-http", "timeline-kafka",
    ]  # fmt: skip
