"""A temporary PostgreSQL server, started from the programs on this machine.

It has its own files, listens on loopback only and requires a password. It ends with the process
that started it, also when that process is killed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from empkit.databases.engine import make_engine
from empkit.processes.child import Child, ChildError, Processes
from empkit.processes.context import Stopping

FORMAT_TIMEOUT_S = 60.0
START_TIMEOUT_S = 30.0


def program(name: str) -> str:
    """Return the path of one of the server's programs, or ""; Debian keeps them outside PATH."""
    path = shutil.which(name)
    if path is None:
        candidates = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        path = str(candidates[-1]) if candidates else None
    return path or ""


def available() -> bool:
    """Return whether the server's programs are on this machine."""
    return bool(program("initdb") and program("postgres"))


class Cluster(Stopping):
    """A running server; `stop`, or the end of a `with` block, stops it and removes its files.

    Attributes:
        url: of its first database.
        folder: with its files.

    Raises:
        ChildError: the server does not start; the message says why.
    """

    def __init__(self) -> None:
        self._processes = Processes()
        try:
            self.user = _other_user()
            self.folder = self._processes.folder
            self._start(self.folder)
        except BaseException:
            self._processes.stop()
            raise

    def _start(self, folder: Path) -> None:
        password, file = secrets.token_urlsafe(16), folder / "password"
        file.write_text(password)
        if self.user:
            for path in (folder, file):
                shutil.chown(path, self.user)
        data = str(folder / "data")
        making = self._processes.start(
            "initdb",
            [program("initdb"), "-D", data, "-U", "empkit", "--pwfile", str(file),
             "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"],
            user=self.user,
        )  # fmt: skip
        try:
            if making.wait(FORMAT_TIMEOUT_S):
                raise ChildError(f"initdb failed: {making.log.read_text()}")
        finally:
            self._processes.release(making, kill=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"postgresql+psycopg://empkit:{password}@127.0.0.1:{self._port}/postgres"
        self.up()

    def up(self) -> None:
        """Start the server, at its address and with its files, and wait until it accepts
        connections.

        Raises:
            ChildError: it does not start; the message says why.
        """
        self._server = self._processes.start(
            "postgres",
            [program("postgres"), "-D", str(self.folder / "data"), "-p", str(self._port),
             "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}",
             "-c", "max_connections=200",
             "-c", "dynamic_shared_memory_type=mmap"],  # its files are in the folder
            user=self.user,
        )  # fmt: skip
        _wait(self.url, self._server)
        _RUNNING[self._port] = self._server.pid

    def down(self) -> None:
        """Shut the server down at once, without a checkpoint, as when its machine fails: the next
        start recovers from the write-ahead log. Connections are refused until then."""
        _RUNNING.pop(self._port, None)
        if sys.platform != "win32":  # there is no SIGQUIT there
            self._server.signal(signal.SIGQUIT)
            self._server.wait(START_TIMEOUT_S)
        self._processes.release(self._server, kill=True)

    @property
    def version(self) -> str:
        """The version of the server, such as `17.6`."""
        return version_of(self.url)

    def stop(self) -> None:
        """Stop the server and remove its files."""
        if sys.platform != "win32":  # there is no SIGQUIT there; the processes are killed below
            self._server.signal(signal.SIGQUIT)  # immediate shutdown: the files are removed
        _RUNNING.pop(self._port, None)
        self._processes.stop()


_RUNNING: dict[int, int] = {}
"""The process of each server that this process has started, by port."""


def process_of(url: str) -> int | None:
    """Return the process of a server that this process has started, by the URL of a database."""
    address = sa.make_url(url)
    return _RUNNING.get(address.port or 0) if address.host == "127.0.0.1" else None


def version_of(url: str) -> str:
    """Return the version of the PostgreSQL server at `url`, such as `17.6`."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            version = connection.exec_driver_sql("SHOW server_version").scalar_one()
    finally:
        engine.dispose()
    return str(version).partition(" ")[0]


def _other_user() -> str | None:
    """Return the user to run the server as when this process is root: PostgreSQL refuses root."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd  # noqa: PLC0415 - not on Windows

    return "postgres" if "postgres" in {user.pw_name for user in pwd.getpwall()} else "nobody"


def _wait(url: str, server: Child) -> None:
    """Wait until the server accepts connections."""
    engine = make_engine(url)
    give_up = time.monotonic() + START_TIMEOUT_S
    try:
        while True:
            try:
                engine.connect().close()
                return
            except sa.exc.OperationalError:
                if not server.running or time.monotonic() > give_up:
                    raise ChildError(
                        f"PostgreSQL does not start: {server.log.read_text()}"
                    ) from None
                time.sleep(0.05)
    finally:
        engine.dispose()
