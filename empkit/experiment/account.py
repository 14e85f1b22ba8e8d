"""The account of a run: waits until nothing is under way, then gathers what the database, the
dead-letter topic and the server's stamps hold, and gives each record its verdict."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
import sqlalchemy as sa
from pydantic import ValidationError

from empkit.clients.base import ClientError
from empkit.clients.http1 import Http1
from empkit.clients.tokens import fetch_token
from empkit.clock import clock_id
from empkit.dead_letters import log_ends, read_dead_letters
from empkit.experiment.columns import OUTCOMES, Columns
from empkit.experiment.generator import Encoded
from empkit.experiment.verdicts import Held, Verdict, judge
from empkit.records import Employee, to_row
from empkit.server.store import COLUMNS, EMPLOYEES, make_engine
from empkit.settings import Settings

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
    """What the other side holds of a run; `appended` is how many records Kafka's log got."""

    received_ns: np.ndarray[Any, np.dtype[np.int64]]
    stored_ns: np.ndarray[Any, np.dtype[np.int64]]
    verdicts: list[Verdict | None]
    reasons: dict[int, str]
    appended: int | None


class Server:
    """The server, asked for its health and its stamps.

    Args:
        settings: where it is, and user and password.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = Http1(settings.server_url)
        self._token = ""

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON that a path answers with.

        Raises:
            ClientError: no answer, or not the expected one.
        """
        if not self._token:
            self._token = await fetch_token(self._settings, self._http)
        head = self._http.head(
            "GET", f"{path}?{urlencode(query)}", {"Authorization": f"Bearer {self._token}"}
        )
        response = await self._http.request(head)
        if response.code == 401:
            self._token = ""
        if response.code != 200:
            raise ClientError(f"{path} answered {response.code}.")
        return json.loads(response.body)

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


async def drain(server: Server, protocol: str, on_wait: Callable[[str], None]) -> bool:
    """Wait until the server has decided on all that it was given.

    Args:
        server: the server.
        protocol: with `kafka` also until the consumer has committed all that the log holds.
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
            consumer = health["consumer"] if protocol == "kafka" else {"lag": 0, "state": "running"}
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


def held_in_database(
    url: str, records: Sequence[Encoded], prefix: str
) -> dict[str, dict[str, Any]]:
    """The rows of a run, read past the server."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            select = sa.select(EMPLOYEES).where(
                EMPLOYEES.c.employee_id.startswith(prefix, autoescape=True)
            )
            return {row["employee_id"]: dict(row) for row in connection.execute(select).mappings()}
    finally:
        engine.dispose()


async def held_by_server(server: Server, prefix: str) -> dict[str, dict[str, Any]]:
    """The rows of a run as the server tells them, for a database that is out of our reach."""
    held: dict[str, dict[str, Any]] = {}
    after = ""
    while True:
        page = await server.get("/employees", after=after, limit=PAGE, prefix=prefix)
        for record in page["employees"]:
            row = expected_row(json.dumps(record).encode())
            held[record["employee_id"]] = row or dict.fromkeys(COLUMNS)
        if page["next"] is None:
            return held
        after = page["next"]


def judge_all(
    records: Sequence[Encoded],
    columns: Columns,
    held: Mapping[str, dict[str, Any]],
    dead_letters: Mapping[bytes, str],
) -> tuple[list[Verdict | None], dict[int, str]]:
    """The verdict on each record that was offered, and the reasons of the dead letters, by seq."""
    ids = Counter(employee_id for employee_id, _ in records)
    twins = _twins(records, columns, ids)
    verdicts: list[Verdict | None] = []
    reasons: dict[int, str] = {}
    for seq, (employee_id, payload) in enumerate(records):
        outcome = OUTCOMES[columns.outcome[seq]]
        if outcome == "none":
            if not columns.intended_ns[seq]:
                verdicts.append(None)  # never offered
                continue
            outcome = "unknown"
        row = held.get(employee_id) if employee_id is not None else None
        state: Held = "nothing"
        if row is not None:
            state = "same" if row == expected_row(payload) else "other"
        reason = dead_letters.get(digest(payload)) if dead_letters else None
        if reason is not None:
            reasons[seq] = reason
        twin = (employee_id, payload) in twins
        verdicts.append(judge(outcome, state, dead_lettered=reason is not None, twin=twin))
    return verdicts, reasons


def _twins(
    records: Sequence[Encoded], columns: Columns, ids: Mapping[str | None, int]
) -> set[Encoded]:
    """Records offered more than once of which one was acked or may have been stored."""
    return {
        record
        for seq, record in enumerate(records)
        if ids[record[0]] > 1 and OUTCOMES[columns.outcome[seq]] in ("none", "acked", "unknown")
    }


async def mark(server: Server, settings: Settings, protocol: str) -> Marks:
    """Where things stand before a run."""
    health = await server.get("/health")
    if protocol != "kafka":
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
    records: Sequence[Encoded],
    columns: Columns,
    marks: Marks,
    prefix: str,
    protocol: str,
) -> Found:
    """Everything that the other side holds of a run, and the verdicts."""
    seqs = {employee_id: seq for seq, (employee_id, _) in enumerate(records)}
    received_ns = np.zeros(len(records), np.int64)
    stored_ns = np.zeros(len(records), np.int64)
    health = await server.get("/health")
    if health["clock"] == clock_id():  # stamps of another clock cannot be held against ours
        async for stamp, _ in server.stamps(marks.stamps):
            seq = seqs.get(stamp["employee_id"])
            if seq is not None:
                received_ns[seq], stored_ns[seq] = stamp["received_ns"], stamp["stored_ns"]
    held = (
        held_in_database(database_url, records, prefix)
        if database_url
        else await held_by_server(server, prefix)
    )
    dead_letters: dict[bytes, str] = {}
    appended = None
    if protocol == "kafka":
        letters = await read_dead_letters(settings, marks.dead_letters)
        dead_letters = {digest(letter.value or b""): letter.reason for letter in letters}
        ends = await log_ends(settings, settings.kafka_topic)
        appended = sum(ends.values()) - sum(marks.log.values())
    verdicts, reasons = judge_all(records, columns, held, dead_letters)
    return Found(received_ns, stored_ns, verdicts, reasons, appended)
