"""The audit of a run: waits until nothing is under way, then gathers what the database, the
dead-letter topic and the server's stamps hold, and gives each record its verdict.

    bytes sent ------------+
    rows, dead letters ----+--> held --> verdict, order of the stamps, what nobody sent
    stamps ----------------+

It imports nothing of the server: what is the same content is decided in `content`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
import tenacity
from sqlalchemy.exc import SQLAlchemyError

from empkit.clients.base import ClientError, NoAnswerError
from empkit.clients.http1 import Http1, Response
from empkit.clients.tokens import fetch_token
from empkit.clock import clock_id
from empkit.experiment.columns import OUTCOMES, RESULTS, Columns
from empkit.experiment.content import is_row_of, is_told_as
from empkit.experiment.goodness import is_good
from empkit.experiment.held import (
    PAGE,
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

POLL_S = 0.02
STALL_S = 30.0
"""A drain in which nothing moves for so long is given up."""


class Marks(NamedTuple):
    """Where things stood before a run began.

    Attributes:
        stamps: where the server's stamps ended.
        dead_letters, log: where the dead-letter topic and the log of records ended, by partition;
            empty without Kafka.
        outside: the ids in the database that are of no run; None where that is not watched.
    """

    stamps: int
    dead_letters: dict[int, int]
    log: dict[int, int]
    outside: list[str] | None = None


class Scope(NamedTuple):
    """Where the audit of a run looks.

    Attributes:
        run_id: the run's; its ids begin with it.
        database_url: where to read what was stored; None asks the server.
        kafka: whether records went through Kafka.
        warm_up: how many records it sent first, that do not count.
        run_ids: of all runs there were in a database that is the lab's own, so that rows of no run
            are noticed there; None where they are no business of ours.
    """

    run_id: str
    database_url: str | None
    kafka: bool
    warm_up: int = 0
    run_ids: list[str] | None = None

    def outside(self) -> list[str] | None:
        """The ids in the database that are of no run; None where that is not watched."""
        if self.run_ids is None or self.database_url is None:
            return None
        names = ["probe", *map(str, range(self.warm_up))]
        warm = {f"{self.run_id}~{name}" for name in names}
        try:
            return sorted(ids_outside(self.database_url, self.run_ids, self.run_id) - warm)
        except SQLAlchemyError:
            return None


class Found(NamedTuple):
    """What the other side holds of a run.

    Attributes:
        received_ns, stored_ns: the server's stamps of each record.
        verdicts: on each record; None for one that was never offered.
        reasons: of the dead letters, by seq.
        appended: how many records Kafka's log got.
        twice: ids that the server stored more than once.
        strays: ids of this run that are stored and were never offered.
        outside: ids of no run that are stored since the run began.
        disorder: the orders of stamps that are broken, each with the names of its records.
        notes: what a reader must know.
        one_clock: whether the server's stamps are of our clock; if not, there are none.
    """

    received_ns: Stamps
    stored_ns: Stamps
    verdicts: list[Verdict | None]
    reasons: dict[int, str]
    appended: int | None
    twice: list[str]
    strays: list[str]
    outside: list[str]
    disorder: list[tuple[Violation, str]]
    notes: list[str]
    one_clock: bool

    def broken(self) -> list[str]:
        """What holds of the whole run and not of one record's verdict, in words, where it is
        broken: nothing is stored twice, nothing that was not sent, and stamps are in order."""
        found = {"stored more than once": self.twice, "stored and never sent": self.strays}
        sentences = [
            f"{len(ids)} {words}: {', '.join(ids[:10])}" for words, ids in found.items() if ids
        ]
        return sentences + [
            f"{len(each.seqs)} {each.words} (by up to {each.worst_ns / 1e6:.3f} ms), by their "
            f"stamps: {names}"
            for each, names in self.disorder
        ]


class Server:
    """The server, asked for its health and its stamps.

    Args:
        settings: where it is, and user and password.
        token: to begin with; when it is refused another one is got. (To check a password takes a
            server 0.15 s, on purpose: as long as some runs.)
    """

    def __init__(self, settings: Settings, token: str) -> None:
        self._settings = settings
        self._http = Http1(settings.server_url, settings.ca_file)
        self._token = token

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON that a path answers with.

        Raises:
            ClientError: no answer, or not the expected one.
        """
        response = await self._request(self._head(path, query))
        if response.code == 401:
            self._token = await fetch_token(self._settings, self._http)
            response = await self._request(self._head(path, query))
        if response.code != 200:
            raise ClientError(f"{path} answered {response.code}.")
        return json.loads(response.body)

    def _head(self, path: str, query: dict[str, Any]) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._http.head("GET", f"{path}?{urlencode(query)}", headers)

    @tenacity.retry(
        retry=tenacity.retry_if_exception_type(NoAnswerError),
        stop=tenacity.stop_after_attempt(3),
        reraise=True,
    )
    async def _request(self, head: bytes) -> Response:
        """Asks again when the connection was lost: a server may close one that was idle."""
        return await self._http.request(head)

    async def stamps(self, after: int) -> AsyncIterator[tuple[dict[str, Any], int]]:
        """Stamps from a mark on, each with the mark behind its page."""
        while True:
            page = await self.get("/timings", after=after, limit=PAGE)
            if not page["timings"]:
                return
            after = page["next"]
            for stamp in page["timings"]:
                yield stamp, after

    async def close(self) -> None:
        """Disconnect."""
        await self._http.close()


