"""Everything that was done to a run is in its result: what, from when to when, what it struck."""

import json
from dataclasses import asdict, replace

import pytest

from empkit import At, Workload
from empkit.faults import (
    BrokerDown,
    BrokerErrors,
    ClientKill,
    DatabaseLock,
    Duplicates,
    Invalid,
    LostAcks,
    Network,
    Overload,
    Poison,
    ServerPause,
    TokenExpiry,
    TooLarge,
)  # fmt: skip
from empkit.plots.timeline import timeline
from empkit.proxy import Cut, HalfOpen, Latency, ResetPeer
from empkit.report import Part, write_report
from empkit.results import strikes
from empkit.results.info import FaultSpan
from empkit.results.recovery import felt
from empkit.results.runs import load
from tests.made_up_runs import START_NS, made_up, together

PACE = Workload(records=300, rate=400, warm_up=20)
ONE_A_SECOND = Workload(records=2, rate=1, warm_up=0)


def quiet(*_):
    """Progress that shows nothing."""


def run(lab, protocol, *faults, workload=PACE):
    runs = lab.run(protocol, workload, faults=faults, progress=quiet)
    return runs, {fault.label: fault for fault in runs.runs[0].faults}


def notes(runs):
    return [note for note in runs.runs[0].notes if "struck nothing" in note]


@pytest.mark.slow
def test_faults_of_records_token_and_load_are_in_the_result_with_what_they_struck(lab, tmp_path):
    faults = (
        Duplicates(share=0.3), Invalid(), Poison(), TooLarge(share=0.05),
        Overload(times=3, from_s=0.1, until_s=0.2), Overload(times=2, from_s=0.3, until_s=0.4),
        TokenExpiry(after_s=60),
    )  # fmt: skip
    runs, found = run(lab, "http", *faults)
    assert list(found) == [str(fault) for fault in faults]
    refused = int(runs.verdicts().iloc[0]["refused"])
    # one that is changed twice, or has the id of one that was refused, may be refused less often
    changed = [found[str(fault)].struck for fault in faults[:4]]
    assert all(changed)
    assert refused <= sum(changed)
    assert found[str(faults[4])].struck == pytest.approx(120, abs=2)
    assert found[str(faults[5])].struck == pytest.approx(80, abs=2)
    assert found[str(faults[6])].struck == 0
    assert [fault.whole_run for fault in found.values()] == [True] * 4 + [False] * 2 + [True]
    assert len(runs.runs[0].timed_faults) == 2
    again = load(runs.save(tmp_path))
    assert [asdict(each) for each in again.runs[0].faults] == [
        asdict(each) for each in runs.runs[0].faults
    ]
    page = write_report([Part(runs, {})], tmp_path / "report.html").read_text()
    assert f"duplicates:share=0.3: the whole run; {changed[0]} records changed" in page
    (told,) = runs.to_json()["runs"]
    assert [each["label"] for each in told["faults"]] == list(found)


def test_overloads_that_overlap_are_refused(lab):
    with pytest.raises(ValueError, match=r"from 0.1 s to 0.3 s overlaps the one from 0.2 s"):
        run(lab, "http", Overload(2, 0.2, 0.4), Overload(3, 0.1, 0.3))


@pytest.mark.slow
def test_faults_that_touch_nothing_are_named(embedded):
    """An Apache Kafka takes seconds to come back, and holds up the ends of the other faults."""
    runs, found = run(
        embedded, "http", At(0.3, Network(Latency(latency_ms=5)), until=0.6),
        At(0.3, DatabaseLock(), until=0.6), At(0.4, BrokerDown(), until=0.5), Duplicates(share=0),
        workload=ONE_A_SECOND,
    )  # fmt: skip
    assert {fault.struck for fault in found.values()} == {0}
    assert sorted(notes(runs)) == [
        "broker-down struck nothing: no record over http goes to the broker.",
        "database-lock struck nothing: no record was in flight or sent while it lasted.",
        "duplicates:share=0 struck nothing: no record was changed.",
        "latency:latency_ms=5 struck nothing: no byte was delayed or held while it lasted.",
    ]


@pytest.mark.slow
def test_the_proxy_counts_what_each_toxic_touched(lab):
    runs, found = run(
        lab, "websocket", At(0.1, Network(Latency(latency_ms=2)), until=0.2),
        At(0.3, Network(Cut()), until=0.35), At(0.4, Network(ResetPeer(connections=1)), until=0.5),
        At(0.55, Network(HalfOpen()), until=0.6),
    )  # fmt: skip
    assert found["latency:latency_ms=2"].struck > 40 * 100
    assert found["latency:latency_ms=2"].unit == "bytes delayed or held"
    assert found["cut"].struck >= 1
    assert found["reset:connections=1"].struck == 1
    assert found["half-open"].struck == 0
    assert notes(runs) == ["half-open struck nothing: no connection met it while it lasted."]


