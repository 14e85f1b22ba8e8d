"""The load generator, against real parts."""

import asyncio
import json
import time

import pytest

from empkit import Lab, Workload, connect
from empkit.clients.base import Reply
from empkit.clock import now_ns
from empkit.experiment.columns import Columns
from empkit.experiment.generator import Generator
from empkit.experiment.payloads import Payloads, write_payloads
from tests.conftest import employee


def payloads(folder, count):
    """So many good records, as a run finds them."""
    source = folder / "records.jsonl"
    source.write_text("".join(json.dumps(employee(f"E{n}")) + "\n" for n in range(count)))
    write_payloads(source, folder, "run")
    return Payloads(folder)


def test_every_record_that_is_due_while_as_many_as_may_are_in_flight_counts_as_held_back(tmp_path):
    """Also those that became due while the one before them waited."""
    records = payloads(tmp_path, Workload.MOST_IN_FLIGHT + 300)

    class Silent:
        """Answers nobody until it is told to."""

        def __init__(self):
            self.waiting = 0
            self.full = asyncio.Event()
            self.speaks = asyncio.Event()

        async def send_encoded(self, employee_id, payload):
            self.waiting += 1
            if self.waiting == Workload.MOST_IN_FLIGHT:
                self.full.set()
            await self.speaks.wait()
            now = now_ns()
            return Reply("acked", "created", "", employee_id, 1, now, now)

    async def run():
        client, begun = Silent(), []
        generator = Generator(client, records, Columns(tmp_path, len(records)))
        running = asyncio.create_task(generator.run(Workload(rate=100_000), begun.append))
        await client.full.wait()
        all_due_ns = begun[0] + len(records) * 10_000
        await asyncio.sleep(max(0, all_due_ns - now_ns()) / 1e9)
        client.speaks.set()
        await running
        return generator

    generator = asyncio.run(run())
    records.close()
    assert generator.lateness().held_back == 300
    assert generator.done == len(records)


@pytest.mark.slow
def test_a_run_that_nobody_answers_any_more_is_ended(tmp_path):
    """Else each of the records would wait for its own deadline, for hours if there are many."""
    records = payloads(tmp_path, 1_000)

    async def run(lab):
        settings = lab.settings.model_copy(update={"deadline_s": 0.3, "attempt_timeout_s": 0.3})
        async with connect("kafka", settings) as client:
            generator = Generator(client, records, Columns(tmp_path, len(records)), patience_s=1.0)
            lab.broker.down()
            await generator.run(Workload(in_flight=4), lambda _: None)
        return generator

    with Lab("embedded") as lab:
        generator = asyncio.run(run(lab))
    records.close()
    assert generator.gave_up
    assert 0 < generator.offered < len(records)
    assert generator.done == generator.offered  # what was in flight got its outcome


def test_a_stall_of_the_sender_moves_no_record_of_the_schedule(tmp_path):
    """What was due meanwhile has waited since then: else the stall would be in no latency."""
    count, stall_s = 40, 0.2
    records, columns = payloads(tmp_path, count), Columns(tmp_path, count)

    class Stalling:
        """Keeps the sender from everything else while it sends the tenth record."""

        async def send_encoded(self, employee_id, payload):
            sent_ns = now_ns()
            if employee_id == "run-E9":
                time.sleep(stall_s)  # noqa: ASYNC251 - on purpose
            return Reply("acked", "created", "", employee_id, 1, sent_ns, now_ns())

    async def run():
        generator = Generator(Stalling(), records, columns)
        return await generator.run(Workload(rate=1_000), lambda _: None)

    start_ns, _ = asyncio.run(run())
    records.close()
    assert (columns.intended_ns - start_ns).tolist() == [n * 1_000_000 for n in range(count)]
    # those of the next 30 ms were sent when the stall was over, and their latency says so
    assert ((columns.acked_ns - columns.intended_ns)[10:] > (stall_s - 0.04) * 1e9).all()
