"""The table of the terminal and of the report."""

import pytest

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
    assert "can be used" not in table.labels
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


def even(protocol, number, ms, count=200):
    """A round in which each record is acked after as many ms, and stored 1 ms later."""
    run = made_up(protocol, count, number)
    intended = run.timings["intended_ns"]
    run.timings["acked_ns"] = intended + ms * 1_000_000
    run.timings["stored_ns"] = intended + (ms + 1) * 1_000_000
    return run


def test_the_whole_table_of_rounds_with_their_intervals():
    rounds = [even("http", number, ms) for number, ms in enumerate((1_000, 4_000), 1)]
    runs = at(together(*rounds, even("kafka", 1, 2, count=20)), rate=500.0)
    runs.timings.loc[0, "verdict"] = "lost"
    table = answer([runs], intervals=True)
    latencies, became = table.sections
    assert latencies.heading == "At 500 records/s for each (open loop), 2 rounds"
    assert latencies.rows == [
        ("ack latency p50, ms", ["2,000.00 (1,000.00 to 4,000.00)", "2.00"]),
        ("ack latency p90, ms", ["2,000.00 (1,000.00 to 4,000.00)", "2.00"]),
        ("ack latency p99, ms", ["2,000.00 (1,000.00 to 4,000.00)", "-"]),
        ("ack latency max, ms", ["4,000.00", "2.00"]),
        ("stored latency p50, ms", ["2,001.25 (1,001.00 to 4,001.00)", "3.00"]),
        ("stored latency p90, ms", ["2,001.25 (1,001.00 to 4,001.00)", "3.00"]),
        ("stored latency p99, ms", ["2,001.25 (1,001.00 to 4,001.00)", "-"]),
        ("stored latency max, ms", ["4,001.00", "3.00"]),
        ("records stored per second", ["107", "909"]),
    ]
    assert latencies.notes == ("one round: no ranking; 3 or more rounds would allow one",)
    assert became.heading == "What became of the records"
    assert became.notes == ()
    assert became.rows == [
        ("records offered", ["400", "20"]), ("acked", ["400", "20"]), ("  stored", ["399", "20"]),
        ("  refused", ["0", "0"]), ("  dead-lettered", ["0", "0"]), ("  failed", ["0", "0"]),
        ("  unconfirmed", ["0", "0"]), ("  lost", ["1", "0"]), ("  misjudged", ["0", "0"]),
        ("  corrupt", ["0", "0"]), ("  phantom", ["0", "0"]),
    ]  # fmt: skip
    assert "(" not in "".join(cells(answer([runs]).sections[0], "ack latency p50, ms"))
    assert table.labels == [label for label, _ in latencies.rows + became.rows]
    assert len(answer([even("http", 1, 2)]).sections[0].rows) == 9


def test_numbers_that_cannot_be_used_are_said_to_be_so_above_all_others():
    runs = pair(rate=500.0)
    assert "can be used" not in answer([runs]).labels
    runs.runs[1].valid = False
    assert answer([runs]).sections[0].rows[0] == ("can be used", ["yes", "not valid"])


def test_columns_of_a_protocol_stand_together_whatever_the_order_of_the_choices():
    crossed = [at(pair(), 500.0, guarantees=choice) for choice in ("b", "a")]
    assert answer(crossed).header == ["http\nb", "http\na", "kafka\nb", "kafka\na"]


def test_a_result_among_others_is_named_by_its_load_and_its_choice_where_they_differ():
    crossed = [at(made_up(), 500.0), at(made_up(), in_flight=1, guarantees="acks=0")]
    assert [part_of(runs, crossed) for runs in crossed] == [
        "at 500 records/s for each (open loop), as set",
        "one record in flight (the unloaded round trip), acks=0",
    ]
    assert part_of(crossed[0], [crossed[0], at(made_up(), in_flight=1)]) == (
        "at 500 records/s for each (open loop)"
    )


def test_a_closed_loop_with_one_in_flight_has_its_latencies_beside_the_throughput():
    table = answer([pair(in_flight=1), pair(in_flight=8)])
    assert [len(section.rows) for section in table.sections] == [9, 1, 11]
    assert [section.heading for section in table.sections[:2]] == [
        "One record in flight (the unloaded round trip), 1 round",
        "As fast as each goes (closed loop, 8 in flight), 1 round",
    ]


def test_a_label_that_nobody_explained_is_an_error_and_one_that_is_shown_twice_is_explained_once():
    labels = ["ack latency p99, ms", "stored latency p99, ms", "  dead-lettered"]
    assert list(explained(labels)) == ["ack latency", "p99", "stored latency", "dead-lettered"]
    assert explained(["p50"]) == {"p50": "Half of the records took at most this long (the median)."}
    assert list(explained(["longest_gap_s"])) == ["longest gap s"]
    assert explained(["  lost "])["lost"].startswith("acked, but neither stored")
    with pytest.raises(KeyError, match="latency of the moon"):
        explained(["latency of the moon"])