@pytest.mark.slow
def test_the_embedded_broker_counts_the_answers_that_it_was_told_to_give(embedded):
    runs, found = run(
        embedded, "kafka", At(0.1, BrokerErrors(count=3)), At(0.2, LostAcks(count=2, ms=100)),
        At(0.2, BrokerErrors(request="ListOffsets", count=4)),
    )  # fmt: skip
    errors, held, never = found.values()
    assert (errors.struck, errors.unit) == (3, "requests answered with the error")
    assert (held.struck, held.unit) == (2, "answers held back or lost")
    assert never.struck == 0
    assert len(notes(runs)) == 1


@pytest.mark.slow
def test_a_pause_strikes_the_records_that_are_in_flight_or_sent_while_it_lasts(lab):
    runs, found = run(lab, "http", At(0.2, ServerPause(), until=0.4))
    (span,) = found.values()
    own = runs.timings
    sent = own["sent_ns"].between(span.start_ns, span.end_ns).sum()
    assert span.unit == "records in flight or sent while it lasted"
    assert sent <= span.struck <= sent + (own["sent_ns"] < span.start_ns).sum()
    assert (span.asked_start_s, span.asked_end_s) == (0.2, 0.4)


@pytest.mark.slow
def test_a_token_that_expires_in_a_run_counts_the_attempts_that_it_refused(lab):
    # the load generator's start is part of the token's life, and takes seconds on a busy machine
    pace = Workload(records=1_600, rate=200, warm_up=0)
    runs, found = run(lab, "http", TokenExpiry(after_s=6.0), workload=pace)
    (span,) = found.values()
    assert span.struck == (runs.attempts["answer"] == "unauthorized").sum() > 0


@pytest.mark.slow
def test_a_killed_client_takes_records_away_and_an_expiring_token_does_not(lab):
    runs, found = run(lab, "http", At(0.3, ClientKill()), TokenExpiry(after_s=60))
    info = runs.runs[0]
    assert found["client-kill"].struck >= 300 - info.offered > 0
    assert runs.unmeasured == []
    info.faults = [fault for fault in info.faults if fault.label != "client-kill"]
    assert len(runs.unmeasured) == 1


def test_a_folder_that_does_not_say_what_a_fault_takes_away_goes_by_its_part(tmp_path):
    runs = made_up(faults=[("client-kill", "client", START_NS)])
    runs.runs[0].cut_short = True
    path = runs.save(tmp_path) / "runs.json"
    content = json.loads(path.read_text())
    (fault,) = content["runs"][0]["faults"]
    old = {name: fault[name] for name in ("label", "part", "start_ns", "end_ns")}
    content["runs"][0]["faults"] = [old]
    path.write_text(json.dumps(content))
    again = load(tmp_path)
    assert again.runs[0].faults == [FaultSpan(**old)]
    assert again.unmeasured == []
    assert strikes.lasted(again) == ["http 1: client-kill: lasted 0.00 s to 0.20 s (0.20 s)"]


def lasting(number, end_s, struck=7):
    """A run whose crash was asked to last from 0.05 s to 0.1 s."""
    runs = made_up(number=number)
    runs.runs[0].faults = [
        FaultSpan(
            "server-crash", "server", START_NS + 50_000_000, START_NS + int(end_s * 1e9),
            0.05, 0.1, struck, "records in flight or sent while it lasted",
        )
    ]  # fmt: skip
    return runs


def test_a_fault_that_lasted_longer_than_asked_is_in_the_title_of_the_figures():
    words = "server-crash: asked 0.05 s to 0.1 s, lasted 0.05 s to 0.18 s (0.13 s)"
    assert words in timeline(lasting(1, 0.18)).alt
    assert "asked" not in timeline(lasting(1, 0.101)).alt


