"""The audit of a run: waits until the server has decided on every record, then reads the database,
the dead-letter topic and the server's stamps, and gives each record its verdict.

    bytes sent ------------+
    rows, dead letters ----+--> held --> verdict, order of the stamps, rows that no client sent
    stamps ----------------+

It imports nothing of the server: `content` decides whether two contents are the same.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy.exc import SQLAlchemyError

from empkit.clients.base import ClientError
from empkit.clients.control import PAGE, ControlPlane
from empkit.clock import clock_id
from empkit.experiment.columns import OUTCOMES, RESULTS, Columns
from empkit.experiment.content import is_row_of, is_told_as
from empkit.experiment.goodness import is_good
from empkit.experiment.held import (
    Ids,
    IsSame,
    Rows,
    hold_against,
    ids_outside,
    rows_in_database,
)
from empkit.experiment.payloads import Payloads
from empkit.experiment.stamp_order import Stamps, Violation, violations
from empkit.kafka.dead_letters import DeadLetter, read_dead_letters
from empkit.kafka.topics import log_ends
from empkit.results.verdicts import Held, Verdict, judge, named
from empkit.settings import Settings
from empkit.wire import EMPLOYEES, INVALID, NOT_STORED_NS, ConsumerHealth

FIRST_POLL_S, LAST_POLL_S = 0.002, 0.02
"""The wait before the second look at the server, and the longest between two, in seconds."""
STALL_S = 30.0
"""The timeout of a drain in which nothing changes."""


class Marks(NamedTuple):
    """The positions before a run began.

    Attributes:
        stamps: the end of the server's stamps.
        dead_letters, log: the ends of the dead-letter topic and of the log of records, by
            partition; empty without Kafka.
        outside: the ids in the database that belong to no run; None where that is not checked.
    """

    stamps: int
    dead_letters: dict[int, int]
    log: dict[int, int]
    outside: list[str] | None = None


class Scope(NamedTuple):
    """The scope of the audit of a run.

    Attributes:
        run_id: of the run; its ids begin with it.
        database_url: the database to read the stored rows from; None asks the server.
        kafka: whether records went through Kafka.
        warm_up: how many records of the warm-up the run sent first.
        run_ids: of all runs in the lab's own database, so that rows of no run are reported; None
            for a database that is not the lab's own, where such rows are no error.
    """

    run_id: str
    database_url: str | None
    kafka: bool
    warm_up: int = 0
    run_ids: list[str] | None = None

    def outside(self) -> list[str] | None:
        """Return the ids in the database that belong to no run; None where that is not checked."""
        if self.run_ids is None or self.database_url is None:
            return None
        names = ["probe", *map(str, range(self.warm_up))]
        warm = {f"{self.run_id}~{name}" for name in names}
        try:
            return sorted(ids_outside(self.database_url, self.run_ids, self.run_id) - warm)
        except SQLAlchemyError:
            return None


_DROPPED = (
    "The server no longer has all stamps of this run: more were made than EMPKIT_MAX_TIMINGS_BYTES "
    "lets it keep. When records were received and stored is left out; the verdicts stand, but that "
    "a record was stored twice may go unnoticed. Give it more, or send fewer records."
)


class Found(NamedTuple):
    """The results of an audit.

    Attributes:
        received_ns, stored_ns: the server's stamps of each record.
        verdicts: on each record; None for one that was never offered.
        reasons: of the dead letters, by seq.
        appended: by how many records Kafka's log grew.
        read_again: how many records the consumers read that the database held already.
        twice: ids that the server stored more than once.
        strays: ids of this run that are stored and were never offered.
        outside: ids of no run that were stored since the run began.
        disorder: the rules for stamps that are broken, each with the names of its records.
        notes: sentences for the reader.
        one_clock: whether client and server share a clock; if not, there are no stamps.
    """

    received_ns: Stamps
    stored_ns: Stamps
    verdicts: list[Verdict | None]
    reasons: dict[int, str]
    appended: int | None
    read_again: int | None
    twice: list[str]
    strays: list[str]
    outside: list[str]
    disorder: list[tuple[Violation, str]]
    notes: list[str]
    one_clock: bool

    def broken(self) -> list[str]:
        """Return sentences about broken promises that are not the verdict on one record: records
        that are stored twice or were never sent, and stamps in the wrong order."""
        wrong = {"stored more than once": self.twice, "stored and never sent": self.strays}
        sentences = [
            f"{len(ids)} {words}: {', '.join(ids[:10])}" for words, ids in wrong.items() if ids
        ]
        return sentences + [
            f"{len(violation.seqs)} {violation.words} (by up to {violation.worst_ns / 1e6:.3f} "
            f"ms), by their stamps: {names}"
            for violation, names in self.disorder
        ]


async def drain(server: ControlPlane, *, kafka: bool, on_wait: Callable[[str], None]) -> bool:
    """Wait until the server has decided on every record that it received.

    Args:
        server: the server.
        kafka: whether to wait also until the consumer has committed every offset of the log.
        on_wait: called with a description of what is still open.

    Returns:
        Whether it is drained; False when nothing changed for 30 s.
    """
    loop = asyncio.get_running_loop()
    last: Any = None
    pause_s = FIRST_POLL_S
    give_up = loop.time() + STALL_S
    while loop.time() < give_up:
        left: Any = "server away"
        with suppress(ClientError, TimeoutError):
            async with asyncio.timeout(5):
                health = await server.health()
            consumer = health.consumer if kafka else ConsumerHealth(state="running", lag=0)
            left = (health.database.waiting, consumer.lag, consumer.state)
            if left == (0, 0, "running"):
                return True
        if left != last:
            last, give_up = left, loop.time() + STALL_S
        on_wait(f"draining: {left}")
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LAST_POLL_S)
    return False


def digest(payload: bytes) -> bytes:
    """Return a hash of a record's bytes."""
    return hashlib.blake2b(payload, digest_size=16).digest()


