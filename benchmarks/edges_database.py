"""What becomes of acked records when the database has bad luck:
`python -m benchmarks.edges_database --write`.

Each fault strikes a real server while a sender that shares no code with the kit posts one record
after the other; afterwards nothing but the cause is taken away, and the kit has to go on by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import secrets
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
import sqlalchemy as sa
from pydantic import SecretStr

from benchmarks.common import RESULTS, replace_section
from empkit.databases.cluster import Cluster
from empkit.databases.postgresql import PostgreSql
from empkit.processes.child import Processes, module_command
from empkit.server.auth import make_token
from empkit.settings import Settings

PAUSE_S = 0.01
ENOUGH = 100
"""How many records are acked before a fault, and after it."""
SETTLE_S = 30.0
AWAY_S = 20.0
MAY_WRITE_ALL = "dac_override"
"""The capability by which root writes files that are read-only."""


class Told(NamedTuple):
    """What came of one fault, a row of the table."""

    fault: str
    done: str
    acked: int
    lost: int
    said: str


class System:
    """A server, its database, and a sender that notes what it is told.

    Args:
        processes: start the server.
        database_url: its database.
        cluster: the PostgreSQL server that holds it, if one does.
        says: a regular expression that what is said of the cause matches.

    Attributes:
        acked: the ids that were acked.
        said: what was answered in place of an ack, each once.
    """

    def __init__(
        self, processes: Processes, database_url: str, cluster: Cluster | None, says: str
    ) -> None:
        self.database_url, self.cluster, self._says = database_url, cluster, says
        self.acked: set[str] = set()
        self.said: list[str] = []
        key = secrets.token_urlsafe(48)
        settings = Settings(port=0, signing_key=SecretStr(key), database_url=database_url)
        self._token = make_token(settings.username, key, 3_600)
        child = processes.start("server", [*_obeying(), *module_command("empkit.server")])
        child.begin(settings.environ())
        self._address = urlsplit(child.expect("ready", 30)["server_url"])

    @property
    def file(self) -> Path:
        """The database's file."""
        return Path(sa.make_url(self.database_url).database or "")

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, Any]:
        """Return the status and the JSON of one answer."""
        connection = http.client.HTTPConnection(self._address.netloc, timeout=20)
        try:
            headers = {"Authorization": f"Bearer {self._token}"}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def post(self, name: str) -> bool:
        """Send a record; return whether it was acked."""
        record = {"employee_id": name, "first_name": "Nia", "last_name": "Orr"}
        status, answer = self.ask("POST", "/employees", json.dumps(record))
        if status in {200, 201}:
            self.acked.add(name)
            return True
        words = answer["message"].removeprefix("Error: the database is away: ")
        if words not in self.said:
            self.said.append(words)
        return False

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Send records all the while."""
        over = threading.Event()

        def send() -> None:
            number = 0
            while not over.wait(PAUSE_S):
                self.post(f"F-{number}")
                number += 1

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def until_degraded(self) -> None:
        """Wait until records are refused with a reason, and the health has one, too.

        Raises:
            TimeoutError: it does not come to that.
        """
        give_up = time.monotonic() + SETTLE_S
        while self.post(f"U-{secrets.token_hex(4)}") or not self.cause():
            if time.monotonic() > give_up:
                raise TimeoutError(f"Refused with {self.said}; wanted: {self._says}")
            time.sleep(PAUSE_S)
        if not self.ask("GET", "/health")[1]["database"]["failure"]:
            raise TimeoutError("The server's health says nothing of it.")

    def until_well(self) -> None:
        """Wait until many records were acked.

        Raises:
            TimeoutError: it does not come to that.
        """
        give_up, enough = time.monotonic() + SETTLE_S, len(self.acked) + ENOUGH
        while len(self.acked) < enough:
            if time.monotonic() > give_up:
                raise TimeoutError(f"Refused with {self.said}")
            time.sleep(PAUSE_S)

    def cause(self) -> str:
        """Return what was said of the cause; empty if nothing was."""
        return next((words for words in self.said if re.search(self._says, words)), "")

    def lost(self) -> set[str]:
        """Return the ids that were acked and that the database does not hold, read past the
        server."""
        engine = sa.create_engine(self.database_url)
        with engine.connect() as connection:
            held = set(connection.execute(sa.text("SELECT employee_id FROM employees")).scalars())
        engine.dispose()
        return self.acked - held


def failed_over(system: System) -> str:
    """Shut PostgreSQL down as when its machine fails, and have it back a while later."""
    assert system.cluster is not None
    system.cluster.down()
    system.until_degraded()
    time.sleep(AWAY_S)
    system.cluster.up()
    return f"immediate shutdown, connections refused for {AWAY_S:g} s, recovery from its log"


def no_connection_left(system: System) -> str:
    """Take every connection of PostgreSQL, the server's own, too."""
    assert system.cluster is not None
    url = system.cluster.url.replace("+psycopg", "")
    with contextlib.ExitStack() as held:
        first = held.enter_context(psycopg.connect(url, autocommit=True))
        count = 1
        of_server = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{sa.make_url(system.database_url).database}'"
        )
        refused = False
        while not refused:
            try:
                while True:
                    held.enter_context(psycopg.connect(url))
                    count += 1
            except psycopg.OperationalError:
                refused = not first.execute(of_server).fetchall()
        system.until_degraded()
    return f"{count} connections of another program, the server's ended"


