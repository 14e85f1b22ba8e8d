"""What is computed from timings, and the folder that keeps them."""

import json
import re
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from empkit import load
from empkit.results.conclusion import closing
from empkit.results.folders import read_timings
from empkit.results.info import STAMPS
from empkit.results.runs import FIRST, latencies_ms
from empkit.results.status import ExitStatus
from tests.made_up_runs import made_up, nothing, together


def test_the_summary_counts_from_when_a_record_was_wanted_sent():
    """An open-loop run whose sender stalls shows the stall: no coordinated omission."""
    runs = made_up(count=200)
    calm = runs.summary().loc["http", "ack_p50_ms"]
    late = runs.timings.copy()
    for stamp in STAMPS[1:]:
        late[stamp] += 50_000_000  # the sender was 50 ms late with each; the service was the same
    runs.timings = late
    assert runs.summary().loc["http", "ack_p50_ms"] == pytest.approx(calm + 50)


def paced(number, ms, count=200, last_ns=None):
    """A round in which each record takes as many milliseconds, until stored and until acked."""
    run = made_up(count=count, number=number)
    for stamp in ("stored_ns", "acked_ns"):
        run.timings[stamp] = run.timings["intended_ns"] + ms * 1_000_000
    if last_ns is not None:
        run.timings.loc[count - 1, "stored_ns"] = run.runs[0].start_ns + last_ns
    return run


def test_the_interval_of_a_percentile_is_as_wide_as_the_rounds_differ():
    """Within a round all records take as long, so that nothing but the rounds can differ: the three
    have 1, 4 and 9 ms. Student's t of two degrees of freedom is 4.303."""
    runs = together(*(paced(number, ms) for number, ms in enumerate((1, 4, 9), 1)))
    row = runs.summary().loc["http"]
    assert row["rounds"] == 3
    assert row["offered"] == 600
    assert row["interval"] == "95 %"
    factor = np.exp(4.3027 * np.log([1, 4, 9]).std(ddof=1) / np.sqrt(3))
    for kind in ("ack", "stored"):
        assert row[f"{kind}_p50_ms"] == pytest.approx(36 ** (1 / 3))
        assert row[f"{kind}_p50_ms_low"] == pytest.approx(36 ** (1 / 3) / factor, rel=1e-3)
        assert row[f"{kind}_p50_ms_high"] == pytest.approx(36 ** (1 / 3) * factor, rel=1e-3)


def test_two_rounds_have_a_range_and_one_has_no_interval():
    two = together(paced(1, 2), paced(2, 8)).summary().loc["http"]
    assert two["interval"] == "range of 2 rounds"
    ends = two[["ack_p50_ms", "ack_p50_ms_low", "ack_p50_ms_high"]].tolist()
    assert ends == pytest.approx([4, 2, 8])
    one = made_up()
    row = one.summary().loc["http"]
    assert row["interval"] == "one round"
    assert row["ack_p50_ms"] == np.percentile((one.timings["acked_ns"] - one.timings["intended_ns"])
                                              .to_numpy(float) / 1e6, 50)  # fmt: skip
    assert row.filter(regex="_(low|high)$").isna().all()
    assert "95 %" not in json.dumps(one.to_json()) + one._repr_html_()


def test_numbers_are_those_of_the_valid_rounds_and_counts_those_of_all():
    runs = together(*(paced(number, ms) for number, ms in enumerate((2, 2, 2, 90), 1)))
    runs.runs[3].valid = False
    row = runs.summary().loc["http"]
    shown = row[["ack_p50_ms", "ack_p50_ms_low", "ack_p50_ms_high", "ack_max_ms"]].tolist()
    assert shown == pytest.approx([2, 2, 2, 2])
    assert (row["rounds"], row["offered"], row["acked"]) == (4, 800, 800)
    assert runs.per_round("stored")["http"].isna().tolist() == [False, False, False, True]
    for run in runs.runs:
        run.valid = False
    row = runs.summary().loc["http"]
    assert row["interval"] == "no valid round"
    assert row["ack_max_ms"] == 90
    assert row[["ack_p50_ms_low", "ack_p50_ms_high"]].isna().all()
    assert runs.to_json()["protocols"]["http"]["between_rounds"]["ack_ms"]["p50"] is None


