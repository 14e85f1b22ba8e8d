"""The journey of one record: every attempt, and the fault."""

import pandas as pd
import pytest

from empkit import plots
from tests.made_up_runs import made_up
from tests.plots.test_register import FAULT


def test_the_journey_shows_every_attempt_and_the_fault():
    runs = made_up("http", 200, attempts={60: 2}, faults=[FAULT])
    sent = int(runs.timings.loc[60, "sent_ns"])
    acked = int(runs.timings.loc[60, "acked_ns"])
    runs.attempts = pd.DataFrame(
        [
            ("http", 1, 60, 1, sent, sent + 400_000, "no_answer"),
            ("http", 1, 60, 2, sent + 500_000, acked, "created"),
        ],
        columns=runs.attempts.columns,
    )
    figure = plots.journey(runs, "run-E60")
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "1: no answer" in words
    assert "2: created" in words
    assert "and 2 attempts" in figure.get_suptitle()
    png, metadata = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    words = metadata["alt"].replace("\N{NO-BREAK SPACE}", " ")
    assert "0.01 ms: no answer; attempt 2 at 0.51 ms: created" in words
    with pytest.raises(KeyError, match="No record 'nobody'"):
        plots.journey(runs, "nobody")


def test_many_attempts_alike_in_the_journey_share_a_name():
    runs = made_up("http", 200, attempts={60: 6})
    sent = int(runs.timings.loc[60, "sent_ns"])
    tries = [(sent + 50_000 * number, "not_sent") for number in range(5)]
    tries.append((sent + 250_000, "created"))
    runs.attempts = pd.DataFrame(
        [("http", 1, 60, number, at, at, answer) for number, (at, answer) in enumerate(tries, 1)],
        columns=runs.attempts.columns,
    )
    words = [text.get_text() for text in plots.journey(runs, "run-E60").axes[0].texts]
    assert "1 to 5: not sent" in words
    assert "6: created" in words
    assert not [word for word in words if word.startswith("2: ")]