async def records_of_server(server: ControlPlane, prefix: str) -> Rows:
    """Yield the records of a run as the server returns them, for a database out of reach."""
    after: str | None = ""
    while after is not None:
        page = await server.get(EMPLOYEES, after=after, limit=PAGE, prefix=prefix)
        for record in page["employees"]:
            yield record
        after = page["next"]


class Peers:
    """The records that share an id, by how they affect each other's verdict, in sets of seqs.

    Args:
        ids: of the run.
        columns: what the senders believe.
        held: what the database holds for each record.
        buried: the records in the dead-letter topic.
    """

    def __init__(
        self, ids: Ids, columns: Columns, held: Sequence[Held], buried: Mapping[int, DeadLetter]
    ) -> None:
        self.twins: set[int] = set()
        """Another record of the same content was acked, or may have been stored."""
        self.explained: set[int] = set()
        """The row has the content of another record."""
        self.charged: set[int] = set()
        """Another record was acked and not dead-lettered: the row counts against that one."""
        offered = columns.offered
        for places in ids.repeated():
            seqs = [seq for seq in places if offered[seq]]
            outcomes = {seq: OUTCOMES[columns.outcome[seq]] for seq in seqs}
            same = {seq for seq in seqs if held[seq] == "same"}
            stored = {seq for seq in same if outcomes[seq] not in ("refused", "failed")}
            bearers = {seq for seq in seqs if outcomes[seq] == "acked" and seq not in buried}
            self.twins |= {seq for seq in same if stored - {seq}}
            self.explained |= {seq for seq in seqs if same - {seq}}
            self.charged |= {seq for seq in seqs if bearers - {seq}}


def judge_all(
    records: Payloads,
    ids: Ids,
    columns: Columns,
    held: Sequence[Held],
    letters: Iterable[DeadLetter],
) -> tuple[list[Verdict | None], dict[int, str]]:
    """Return the verdict on each offered record, and the reasons of the dead letters, by seq."""
    buried = _buried(records, letters)
    peers = Peers(ids, columns, held, buried)
    verdicts: list[Verdict | None] = []
    offered, codes, words = (
        column.tolist() for column in (columns.offered, columns.outcome, columns.result)
    )
    for seq in range(len(records)):
        if not offered[seq]:
            verdicts.append(None)
            continue
        outcome = OUTCOMES[codes[seq]] if codes[seq] else "unknown"
        if outcome == "acked" and held[seq] == "same":
            verdicts.append("stored")  # nearly always
            continue
        letter = buried.get(seq)
        result = RESULTS[words[seq]] if outcome == "refused" else letter and letter.result
        verdicts.append(
            judge(
                outcome,
                held[seq],
                dead_lettered=letter is not None,
                twin=seq in peers.twins,
                explained=seq in peers.explained,
                charged=seq in peers.charged,
                misjudged=result == INVALID and is_good(records[seq][1]),
            )
        )
    return verdicts, {seq: letter.reason for seq, letter in buried.items()}


def _buried(records: Payloads, letters: Iterable[DeadLetter]) -> dict[int, DeadLetter]:
    """Return the dead letter of each record that has one, matched by the record's bytes."""
    by_digest: dict[bytes, DeadLetter] = {}
    for letter in letters:
        name = digest(letter.value or b"")
        if name not in by_digest or letter.result == INVALID:
            by_digest[name] = letter
    if not by_digest:
        return {}
    matches = ((seq, by_digest.get(digest(payload))) for seq, (_, payload) in enumerate(records))
    return {seq: letter for seq, letter in matches if letter is not None}


async def mark(server: ControlPlane, settings: Settings, scope: Scope) -> Marks:
    """Return the positions before a run."""
    health = await server.health()
    dead_letters: dict[int, int] = {}
    log: dict[int, int] = {}
    if scope.kafka:
        dead_letters = await log_ends(settings, settings.dead_letter_topic)
        log = await log_ends(settings, settings.kafka_topic)
    return Marks(health.timings_end, dead_letters, log, scope.outside())