def read_only(system: System) -> str:
    """Take the permission to write, and have the server open the file again."""
    files = list(system.file.parent.glob(f"{system.file.name}*"))
    for file in files:
        file.chmod(0o444)
    with _locked(system):
        refused = len(system.said)
        while len(system.said) == refused:
            time.sleep(PAUSE_S)
    system.until_degraded()
    for file in files:
        file.chmod(0o600)
    return "chmod 444 of all its files, and a lock of another program that makes it open them again"


def removed(system: System) -> str:
    """Take all files away, and put them back."""
    aside = system.file.parent / "aside"
    aside.mkdir()
    files = list(system.file.parent.glob(f"{system.file.name}*"))
    for file in files:
        file.rename(aside / file.name)
    system.until_degraded()
    for file in files:
        (aside / file.name).rename(file)
    return "all its files moved away, and back again"


def log_removed(system: System) -> str:
    """Remove the write-ahead log."""
    system.file.with_name(f"{system.file.name}-wal").unlink()
    return "rm of its write-ahead log"


def log_cut(system: System) -> str:
    """Empty the write-ahead log in place, after its content was copied into the database."""
    with contextlib.closing(sqlite3.connect(system.file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return "its write-ahead log emptied, as a program for backups does"


def locked(system: System) -> str:
    """Hold the lock longer than a commit waits for it."""
    with _locked(system):
        system.until_degraded()
    return "a write lock of another program until a record was refused"


@contextmanager
def _locked(system: System) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(system.file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


class Fault(NamedTuple):
    """One fault."""

    database: str
    strike: Callable[[System], str]
    says: str
    """A regular expression that what is said must match, in one of the answers."""
    harmless: bool = False
    """Whether nothing has to be said when it strikes between two commits."""


FAULTS = {
    "PostgreSQL fails over": Fault("postgresql", failed_over, "refused|terminating|closed"),
    "PostgreSQL has no connection left": Fault(
        "postgresql", no_connection_left, "too many clients|remaining connection slots"
    ),
    "SQLite's files become read-only": Fault("sqlite", read_only, "readonly database"),
    "SQLite's files are gone for a while": Fault("sqlite", removed, "is gone|removed or replaced"),
    "SQLite's write-ahead log is gone": Fault("sqlite", log_removed, "removed or replaced"),
    "SQLite's write-ahead log is cut": Fault("sqlite", log_cut, "cut short", harmless=True),
    "SQLite is locked": Fault("sqlite", locked, "database is locked"),
}


def told(fault: str, cluster: Cluster | None) -> Told:
    """Strike once, take the cause away, and say what is missing.

    Args:
        fault: its name in FAULTS.
        cluster: for the faults of PostgreSQL.

    Raises:
        TimeoutError: the server does not go on by itself, or does not notice the fault.
    """
    kind, strike, says, _ = FAULTS[fault]
    with Processes() as processes, _database(kind, cluster) as url:
        system = System(processes, url, cluster, says)
        with system.sending():
            system.until_well()
            done = strike(system)
            system.until_well()
        lost = system.lost()
    folder = str(Path(sa.make_url(url).database or "").parent)
    return Told(fault, done, len(system.acked), len(lost), system.cause().replace(f"{folder}/", ""))


def unsaid(row: Told) -> bool:
    """Return whether the cause had to be said and was not."""
    return not row.said and not FAULTS[row.fault].harmless


@contextmanager
def _database(kind: str, cluster: Cluster | None) -> Iterator[str]:
    """Yield the URL of a new database, which only lives as long."""
    name = f"edges_{secrets.token_hex(4)}"
    if kind == "postgresql":
        assert cluster is not None
        url = PostgreSql().create(cluster.url, name)
        yield url
        PostgreSql().drop(cluster.url, name)
        return
    folder = Path(tempfile.mkdtemp(prefix="empkit-edges-"))
    try:
        yield f"sqlite:///{folder / name}.db"
    finally:
        shutil.rmtree(folder)


def _obeying() -> list[str]:
    """Return the beginning of a command for which permissions of files hold, root's too."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise FileNotFoundError("As root this needs setpriv (util-linux): install it.")
    return [setpriv, f"--inh-caps=-{MAY_WRITE_ALL}", f"--bounding-set=-{MAY_WRITE_ALL}"]


def main() -> None:
    """Strike with every fault, print the table, and with `--write` put it into `RESULTS.md`."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.edges_database", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    with Cluster() as cluster:
        rows = [told(fault, cluster) for fault in FAULTS]
    lines = [
        "## The edges: databases",
        "",
        f"By `{parser.prog} --write`. {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}.",
        "",
        "| fault | what was done | acked | lost | what was said |",
        "| --- | --- | ---: | ---: | --- |",
        *(f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in rows),
    ]
    print("\n".join(lines))
    if options.write:
        replace_section("edges, databases", lines)
    if any(row.lost or not row.acked or unsaid(row) for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
