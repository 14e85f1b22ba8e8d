"""The account of a run: waits until nothing is under way, then gathers what the database, the
dead-letter topic and the server's stamps hold, and gives each record its verdict."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
import sqlalchemy as sa
import tenacity
from pydantic import ValidationError

from empkit.clients.base import ClientError, NoAnswerError
from empkit.clients.http1 import Http1, Response
from empkit.clients.tokens import fetch_token
from empkit.clock import clock_id
from empkit.dead_letters import read_dead_letters
from empkit.experiment.columns import OUTCOMES, Columns
from empkit.experiment.payloads import Payloads
from empkit.experiment.verdicts import Held, Verdict, judge
from empkit.records import Employee, to_row
from empkit.databases.engine import make_engine
from empkit.server.store import COLUMNS, EMPLOYEES, begins_with
from empkit.settings import Settings
from empkit.topics import log_ends

POLL_S = 0.02
PAGE = 5_000
STALL_S = 30.0
"""A drain in which nothing moves for so long is given up."""


class Marks(NamedTuple):
    """Where the server's stamps, the dead-letter topic and the log of records ended before a run
    began, the last two by partition; empty without Kafka."""

    stamps: int
    dead_letters: dict[int, int]
    log: dict[int, int]


class Found(NamedTuple):
    """What the other side holds of a run.

    Attributes:
        appended: how many records Kafka's log got.
        twice: ids that the server stored more than once.
        strays: ids of this run that are stored and were never offered.
        one_clock: whether the server's stamps are of our clock; if not, there are none.
    """

    received_ns: np.ndarray[Any, np.dtype[np.int64]]
    stored_ns: np.ndarray[Any, np.dtype[np.int64]]
    verdicts: list[Verdict | None]
    reasons: dict[int, str]
    appended: int | None
    twice: list[str]
    strays: list[str]
    one_clock: bool

    def broken(self) -> list[str]:
        """What holds of the whole run and not of one record offered, in words, where it is broken:
        nothing is stored twice, and nothing that was not sent."""
        found = {"stored more than once": self.twice, "stored and never sent": self.strays}
        return [f"{len(ids)} {words}: {', '.join(ids[:10])}" for words, ids in found.items() if ids]


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


def expected_row(payload: bytes) -> dict[str, Any] | None:
    """The row that a record must have become; None for what is no employee."""
    try:
        row: dict[str, Any] = to_row(Employee.model_validate_json(payload))
    except ValidationError:
        return None
    return row


class Ids:
    """Which records of a run have which id; nearly always one.

    By hash, in sorted order: a dictionary of a million ids would take 170 MB.

    Args:
        records: what was offered, in order.
    """

    def __init__(self, records: Payloads) -> None:
        self._records = records
        hashes = np.fromiter((hash(employee_id) for employee_id, _ in records), np.int64)
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    def of(self, employee_id: str) -> list[int]:
        """The places of the records with this id."""
        wanted = hash(employee_id)
        begin, end = (
            int(np.searchsorted(self._hashes, wanted, side)) for side in ("left", "right")
        )
        places = (int(place) for place in self._order[begin:end])
        return [place for place in places if self._records[place][0] == employee_id]

    def repeated(self) -> Iterator[list[int]]:
        """The places of the records that share their id, by id."""
        again = self._hashes[1:] == self._hashes[:-1]
        for shared in np.unique(self._hashes[1:][again]):
            first = int(self._order[np.searchsorted(self._hashes, shared)])
            employee_id = self._records[first][0]
            if employee_id is not None:
                yield self.of(employee_id)


async def rows_in_database(url: str, prefix: str) -> AsyncIterator[dict[str, Any]]:
    """The rows of a run, read past the server, page by page."""
    engine = make_engine(url)
    select = sa.select(EMPLOYEES).where(begins_with(prefix))
    try:
        with engine.connect() as connection:
            rows = connection.execution_options(yield_per=PAGE).execute(select).mappings()
            for row in rows:
                yield dict(row)
    finally:
        engine.dispose()


async def rows_of_server(server: Server, prefix: str) -> AsyncIterator[dict[str, Any]]:
    """The rows of a run as the server tells them, for a database that is out of our reach."""
    after: str | None = ""
    while after is not None:
        page = await server.get("/employees", after=after, limit=PAGE, prefix=prefix)
        for record in page["employees"]:
            row = expected_row(json.dumps(record).encode())
            yield row or {**dict.fromkeys(COLUMNS), "employee_id": record["employee_id"]}
        after = page["next"]


async def hold_against(
    rows: AsyncIterator[dict[str, Any]], records: Payloads, ids: Ids
) -> tuple[list[Held], list[str]]:
    """Hold what is stored against what was offered, row by row, so that neither is kept twice.

    Returns:
        What the database holds of each record, and the ids that it holds and nobody offered.
    """
    held: list[Held] = ["nothing"] * len(records)
    strays = []
    async for row in rows:
        seqs = ids.of(row["employee_id"])
        if not seqs:
            strays.append(row["employee_id"])
        for seq in seqs:
            held[seq] = "same" if row == expected_row(records[seq][1]) else "other"
    return held, strays


def judge_all(
    records: Payloads,
    ids: Ids,
    columns: Columns,
    held: Sequence[Held],
    dead_letters: Mapping[bytes, str],
) -> tuple[list[Verdict | None], dict[int, str]]:
    """The verdict on each record that was offered, and the reasons of the dead letters, by seq."""
    twins = _twins(records, ids, columns)
    verdicts: list[Verdict | None] = []
    reasons: dict[int, str] = {}
    for seq, (_, payload) in enumerate(records):
        outcome = OUTCOMES[columns.outcome[seq]]
        if outcome == "none":
            if not columns.intended_ns[seq]:
                verdicts.append(None)  # never offered
                continue
            outcome = "unknown"
        reason = dead_letters.get(digest(payload)) if dead_letters else None
        if reason is not None:
            reasons[seq] = reason
        dead_lettered = reason is not None
        verdicts.append(judge(outcome, held[seq], dead_lettered=dead_lettered, twin=seq in twins))
    return verdicts, reasons


def _twins(records: Payloads, ids: Ids, columns: Columns) -> set[int]:
    """Records offered more than once of which one was acked or may have been stored."""
    twins: set[int] = set()
    for seqs in ids.repeated():
        by_payload: dict[bytes, list[int]] = {}
        for seq in seqs:
            by_payload.setdefault(records[seq][1], []).append(seq)
        for alike in by_payload.values():
            outcomes = {OUTCOMES[columns.outcome[seq]] for seq in alike}
            if outcomes & {"none", "acked", "unknown"}:
                twins.update(alike)
    return twins


async def mark(server: Server, settings: Settings, *, kafka: bool) -> Marks:
    """Where things stand before a run."""
    health = await server.get("/health")
    if not kafka:
        return Marks(health["timings_end"], {}, {})
    return Marks(
        health["timings_end"],
        await log_ends(settings, settings.dead_letter_topic),
        await log_ends(settings, settings.kafka_topic),
    )


async def gather(
    server: Server,
    settings: Settings,
    database_url: str | None,
    records: Payloads,
    columns: Columns,
    marks: Marks,
    prefix: str,
    *,
    kafka: bool,
) -> Found:
    """Everything that the other side holds of a run, and the verdicts."""
    ids = Ids(records)
    rows = (
        rows_in_database(database_url, prefix) if database_url else rows_of_server(server, prefix)
    )
    held, strays = await hold_against(rows, records, ids)
    twice = []
    received_ns = np.zeros(len(records), np.int64)
    stored_ns = np.zeros(len(records), np.int64)
    health = await server.get("/health")
    one_clock = health["clock"] == clock_id()
    if one_clock:  # stamps of another clock cannot be held against ours
        async for stamp, _ in server.stamps(marks.stamps):
            for seq in [seq for seq in ids.of(stamp["employee_id"]) if held[seq] == "same"][:1]:
                if stored_ns[seq]:
                    twice.append(stamp["employee_id"])
                received_ns[seq], stored_ns[seq] = stamp["received_ns"], stamp["stored_ns"]
    dead_letters: dict[bytes, str] = {}
    appended = None
    if kafka:
        letters = await read_dead_letters(settings, marks.dead_letters)
        dead_letters = {digest(letter.value or b""): letter.reason for letter in letters}
        ends = await log_ends(settings, settings.kafka_topic)
        if not settings.kafka_transactional:  # whose ends are in the log, too
            appended = sum(ends.values()) - sum(marks.log.values())
    verdicts, reasons = judge_all(records, ids, columns, held, dead_letters)
    return Found(received_ns, stored_ns, verdicts, reasons, appended, twice, strays, one_clock)
