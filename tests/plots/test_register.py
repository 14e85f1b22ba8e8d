"""The figures of a folder of results."""

from empkit.plots import drawers
from tests.made_up_runs import made_up, together


def test_the_figures_come_in_the_order_in_which_they_are_read():
    runs = together(made_up("http"), made_up("kafka"))
    assert list(drawers(runs)) == [
        "latency", "stages", "verdicts", "rates", "timeline-http", "timeline-kafka",
    ]  # fmt: skip