def test_records_per_second_are_those_stored_from_the_start_to_the_last():
    """200 records, the last of them stored 4 s after the start: 50 a second; and 45 when 20 of them
    were refused."""
    assert paced(1, 1, last_ns=4_000_000_000).summary().loc["http", "records_per_s"] == 50
    refused = paced(1, 1, last_ns=4_000_000_000)
    refused.timings.loc[range(20), "verdict"] = "refused"
    assert refused.summary().loc["http", "records_per_s"] == 45


def test_records_per_second_are_the_median_of_the_rounds():
    """200 records in 1, 4 and 5 s: 200, 50 and 40 a second; all 600 in 10 s would be 60."""
    rounds = [paced(n, 1, last_ns=s * 1_000_000_000) for n, s in enumerate((1, 4, 5), 1)]
    runs = together(*rounds)
    assert runs.summary().loc["http", "records_per_s"] == 50
    assert [run["records_per_s"] for run in runs.to_json()["runs"]] == [200, 50, 40]


def test_what_people_look_at_first_is_seen_where_pandas_leaves_out_the_middle():
    runs = together(made_up("http"), made_up("kafka"))
    with pd.option_context("display.max_columns", 20):  # as in a notebook
        shown = runs.summary()._repr_html_()
    assert list(runs.summary().columns[: len(FIRST)]) == list(FIRST)
    assert "<th>...</th>" in shown
    for column in FIRST:
        assert f"<th>{column}</th>" in shown


def test_verdicts_add_up_to_those_offered():
    runs = together(
        made_up("http", 50, verdict={3: "refused"}, outcome={3: "refused"}),
        made_up("kafka", 40, verdict={0: "lost", 1: "dead_lettered"}),
    )
    verdicts = runs.verdicts()
    assert verdicts["offered"].to_dict() == {"http": 50, "kafka": 40}
    assert (verdicts.drop(columns="offered").sum(axis=1) == verdicts["offered"]).all()
    assert verdicts.columns.name is None
    assert runs.broken_promises["employee_id"].tolist() == ["run-E0"]


def test_a_record_whose_outcome_is_unknown_is_offered_and_not_acked():
    runs = made_up(count=20, stored_ns={5: pd.NA}, acked_ns={5: pd.NA}, outcome={5: "unknown"})
    row = runs.summary().loc["http"]
    assert row["acked"] == 19
    assert row["offered"] == 20


def test_a_saved_folder_gives_the_same_runs_again(tmp_path):
    runs = together(
        made_up("http", stored_ns={1: pd.NA}, faults=[("server-crash", "server", 1, 2)]),
        made_up("kafka"),
    )
    again = load(runs.save(tmp_path / "results"))
    pd.testing.assert_frame_equal(again.timings, runs.timings)
    assert again.runs == runs.runs
    assert again.environment == runs.environment
    pd.testing.assert_frame_equal(again.summary(), runs.summary())


def test_a_stamp_of_a_machine_long_up_is_read_to_the_nanosecond(tmp_path):
    odd = 2**53 + 1  # no floating-point number is that
    timings = made_up("http", stored_ns={0: odd, 1: pd.NA}).timings
    # as the load generator's process writes it, which knows nothing of pandas
    written = pa.Table.from_pandas(timings).replace_schema_metadata(None)
    pq.write_table(written, tmp_path / "timings.parquet")
    read = read_timings([tmp_path / "timings.parquet"] * 2)
    pd.testing.assert_frame_equal(read, pd.concat([timings, timings], ignore_index=True))
    assert read["stored_ns"][0] == odd


