"""The failure lab: each fault is real, is undone, and every record is accounted for."""

import base64
import json
import os
import signal
import statistics
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from empkit import At, Guarantees, Lab, Workload
from empkit.faults import (
    BrokerDown,
    BrokerErrors,
    BrokerPause,
    BrokerSlow,
    ClientKill,
    ClientPause,
    DatabaseLock,
    DiskFull,
    Duplicates,
    Invalid,
    LeaderMove,
    LostAcks,
    Network,
    Overload,
    Poison,
    RetentionOverrun,
    ServerCrash,
    ServerPause,
    ServerRestart,
    ServerStart,
    SlowReader,
    TimedFault,
    TokenExpiry,
    TooLarge,
    fault_kinds,
    parse_fault,
)
from empkit.lab import LabError
from empkit.proxy import Cut, Latency, Stall
from empkit.records.samples import sample_records
from empkit.results.recovery import felt
from tests.conftest import count_stored, employee, post, wait_until
from tests.signals import started

PACE = Workload(records=500, rate=400, warm_up=20)


def quiet(*_):
    """Progress that shows nothing."""


def run(lab, protocol, *faults, workload=PACE, **options):
    return lab.run(protocol, workload, faults=faults, progress=quiet, **options)


def counts(runs):
    return {name: count for name, count in runs.verdicts().iloc[0].items() if count}


@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
@pytest.mark.parametrize(
    "fault", [ServerCrash(), ServerPause(), ServerRestart(), DatabaseLock(), DiskFull()]
)
def test_what_happens_to_the_server_loses_and_doubles_nothing(lab, protocol, fault):
    runs = run(lab, protocol, At(0.4, fault, until=0.9))
    assert counts(runs) == {"offered": 500, "stored": 500}
    (span,) = runs.runs[0].faults
    assert span.part == fault.part
    assert runs.runs[0].start_ns + 400_000_000 <= span.start_ns <= span.end_ns
    assert post(lab, employee(f"after-{runs.runs[0].run_id}"))[0] == 201


@pytest.mark.parametrize(
    ("fault", "until"),
    [
        (BrokerDown(), 0.9), (BrokerPause(), 0.9), (BrokerSlow(ms=50), 0.9),
        (BrokerErrors(count=3), None), (LostAcks(count=2), None),
    ],
)  # fmt: skip
def test_what_happens_to_the_broker_loses_and_doubles_nothing(embedded, fault, until):
    runs = run(embedded, "kafka", At(0.4, fault, until=until))
    assert counts(runs) == {"offered": 500, "stored": 500}


def test_a_log_that_drops_what_was_not_read_loses_it_and_only_that(lab):
    runs = run(lab, "kafka", At(0.4, RetentionOverrun(), until=0.8))
    found = counts(runs)
    assert found.pop("offered") == 500
    assert set(found) == {"stored", "lost"}
    (span,) = runs.runs[0].faults
    lost = runs.timings[runs.timings["verdict"] == "lost"]
    assert (lost["intended_ns"] > span.start_ns - 200_000_000).all()
    assert (lost["intended_ns"] < span.end_ns).all()
    assert not runs.broken
    assert [f"{len(lost)} lost: " in sentence for sentence in runs.findings] == [True]
    assert runs.findings[0].endswith("; allowed by retention-overrun")


def test_leaders_that_move_among_three_brokers_lose_nothing():
    with Lab("embedded", brokers=3) as lab:
        runs = run(lab, "kafka", At(0.3, LeaderMove(to=2)), At(0.7, LeaderMove(to=3)))
        assert counts(runs) == {"offered": 500, "stored": 500}


def test_a_network_fault_also_strikes_a_websocket_that_has_an_address_of_its_own(lab):
    there = lab.settings.model_copy(update={"ws_url": lab.ws_url})
    with Lab("none", server=lab.server_url, settings=there) as visitor:
        runs = run(visitor, "websocket", At(0.4, Network(Cut())))
    assert runs.runs[0].reconnections == 1