def test_rounds_in_which_a_fault_lasted_alike_share_one_line():
    alike = together(lasting(1, 0.180), lasting(2, 0.182, struck=9))
    assert strikes.lasted(alike) == [
        "server-crash: asked 0.05 s to 0.1 s, lasted 0.05 s to 0.18 s (0.13 s) in all 2 runs; "
        "7 to 9 records in flight or sent while it lasted"
    ]
    apart = together(lasting(1, 0.1), lasting(2, 0.19, struck=1))
    assert strikes.lasted(apart) == [
        "http 1: server-crash: asked 0.05 s to 0.1 s, lasted 0.05 s to 0.10 s (0.05 s); "
        "7 records in flight or sent while it lasted",
        "http 2: server-crash: asked 0.05 s to 0.1 s, lasted 0.05 s to 0.19 s (0.14 s); "
        "1 record in flight or sent while it lasted",
    ]


def test_only_faults_with_a_span_of_time_count_for_recovery():
    runs = lasting(1, 0.18)
    before = runs.recovery()
    runs.runs[0].faults.insert(
        0, FaultSpan("duplicates:share=0.1", "records", START_NS, whole_run=True)
    )
    assert runs.recovery().equals(before)
    assert felt(runs).loc["http", "before_ms"] > 0


def struck(**changes):
    """The line about one fault of a run of 0.2 s, which is asked from 0.05 s to 0.1 s."""
    runs = made_up()
    info = runs.runs[0]
    info.end_ns = START_NS + 200_000_000
    fault = FaultSpan(
        "x", "server", START_NS + 50_000_000, START_NS + 100_000_000, 0.05, 0.1, 7, "records hit"
    )
    for name, value in changes.items():
        setattr(fault, name, value)
    info.faults = [fault]
    (line,) = strikes.lasted(runs)
    assert strikes.in_words(fault, info) == line.removeprefix("http 1: ")
    return line.removeprefix("http 1: x: ")


LASTED = "asked 0.05 s to 0.1 s, lasted 0.05 s to 0.10 s (0.05 s)"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, f"{LASTED}; 7 records hit"),
        ({"struck": 1}, f"{LASTED}; 1 record hit"),
        ({"struck": 2}, f"{LASTED}; 2 records hit"),
        ({"struck": 12_000}, f"{LASTED}; 12,000 records hit"),
        ({"struck": 0}, f"{LASTED}; struck nothing"),
        ({"struck": None}, LASTED),
        ({"whole_run": True}, "the whole run; 7 records hit"),
        ({"missed": True, "struck": None}, "asked 0.05 s to 0.1 s, the run was over before"),
        ({"missed": True, "asked_end_s": None, "struck": None},
         "asked from 0.05 s on, the run was over before"),
        ({"end_ns": None, "asked_end_s": None},
         "asked from 0.05 s on, lasted 0.05 s to 0.20 s (0.15 s); 7 records hit"),
        ({"end_ns": START_NS + 60_000_000, "asked_end_s": None},
         "asked at 0.05 s, struck at 0.05 s; 7 records hit"),
        ({"end_ns": START_NS + 60_000_000, "asked_end_s": None, "asked_start_s": None},
         "struck at 0.05 s; 7 records hit"),
        ({"asked_end_s": None, "asked_start_s": None},
         "lasted 0.05 s to 0.10 s (0.05 s); 7 records hit"),
    ],
)  # fmt: skip
def test_a_fault_says_when_it_was_to_last_when_it_did_and_what_it_struck(changes, words):
    assert struck(**changes) == words


def test_only_a_fault_that_lasted_longer_or_shorter_than_asked_is_in_a_title():
    def titled(asked_s, lasted_s, **changes):
        runs = made_up()
        fault = FaultSpan("x", "server", START_NS, START_NS + int(lasted_s * 1e9), 0.0, asked_s)
        for name, value in changes.items():
            setattr(fault, name, value)
        runs.runs[0].faults = [fault, fault]
        return strikes.in_title(runs.runs[0])

    words = "x: asked 0 s to 2 s, lasted 0.00 s to 2.21 s (2.21 s)"
    assert titled(2, 2.21) == f"{words}; {words}"  # by more than a tenth
    assert titled(2, 1.79) != ""
    assert titled(2, 2.19) == titled(2, 1.81) == ""
    assert titled(0.1, 0.149) == titled(0.1, 0.051) == ""  # by less than 50 ms
    assert titled(0.1, 0.151) != ""
    assert titled(0.05, 0.1) == ""  # by 50 ms
    for changes in ({"whole_run": True}, {"missed": True}, {"asked_start_s": None}):
        assert titled(2, 9, **changes) == ""
        fault = replace(FaultSpan("x", "server", START_NS, START_NS, 0.0, 2.0), **changes)
        assert not strikes.differs(fault, made_up().runs[0])
    assert titled(None, 9) == ""