def test_loss_that_was_allowed_is_a_finding_and_any_other_a_broken_promise():
    kafka = made_up("kafka", verdict={1: "lost"})
    assert "1 lost: run-E1" in kafka.broken[0]
    assert kafka.status == ExitStatus.BROKEN_PROMISE
    kafka.runs[0].loss_allowed = "acks=0"
    assert (kafka.broken, kafka.status) == ([], ExitStatus.OK)
    assert kafka.findings == ["kafka, round 1: 1 lost: run-E1; allowed by acks=0"]
    for other in (
        made_up("http", verdict={1: "lost"}),
        made_up("kafka", number=2, verdict={1: "phantom"}),
        made_up("kafka", number=3, verdict={1: "lost"}),  # nobody allowed it in this round
    ):
        both = together(kafka, other)
        assert both.broken == other.broken
        assert both.broken
        assert both.findings == kafka.findings


def test_counts_that_do_not_add_up_and_what_holds_of_a_whole_run_are_broken_promises():
    runs = made_up(count=20)
    runs.runs[0].offered = 21
    runs.runs[0].broken = ["1 stored and never sent: x"]
    assert runs.broken == [
        "http, round 1: 1 stored and never sent: x",
        "http, round 1: 21 were offered, and 20 judged",
    ]
    assert "broken promises: http, round 1: 1 stored and never sent: x" in repr(runs)
    content = runs.to_json()
    assert content["broken"] == runs.broken
    assert content["status"] == ExitStatus.BROKEN_PROMISE == runs.status


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"gave_up": True, "cut_short": True}, "gave up after 200 of 900 records"),
        ({"cut_short": True}, "ended after 200 of 900 records"),
        ({"drained": False}, "had not decided on every record"),
    ],
)
def test_a_run_that_did_not_come_to_its_end_is_not_measured(changes, sentence):
    def run(**options):
        runs = made_up(**options)
        runs.runs[0].workload = {"records": 900}
        for name, value in changes.items():
            setattr(runs.runs[0], name, value)
        return runs

    (told,) = run().unmeasured
    assert sentence in told
    assert run().status == ExitStatus.NOT_MEASURED
    assert sentence in repr(run())
    assert closing([run()]) == f"No promise was broken in what was measured. Not measured: {told}."
    broken = run(verdict={1: "lost"})
    assert broken.status == ExitStatus.BROKEN_PROMISE
    assert closing([broken]).startswith("A promise was broken in what was measured. Not measured")


@pytest.mark.parametrize("fault", [("client-kill", "client"), ("overload", "load")])
def test_what_a_fault_of_client_or_load_takes_away_is_the_experiment(fault):
    runs = made_up(faults=[(*fault, 1, 2)])
    runs.runs[0].cut_short = runs.runs[0].gave_up = True
    assert (runs.unmeasured, runs.status) == ([], ExitStatus.OK)
    runs.interrupted = "SIGINT"  # by hand it is not
    assert runs.unmeasured
    assert runs.status == ExitStatus.INTERRUPTED


def test_runs_that_are_missing_are_named():
    runs = together(made_up("http"), made_up("kafka"))
    runs.asked = [(protocol, number) for number in (1, 2) for protocol in ("http", "kafka", "x:Y")]
    assert runs.unmeasured == [
        "x:Y, rounds 1, 2: not run", "http, round 2: not run", "kafka, round 2: not run",
    ]  # fmt: skip
    assert runs.of("kafka").unmeasured == ["kafka, round 2: not run"]


def test_runs_that_measured_nothing_have_a_summary_and_say_so(tmp_path):
    runs = load(nothing().save(tmp_path))
    row = runs.summary().loc["http"]
    assert (row["offered"], row["acked"]) == (0, 0)
    assert np.isnan(row["ack_max_ms"])
    assert runs.verdicts().loc["http", "offered"] == 0
    assert runs.status == ExitStatus.INTERRUPTED
    assert runs.unmeasured == ["http, round 1: ended after 0 of 2,000 records"]
    assert "not measured: http, round 1: ended after 0 of 2,000" in repr(runs)
    json.dumps(runs.to_json())