def test_a_topic_that_is_not_ours_is_not_altered(lab):
    with (
        Lab("external", server=lab.server_url, settings=lab.settings) as visitor,
        pytest.raises(LabError, match="not ours to say"),
    ):
        run(visitor, "kafka", guarantees=Guarantees(profile="sync"))


@pytest.mark.alone
@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
def test_the_records_really_go_through_the_proxy(lab, protocol):
    """A delay put on the way out only is found in the service time of every record it met."""
    fault = Network(Latency(latency_ms=40, direction="up"))
    runs = run(lab, protocol, At(0.0, fault), workload=Workload(records=60, in_flight=1))
    took = ((runs.timings["acked_ns"] - runs.timings["sent_ns"]) / 1e6).tolist()
    met = took[next(number for number, ms in enumerate(took) if ms > 39) :]
    assert len(met) > 40  # those before it were on their way before the toxic was there
    assert min(met) > 39
    assert statistics.median(met) < 60


@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
@pytest.mark.parametrize("toxic", [Cut(), Stall()])
def test_a_bad_network_loses_nothing(lab, protocol, toxic):
    runs = run(lab, protocol, At(0.4, Network(toxic), until=0.8))
    assert counts(runs) == {"offered": 500, "stored": 500}


@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
def test_a_killed_client_leaves_records_whole_or_not_at_all(lab, protocol):
    runs = run(lab, protocol, At(0.6, ClientKill()))
    assert runs.runs[0].cut_short
    found = counts(runs)
    assert found.pop("offered") == runs.runs[0].offered < 500
    assert set(found) <= {"stored", "unconfirmed", "failed"}


def test_a_client_that_reads_slowly_is_waited_for_and_loses_nothing(lab):
    slow = SlowReader(bytes_per_s=4_000)
    runs = run(lab, "websocket", At(0.3, slow, until=1.0))
    assert counts(runs) == {"offered": 500, "stored": 500}
    waited = (runs.timings["acked_ns"] - runs.timings["stored_ns"]).max() / 1e6
    assert waited > 200  # the answers were there long before they were read


@pytest.mark.parametrize("protocol", ["http", "websocket"])
def test_a_client_that_stops_and_a_token_that_expires(lab, protocol):
    runs = run(lab, protocol, At(0.4, ClientPause(), until=0.7), TokenExpiry(after_s=2.0))
    assert counts(runs) == {"offered": 500, "stored": 500}
    late = (runs.timings["sent_ns"] - runs.timings["intended_ns"]).max() / 1e6
    assert late > 200  # the stall of the sender is in the response times


@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
def test_bad_records_are_refused_and_the_others_stored(lab, protocol):
    faults = (Duplicates(share=0.1), Invalid(share=0.1), Poison(share=0.1), TooLarge(share=0.05))
    runs = run(lab, protocol, *faults)
    found = counts(runs)
    refused = "dead_lettered" if protocol == "kafka" else "refused"
    assert set(found) == {"offered", "stored", refused}
    assert 80 < found[refused] < 260
    assert (runs.timings.loc[runs.timings["verdict"] == refused, "error"] != "").all()


def test_acks_0_and_a_broker_that_goes_down_lose_records_and_the_loss_is_the_result(embedded):
    faults = [At(0.4, BrokerDown(), until=0.8)]
    safe, careless = embedded.cross(
        ["kafka"], PACE, [Guarantees(acks="all"), Guarantees(acks="0")], faults=faults,
        progress=quiet,
    )  # fmt: skip
    assert counts(safe) == {"offered": 500, "stored": 500}
    assert careless.runs[0].guarantees == "acks=0"
    assert sum(counts(careless).values()) == 2 * counts(careless)["offered"]


def test_commit_before_store_loses_what_a_crash_caught_and_after_store_nothing():
    """The lock keeps a batch between its commit and its store until the crash: at most once."""
    with Lab() as lab:
        faults = [At(0.2, DatabaseLock(), until=1.2), At(0.6, ServerCrash(), until=1.1)]
        before, after = lab.cross(
            ["kafka"], PACE,
            [Guarantees(commit="before_store"), Guarantees(commit="after_store")],
            faults=faults, progress=quiet,
        )  # fmt: skip
    assert counts(before).get("lost", 0) > 0
    assert counts(after) == {"offered": 500, "stored": 500}


