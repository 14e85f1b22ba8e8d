"""A run that a test makes up, with all that an audit reads of it: records, what their senders
believe, rows, stamps, dead letters.

The server's control plane is a stand-in: no real one says the wrong thing at will. Rows are in a
real database.
"""

import asyncio
import json
from types import SimpleNamespace

from empkit import wire
from empkit.clients.base import Reply
from empkit.clock import clock_id
from empkit.databases.engine import make_engine
from empkit.databases.table import EMPLOYEES, create_table
from empkit.experiment import audit
from empkit.experiment.columns import Columns
from empkit.experiment.payloads import Payloads, line_of, write_payloads
from empkit.kafka.dead_letters import DeadLetter
from empkit.records.employee import Employee, to_row
from empkit.records.raw import Raw
from empkit.settings import Settings

RUN = "run001"
MS = 1_000_000
SETTINGS = Settings()


def record(employee_id, pay=1.0):
    return {
        "employee_id": employee_id, "first_name": "Ada", "last_name": "Byron", "salary": pay,
    }  # fmt: skip


class MadeUp:
    """A run that never was, and everything that an audit reads of it.

    Each `send` returns the position of its record. Ids are given without the run's prefix.
    """

    def __init__(self, folder):
        self._folder = folder
        self._lines, self._sent = [], []
        self._rows, self.letters = [], []
        self.url = f"sqlite:///{folder / 'employees.db'}"
        self.server = SimpleNamespace(health=self._health, stamps=self._stamps, get=self._get)
        self.clock = clock_id()
        self.before = [("run000-E1", 1, 2)]  # the stamps of an earlier run
        self.stamped = []
        self.dropped = False  # whether the server has dropped some of its stamps
        self.ends = {SETTINGS.kafka_topic: {0: 5, 1: 7}, SETTINGS.dead_letter_topic: {0: 3}}

    def send(self, name, outcome="acked", result="", *, pay=1.0, ms=(10, 14), offered=True):
        content = Raw(name) if isinstance(name, bytes) else record(name, pay)
        self._lines.append(line_of(content))
        self._sent.append((outcome, result, *ms, offered))
        return len(self._sent) - 1

    def store(self, name, *, pay=1.0, stamps=((11, 13),), run=f"{RUN}-"):
        """A row, and its stamps in ms: received and stored, one pair for each time."""
        self._rows.append(record(f"{run}{name}", pay))
        self.stamped += [(f"{run}{name}", *pair) for pair in stamps]

    def bury(self, name, result="", *, pay=1.0, reason="why"):
        value = name if isinstance(name, bytes) else json.dumps(
            record(f"{RUN}-{name}", pay), separators=(",", ":")
        ).encode()  # fmt: skip
        self.letters.append(DeadLetter("employees", 0, 0, reason, None, value, result))

    async def _health(self):
        return wire.Health(
            status="ok", database=wire.DatabaseHealth(kind="sqlite", failure=None, waiting=0),
            consumer=wire.ConsumerHealth(state="running", lag=0), loop_late_ms={}, websockets=0,
            timings_end=len(self.before), clock=self.clock, pid=1,
        )  # fmt: skip

    async def _stamps(self, after, on_dropped):
        if self.dropped:
            on_dropped()
        for employee_id, received, stored in (self.before + self.stamped)[after:]:
            moments = {"received_ns": received * MS, "stored_ns": stored * MS}
            yield {"employee_id": employee_id, **moments}, 0

    async def _get(self, path, *, after, limit, prefix):
        """A page of two records, as the server has them: fields without a value are left out."""
        assert (path, limit) == ("/employees", 5_000)
        mine = sorted(
            (row for row in self._rows if row["employee_id"].startswith(prefix)),
            key=lambda row: row["employee_id"],
        )
        assert after == "" or after in [row["employee_id"] for row in mine]
        page = [row for row in mine if row["employee_id"] > after][:2]
        more = page and page[-1] != mine[-1]
        return {"employees": page, "next": page[-1]["employee_id"] if more else None}

    def insert(self):
        engine = make_engine(self.url)
        create_table(engine)
        rows = [to_row(Employee.model_validate(row)) for row in self._rows]
        with engine.begin() as connection:
            connection.execute(EMPLOYEES.delete())
            if rows:
                connection.execute(EMPLOYEES.insert(), rows)
        engine.dispose()

    def columns(self):
        columns = Columns(self._folder, len(self._sent))
        for seq, (outcome, result, sent, acked, offered) in enumerate(self._sent):
            if offered:
                columns.offer(seq, sent * MS, sent * MS)
            if offered and outcome != "none":
                reply = Reply(outcome, result, "", None, 1, sent * MS, acked * MS)
                columns.settle(seq, reply)
        return columns

    def records(self):
        (self._folder / "lines").write_bytes(b"".join(self._lines))
        write_payloads(self._folder / "lines", self._folder, RUN)
        return Payloads(self._folder)

    def found(self, *, kafka=False, settings=SETTINGS, marks=None, in_reach=True, **scope):
        """The results of its audit."""
        self.insert()
        scope = audit.Scope(RUN, self.url if in_reach else None, kafka, **scope)
        marks = marks or audit.Marks(1, {0: 3}, {0: 4, 1: 6})
        records = self.records()
        found = asyncio.run(
            audit.gather(self.server, settings, scope, records, self.columns(), marks)
        )
        records.close()
        return found