async def gather(
    server: ControlPlane,
    settings: Settings,
    scope: Scope,
    records: Payloads,
    columns: Columns,
    marks: Marks,
) -> Found:
    """Read a run's rows, stamps, dead letters and log, and give the verdicts."""
    ids = Ids(records)
    prefix = f"{scope.run_id}-"
    notes = []
    is_same: IsSame
    if scope.database_url:
        rows, is_same = rows_in_database(scope.database_url, prefix), is_row_of
    else:
        rows, is_same = records_of_server(server, prefix), is_told_as
        notes.append(
            "The database is out of reach: the stored records are those that the server returns."
        )
    held, strays = await hold_against(rows, records, ids, is_same, columns.offered)
    health = await server.health()
    one_clock = health.clock == clock_id()
    dropped: list[bool] = []
    received_ns, stored_ns, twice, read_again = await _stamped(
        server.stamps(marks.stamps, lambda: dropped.append(True)), ids, held, one_clock=one_clock
    )
    letters: list[DeadLetter] = []
    appended = None
    if scope.kafka:
        letters = await read_dead_letters(settings, marks.dead_letters)
        ends = await log_ends(settings, settings.kafka_topic)
        if not settings.kafka_transactional:  # the log has transaction control records, too
            appended = sum(ends.values()) - sum(marks.log.values())
    verdicts, reasons = judge_all(records, ids, columns, held, letters)
    disorder: list[tuple[Violation, str]] = []
    if one_clock:
        disorder = _disorder(records, columns, received_ns, stored_ns, kafka=scope.kafka)
        notes += [] if dropped else _unstamped(records, ids, held, stored_ns)
    if dropped:
        notes.append(_DROPPED)
        received_ns[:] = stored_ns[:] = 0  # percentiles of those at the end only would mislead
    since = set(scope.outside() or ()) if marks.outside is not None else set()
    return Found(
        received_ns,
        stored_ns,
        verdicts,
        reasons,
        appended,
        read_again if scope.kafka and not dropped else None,
        twice,
        strays,
        sorted(since.difference(marks.outside or ())),
        disorder,
        notes,
        one_clock,
    )


async def _stamped(
    stamps: AsyncIterator[tuple[dict[str, Any], int]],
    ids: Ids,
    held: Sequence[Held],
    *,
    one_clock: bool,
) -> tuple[Stamps, Stamps, list[str], int]:
    """Return when each record was received and stored, the ids stored more than once, and how many
    records were read again.

    The stamps of another clock cannot be compared with the client's, and are left out.
    """
    received_ns = np.zeros(len(held), np.int64)
    stored_ns = np.zeros(len(held), np.int64)
    seen = np.zeros(len(held), bool)
    twice = []
    read_again = 0
    async for stamp, _ in stamps:
        seqs = ids.of(stamp["employee_id"])
        if not seqs:
            continue
        if stamp["stored_ns"] == NOT_STORED_NS:
            read_again += 1
            continue
        if seen[seqs[0]]:
            twice.append(stamp["employee_id"])
        seen[seqs[0]] = True
        for seq in [seq for seq in seqs if held[seq] == "same"][: 1 if one_clock else 0]:
            received_ns[seq], stored_ns[seq] = stamp["received_ns"], stamp["stored_ns"]
    return received_ns, stored_ns, twice, read_again


def _disorder(
    records: Payloads, columns: Columns, received_ns: Stamps, stored_ns: Stamps, *, kafka: bool
) -> list[tuple[Violation, str]]:
    """Return the rules for stamps that are broken, each with the names of its records."""
    acked = columns.outcome == OUTCOMES.index("acked")
    broken = violations(
        columns.sent_ns,
        received_ns,
        stored_ns,
        columns.acked_ns,
        ack_means_stored=False if kafka else acked,
    )
    return [
        (violation, named((records[seq][0], seq) for seq in violation.seqs[:11]))
        for violation in broken
    ]


def _unstamped(records: Payloads, ids: Ids, held: Sequence[Held], stored_ns: Stamps) -> list[str]:
    """Return a note on stored records without a stamp: the server ended before it was written."""
    same = np.fromiter((state == "same" for state in held), bool, len(held))
    missing = np.flatnonzero(same & (stored_ns == 0)).tolist()
    # of several records of the same content, only one has stamps
    missing = [seq for seq in missing if not _twin_has_stamp(records, ids, held, stored_ns, seq)]
    if not missing:
        return []
    return [
        f"{len(missing)} stored records have no stamps of the server, as when it ends between a "
        f"commit and its stamp: {named((records[seq][0], seq) for seq in missing[:11])}"
    ]


def _twin_has_stamp(
    records: Payloads, ids: Ids, held: Sequence[Held], stored_ns: Stamps, seq: int
) -> bool:
    employee_id = records[seq][0]
    return employee_id is not None and any(
        held[other] == "same" and stored_ns[other] for other in ids.of(employee_id)
    )
