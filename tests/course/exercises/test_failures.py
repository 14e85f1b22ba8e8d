"""The answers to the exercises of notebook 06."""

import numpy as np
import pandas as pd
import pytest

from empkit import At
from empkit.course.exercises import check
from empkit.faults import (
    BrokerDown,
    BrokerErrors,
    BrokerPause,
    BrokerSlow,
    ClientPause,
    ConsumerCrash,
    DatabaseLock,
    Latency,
    LeaderKill,
    LeaderMove,
    LostAcks,
    Network,
    RetentionOverrun,
    ServerCrash,
)
from tests.course.exercises.judged import accepted, refused
from tests.course.exercises.runs import CRASH, late, missed, silent, struck


def longest_gap(timings):
    return timings["stored_ns"].dropna().sort_values().diff().max() / 1e9


def by_numpy(timings):
    moments = np.sort(timings["stored_ns"].dropna().to_numpy("int64"))
    return np.diff(moments).max() / 1e9


def in_a_loop(timings):
    before, longest = None, 0
    for stored in timings.sort_values("stored_ns")["stored_ns"]:
        if pd.isna(stored):
            continue
        if before is not None:
            longest = max(longest, stored - before)
        before = stored
    return longest / 1e9


def sorts_its_argument(timings):
    timings.sort_values("stored_ns", inplace=True)
    return timings["stored_ns"].diff().max() / 1e9


def as_times(timings):
    moments = pd.to_datetime(timings["stored_ns"].dropna().sort_values().astype("int64"))
    return moments.diff().max() / pd.Timedelta("1s")


def zero_for_missing(timings):
    return np.diff(np.sort(timings["stored_ns"].to_numpy(float, na_value=0))).max() / 1e9


def patient(*faults, wait_ms=3_900, **changes):
    """A run in which the sender of the first record waited that long."""
    return late(struck("http", *(faults or (silent(4),)), **changes), wait_ms, share=0.01)


RIGHT = {
    "06.1": [
        {"http", "websocket"}, ["http", "websocket"], pd.Series(["websocket", "http"]),
        np.array(["http", "websocket"]),
    ],
    "06.2": [
        longest_gap, by_numpy, in_a_loop, sorts_its_argument, as_times,
        lambda timings: round(longest_gap(timings), 2),
        lambda timings: longest_gap(timings[timings["verdict"].isin(["stored", "unconfirmed"])]),
    ],
    "06.3": [
        At(0.4, BrokerPause(), until=0.9), At(0.1, BrokerDown(broker=1), until=2.0),
        At(0.4, BrokerSlow(ms=200), until=0.9), At(0.4, LostAcks(count=3, ms=900)),
        At(0.4, LostAcks(), until=0.4), At(0.4, BrokerErrors(count=20)),
        [At(0.4, BrokerDown(), until=0.9)],
    ],
    "06.challenge": [
        patient(), [patient(silent(5))], patient(silent(4), CRASH), patient(count=900),
        patient(silent(0.1), silent(3.9)),
    ],
}  # fmt: skip

