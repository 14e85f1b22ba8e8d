"""The load generator: offers the records of a workload when they are due, and stamps them."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable

import numpy as np

from empkit.clients.base import Attempt, Client
from empkit.clock import now_ns
from empkit.experiment.columns import Columns
from empkit.experiment.lateness import Lateness
from empkit.experiment.pacer import Pacer, coarseness
from empkit.experiment.payloads import Payloads
from empkit.experiment.workload import Workload


class Generator:
    """Sends the records of one run.

    Args:
        client: an open client.
        records: the records to send.
        columns: the columns of the stamps.
        patience_s: the timeout after which the run ends when no record is answered; None for no
            timeout.
    """

    def __init__(
        self,
        client: Client,
        records: Payloads,
        columns: Columns,
        patience_s: float | None = None,
    ) -> None:
        self._client = client
        self._records = records
        self._columns = columns
        self._pacer = Pacer()
        self._open = False
        self._stopped = False
        self._timeout_ns = None if patience_s is None else int(patience_s * 1e9)
        self._answered_ns = now_ns()
        self.gave_up = False
        """Whether the run was ended because no record was answered."""
        self.done = 0
        self.offered = 0
        self._free_ns = np.zeros(len(records), np.int64)  # when each had a place in flight
        self._sent_ns = np.zeros(len(records), np.int64)  # before the client, whatever that does
        self._full_ns = array("q")  # begin and end of each wait for a place in flight
        self.timer_note = ""
        """Open loop: a note on the timer that keeps the schedule."""
        self.attempts: list[tuple[int, int, Attempt]] = []
        """For the records that needed several attempts: seq, number of the attempt, attempt."""

    def stop(self) -> None:
        """Stop offering records; those in flight still get their outcome."""
        self._stopped = True
        self._pacer.wake()

    async def run(self, workload: Workload, on_start: Callable[[int], None]) -> tuple[int, int]:
        """Send all records.

        Args:
            workload: the pace.
            on_start: called with the time at which the schedule begins.

        Returns:
            When the run began and when the last outcome was known, in nanoseconds.
        """
        in_flight = workload.closed_loop()
        self._open = in_flight is None
        if in_flight is None:
            self.timer_note = await coarseness(self._pacer)
        start_ns = self._answered_ns = now_ns()
        on_start(start_ns)
        try:
            if in_flight is not None:
                await self._closed_loop(in_flight)
            else:
                await self._open_loop(start_ns, workload)
        finally:
            self._pacer.close()
        return start_ns, now_ns()

    def lateness(self) -> Lateness:
        """Return how late the records were sent; a closed loop has no schedule to be late for."""
        if not self._open:
            return Lateness(0, None, None)
        return Lateness.of(self._columns.intended_ns, self._free_ns, self._sent_ns, self._full_ns)

    async def _closed_loop(self, in_flight: int) -> None:
        sequence = iter(range(len(self._records)))

        async def worker() -> None:
            for seq in sequence:
                if self._stopped:
                    return
                await self._send(seq, now_ns())

        async with asyncio.TaskGroup() as workers:
            for _ in range(min(in_flight, len(self._records))):
                workers.create_task(worker())

    async def _open_loop(self, start_ns: int, workload: Workload) -> None:
        slots = asyncio.Semaphore(Workload.MOST_IN_FLIGHT)

        async def send(seq: int, intended_ns: int) -> None:
            try:
                await self._send(seq, intended_ns)
            finally:
                slots.release()

        due_ns = start_ns + workload.schedule_ns(len(self._records))
        async with asyncio.TaskGroup() as sends:
            for seq, intended_ns in enumerate(map(int, due_ns)):
                if intended_ns > now_ns():
                    await self._pacer.until(intended_ns)
                elif seq % 16 == 0:
                    await asyncio.sleep(0)  # behind the schedule: let answers in nevertheless
                if slots.locked():
                    self._full_ns.append(now_ns())
                    await slots.acquire()
                    self._full_ns.append(now_ns())
                else:
                    await slots.acquire()
                self._free_ns[seq] = now_ns()
                if self._stopped:
                    return
                sends.create_task(send(seq, intended_ns))

    async def _send(self, seq: int, intended_ns: int) -> None:
        employee_id, payload = self._records[seq]
        self.offered += 1
        self._sent_ns[seq] = sent_ns = now_ns()
        self._columns.offer(seq, intended_ns, sent_ns)
        reply = await self._client.send_encoded(employee_id, payload)
        self._columns.settle(seq, reply)
        if reply.history:
            attempts = enumerate(reply.history, 1)
            self.attempts += [(seq, number, attempt) for number, attempt in attempts]
        self.done += 1
        if reply.outcome in {"acked", "refused"}:
            self._answered_ns = reply.acked_ns
        elif (
            self._timeout_ns is not None
            and reply.acked_ns - self._answered_ns > self._timeout_ns
            and not self._stopped
        ):
            self.gave_up = True
            self.stop()