def test_what_a_result_says_survives_the_folder(tmp_path):
    runs = together(made_up("http"), made_up("kafka", verdict={1: "lost"}))
    runs.runs[1].loss_allowed = "commit before the store"
    runs.asked = [("http", 1), ("kafka", 1), ("websocket", 1)]
    runs.interrupted, runs.failure = "SIGTERM", "the broker went away"
    again = load(runs.save(tmp_path))
    for name in ("asked", "interrupted", "failure", "broken", "findings", "unmeasured", "status"):
        assert getattr(again, name) == getattr(runs, name)
    assert again.status == ExitStatus.TERMINATED


def test_runs_say_what_they_are_and_what_is_wrong_with_them():
    runs = together(
        made_up("http", 5), made_up("kafka", 5, number=2, verdict={0: "lost", 1: "failed"})
    )
    assert repr(runs) == (
        "<Runs: 2 of http, kafka; stored 8, failed 1, lost 1; broken promises: kafka, round 2: "
        "'acked means stored' is broken: 1 lost: run-E0>"
    )
    runs.timings = runs.timings[:3]
    runs.runs[0].offered, runs.runs[1].offered = 3, 0
    runs.runs[1].cut_short, runs.runs[0].valid = True, False
    assert repr(runs) == (
        "<Runs: 2 of http, kafka; stored 3; not measured: kafka, round 2: ended after 0 records; "
        "not valid: http, round 1: its notes say why>"
    )
    runs.timings, runs.runs[1].offered = runs.timings[:0], 2
    assert repr(runs).startswith(
        "<Runs: 2 of http, kafka; none; broken promises: http, round 1: 3 were offered, and 0 "
        "judged; kafka, round 2: 2 were offered, and 0 judged; not measured: "
    )


def test_in_a_notebook_runs_are_a_table_with_sentences_below():
    runs = together(paced(1, 1_500), paced(2, 1_500))
    runs.runs[1].valid, runs.runs[1].not_valid = False, {"machine": "a < b"}
    first, *table, last = runs._repr_html_().splitlines()
    assert first == "<p><b>Runs</b>: 2 of http; stored 400</p>"
    assert last == "<p>not valid: http, round 2: a &lt; b</p>"
    html = "".join(table)
    heads = re.findall(r"<th>(.*?)</th>", html)
    assert heads == ["", *FIRST, "http (1 of 2 rounds not valid)"]
    assert html.startswith('<table class="dataframe">')
    assert re.findall(r"<td>(.*?)</td>", html) == [
        "2", "one round", "400", "400", "1,500.00", "1,500.00", "1,500.00", "1,500.00", "118",
    ]  # fmt: skip
    few = made_up(count=5)._repr_html_()
    assert "<td>-</td>" in few
    assert "<th>http</th>" in few
    assert "NaN" not in few


def test_protocols_stand_in_the_kits_order_and_others_after_them():
    names = ("x:B", "kafka", "a:A", "websocket", "http")
    runs = together(*(made_up(name, 3) for name in names))
    assert runs.protocols == ["http", "websocket", "kafka", "a:A", "x:B"]
    assert runs.verdicts().index.tolist() == runs.protocols
    assert runs.summary().index.tolist() == runs.protocols


def test_what_a_result_names_as_its_protocol_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "of_a_result.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    runs = made_up("of_a_result:Client", 3)
    assert runs.label("of_a_result:Client") == "Client"
    assert load(runs.save(tmp_path / "r")).label("of_a_result:Client") == "Client"
    runs.runs[0].look = {"label": "Mine", "colour": "#123456", "marker": "x", "line": "-"}
    again = load(runs.save(tmp_path / "r"))
    assert again.looks == {"of_a_result:Client": ("Mine", "#123456", "x", "-")}
    assert "of_a_result" not in sys.modules


def test_the_records_of_valid_rounds_are_used_and_all_where_a_protocol_has_no_valid_one():
    runs = together(*(made_up(name, 4, n) for name in ("http", "kafka") for n in (1, 2)))
    assert len(runs.usable) == 16
    runs.runs[0].valid = False
    assert runs.usable.groupby(["protocol", "round"]).size().to_dict() == {
        ("http", 2): 4, ("kafka", 1): 4, ("kafka", 2): 4,
    }  # fmt: skip
    runs.runs[1].valid = False
    assert len(runs.usable) == 16


