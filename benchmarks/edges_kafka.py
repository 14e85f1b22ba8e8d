"""What becomes of acked records when Apache Kafka has bad luck:
`python -m benchmarks.edges_kafka --write`.

Each fault strikes while a producer that shares no code with the kit sends records with `acks=all`;
afterwards nothing but the cause is taken away, and the kit has to go on by itself. The topics are
not created automatically (`auto.create.topics.enable=false`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from confluent_kafka import Consumer, KafkaException, Producer

from benchmarks.common import RESULTS, replace_section
from empkit import Lab
from empkit.brokers.admin import create_topics, delete_topics
from empkit.brokers.apache import ApacheBroker
from empkit.kafka.connection import kafka_arguments

RATE_PER_S = 100
SETTLE_S = 60.0
RESTARTS = 10
DISK = Path(tempfile.gettempdir()) / f"empkit-edges-{os.getpid()}"
DISK_MIB = 160
PARTITIONS = 4
SAID = re.compile(r"consumer|stepped|broker|topic|group", re.IGNORECASE)


class Told(NamedTuple):
    """What came of one fault, a row of the table."""

    fault: str
    done: str
    acked: int
    lost: int
    said: str


@contextmanager
def small_disk() -> Iterator[bool]:
    """Mount a small file system at `DISK`; yields whether that could be done."""
    DISK.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(DISK)]
    mounted = not subprocess.run(mount, capture_output=True, check=False).returncode
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(DISK)], check=True)
        DISK.rmdir()


@contextmanager
def sending(lab: Lab, prefix: str) -> Iterator[set[str]]:
    """Send records all the while; yields the ids that were acked so far."""
    acked: set[str] = set()
    over = threading.Event()

    def send() -> None:
        producer = Producer(
            {
                "bootstrap.servers": lab.bootstrap_servers,
                "acks": "all",
                "message.timeout.ms": 60_000,
            }
        )

        def delivered(error: Any, message: Any) -> None:
            if error is None:
                acked.add(message.key().decode())

        number = 0
        while not over.wait(1 / RATE_PER_S):
            name = f"{prefix}-{number}"
            record = {"employee_id": name, "first_name": "Nia", "last_name": "Orr"}
            producer.produce(lab.topic, json.dumps(record), key=name, on_delivery=delivered)
            producer.poll(0)
            number += 1
        producer.flush(SETTLE_S)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield acked
    finally:
        over.set()
        thread.join()


def stored(lab: Lab, prefix: str) -> set[str]:
    """The ids with this prefix that the database holds, read past the server."""
    assert lab.database_url is not None
    engine = sa.create_engine(lab.database_url)
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT employee_id FROM employees WHERE employee_id LIKE :ids"),
            {"ids": f"{prefix}-%"},
        )
        ids = {row[0] for row in rows}
    engine.dispose()
    return ids


def restarted(lab: Lab) -> str:
    """Kill the broker and start it again, many times."""
    assert lab.broker is not None
    for _ in range(RESTARTS):
        lab.broker.down()
        lab.broker.up()
    return f"SIGKILL and a new start, {RESTARTS} times"


def foreign_member(lab: Lab) -> str:
    """Let a consumer of another program join the group, take records and commit nothing."""
    member = Consumer(
        {
            "bootstrap.servers": lab.bootstrap_servers, "group.id": lab.settings.kafka_group,
            "partition.assignment.strategy": "roundrobin", "enable.auto.commit": False,
            "session.timeout.ms": 6_000,
        }
    )  # fmt: skip
    member.subscribe([lab.topic])
    until, taken = time.monotonic() + 8, 0
    while time.monotonic() < until:
        taken += member.poll(0.2) is not None
    member.close()
    return f"joined with librdkafka, took {taken} records, left without a commit"


def fenced(lab: Lab) -> str:
    """Commit a transaction with a producer that a second one of its name has fenced."""

    def transactional() -> Producer:
        made = Producer({"bootstrap.servers": lab.bootstrap_servers, "transactional.id": "edges"})
        made.init_transactions(30)
        return made

    first = transactional()
    transactional()
    first.begin_transaction()
    try:
        first.produce(lab.topic, b"of a producer that is fenced")
        first.commit_transaction(30)
    except KafkaException as error:
        return f"two with one transactional.id; the first: {error.args[0].name()}"
    return "two with one transactional.id; the first was not fenced"


def no_topic(lab: Lab) -> str:
    """Delete the topic when all is read, and create it again a while later."""
    reach = kafka_arguments(lab.settings)
    delete_topics(reach, [lab.topic])
    time.sleep(8)
    create_topics(reach, [lab.topic], PARTITIONS)
    return "deleted when all was read, created again 8 s later"


def deleted_under_way(lab: Lab) -> str:
    """Delete the topic while records arrive, and create it again."""
    reach = kafka_arguments(lab.settings)
    time.sleep(3)
    delete_topics(reach, [lab.topic])
    time.sleep(8)
    create_topics(reach, [lab.topic], PARTITIONS)
    time.sleep(3)
    return "deleted while records arrived, created again 8 s later"


def disk_full(lab: Lab) -> str:
    """Fill the disk of the broker while records arrive; then make space and start it again."""
    assert isinstance(lab.broker, ApacheBroker)
    time.sleep(3)
    filler = DISK / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(2**16))
            file.flush()
    time.sleep(10)
    ended = [node.exit_status for node in lab.broker._nodes.values()]
    filler.unlink()
    lab.broker.down()
    lab.broker.up()
    time.sleep(3)
    return f"full for 10 s while records arrived; the broker's status: {ended[0]}; started again"


FAULTS: dict[str, Callable[[Lab], str]] = {
    "the broker restarted": restarted,
    "a foreign member in the group": foreign_member,
    "a fenced producer": fenced,
    "the topic deleted, none created automatically": no_topic,
    "the topic deleted under way": deleted_under_way,
    "the broker's disk full": disk_full,
}


def told(lab: Lab, number: int, fault: str) -> Told:
    """Strike once, wait until all that was acked is stored, and say what is missing."""
    assert lab.server is not None
    prefix = f"F{number}"
    begin = len(lab.server.log.read_text())
    if FAULTS[fault] is no_topic:
        done = FAULTS[fault](lab)
        with sending(lab, prefix) as acked:
            time.sleep(3)
    else:
        with sending(lab, prefix) as acked:
            done = FAULTS[fault](lab)
    give_up = time.monotonic() + SETTLE_S
    while acked - stored(lab, prefix) and time.monotonic() < give_up:
        time.sleep(0.5)
    lost = acked - stored(lab, prefix)
    lines = [line for line in lab.server.log.read_text()[begin:].splitlines() if SAID.search(line)]
    said = next((line for line in lines if line.startswith("The consumer")), (lines or ["-"])[0])
    return Told(fault, done, len(acked), len(lost), said.replace("|", "/")[:160])


def main() -> None:
    """Strike with every fault, print the table, and with `--write` put it into `RESULTS.md`."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.edges_kafka", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    configure = ApacheBroker._configure

    def without_automatic_topics(self: ApacheBroker) -> None:
        configure(self)
        for number in self._numbers:
            with self._properties(number).open("a") as file:
                file.write("auto.create.topics.enable=false\n")
                if mounted:
                    file.write(f"log.dirs={DISK.as_posix()}/{number}\nlog.segment.bytes=1048576\n")

    ApacheBroker._configure = without_automatic_topics  # type: ignore[method-assign]
    with small_disk() as mounted, Lab("apache") as lab:
        rows = [
            told(lab, number, fault)
            for number, fault in enumerate(FAULTS)
            if mounted or FAULTS[fault] is not disk_full
        ]
    lines = [
        "## The edges: Apache Kafka",
        "",
        f"By `{parser.prog} --write`. {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}.",
        "",
        "| fault | what was done | acked | lost | what was said |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows),
    ]
    print("\n".join(lines))
    if options.write:
        replace_section("edges, kafka", lines)
    if any(row.lost or not row.acked for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
