"""The table of the terminal and of the report."""

from empkit.results.answer import answer, part_of
from empkit.results.explained import explained
from empkit.results.recovery import recovery
from empkit.results.verdicts import VERDICTS
from tests.made_up_runs import made_up, together


def at(runs, rate=None, in_flight=None, guarantees="as set"):
    for info in runs.runs:
        info.workload = {"rate": rate, "in_flight": in_flight}
        info.guarantees = guarantees
    return runs


def pair(**load):
    return at(together(made_up("http"), made_up("kafka")), **load)


def cells(section, label):
    return dict(section.rows)[label]


def test_latencies_are_those_of_the_equal_load_and_throughput_that_of_each_ones_own():
    table = answer([pair(rate=500.0), pair(in_flight=8)])
    even, fast, became = table.sections
    assert even.heading == "At 500 records/s for each (open loop), 1 round"
    assert "ack latency p99, ms" in dict(even.rows)
    assert [label for label, _ in fast.rows] == ["records stored per second"]
    assert cells(became, "records offered") == ["400", "400"]
    assert cells(became, "  stored") == ["400", "400"]


def test_a_closed_loop_alone_says_that_its_latencies_are_not_at_the_same_load():
    notes = answer([pair(in_flight=8)]).sections[0].notes
    assert notes[0] == "each latency is at a load of its own"
    assert notes[1].startswith("one round: no ranking")
    assert notes[1:] == answer([pair(in_flight=1)]).sections[0].notes


def test_what_one_experiment_lacks_is_a_dash_and_not_left_out():
    """As after an interrupt in the second experiment."""
    table = answer([at(made_up("http"), rate=500.0), pair(in_flight=8)])
    assert table.header == ["http", "kafka"]
    assert cells(table.sections[0], "ack latency p50, ms")[1] == "-"
    assert cells(table.sections[-1], "records offered") == ["400", "200"]


def test_choices_have_columns_of_their_own():
    crossed = [at(made_up("kafka"), 500.0, guarantees=f"acks={acks}") for acks in (0, 1)]
    assert answer(crossed).header == ["kafka\nacks=0", "kafka\nacks=1"]
    assert [part_of(runs, crossed) for runs in crossed] == ["acks=0", "acks=1"]
    assert part_of(crossed[0], crossed[:1]) == ""


def test_every_row_of_both_tables_is_explained():
    """The verdicts, too, whatever became of the records."""
    runs = made_up("kafka", count=len(VERDICTS), faults=[("x", "server", 5_000_000_000)],
                   verdict=dict(enumerate(VERDICTS)))  # fmt: skip
    runs.runs[0].appended = 3
    labels = answer([runs]).labels + [
        name.replace("_", " ") for name in recovery(runs).columns
        if name not in ("protocol", "round", "guarantees")
    ]  # fmt: skip
    meanings = explained(labels)
    assert {"p99", "lost", "dead-lettered", "longest gap s", "in flight", "appended"} <= set(
        meanings
    )