async def drain(server: Server, *, kafka: bool, on_wait: Callable[[str], None]) -> bool:
    """Wait until the server has decided on all that it was given.

    Args:
        server: the server.
        kafka: also until the consumer has committed all that the log holds.
        on_wait: told what is waited for.

    Returns:
        Whether it is drained; not so when nothing moved for 30 s.
    """
    loop = asyncio.get_running_loop()
    last: Any = None
    give_up = loop.time() + STALL_S
    while loop.time() < give_up:
        left: Any = "server away"
        with suppress(ClientError, TimeoutError):
            async with asyncio.timeout(5):
                health = await server.get("/health")
            consumer = health["consumer"] if kafka else {"lag": 0, "state": "running"}
            left = (health["database"]["waiting"], consumer["lag"], consumer["state"])
            if left == (0, 0, "running"):
                return True
        if left != last:
            last, give_up = left, loop.time() + STALL_S
        on_wait(f"draining: {left}")
        await asyncio.sleep(POLL_S)
    return False


def digest(payload: bytes) -> bytes:
    """A short name for a record's bytes."""
    return hashlib.blake2b(payload, digest_size=16).digest()


async def records_of_server(server: Server, prefix: str) -> Rows:
    """The records of a run as the server tells them, for a database that is out of our reach."""
    after: str | None = ""
    while after is not None:
        page = await server.get("/employees", after=after, limit=PAGE, prefix=prefix)
        for record in page["employees"]:
            yield record
        after = page["next"]


