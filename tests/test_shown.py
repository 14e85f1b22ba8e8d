"""How a lab, its results, a reply and a search show themselves, in a notebook and in plain text."""

import pandas as pd
import pytest

from empkit import Lab, Reply, plots
from empkit.experiment.search import RateSearch
from tests.made_up_runs import made_up, nothing, together

STEPS = pd.DataFrame(
    {
        "rate": [1_000.0, 2_000.0],
        "stored_per_s": [1_000.0, 1_500.0],
        "p50_ms": [1.25, 80.0],
        "p99_ms": [2.5, float("nan")],
        "kept_up": [True, False],
        "why": ["", "only 1,500 a second were stored, & <that> is a sentence of 60 letters"],
    }
)


def reply(**changes):
    values = {
        "outcome": "acked", "result": "created", "message": "stored <b>E1</b>", "employee_id": "E1",
        "attempts": 2, "sent_ns": 1_000_000, "acked_ns": 2_500_000,
    }  # fmt: skip
    return Reply(**values | changes)


SHOWN = {
    "lab": lambda: Lab("none"),
    "runs": lambda: together(made_up("http"), made_up("kafka", verdict={3: "lost"})),
    "no run": nothing,
    "reply": reply,
    "search": lambda: RateSearch("http", 100.0, STEPS),
}


@pytest.mark.parametrize("make", SHOWN.values(), ids=SHOWN)
def test_what_is_shown_is_short_and_has_no_colours_of_its_own(make):
    shown = make()
    for colour in ("color", "background", "rgb"):
        assert colour not in shown._repr_html_()
    assert len(shown._repr_html_()) < 3_000
    assert repr(shown).startswith(f"<{type(shown).__name__}: ") and "\n" not in repr(shown)


@pytest.mark.slow
def test_a_lab_says_what_runs_where_and_nothing_secret(lab):
    for shown in (repr(lab), lab._repr_html_()):
        assert "running" in shown and "http, websocket, kafka" in shown
        assert lab.server_url in shown
        assert not [secret for secret in lab.secrets() if secret in shown]


@pytest.mark.slow
def test_a_lab_without_kafka_says_so_and_one_that_does_not_run_says_no_more():
    assert repr(Lab("none")) == "<Lab: state not running; kafka none>"
    with Lab("none") as lab:
        assert "consumers" not in repr(lab)
        lab.settings = lab.settings.model_copy(update={"server_url": "http://ada:secret@host:1"})
        assert "server http://***@host:1;" in repr(lab)


def test_runs_of_which_none_was_carried_out_show_that():
    runs = nothing()
    runs.runs = []
    assert "not measured" in runs._repr_html_() and "<table" not in runs._repr_html_()


def test_a_reply_says_outcome_reason_and_time():
    assert repr(reply()) == (
        "<Reply: outcome acked; result created; message stored <b>E1</b>; employee_id E1; "
        "attempts 2; after 1.50 ms>"
    )
    assert "stored &lt;b&gt;E1&lt;/b&gt;" in reply()._repr_html_()
    assert "<td>none</td>" in reply(employee_id=None)._repr_html_()
    assert "\n" not in repr(reply(message="two\nlines"))


def test_a_search_shows_every_step_and_the_whole_reason():
    search = RateSearch("http", 100.0, STEPS)
    said = "http, 2 steps: keeps up with 1,000 records/s, p99 at most 100 ms"
    assert repr(search) == f"<RateSearch: {said}>"
    shown = search._repr_html_()
    assert said in shown and "&amp; &lt;that&gt; is a sentence of 60 letters" in shown
    none = RateSearch("http", 100.0, STEPS[1:])
    assert repr(none) == "<RateSearch: http, 1 step: keeps up with none, p99 at most 100 ms>"


def test_a_search_names_what_gave_out_if_it_was_not_the_system():
    steps = STEPS.assign(gave_out=["", "generator"])
    words = "at 2,000 records/s the load generator gave out, and not the system"
    search = RateSearch("http", 100.0, steps)
    assert repr(search).endswith(f"p99 at most 100 ms; {words}>")
    assert words in plots.knee(search).get_suptitle().replace("\n", " ")
    assert RateSearch("http", 100.0, steps.assign(gave_out=["", "system"])).gave_out == ""
    higher = steps.assign(kept_up=[False, True])  # that is above the rate that gave out
    assert RateSearch("http", 100.0, higher).gave_out == ""
