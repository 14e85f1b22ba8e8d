"""The exercises of the course: each wrong answer is told what is missing, and only
the right one passes."""

import json

import pandas as pd
import pytest

from empkit import At, Guarantees
from empkit.course.advice import Advice, in_words
from empkit.course.exercises import CHECKS, check
from empkit.faults import BrokerPause, RetentionOverrun, ServerCrash
from tests.made_up_runs import START_NS, made_up, together

FAULT = ("server-crash", "server", START_NS + 50_000_000, START_NS + 90_000_000)
LATE = ("lost-acks:count=3,ms=900", "broker", START_NS + 50_000_000, START_NS + 50_000_000)
MOVE = ("leader-move:to=2", "broker", START_NS + 50_000_000, START_NS + 90_000_000)
RESETS = [
    ("reset", "network", START_NS + first * 1_000_000, START_NS + (first + 40) * 1_000_000)
    for first in (20, 90)
]
PAUSE = ("server-pause", "server", START_NS + 50_000_000, START_NS + 90_000_000)
PARTED = ("partition", "network", START_NS + 50_000_000, START_NS + 90_000_000)
OWN = "my_client:OneShot"


def crashed(protocol="http", faults=(FAULT,), **changes):
    return made_up(protocol, faults=faults, **changes)


def in_the_log(appended, fault=LATE, protocol="kafka", count=240):
    runs = crashed(protocol, faults=(fault,), count=count)
    runs.runs[0].appended = appended
    return runs


def advice(**met):
    frame = pd.DataFrame.from_dict(met, orient="index", columns=["http", "websocket", "kafka"])
    return Advice(frame, frame)


def the_pair_shown():
    away, known = in_words("send_while_server_away"), in_words("know_stored")
    return advice(**{away: [False, False, True], known: [True, True, False]})


def given(runs, source):
    runs.runs[0].workload = {"source": source}
    return runs


def mend(letter):
    return json.dumps({"last_name": "unknown", **json.loads(letter.value)}).encode()


def share(timings):
    both = timings.dropna(subset=["acked_ns", "stored_ns"])
    return (both["acked_ns"] < both["stored_ns"]).mean()


def slow(runs):
    runs.timings["stored_ns"] += 10_000_000_000
    return runs


def until_stored(timings):
    return (timings["stored_ns"] - timings["sent_ns"]).median() / 1e6


def with_unfit(protocol, verdict, count=20, unfit=5):
    return made_up(protocol, count=count, verdict=dict.fromkeys(range(unfit), verdict))


def both_ways(**changes):
    dead = with_unfit("kafka", "dead_lettered", **changes)
    return together(with_unfit("http", "refused"), dead)


PROMISES = {
    "acks=0": "at most once",
    "commit before the store": "at most once",
    "retries": "at least once",
    "retries and a primary key": "effectively once",
}