WRONG = {
    "06.1": [
        ("http", "Give a set"),
        ({"http", "smtp"}, "not protocols of this lab"),
        ({"HTTP", "WebSocket"}, "not protocols of this lab"),
        ({"kafka"}, "did not crash"),
        ({"http", "websocket", "kafka"}, "did not crash"),
        ({"http"}, "is missing"),
        (set(), "is missing"),
        ({"http": 2, "websocket": 3}, "Give a set"),
    ],
    "06.2": [
        (lambda timings: longest_gap(timings) * 1e9, "in seconds"),
        (lambda timings: timings["stored_ns"].diff().max(), "out of order; and the stamps"),
        (lambda timings: longest_gap(timings) * 1e3, "These are milliseconds"),
        (lambda timings: timings["stored_ns"].diff().max() / 1e9, "between what and what"),
        (lambda timings: timings["stored_ns"].dropna().diff().max() / 1e9, "in another order"),
        (lambda timings: np.ptp(timings["stored_ns"].dropna()) / 1e9, "from the first to the last"),
        (lambda timings: timings["stored_ns"].sort_values().diff().mean() / 1e9, "is the mean"),
        (lambda timings: timings["stored_ns"].sort_values().diff().median() / 1e9, "the median"),
        (lambda timings: timings["acked_ns"].sort_values().diff().max() / 1e9, "are the acks"),
        (
            lambda timings: (timings["stored_ns"] - timings["sent_ns"]).max() / 1e9,
            "how long one record took",
        ),
        (lambda timings: longest_gap(timings.dropna()), "got no ack"),
        (zero_for_missing, "some were never stored and have no such stamp, it says"),
        (lambda timings: 7, "stored 2 s apart, it says 7."),
        (lambda timings: 1 / 0, "ZeroDivisionError"),
        (lambda timings: timings["stored_ns"].diff(), "this is a Series"),
        (2.0, "without calling it"),
    ],
    "06.3": [
        (BrokerPause(), "with its times"),
        ("broker-pause@0.4s..0.9s", "with its times"),
        ([At(0.1, BrokerPause(), until=0.2), At(0.4, BrokerPause(), until=0.9)], "one fault"),
        (At(0.4, BrokerPause()), "never ends"),
        (At(0.4, ServerCrash(), until=0.9), "feel it, too: it breaks the server"),
        (At(0.4, DatabaseLock(), until=0.9), "they wait until a record is stored"),
        (At(0.4, Network(Latency(latency_ms=60)), until=0.9), "between them and the server"),
        (At(0.4, ClientPause(), until=0.9), "the senders themselves"),
        (At(0.4, RetentionOverrun(), until=0.9), "stops the server for a while"),
        (At(0.4, LeaderMove()), "cannot strike in this lab: there is no broker 2 of 1."),
        (At(0.4, BrokerDown(broker=2), until=0.9), "there is no broker 2 of 1."),
        (At(0.4, LeaderKill(), until=0.9), "cannot strike in this lab: it needs Apache Kafka"),
        (At(0.4, ConsumerCrash(), until=0.9), "cannot strike in this lab"),
        (At(2.0, BrokerPause(), until=3.0), "every record has been sent"),
        (At(0.4, BrokerPause(), until=0.401), "hardly a record is sent"),
    ],
    "06.challenge": [
        (patient(silent(0.001)), "lasted 0.001 s; it is to last 4 s"),
        (patient(silent(0.8)), "lasted 0.8 s; it is to last 4 s"),
        (patient(attempts={3: 2, 4: 5}), "2 records were sent more than once"),
        (patient(wait_ms=900), "no record had to wait"),
        (struck("kafka", silent(4)), "over HTTP alone"),
        (patient(count=239), "240 records are wanted; these are 239"),
        (patient(CRASH), "did not strike"),
        (missed(patient()), "did not strike"),
        (patient((*silent(4), 0)), "did not strike"),
        (patient(verdict={3: "lost"}), "promise was broken"),
        (patient(verdict={3: "failed"}), "Not every record"),
        ([patient(), patient()], "give the one that is meant"),
    ],
}


test_a_right_answer_is_accepted = accepted(RIGHT)
test_a_wrong_answer_hears_what_is_missing = refused(WRONG)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (At(0.4, BrokerPause(), until=0.9), "06.3: right."),
        (At(0.4, BrokerErrors(count=3)), "06.3: right."),
        (At(0.4, LeaderMove()), "no broker 2 of 1."),
    ],
)
def test_a_fault_is_tried_on_the_lab_that_is_given(embedded, answer, said, capsys):
    check("06.3", answer, embedded)
    assert said in capsys.readouterr().out


@pytest.mark.slow
def test_a_fault_that_strikes_nothing_or_cannot_strike_there_is_told_so(
    embedded, monkeypatch, capsys
):
    check("06.3", At(1.1, BrokerErrors(request="FindCoordinator")), embedded)
    assert "It was tried, and struck nothing" in capsys.readouterr().out

    def cannot():
        raise NotImplementedError("A process cannot be suspended here.")

    monkeypatch.setattr(embedded.broker, "pause", cannot)
    check("06.3", At(0.4, BrokerPause(), until=0.9), embedded)
    out = capsys.readouterr().out
    assert "It was tried, and cannot strike in this lab: " in out
    assert "cannot be suspended here" in out
