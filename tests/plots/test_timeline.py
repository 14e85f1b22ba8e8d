"""The timeline: its title says how long the slowest record took."""

import pandas as pd

from empkit import plots
from tests.made_up_runs import START_NS, made_up
from tests.plots.test_register import NOTHING_ACKED


def test_the_title_of_a_timeline_says_how_long_the_slowest_record_took():
    runs = made_up(acked_ns={3: START_NS + 520_000_000})
    title = plots.timeline(runs).get_suptitle().replace("\n", " ")
    assert title == (
        "HTTP: All 200 records are stored once, as sent; the slowest took 517\N{NO-BREAK SPACE}ms"
    )
    never = made_up(acked_ns={3: START_NS + 520_000_000, 4: pd.NA}, outcome={4: "unknown"})
    assert "the slowest that is known took" in plots.timeline(never).get_suptitle()
    assert "slowest" not in plots.timeline(NOTHING_ACKED).get_suptitle()
