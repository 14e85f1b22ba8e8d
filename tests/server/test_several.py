"""Several servers and consumers over one database and one Kafka."""

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import urllib.request

import pytest

from empkit import At, Lab, Settings, Workload
from empkit.brokers.apache import ApacheBroker
from empkit.faults import ConsumerCrash
from empkit.lab import LabError
from empkit.processes.child import Processes
from tests.conftest import wait_until
from tests.signals import started

EMPKIT = [sys.executable, "-m", "empkit.cli"]


def quiet(*_):
    """Progress that shows nothing."""


@pytest.mark.slow
def test_a_killed_consumers_partitions_go_to_the_others_and_nothing_is_lost(postgres):
    with Lab(consumers=3, settings=Settings(lab_database=postgres)) as lab:
        crash = At(0.5, ConsumerCrash(), until=1.5)
        runs = lab.run("kafka", Workload(records=1_000, rate=500), faults=[crash], progress=quiet)
        assert runs.verdicts().loc["kafka", "stored"] == 1_000
        assert not runs.broken
        assert len(lab.consumers) == 2


@pytest.mark.slow
def test_a_lab_whose_only_consumer_is_its_server_has_none_to_kill(lab):
    lab.start_consumer()
    try:
        log = lab.consumers[-1]
        assert log.running
    finally:
        lab.kill_consumer()
    with pytest.raises(LabError, match="only consumer is its server"):
        lab.kill_consumer()


@pytest.mark.slow
def test_the_partitions_are_shared_anew_when_a_member_comes_or_goes():
    with Lab(consumers=2) as lab:
        assert lab.members() == {"server": 4, "consumer 1": 4}
        lab.kill_consumer()
        with pytest.raises(LabError, match="were not assigned within 0 s"):
            lab.members(timeout_s=0)  # the group has not missed the dead one yet
        assert lab.members() == {"server": 8}
        lab.start_consumer()
        assert lab.members() == {"server": 4, "consumer 2": 4}  # not the name of the dead one


@pytest.mark.slow
def test_a_group_of_four_comes_together_without_one_being_refused():
    with Lab("embedded", brokers=3, consumers=4) as lab:
        assert lab.members() == dict.fromkeys(["server", *(f"consumer {n}" for n in (1, 2, 3))], 2)
        logs = "".join(log.read_text() for log in lab.processes.folder.glob("*.log"))
    assert "SyncGroup" not in logs


@contextlib.contextmanager
def command(*arguments, **environment):
    """A command of the kit in a process of its own, and its URL; Ctrl-C ends it."""
    variables = os.environ | environment | {"COLUMNS": "300"}
    with started(
        [*EMPKIT, *arguments], stdout=subprocess.PIPE, text=True, env=variables
    ) as process:
        process.url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        yield process
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


@pytest.mark.slow
def test_servers_and_consumers_from_the_command_line_share_one_postgresql_and_one_group(
    kafka_jars, postgres, tmp_path
):
    from empkit.databases.postgresql import PostgreSql

    name = f"several_{secrets.token_hex(4)}"
    database = PostgreSql().create(postgres, name)
    shared = {
        "EMPKIT_PASSWORD": secrets.token_urlsafe(12),
        "EMPKIT_SIGNING_KEY": secrets.token_urlsafe(40),
        "EMPKIT_TIMINGS_FILE": str(tmp_path / "timings.jsonl"),
        "EMPKIT_KAFKA_SESSION_TIMEOUT_MS": "1500",
        "EMPKIT_KAFKA_FETCH_WAIT_MS": "2",
    }
    with contextlib.ExitStack() as stack:
        stack.callback(PostgreSql().drop, postgres, name)
        processes = stack.enter_context(Processes())
        broker = ApacheBroker(processes, Settings(), partitions=8)
        broker.start()
        stack.callback(broker.stop)
        kafka = broker.bootstrap_servers
        place = ("--database", database, "--kafka", kafka, "--port", "0")
        kinds = ("serve", "serve", "consume", "consume")
        commands = [stack.enter_context(command(kind, *place, **shared)) for kind in kinds]
        for each in commands:  # until each has its share of the 8
            wait_until(lambda url=each.url: b'"partitions":2' in health(url))
        settings = Settings(
            kafka_bootstrap_servers=kafka, **{k[7:].lower(): v for k, v in shared.items()}
        )
        with Lab("external", server=commands[1].url, settings=settings) as lab:
            runs = lab.compare(workload=Workload(records=400, in_flight=16), progress=quiet)
            assert runs.verdicts()["stored"].tolist() == [400] * 3
            assert runs.timings["stored_ns"].notna().all()  # whichever process stored it
            commands[-1].kill()
            runs = lab.run("kafka", Workload(records=400, in_flight=16), progress=quiet)
            assert runs.verdicts().loc["kafka", "stored"] == 400


def health(url):
    with urllib.request.urlopen(f"{url}/health", timeout=10) as response:
        return response.read()