def test_what_one_run_asks_for_does_not_hold_for_the_next():
    with Lab() as lab:
        first, second = (
            lab.run("kafka", Workload(records=20), guarantees=each, progress=quiet)
            for each in (Guarantees(commit="before_store"), Guarantees())
        )
        asked = [runs.environment["settings"]["kafka_commit"] for runs in (first, second)]
        assert asked == ["before_store", "after_store"]
        server = psutil.Process(lab.server.pid)
        assert server.environ().get("EMPKIT_KAFKA_COMMIT", "after_store") == "after_store"


def test_without_retries_a_crash_fails_records_that_retries_would_have_saved(lab):
    runs = run(lab, "http", At(0.4, ServerCrash(), until=0.8), guarantees=Guarantees(retries=0))
    found = counts(runs)
    assert found["failed"] > 50
    assert runs.timings["attempts"].max() == 1


def test_a_timeline_with_crash_and_start_as_moments_of_their_own(lab):
    runs = run(lab, "websocket", At(0.4, ServerCrash()), At(0.8, ServerStart()))
    assert counts(runs) == {"offered": 500, "stored": 500}
    (span,) = runs.runs[0].faults
    assert span.end_ns - span.start_ns > 400_000_000


def test_recovery_tells_gap_retries_and_when_it_was_over(lab):
    runs = run(lab, "http", At(0.4, ServerCrash(), until=0.9))
    (row,) = runs.recovery().to_dict("records")
    assert row["longest_gap_s"] > 0.4
    assert row["first_stored_s"] < row["last_stored_s"]
    assert row["attempts_per_record"] > 1
    assert row["reconnections"] > 0
    assert felt(runs).loc["http", "heard"] < 0.5


def test_an_overload_is_a_time_of_a_higher_rate(lab):
    overload = Overload(times=4, from_s=0.5, until_s=1.0)
    runs = run(lab, "websocket", overload, workload=Workload(records=800, rate=300, warm_up=20))
    seconds = (runs.timings["intended_ns"] - runs.runs[0].start_ns) / 1e9
    assert ((seconds > 0.5) & (seconds <= 1.0)).sum() == pytest.approx(600, abs=2)
    assert counts(runs) == {"offered": 800, "stored": 800}


def test_a_fault_that_cannot_be_had_says_so(lab):
    with pytest.raises(LabError, match="no server-crash"):
        run(lab, "http", At(0.1, ServerStart()))
    with Lab(broker="none") as own, pytest.raises(LabError, match="has no broker"):
        run(own, "http", At(0.1, BrokerDown()))


def test_a_fault_after_the_end_is_said_not_to_have_struck(lab):
    runs = run(lab, "http", At(60, ServerCrash()), workload=Workload(records=50))
    assert any("did not strike" in note for note in runs.runs[0].notes)
    assert [(each.missed, each.struck) for each in runs.runs[0].faults] == [(True, 0)]


INTERRUPTED = """
    import sys
    from empkit import At, Lab, Workload
    from empkit.faults import DatabaseLock, ServerPause
    with Lab(broker="none") as lab:
        print("ready", flush=True)
        faults = [At(0.2, DatabaseLock(), until=60), At(0.3, ServerPause(), until=60)]
        runs = lab.run("http", Workload(records=50_000, rate=200), faults=faults,
                       progress=lambda name, done, of: print(done, flush=True))
        print("cut short", runs.runs[0].cut_short, flush=True)
        reply = lab.run("http", Workload(records=20), progress=lambda *_: None)
        print("then", reply.verdicts()["stored"].tolist(), flush=True)
"""