class Peers:
    """What the records that share an id say of each other, in sets of seqs.

    Args:
        ids: of the run.
        columns: what the senders believe.
        held: what the database holds of each.
        buried: those that the dead-letter topic holds.
    """

    def __init__(
        self, ids: Ids, columns: Columns, held: Sequence[Held], buried: Mapping[int, DeadLetter]
    ) -> None:
        self.twins: set[int] = set()
        """Another one of the same content was acked, or may have been stored."""
        self.explained: set[int] = set()
        """The row has the content of another one."""
        self.charged: set[int] = set()
        """Another one was acked, and not dead-lettered: it answers for what the row has."""
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
    """The verdict on each record that was offered, and the reasons of the dead letters, by seq."""
    buried = _buried(records, letters)
    peers = Peers(ids, columns, held, buried)
    verdicts: list[Verdict | None] = []
    offered, codes, words = (
        each.tolist() for each in (columns.offered, columns.outcome, columns.result)
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
        told = RESULTS[words[seq]] if outcome == "refused" else letter and letter.result
        verdicts.append(
            judge(
                outcome,
                held[seq],
                dead_lettered=letter is not None,
                twin=seq in peers.twins,
                explained=seq in peers.explained,
                charged=seq in peers.charged,
                misjudged=told == "invalid" and is_good(records[seq][1]),
            )
        )
    return verdicts, {seq: letter.reason for seq, letter in buried.items()}


def _buried(records: Payloads, letters: Iterable[DeadLetter]) -> dict[int, DeadLetter]:
    """The dead letter of each record that has one, by the record's bytes."""
    by_digest: dict[bytes, DeadLetter] = {}
    for letter in letters:
        name = digest(letter.value or b"")
        if name not in by_digest or letter.result == "invalid":
            by_digest[name] = letter
    if not by_digest:
        return {}
    found = ((seq, by_digest.get(digest(payload))) for seq, (_, payload) in enumerate(records))
    return {seq: letter for seq, letter in found if letter is not None}


async def mark(server: Server, settings: Settings, scope: Scope) -> Marks:
    """Where things stand before a run."""
    health = await server.get("/health")
    dead_letters: dict[int, int] = {}
    log: dict[int, int] = {}
    if scope.kafka:
        dead_letters = await log_ends(settings, settings.dead_letter_topic)
        log = await log_ends(settings, settings.kafka_topic)
    return Marks(health["timings_end"], dead_letters, log, scope.outside())


async def gather(
    server: Server,
    settings: Settings,
    scope: Scope,
    records: Payloads,
    columns: Columns,
    marks: Marks,
) -> Found:
    """Everything that the other side holds of a run, and the verdicts."""
    ids = Ids(records)
    prefix = f"{scope.run_id}-"
    notes = []
    is_same: IsSame
    if scope.database_url:
        rows, is_same = rows_in_database(scope.database_url, prefix), is_row_of
    else:
        rows, is_same = records_of_server(server, prefix), is_told_as
        notes.append(
            "The database is out of reach: what is stored is what the server itself says is."
        )
    held, strays = await hold_against(rows, records, ids, is_same, columns.offered)
    health = await server.get("/health")
    one_clock = health["clock"] == clock_id()
    received_ns, stored_ns, twice = await _stamped(
        server.stamps(marks.stamps), ids, held, one_clock=one_clock
    )
    letters: list[DeadLetter] = []
    appended = None
    if scope.kafka:
        letters = await read_dead_letters(settings, marks.dead_letters)
        ends = await log_ends(settings, settings.kafka_topic)
        if not settings.kafka_transactional:  # whose ends are in the log, too
            appended = sum(ends.values()) - sum(marks.log.values())
    verdicts, reasons = judge_all(records, ids, columns, held, letters)
    disorder: list[tuple[Violation, str]] = []
    if one_clock:
        disorder = _disorder(records, columns, received_ns, stored_ns, kafka=scope.kafka)
        notes += _unstamped(records, ids, held, stored_ns)
    since = set(scope.outside() or ()) if marks.outside is not None else set()
    return Found(
        received_ns,
        stored_ns,
        verdicts,
        reasons,
        appended,
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
) -> tuple[Stamps, Stamps, list[str]]:
    """When each record was received and stored, and the ids that were stored more than once.

    The stamps of another clock cannot be held against ours, and are left out.
    """
    received_ns = np.zeros(len(held), np.int64)
    stored_ns = np.zeros(len(held), np.int64)
    seen = np.zeros(len(held), bool)
    twice = []
    async for stamp, _ in stamps:
        seqs = ids.of(stamp["employee_id"])
        if not seqs:
            continue
        if seen[seqs[0]]:
            twice.append(stamp["employee_id"])
        seen[seqs[0]] = True
        for seq in [seq for seq in seqs if held[seq] == "same"][: 1 if one_clock else 0]:
            received_ns[seq], stored_ns[seq] = stamp["received_ns"], stamp["stored_ns"]
    return received_ns, stored_ns, twice


def _disorder(
    records: Payloads, columns: Columns, received_ns: Stamps, stored_ns: Stamps, *, kafka: bool
) -> list[tuple[Violation, str]]:
    """The orders of stamps that are broken, each with the names of its records."""
    acked = columns.outcome == OUTCOMES.index("acked")
    found = violations(
        columns.sent_ns,
        received_ns,
        stored_ns,
        columns.acked_ns,
        ack_means_stored=False if kafka else acked,
    )
    return [(each, named((records[seq][0], seq) for seq in each.seqs[:11])) for each in found]


def _unstamped(records: Payloads, ids: Ids, held: Sequence[Held], stored_ns: Stamps) -> list[str]:
    """A note on stored records without a stamp: the server ended between commit and stamp."""
    same = np.fromiter((each == "same" for each in held), bool, len(held))
    missing = np.flatnonzero(same & (stored_ns == 0)).tolist()
    # of records of the same content one has the stamps
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