def test_a_fault_that_struck_nothing_says_of_what_there_was_nothing():
    kafka, http = made_up("kafka").runs[0], made_up("http").runs[0]
    kafka.through_kafka = True
    unit = "requests answered with the error"
    fault = FaultSpan("broker-errors", "broker", START_NS, struck=0, unit=unit)
    assert strikes.untouched(fault, http) == (
        "broker-errors struck nothing: no record over http goes to the broker."
    )
    assert strikes.untouched(fault, kafka) == (
        "broker-errors struck nothing: no request was answered with the error."
    )
    fault.part = "server"
    assert strikes.untouched(fault, http) == strikes.untouched(fault, kafka)


def rounds_with(*spans, struck=7):
    """Runs of one fault each, from and until so many ms after the start, struck as said."""
    runs = []
    for number, (begin, end) in enumerate(spans, 1):
        one = made_up(number=number)
        one.runs[0].faults = [
            FaultSpan("x", "server", START_NS + begin * 1_000_000, START_NS + end * 1_000_000,
                      struck=struck, unit="records hit")
        ]  # fmt: skip
        runs.append(one)
    return together(*runs)


@pytest.mark.parametrize(
    ("spans", "alike"),
    [
        ([(100, 200), (149, 249)], True),  # by less than 50 ms
        ([(100, 200), (151, 251)], False),
        ([(100, 300), (151, 300)], False),
        ([(0, 100), (50, 100)], True),  # by 50 ms
        ([(100, 200), (100, 249)], True),
        ([(100, 200), (100, 251)], False),
        ([(100, 2_100), (290, 2_290)], True),  # by less than a tenth of how long it lasted
        ([(100, 2_100), (310, 2_310)], False),
        ([(100, 2_100), (100, 2_100), (100, 2_310)], False),
    ],
)
def test_rounds_are_alike_where_begin_and_end_differ_by_a_tenth_or_50_ms_at_most(spans, alike):
    lines = strikes.lasted(rounds_with(*spans))
    assert len(lines) == (1 if alike else len(spans))


def test_the_line_for_all_rounds_has_the_median_of_their_spans():
    (line,) = rounds_with((100, 300), (110, 310), (120, 330)).lasted()
    assert line == "x: lasted 0.11 s to 0.31 s (0.20 s) in all 3 runs; 7 records hit"


def test_each_fault_of_several_has_its_lines_in_the_order_of_the_faults():
    runs = rounds_with((100, 200), (100, 200))
    for number, info in enumerate(runs.runs):
        other = replace(info.faults[0], label="y", end_ns=START_NS + (2 + number) * 10**9)
        info.faults += [other, replace(info.faults[0], label="z")]
    assert [line.partition(" lasted")[0] for line in runs.lasted()] == [
        "x:", "http 1: y:", "http 2: y:", "z:",
    ]  # fmt: skip


def test_the_seconds_of_a_fault_count_from_the_start_of_the_run():
    info = made_up().runs[0]
    info.end_ns = START_NS + 9 * 10**9
    fault = FaultSpan("x", "server", START_NS + 2 * 10**9, START_NS + 3 * 10**9)
    assert strikes.seconds(fault, info) == (2, 3)
    assert strikes.seconds(replace(fault, end_ns=None), info) == (2, 9)


def test_rounds_of_which_only_some_were_struck_are_not_alike():
    runs = rounds_with((100, 200), (100, 200))
    runs.runs[1].faults[0].struck = 0
    assert [line.rpartition("; ")[2] for line in strikes.lasted(runs)] == [
        "7 records hit", "struck nothing",
    ]  # fmt: skip
    runs.runs[0].faults[0].struck = 0
    (line,) = strikes.lasted(runs)
    assert line.endswith("in all 2 runs; struck nothing")
    runs.runs[0].faults[0].struck = None
    runs.runs[1].faults[0].struck = 5
    (line,) = strikes.lasted(runs)
    assert line.endswith("in all 2 runs")
    runs.runs[1].faults[0].missed, runs.runs[1].faults[0].asked_start_s = True, 0.1
    assert len(strikes.lasted(runs)) == 2


def test_a_fault_of_the_whole_run_is_alike_in_all_and_two_of_a_run_have_a_line_each():
    runs = rounds_with((0, 100), (0, 900))
    for info in runs.runs:
        info.faults[0].whole_run = True
        info.faults.append(FaultSpan("y", "load", START_NS, whole_run=True))
    assert strikes.lasted(runs) == [
        "x: the whole run in all 2 runs; 7 records hit", "y: the whole run in all 2 runs",
    ]  # fmt: skip