def stored_in(transactions, **changes):
    """600 records, stored in so many transactions."""
    runs = made_up("http", count=600, **changes)
    first = runs.timings["stored_ns"].min()
    runs.timings["stored_ns"] = [first + n * transactions // 600 for n in range(600)]
    return runs


def certain(code):
    return None if code >= 500 else code in {200, 201}


def on_the_way(timings):
    inside = timings["stored_ns"] - timings["received_ns"]
    return (1 - inside / (timings["acked_ns"] - timings["sent_ns"])).median()


def unanswered(sent, answers):
    known = {answer["employee_id"] for answer in answers}
    return [name for name in sent if name not in known]


def total_lag(ends, committed):
    return sum(end - committed.get(partition, 0) for partition, end in ends.items())


def on_their_way(timings, moment):
    stored = (timings["stored_ns"] <= moment).fillna(False)
    return ((timings["acked_ns"] <= moment) & ~stored).sum()


def appended(partition_of, backwards=False):
    """Ten changes to each of ten employees, as the topic would hold them."""
    values = [json.dumps({"employee_id": f"C{n % 10}", "position": n // 10}) for n in range(100)]
    log = pd.DataFrame({"value": values, "partition": [partition_of(n) for n in range(100)]})
    return log.iloc[::-1] if backwards else log


def shown(low, high):
    return "websocket" if low > 1 else "http" if high < 1 else "not shown"


LOOPS = {"visitors": "open", "copy": "closed", "clerks": "closed", "sensors": "open"}


def kept_up(steps, limit):
    too_slow = steps.loc[steps["p99_ms"] > limit, "rate"].min()
    return steps.loc[(steps["p99_ms"] <= limit) & ~(steps["rate"] > too_slow), "rate"].max()


def paused(protocol="websocket", **changes):
    return crashed(protocol, faults=(PAUSE,), **changes)


def parted(protocol="http", count=240, **changes):
    return crashed(protocol, faults=(PARTED,), count=count, **changes)


def late(runs, ms):
    runs.timings["acked_ns"] += ms * 1_000_000
    return runs


RIGHT = [
    ("00.1", {"http", "websocket"}),
    ("00.2", until_stored),
    ("00.challenge", both_ways()),
    ("01.1", {503}),
    ("01.2", certain),
    ("01.3", on_the_way),
    ("01.challenge", stored_in(150)),
    ("02.1", {1008}),
    ("02.2", lambda token: json.dumps({"type": "auth", "token": token})),
    ("02.3", unanswered),
    ("02.challenge", crashed("websocket", faults=RESETS)),
    ("03.1", {"debug line": "0", "click": "1", "order": "all"}),
    ("03.2", total_lag),
    ("03.3", on_their_way),
    ("03.challenge", appended(lambda n: n % 10 % 4)),
    ("04.1", lambda p: 1 - (1 - p) ** 20),
    ("04.2", shown),
    ("04.3", {"b", "d"}),
    ("04.challenge", made_up("http", count=1_000)),
    ("05.1", lambda rate, ms: rate * ms / 1_000),
    ("05.2", LOOPS),
    ("05.3", kept_up),
    ("05.challenge", late(paused(), 300)),
    ("06.1", {"http", "websocket"}),
    ("06.2", lambda timings: timings["stored_ns"].dropna().sort_values().diff().max() / 1e9),
    ("06.3", At(0.4, BrokerPause(), until=0.9)),
    ("06.challenge", parted()),
    ("07.1", PROMISES),
    ("07.2", mend),
    ("07.3", {"sensor": Guarantees(acks="0"), "payment": Guarantees()}),
    ("07.challenge", in_the_log(240)),
    ("08.1", 2),
    ("08.2", lambda key, count: sum(key.encode()) * 7919 % 1009 % count),
    ("08.challenge", crashed("kafka", faults=(FAULT, MOVE), count=300)),
    ("09.1", advice(away=[False, False, True])),
    ("09.2", advice(away=[False, False, True], known=[True, True, False])),
    ("09.3", share),
    ("09.challenge", made_up("websocket")),
    ("10.1", together(made_up("http"), made_up(OWN))),
    ("10.2", given(made_up("http"), "file people.csv")),
    ("10.challenge", together(crashed("http", count=240), crashed(OWN, count=240))),
]

WRONG = [
    ("00.1", "http", "Give a set"),
    ("00.1", {"HTTP"}, "lab.protocols"),
    ("00.1", {"http", "kafka"}, "knows nothing of the database"),
    ("00.1", {"http"}, "one more"),
    ("00.2", lambda timings: until_stored(timings) * 1e6, "in milliseconds"),
    ("00.2", lambda timings: until_stored(timings) / 1e3, "in milliseconds"),
    (
        "00.2",
        lambda timings: timings["stored_ns"].median() - timings["sent_ns"].median(),
        "medians",
    ),
    ("00.2", lambda timings: 7, "it says 7"),
    ("00.challenge", with_unfit("http", "refused"), "over kafka is wanted"),
    ("00.challenge", both_ways(count=19), "20 records are wanted"),
    ("00.challenge", both_ways(unfit=4), "4 are dead_lettered; 5 are wanted"),
    (
        "00.challenge",
        together(
            with_unfit("http", "refused"),
            made_up(
                "kafka",
                count=20,
                verdict=dict(zip(range(6), ["dead_lettered"] * 5 + ["failed"], strict=True)),
            ),
        ),
        "the rest is not stored",
    ),
    ("01.1", 503, "Give a set"),
    ("01.1", {503, 422}, "the record itself"),
    ("01.1", {503, 401}, "has to change"),
    ("01.1", {503, 201}, "need not be sent"),
    ("01.1", {503, 404}, "not a code of the table"),
    ("01.1", set(), "could not, for the moment"),
    ("01.2", lambda code: code < 300, "Of 503 it says False"),
    ("01.2", lambda code: 1 / 0, "ZeroDivisionError"),
    ("01.3", lambda timings: 100 * on_the_way(timings), "from 0 to 1"),
    ("01.3", lambda timings: 1 - 870 / 1_200, "own share first"),
    ("01.3", lambda timings: 0.7, "it says 0.7"),
    ("01.challenge", stored_in(151), "more than 150"),
    ("01.challenge", made_up("kafka", count=600), "over HTTP"),
    ("01.challenge", made_up("http"), "600 records are wanted"),
    ("01.challenge", stored_in(10, verdict={3: "failed"}), "Not every record"),
    ("02.1", 1008, "Give a set"),
    ("02.1", {1008, 1006}, "may be back"),
    ("02.1", set(), "for a wrong token"),
    ("02.2", lambda token: token.encode(), "yours is bytes"),
    ("02.2", lambda token: f'{{"type": "auth", "token": "{token}"}}', "no JSON"),
    ("02.2", json.dumps, "not what the server expects"),
    ("02.3", lambda sent, answers: sent[len(answers) :], "was answered"),
    ("02.3", lambda sent, answers: [], "is missing"),
    ("02.3", lambda sent, answers: unanswered(sent, answers)[::-1], "keep their order"),
    ("02.3", lambda sent, answers: set(unanswered(sent, answers)), "yours is set"),
    ("02.challenge", crashed("websocket", faults=RESETS, verdict={3: "failed"}), "Not every"),
    ("02.challenge", crashed("websocket", faults=RESETS[:1]), "at 2 moments; in this run at 1"),
    ("02.challenge", crashed("websocket"), "at 2 moments; in this run at 0"),
    ("02.challenge", crashed("http", faults=RESETS), "over the WebSocket alone"),
    ("03.1", {}, "with the keys"),
    ("03.1", {"debug line": "0", "click": "2", "order": "all"}, "'0', '1' or 'all'"),
    ("03.1", {"debug line": "0", "click": "0", "order": "all"}, "2 of 3"),
    ("03.2", lambda ends, committed: sum(ends.values()), "a lag of 6"),
    ("03.2", lambda ends, committed: sum(ends[n] - done for n, done in committed.items()), "still"),
    ("03.3", lambda timings, moment: (timings["acked_ns"] < moment).sum(), "three records"),
    (
        "03.3",
        lambda timings, moment: on_their_way(timings.dropna(), moment),
        "no stamp of the store",
    ),
    ("03.challenge", appended(lambda n: n % 8), "several partitions"),
    ("03.challenge", appended(lambda n: 0), "only 1 partition"),
    ("03.challenge", appended(lambda n: n % 10 % 4, backwards=True), "not in their order"),
    ("03.challenge", appended(lambda n: 0).head(50), "the log got 50"),
    ("04.1", lambda p: 20 * p, "it says 10"),
    ("04.1", lambda p: p**20, "Turn the question round"),
    ("04.1", lambda p: 0.3, "If no request is ever slow"),
    ("04.2", lambda low, high: "http" if low < 1 else "websocket", "shows no difference"),
    ("04.2", lambda low, high: shown(1 / high, 1 / low), "above 1 when HTTP"),
    ("04.2", lambda low, high: shown(low, high) if low > 0 else "http", "as from one round"),
    ("04.3", "b", "letters"),
    ("04.3", {"e"}, "letters"),
    ("04.3", {"a", "b"}, "do not mean the same"),
    ("04.3", {"b", "c"}, "not measured"),
    ("04.3", {"b"}, "One more"),
    ("04.challenge", made_up("http", count=999), "too few"),
    ("04.challenge", made_up("kafka", count=1_000), "over HTTP"),
    ("04.challenge", made_up("http", count=1_000, verdict={3: "failed"}), "Not every"),
    ("05.1", lambda rate, ms: rate * ms, "milliseconds"),
    ("05.1", lambda rate, ms: rate / ms, "it says 4"),
    ("05.2", {}, "with the keys"),
    ("05.2", {**LOOPS, "clerks": "open"}, "3 of 4"),
    ("05.3", lambda steps, limit: steps["rate"].max(), "200 is wanted"),
    ("05.3", lambda steps, limit: steps.loc[steps["p99_ms"] <= limit, "rate"].max(), "by chance"),
    ("05.3", lambda steps, limit: 200 if steps["rate"][1] == 400 else 100, "no rate was too slow,"),
    ("05.challenge", late(paused("http"), 300), "over WebSocket"),
    ("05.challenge", late(made_up("websocket"), 300), "was not paused"),
    ("05.challenge", late(crashed("websocket"), 300), "was not paused"),
    ("05.challenge", paused(), "does not show"),
    ("05.challenge", late(paused(verdict={3: "failed"}), 300), "Not every record"),
    ("06.1", "http", "Give a set"),
    ("06.1", {"http", "smtp"}, "not protocols of this lab"),
    ("06.1", {"http", "kafka"}, "did not crash"),
    ("06.1", {"http"}, "is missing"),
    ("06.2", 2.0, "without calling it"),
    ("06.2", lambda timings: 1 / 0, "ZeroDivisionError"),
    ("06.2", lambda timings: timings["stored_ns"].diff().max(), "nanoseconds"),
    ("06.2", lambda timings: 7, "it says 7"),
    ("06.2", lambda timings: timings["stored_ns"].diff().max() / 1e9, "out of order"),
    ("06.3", BrokerPause(), "with its times"),
    ("06.3", At(0.4, BrokerPause()), "never ends"),
    ("06.3", At(0.4, ServerCrash(), until=0.9), "feel it, too"),
    ("06.3", At(0.4, RetentionOverrun(), until=0.9), "feel it, too"),
    ("06.challenge", parted("kafka"), "over HTTP"),
    ("06.challenge", parted(count=239), "240 records are wanted"),
    ("06.challenge", crashed(count=240), "not partitioned"),
    ("06.challenge", parted(verdict={3: "lost"}), "promise was broken"),
    ("06.challenge", parted(verdict={3: "failed"}), "Not every record"),
    ("06.challenge", parted(attempts={3: 2}), "more than once"),
    ("07.1", {}, "with the keys 'acks=0'"),
    ("07.1", {**PROMISES, "acks=0": "always"}, "not a promise"),
    ("07.1", {**PROMISES, "acks=0": "at least once"}, "3 of 4"),
    ("07.2", b"", "without calling it"),
    ("07.2", lambda letter: letter.key.nothing, "AttributeError"),
    ("07.2", lambda letter: letter.value.decode(), "yours is str"),
    ("07.2", lambda letter: letter.value, "still refused"),
    ("07.2", lambda letter: mend(letter).replace(b"unknown", b"Ada"), "not known"),
    (
        "07.2",
        lambda _: b'{"employee_id": "E7", "first_name": "Ada", "last_name": "B"}',
        "no longer in it",
    ),
    ("07.3", {"sensor": Guarantees(acks="0"), "payment": Guarantees(retries=0)}, "gives up early"),
    ("07.3", {}, "Give {'sensor'"),
    ("07.3", {"sensor": "0", "payment": "all"}, "must be Guarantees"),
    ("07.3", {"sensor": Guarantees(acks="1"), "payment": Guarantees()}, "still waits"),
    (
        "07.3",
        {"sensor": Guarantees(acks="0"), "payment": Guarantees(commit="before_store")},
        "still be lost",
    ),
    ("07.challenge", in_the_log(243), "twice"),
    ("07.challenge", in_the_log(240, protocol="http"), "over Kafka"),
    ("07.challenge", in_the_log(200, count=200), "240 records are wanted"),
    ("07.challenge", made_up("kafka", count=240), "hold three acks back"),
    ("07.challenge", in_the_log(240, fault=FAULT), "hold three acks back"),
    ("08.1", "two", "whole number"),
    ("08.1", 0, "one member of the group"),
    ("08.2", 1, "without calling it"),
    ("08.2", lambda key, count: key.nothing, "AttributeError"),
    ("08.2", lambda key, count: 8, "0 to 7"),
    ("08.2", lambda key, count: hash(key) % count, "differ|another in each process"),
    ("08.2", lambda key, count: 0, "badly"),
    ("08.2", lambda key, count: sum(key.encode()) % 8, "0 to 4: the count is an argument"),
    ("08.challenge", crashed("kafka", count=300), "missing: leader-move"),
    ("08.challenge", crashed("kafka", faults=(PAUSE, MOVE), count=300), "missing: server-crash"),
    ("08.challenge", crashed("kafka", faults=(FAULT, MOVE)), "300 records are wanted"),
    ("08.challenge", crashed("http", faults=(FAULT, MOVE), count=300), "over Kafka alone"),
    ("09.1", "kafka", "advise"),
    ("09.1", advice(told=[True, True, False]), "Kafka does not"),
    ("09.1", advice(fast=[True, False, True]), "too: http"),
    ("09.2", advice(told=[True, True, False]), "these are 1"),
    ("09.2", advice(told=[True, True, False], none=[False] * 3), "by itself"),
    ("09.2", advice(told=[True, True, False], known=[True, True, False]), "Both are met"),
    ("09.2", 3, "advise"),
    ("09.3", 0.5, "without calling it"),
    ("09.3", lambda timings: 1 / 0, "ZeroDivisionError"),
    ("09.3", lambda timings: 100 * share(timings), "from 0 to 1"),
    ("09.3", lambda timings: 0.1, "it says 0.1"),
    (
        "09.3",
        lambda timings: (timings["acked_ns"] < timings["stored_ns"]).sum() / len(timings),
        "both stamps",
    ),
    ("09.2", the_pair_shown(), "pair from above"),
    ("09.challenge", made_up(verdict={3: "failed"}), "Not every record"),
    ("09.challenge", made_up("kafka"), "no sender is told"),
    ("09.challenge", slow(made_up()), "Fewer than 300"),
    ("09.challenge", made_up(count=20), "too few"),
    ("10.1", made_up("http"), "No protocol in this run is your own"),
    ("10.1", made_up(OWN), "nothing to compare"),
    ("10.1", together(made_up("http"), made_up(OWN, verdict={3: "lost"})), "promise"),
    ("10.2", given(made_up("http"), "made up"), "made up by the kit"),
    ("10.2", given(made_up("http"), "given"), "not from a file"),
    ("10.2", given(made_up("http", verdict={3: "failed"}), "file people.csv"), "not stored"),
    ("10.challenge", together(made_up("http"), made_up(OWN)), "did not crash"),
    ("10.challenge", together(crashed("http"), crashed(OWN)), "480 records are wanted"),
    ("10.challenge", together(crashed("http"), crashed(OWN, faults=(MOVE,))), "run over my_client"),
]


@pytest.mark.parametrize(("number", "answer"), RIGHT)
def test_the_right_answer_to_an_exercise_passes(number, answer, capsys):
    check(number, answer)
    assert capsys.readouterr().out == f"{number}: right.\n"


@pytest.mark.parametrize(("number", "answer", "missing"), WRONG)
def test_a_wrong_answer_to_an_exercise_is_told_what_is_missing(number, answer, missing, capsys):
    check(number, answer)
    out = capsys.readouterr().out
    assert out.startswith(f"{number}: not yet. ")
    assert any(words in out for words in missing.split("|"))


def test_each_exercise_has_a_right_and_a_wrong_answer_here():
    assert {number for number, _ in RIGHT} == set(CHECKS)
    assert {number for number, *_ in WRONG} == set(CHECKS)


def test_an_exercise_that_there_is_not_is_told_which_there_are():
    with pytest.raises(KeyError, match=r"There is no exercise '99.9'; there are .*06\.challenge"):
        check("99.9", 1)
