"""What a record costs, in counts: unlike seconds they are the same on a machine that is busy.

A bound is what was counted when it was written, and a fifth more. Who makes a path longer on
purpose writes the new count here, and why; `python -m benchmarks` says what it costs in time.
"""

import asyncio
import sys
import tracemalloc

import orjson
import pytest
import sqlalchemy as sa

from empkit import connect
from empkit.clients.base import Reply
from empkit.experiment.columns import Columns
from empkit.experiment.payloads import Payloads, write_payloads
from empkit.records.employee import Employee, to_row
from empkit.server.stamps import StampLog
from empkit.server.store import Store
from tests.conftest import employee

RECORDS = 200


class Calls:
    """Counts the calls of Python functions while it is entered."""

    def __enter__(self):
        self.python = 0
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def _count(self, _frame, event, _argument):
        self.python += event == "call"


# calls of Python functions in the client's process, the event loop and the library included
# over HTTP eleven more than at first: each header is looked at, and each answer compared with its
# request, since one that is taken for another's calls a refused record acked
CALLS = {"http": 68, "websocket": 72, "kafka": 362}


@pytest.mark.slow
@pytest.mark.parametrize("protocol", CALLS)
def test_a_record_costs_the_client_no_more_calls_than_were_counted(lab, fresh_id, protocol):
    payloads = [
        (f"{fresh_id}-{n}", orjson.dumps(employee(f"{fresh_id}-{n}"))) for n in range(RECORDS)
    ]

    async def run():
        async with connect(protocol, lab) as client:
            await client.send_encoded(*payloads.pop())
            with Calls() as calls:
                for each in payloads:
                    await client.send_encoded(*each)
        return calls.python / len(payloads)

    per_record = asyncio.run(run())
    assert per_record <= 1.2 * CALLS[protocol]


def test_a_record_is_parsed_once_and_with_few_calls():
    payload = orjson.dumps(employee("E1"))
    to_row(Employee.model_validate_json(payload))
    with Calls() as calls:
        for _ in range(RECORDS):
            to_row(Employee.model_validate_json(payload))
    assert calls.python <= 2 * RECORDS + 10  # to_row, and pydantic's entry; the rest is not Python


@pytest.mark.slow
def test_a_group_is_a_handful_of_statements_and_one_commit(new_database):
    said = []
    url = new_database()
    rows = [to_row(Employee.model_validate(employee(f"E{n}"))) for n in range(500)]

    async def run():
        store = Store(url, StampLog(None), 10_000)
        await store.start()
        before = store.commits
        await store.add(rows, 1, "http")
        commits = store.commits - before
        await store.stop()
        return commits

    def hear(_connection, _cursor, statement, *_):
        said.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    try:
        assert asyncio.run(run()) == 1
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", hear)
    inserts = len([each for each in said if each.startswith("INSERT")])
    # of 32 rows each, so that those that a connection keeps prepared take 1 MiB; of all
    assert inserts == (16 if url.startswith("sqlite") else 1)


def test_a_run_keeps_a_record_in_few_bytes(tmp_path):
    count = 20_000
    source = tmp_path / "records.jsonl"
    source.write_bytes(b"".join(orjson.dumps(employee(f"E{n}")) + b"\n" for n in range(count)))
    write_payloads(source, tmp_path, "counts")
    tracemalloc.start()
    records = Payloads(tmp_path)
    columns = Columns(tmp_path, count)
    for seq in range(count):
        columns.offer(seq, 1, 2)
        columns.settle(seq, Reply("acked", "created", "Employee created", "E1", 1, 2, 3))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    records.close()
    assert kept / count <= 1.2 * 17  # all else is in files
