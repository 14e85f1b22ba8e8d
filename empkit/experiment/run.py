"""Carries out runs, one after the other, in a process of its own: load generator, drain, audit.

    orders:   {"run": folder, "environment": {...}}      carry out the plan in the folder
              {"audit": folder, "environment": {...}}    only audit a run whose process was killed
              {"stop": true}       stop offering records, and audit those that were sent
              {"settled": true}    the faults are over: drain now
    reports:  {"begins": true}  {"started_ns": n}  {"done": n, "offered": n}  {"sent_ns": n}
              {"waiting": "..."}  {"decided": true}  {"finished": {...}}  {"failed": "..."}

Between `begins` and `decided` lies what is measured: until the first record is due, and until the
server has decided on the last one.

The process is kept from run to run, since its start takes longer than many a run. Each run has an
event loop of its own and the environment that it is ordered with. A run that has failed ends the
process.

The plan and the results of a run are in one folder: `plan.json`, the payloads, the columns,
`marks.json`, `timings.parquet`, `attempts.parquet`, and in `outside.json` the ids that were stored
during the run and belong to no run.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import json
import math
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from aiokafka.errors import KafkaError

from empkit import plugins, shortage
from empkit.clients import Client, connect, plugin
from empkit.clients.base import Attempt, ClientError
from empkit.clients.control import ControlPlane
from empkit.clock import KEPT_S, LoopWatch, now_ns
from empkit.experiment import audit
from empkit.experiment.audit import Marks, Scope
from empkit.experiment.columns import OUTCOMES, Columns
from empkit.experiment.generator import Generator
from empkit.experiment.payloads import Encoded, Payloads, write_payloads
from empkit.experiment.workload import Workload
from empkit.processes.child import follow_orders, report, take_environment
from empkit.settings import Settings
from empkit.wire import EMPLOYEES

PROGRESS_S = 0.2
PROBE_TIMEOUT_S = 20.0
ROWS_A_PART = 50_000
OUTSIDE_FILE = "outside.json"
DEADLINES_MISSED = 3
"""A run is ended when no record is answered for this many deadlines of a record."""


@dataclass(frozen=True)
class Plan:
    """The plan of a run.

    Attributes:
        protocol: over which protocol.
        round: the number of the round in the comparison.
        run_id: the prefix of each employee_id, so that no two runs share an id.
        records: the file of records, JSON Lines.
        pace: the workload's pace.
        database_url: the database to read the stored rows from; None asks the server.
        wait_for_faults: whether an order will say when to drain.
        server_url: the server as the client reaches it; the audit asks the server directly.
        ws_url: the WebSocket as the client reaches it; None takes `/ws` of `server_url`.
        bootstrap_servers: the brokers as the client reaches them.
        token: the client's first token; without it, the client requests one.
        through_kafka: whether records go through Kafka, so that the audit reads its log, too.
        audit_token: the audit's first token for the server.
        run_ids: of all runs of the lab, this one included, when the database is the lab's own; None
            when it is not.
        search: further folders to import the client's module from.
    """

    protocol: str
    round: int
    run_id: str
    records: str
    pace: dict[str, Any]
    database_url: str | None
    wait_for_faults: bool = False
    server_url: str = ""
    ws_url: str | None = None
    bootstrap_servers: str | None = None
    token: str | None = None
    through_kafka: bool = False
    audit_token: str = ""
    run_ids: list[str] | None = None
    search: list[str] = field(default_factory=list)

    def client_settings(self, settings: Settings) -> Settings:
        """Return the settings of the client, which may go through the proxy."""
        return settings.model_copy(
            update={
                "server_url": self.server_url,
                "ws_url": self.ws_url,
                "kafka_bootstrap_servers": self.bootstrap_servers,
            }
        )

    def scope(self) -> Scope:
        """Return the scope of the audit."""
        return Scope(
            self.run_id,
            self.database_url,
            self.through_kafka,
            self.pace["warm_up"],
            self.run_ids,
        )

    def save(self, folder: Path) -> None:
        """Write the plan into the run's folder."""
        (folder / "plan.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, folder: Path) -> Plan:
        """Read the plan of a run's folder."""
        return cls(**json.loads((folder / "plan.json").read_text()))


async def warm_up(client: Client, server: ControlPlane, plan: Plan, pace: Workload) -> None:
    """Send a probe until it is stored, then the records that do not count.

    Raises:
        ClientError: the probe was not stored in time.
    """

    def made_up(name: str) -> Encoded:
        employee_id = f"{plan.run_id}~{name}"
        record = {"employee_id": employee_id, "first_name": "Warm", "last_name": "Up"}
        return employee_id, orjson.dumps(record)

    give_up = time.monotonic() + PROBE_TIMEOUT_S
    employee_id, payload = made_up("probe")
    reply = await client.send_encoded(employee_id, payload)
    while not await _is_stored(server, employee_id):
        if time.monotonic() > give_up:
            raise ClientError(
                f"A probe record over {plan.protocol} did not come through to the database within "
                f"{PROBE_TIMEOUT_S:g} s (its outcome was {reply.outcome}: {reply.message}). "
                "`empkit check` says which part is missing."
            )
        if reply.outcome != "acked":
            reply = await client.send_encoded(employee_id, payload)
        await asyncio.sleep(0.01)
    names = iter(range(pace.warm_up))

    async def worker() -> None:
        for name in names:
            await client.send_encoded(*made_up(str(name)))

    await asyncio.gather(*(worker() for _ in range(pace.closed_loop() or 32)))


async def _is_stored(server: ControlPlane, employee_id: str | None) -> bool:
    with contextlib.suppress(ClientError):
        page = await server.get(EMPLOYEES, prefix=employee_id, limit=1)
        return bool(page["employees"])
    return False


class Orders:
    """The orders of the owner, as a thread reads them."""

    def __init__(self) -> None:
        self._runs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._early: list[dict[str, Any]] = []
        self._obey: Callable[[dict[str, Any]], None] | None = None

    def take(self, order: dict[str, Any]) -> None:
        """Take an order: begin a run, or hand it to the run under way, when that can obey it."""
        with self._lock:
            if "environment" in order:
                self._early = []
                self._runs.put(order)
            elif self._obey is not None:
                self._obey(order)
            else:
                self._early.append(order)

    def next_run(self) -> dict[str, Any]:
        """Wait for the order to begin a run."""
        return self._runs.get()

    def obey(self, with_: Callable[[dict[str, Any]], None]) -> None:
        """Hand each order of this run to a function, first those that came before it was there."""
        with self._lock:
            self._obey = with_
            for order in self._early:
                with_(order)

    def run_is_over(self) -> None:
        """Drop the orders that come too late for this run."""
        with self._lock:
            self._obey = None


async def measure(folder: Path, plan: Plan, settings: Settings, orders: Orders) -> dict[str, Any]:
    """Carry out the plan.

    Returns:
        The values for the run's `RunInfo`.
    """
    pace = Workload(**plan.pace)
    write_payloads(Path(plan.records), folder, plan.run_id)
    records = Payloads(folder)
    columns = Columns(folder, len(records))
    server = ControlPlane(settings, plan.audit_token)
    watch = LoopWatch(keep_s=math.inf)
    settled = asyncio.Event()
    async with connect(plan.protocol, plan.client_settings(settings), plan.token) as client:
        await warm_up(client, server, plan, pace)
        marks = await audit.mark(server, settings, plan.scope())
        (folder / "marks.json").write_text(json.dumps(marks._asdict()))
        # after a fault the server comes back; without one it may be gone for good
        timeout_s = None if plan.wait_for_faults else DEADLINES_MISSED * settings.deadline_s
        generator = Generator(client, records, columns, timeout_s)
        _obey(orders, generator, settled)
        progress = asyncio.create_task(_progress(generator))
        report(begins=True)
        gc.unfreeze()  # those of the last run
        gc.collect()
        gc.freeze()  # objects of the start-up are not garbage: exclude them from collection
        watch.start()
        start_ns, end_ns = await generator.run(pace, lambda ns: report(started_ns=ns))
        watch.stop()
        progress.cancel()
    report(done=generator.done, offered=generator.offered)
    report(sent_ns=end_ns)
    if plan.wait_for_faults:
        await settled.wait()
    lateness = generator.lateness()
    info = {
        "start_ns": start_ns,
        "end_ns": end_ns,
        "cut_short": generator.offered < len(records),
        "generator_late_ms": watch.late_ms()["p99"],
        "sending_late_p50_ms": lateness.p50_ms,
        "sending_late_p99_ms": lateness.p99_ms,
        "reconnections": client.reconnections,
        "held_back": lateness.held_back,
        "gave_up": generator.gave_up,
        "notes": [generator.timer_note] if generator.timer_note else [],
    }
    _save_attempts(folder, generator.attempts)
    return info | await settle(folder, plan, settings, records, columns, marks, server)


async def settle(
    folder: Path,
    plan: Plan,
    settings: Settings,
    records: Payloads,
    columns: Columns,
    marks: Marks,
    server: ControlPlane,
) -> dict[str, Any]:
    """Drain, gather and judge; write `timings.parquet`."""
    offered_ns = columns.intended_ns[columns.intended_ns != 0]
    start_ns = int(offered_ns.min(initial=now_ns()))
    drained = await audit.drain(
        server, kafka=plan.through_kafka, on_wait=lambda what: report(waiting=what)
    )
    report(decided=True)
    health = await server.health(min(KEPT_S, (now_ns() - start_ns) / 1e9))
    audited = await audit.gather(server, settings, plan.scope(), records, columns, marks)
    _save_timings(folder, plan, records, columns, audited)
    (folder / OUTSIDE_FILE).write_text(json.dumps(audited.outside))
    records.close()
    await server.close()
    return {
        "drained": drained,
        "server_late_ms": health.loop_late_ms["p99"],
        "offered": sum(verdict is not None for verdict in audited.verdicts),
        "appended": audited.appended,
        "read_again": audited.read_again,
        "broken": audited.broken(),
        "notes": audited.notes,
        "one_clock": audited.one_clock,
    }


def _save_timings(
    folder: Path,
    plan: Plan,
    records: Payloads,
    columns: Columns,
    audited: audit.Found,
) -> None:
    """Write a row for each offered record, in parts, so that a million need little memory."""
    names = iter(records)
    writer: pq.ParquetWriter | None = None
    with contextlib.ExitStack() as cleanup:
        for start in range(0, len(records), ROWS_A_PART):
            part = slice(start, min(start + ROWS_A_PART, len(records)))
            ids = [next(names)[0] or "" for _ in range(part.start, part.stop)]
            table = _part_of_timings(plan, columns, audited, part, ids)
            if writer is None:
                writer = cleanup.enter_context(
                    pq.ParquetWriter(folder / "timings.parquet", table.schema)
                )
            writer.write_table(table)


def _part_of_timings(
    plan: Plan, columns: Columns, audited: audit.Found, part: slice, ids: list[str]
) -> pa.Table:
    """Return the rows of the records in `part`, whose ids are `ids`."""
    seqs = range(part.start, part.stop)
    verdicts = audited.verdicts[part]

    def stamp(values: Any) -> pa.Array:
        stamps = values[part]
        return pa.array(stamps, pa.int64(), mask=stamps == 0)

    outcomes = [
        "unknown" if code == 0 else OUTCOMES[code] for code in columns.outcome[part].tolist()
    ]
    errors = [audited.reasons.get(seq) or columns.errors.get(seq, "") for seq in seqs]
    table = pa.table(
        {
            "protocol": pa.repeat(pa.scalar(plan.protocol), len(ids)),
            "round": pa.repeat(pa.scalar(plan.round, pa.int64()), len(ids)),
            "seq": pa.array(seqs, pa.int64()),
            "employee_id": pa.array(ids, pa.string()),
            "intended_ns": stamp(columns.intended_ns),
            "sent_ns": stamp(columns.sent_ns),
            "received_ns": stamp(audited.received_ns),
            "stored_ns": stamp(audited.stored_ns),
            "acked_ns": stamp(columns.acked_ns),
            "attempts": pa.array(columns.attempts[part].astype("int64")),
            "outcome": pa.array(outcomes, pa.string()),
            "verdict": pa.array(verdicts, pa.string()),
            "error": pa.array(errors, pa.string()),
        }
    )
    return table.filter(pa.array([verdict is not None for verdict in verdicts]))


def _save_attempts(folder: Path, rows: Sequence[tuple[int, int, Attempt]]) -> None:
    table = pa.table(
        {
            "seq": pa.array([seq for seq, _, _ in rows], pa.int64()),
            "attempt": pa.array([number for _, number, _ in rows], pa.int64()),
            "sent_ns": pa.array([attempt.sent_ns for _, _, attempt in rows], pa.int64()),
            "answered_ns": pa.array([attempt.answered_ns for _, _, attempt in rows], pa.int64()),
            "answer": pa.array([attempt.answer for _, _, attempt in rows], pa.string()),
        }
    )
    pq.write_table(table, folder / "attempts.parquet")


def _obey(orders: Orders, generator: Generator, settled: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def obey(order: dict[str, Any]) -> None:
        if "stop" in order:
            loop.call_soon_threadsafe(generator.stop)
        if "stop" in order or "settled" in order:
            loop.call_soon_threadsafe(settled.set)

    orders.obey(obey)


async def _progress(generator: Generator) -> None:
    while True:
        await asyncio.sleep(PROGRESS_S)
        report(done=generator.done, offered=generator.offered)


async def audit_only(folder: Path, plan: Plan, settings: Settings) -> dict[str, Any]:
    """Audit a run whose load generator was killed, from the files in its folder."""
    records = Payloads(folder)
    written = json.loads((folder / "marks.json").read_text())
    dead_letters, log = (
        {int(partition): end for partition, end in written[name].items()}
        for name in ("dead_letters", "log")
    )
    marks = Marks(written["stamps"], dead_letters, log, written["outside"])
    columns = Columns(folder)
    _save_attempts(folder, [])
    server = ControlPlane(settings, plan.audit_token)
    return await settle(folder, plan, settings, records, columns, marks, server)


def _carried_out(order: dict[str, Any], orders: Orders) -> dict[str, Any]:
    """Carry out the plan of an order, or only audit it; a failure is reported and ends the process.

    Returns:
        The values for the run's `RunInfo`.
    """
    take_environment(order)
    folder = Path(order.get("run") or order["audit"])
    plan = Plan.load(folder)
    sys.path += [folder for folder in plan.search if folder not in sys.path]

    async def work() -> dict[str, Any]:
        try:
            if "audit" in order:
                return await audit_only(folder, plan, Settings())
            return await measure(folder, plan, Settings(), orders)
        finally:
            orders.run_is_over()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            return runner.run(work())
        except ClientError as error:
            report(failed=str(error))
        except KafkaError as error:
            report(
                failed=f"Kafka went away and did not come back ({error}), so the records cannot be "
                "audited. `empkit check` says which part is missing."
            )
        except Exception as error:
            if isinstance(error, OSError) and shortage.is_one(error):
                report(failed=shortage.said(error, folder.parent))
                sys.exit(1)
            if not plugin.is_own(plan.protocol):
                raise
            traceback.print_exc()
            report(failed=f"{plan.protocol!r} failed with {plugins.said(error)}.")
    sys.exit(1)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if not importlib.util.find_spec("uvloop"):
        return None
    import uvloop  # noqa: PLC0415 - not on Windows

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def main() -> None:
    """Carry out one run after the other, as the owner orders them."""
    orders = Orders()
    follow_orders(orders.take)
    while True:
        report(finished=_carried_out(orders.next_run(), orders))


if __name__ == "__main__":
    main()