def test_ctrl_c_undoes_every_fault():
    command = [sys.executable, "-c", textwrap.dedent(INTERRUPTED)]
    with started(command, stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout.readline, "")
        give_up = time.monotonic() + 30
        assert next(lines).strip() == "ready"
        for _ in range(4):  # progress comes each 0.2 s: both faults have struck by the fourth
            next(lines)
            assert time.monotonic() < give_up
        process.send_signal(signal.SIGINT)
        rest = [line.strip() for line in lines]
        assert process.wait(60) == 0
    assert "cut short True" in rest
    assert rest[-1] == "then [20]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server-crash@2s..5s", At(2.0, ServerCrash(), 5.0)),
        ("broker-slow:ms=30@1..2", At(1.0, BrokerSlow(ms=30), 2.0)),
        ("latency:latency_ms=100,direction=up@1s", At(1.0, Network(Latency(100, direction="up")))),
        ("duplicates:share=0.2", Duplicates(share=0.2)),
    ],
)
def test_faults_as_the_command_line_has_them(text, expected):
    assert parse_fault(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("earthquake@1s", "no fault"),
        ("server-crash@soon", "no time"),
        ("server-crash:hard=1@1s", "hard"),
        ("duplicates@1s..2s", "whole run"),
        ("latency:100@1s", "KEY=VALUE"),
        ("latency:latency_ms=long@1s", "expected a number"),
        ("duplicates:share=5", "from 0 to 1"),
        ("server-crash@5s..2s", "no time"),
    ],
)
def test_faults_that_cannot_be_read_are_explained(text, message):
    with pytest.raises(ValueError, match=message):
        parse_fault(text)


def test_every_fault_has_words_for_the_list():
    for name, kind in fault_kinds().items():
        assert kind.words, name


def dlq(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "empkit.cli", "dlq", *arguments],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout


def test_poison_among_good_records_is_kept_with_its_reason_mended_and_sent_again(tmp_path):
    good = list(sample_records(10_000))
    records = []
    for number, record in enumerate(good):
        records.append(record)
        if number % 10 == 0:
            records.append(f'{{"employee_id": "p-{number}", "first_name": "\xff')
    with Lab() as lab:
        runs = lab.run("kafka", Workload(records=records, in_flight=64), progress=quiet)
        assert counts(runs) == {"offered": 11_000, "stored": 10_000, "dead_lettered": 1_000}
        kafka = ("--kafka", lab.bootstrap_servers)
        letters = [json.loads(line) for line in dlq(*kafka, "--json").splitlines()]
        assert len(letters) == 1_000
        assert len({(letter["partition"], letter["offset"]) for letter in letters}) == 1_000
        for letter in letters:
            assert letter["topic"] == lab.topic
            assert letter["reason"]
            broken = base64.b64decode(letter["value"]["base64"])
            assert broken.startswith(b'{"employee_id": "p-')
            assert broken.endswith(b"\xff")
            letter["value"] = broken[:-1].decode() + 'Ada", "last_name": "Byron"}'
        listed = dlq(*kafka).splitlines()
        assert len(listed) == 1_001
        assert listed[-1] == "1000 dead letters in employee-records.dlq"
        mended = tmp_path / "mended.jsonl"
        mended.write_text("".join(json.dumps(letter) + "\n" for letter in letters))
        assert "1000 sent to employee-records" in dlq(*kafka, "--resend", str(mended))
        wait_until(lambda: count_stored(lab, "p-") == 1_000)


STORM_ROUNDS = int(os.environ.get("EMPKIT_TEST_STORM", "10"))


@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
def test_a_storm_of_server_kills_loses_and_doubles_nothing(lab, protocol):
    """The short form of `python -m benchmarks.storm`."""
    from benchmarks.storm import storm

    found = storm(lab, protocol, ServerCrash(), rounds=max(1, STORM_ROUNDS // 3), seed=1)
    assert found["broken"] == 0
    assert found["struck"] == max(1, STORM_ROUNDS // 3)


def test_every_timed_fault_is_a_value():
    for name, kind in fault_kinds().items():
        if issubclass(kind.of, TimedFault):
            assert kind() == kind()
            assert str(kind()).startswith(name)
