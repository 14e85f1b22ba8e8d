"""The measured comparison table, and what follows from needs."""

import pytest

from empkit.course import plots as course_plots
from empkit.course.advice import CLAIMS, Measured, Needs, advise, client_lines
from tests.made_up_runs import START_NS, made_up, together

PROTOCOLS = ["http", "websocket", "kafka"]
FAULT = ("server-crash", "server", START_NS + 50_000_000, START_NS + 90_000_000)


def of_all(**changes_of):
    return together(*(made_up(name, **changes_of.get(name, {})) for name in PROTOCOLS))


@pytest.fixture
def measured():
    refused = {
        name: {"verdict": {5: "refused"}, "outcome": {5: "refused"}}
        for name in ("http", "websocket")
    }
    again = {name: {"attempts": {60: 3}, "faults": [FAULT]} for name in ("http", "websocket")}
    return Measured(
        calm=of_all(),
        refusals=of_all(kafka={"verdict": {5: "dead_lettered"}}, **refused),
        busy=of_all(),
        crash=of_all(kafka={"faults": [FAULT]}, **again),
    )


def test_the_facts_are_those_of_the_runs(measured):
    measured.calm.of("kafka").runs[0].through_kafka = True
    facts = measured.facts
    assert list(facts.index) == PROTOCOLS
    assert facts["told_of_refusals"].tolist() == [1.0, 1.0, 0.0]
    assert facts["sends_while_server_away"].tolist() == [False, False, True]
    assert facts["without_broker"].tolist() == [True, True, False]
    assert facts.loc["http", "knows_stored"]
    assert not facts.loc["kafka", "knows_stored"]


def test_the_table_has_a_row_for_each_claim_of_the_first_description(measured):
    table = measured.table()
    assert list(table.index) == list(CLAIMS)
    assert list(table.columns) == PROTOCOLS
    assert table.loc["Error Handling", "kafka"] == "told of 0% of refusals"


@pytest.mark.slow
def test_a_recommendation_follows_from_needs(measured):
    told = advise(Needs(be_told=True), measured)
    assert told.recommended == ["http", "websocket"]
    assert str(told) == "All needs are met by: http, websocket."
    both = advise(Needs(be_told=True, send_while_server_away=True), measured)
    assert both.recommended == []
    assert "kafka lacks: the sender is told of refusals" in str(both)
    assert advise(Needs(records_per_s=1e9), measured).recommended == []
    assert advise(Needs(ack_p99_ms=1e9), measured).recommended == PROTOCOLS
    assert "no particular needs" in str(advise(Needs(), measured))


@pytest.mark.slow
def test_the_figure_of_a_recommendation_says_which_protocols_meet_each_need(measured):
    figure = course_plots.fit(advise(Needs(be_told=True, records_per_s=10), measured))
    assert figure.get_suptitle() == "All needs are met by: HTTP, WebSocket"
    png, metadata = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert "told of refusals: HTTP yes, WebSocket yes, Kafka no" in metadata["alt"]
    assert "at least 10 records per second:" in metadata["alt"]
    slow = advise(Needs(ack_p99_ms=500), measured)
    assert list(slow.met.index) == ["p99 of the ack, 64 in flight: at most 500\N{NO-BREAK SPACE}ms"]
    nothing = course_plots.fit(advise(Needs(records_per_s=1e9), measured))
    assert nothing.get_suptitle() == "No protocol meets all of these needs"


def test_a_client_of_more_statements_counts_as_longer():
    assert 0 < client_lines("http") < client_lines("kafka")
    with pytest.raises(ValueError, match="not a protocol"):
        client_lines("smtp")