def test_rates_are_those_of_the_valid_rounds_and_a_table_has_each_in_its_place():
    rounds = [paced(n, 1, last_ns=s * 1_000_000_000) for n, s in enumerate((1, 4, 5), 1)]
    runs = together(*rounds, made_up("kafka", 10))
    assert runs.rates("http") == [200, 50, 40]
    runs.runs[0].valid = False
    assert runs.rates("http") == [50, 40]
    table = runs.rates_per_round()
    assert table["http"].tolist() == pytest.approx([np.nan, 50, 40], nan_ok=True)
    assert table.index.tolist() == [1, 2, 3]
    assert table["kafka"].isna().tolist() == [False, True, True]
    for info in runs.runs:
        info.valid = False
    assert runs.rates("http") == [200, 50, 40]


def test_without_stamps_of_the_server_records_per_second_go_by_the_acks():
    runs = paced(1, 1)
    runs.timings["stored_ns"] = pd.NA
    runs.timings["stored_ns"] = runs.timings["stored_ns"].astype("Int64")
    assert runs.rates("http") == [pytest.approx(200 / 0.2)]
    runs.timings["acked_ns"] = pd.array([pd.NA] * 200, "Int64")
    assert runs.rates("http") == [0]
    early = paced(1, 1)
    early.timings["stored_ns"] = early.runs[0].start_ns
    assert early.rates("http") == [0]


def test_each_kind_of_latency_counts_from_when_the_record_was_due():
    runs = paced(1, 2, count=4)
    runs.timings.loc[1, "outcome"] = "unknown"
    runs.timings.loc[2, "acked_ns"] = pd.NA
    runs.timings.loc[3, "stored_ns"] = pd.NA
    ack, stored = (latencies_ms(runs.timings, kind) for kind in ("ack", "stored"))
    assert ack.to_dict("list") == {"protocol": ["http"] * 2, "round": [1] * 2, "ms": [2.0] * 2}
    assert (ack.index.tolist(), stored.index.tolist()) == ([0, 3], [0, 1, 2])
    assert stored["ms"].tolist() == [2.0] * 3


def test_a_percentile_of_each_round_has_its_place_in_a_table():
    runs = together(paced(2, 4), paced(1, 1), made_up("kafka", 5))
    table = runs.per_round("ack")
    assert table["http"].to_dict() == {1: 1.0, 2: 4.0}
    assert runs.per_round("ack", 99)["kafka"].isna().all()
    assert runs.per_round("stored", 75)["http"].to_dict() == {1: 1.0, 2: 4.0}


def test_the_runs_of_one_protocol_or_round_have_what_concerns_them_and_nothing_else():
    runs = together(made_up("http", 3), made_up("kafka", 3), made_up("kafka", 3, number=2))
    runs.attempts = pd.DataFrame({"protocol": ["http", "kafka", "kafka"], "round": [1, 1, 2]})
    runs.asked, runs.interrupted, runs.failure = [("http", 1), ("kafka", 3)], "SIGINT", "why"
    assert [info.round for info in runs.of("kafka").runs] == [1, 2]
    one = runs.of("kafka", 2)
    assert one.timings["round"].tolist() == [2, 2, 2]
    assert one.timings.index.tolist() == [0, 1, 2]
    assert one.attempts.to_dict("list") == {"protocol": ["kafka"], "round": [2]}
    assert (one.asked, one.interrupted, one.failure) == ([], "SIGINT", "why")
    assert runs.of("kafka").asked == [("kafka", 3)]
    assert (one.environment, one.looks) == (runs.environment, runs.looks)
    with pytest.raises(KeyError, match="No run over 'x'; there are http, kafka"):
        runs.of("x")
    with pytest.raises(KeyError):
        runs.of("http", 2)
    runs.asked = None
    assert runs.of("http").asked is None
