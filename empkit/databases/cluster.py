"""A PostgreSQL server of our own, thrown away after use, from the programs on this machine.

It has its own files, listens on loopback only, wants a password, and ends with us, also when we are
killed.
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
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from empkit.databases.engine import make_engine
from empkit.processes.child import Child, ChildError, Processes

FORMAT_TIMEOUT_S = 60.0
START_TIMEOUT_S = 30.0


def program(name: str) -> str:
    """Where one of the server's programs is, or nothing; Debian keeps them out of the path."""
    found = shutil.which(name)
    if found is None:
        places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        found = str(places[-1]) if places else None
    return found or ""


def available() -> bool:
    """Whether the server's programs are on this machine."""
    return bool(program("initdb") and program("postgres"))


class Cluster:
    """A running server; `stop`, or the end of a `with` block, ends it and removes its files.

    Attributes:
        url: of its first database.
        folder: with its files.

    Raises:
        ChildError: it does not come up; the message says why.
    """

    def __init__(self) -> None:
        self._processes = Processes()
        try:
            self.user = _other_user()
            self.folder = self._processes.folder
            self.url = self._start(self.folder)
        except BaseException:
            self._processes.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self, folder: Path) -> str:
        password, file = secrets.token_urlsafe(16), folder / "password"
        file.write_text(password)
        if self.user:
            for each in (folder, file):
                shutil.chown(each, self.user)
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
            port = probe.getsockname()[1]
        self._server = self._processes.start(
            "postgres",
            [program("postgres"), "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
             "-c", f"unix_socket_directories={folder}", "-c", "max_connections=200",
             "-c", "dynamic_shared_memory_type=mmap"],  # in the folder, and so gone with it
            user=self.user,
        )  # fmt: skip
        url = f"postgresql+psycopg://empkit:{password}@127.0.0.1:{port}/postgres"
        _wait(url, self._server)
        return url

    @property
    def version(self) -> str:
        """Such as `17.6`."""
        return version_of(self.url)

    def stop(self) -> None:
        """End it and remove its files."""
        if sys.platform != "win32":  # there is no SIGQUIT there; the processes are killed below
            self._server.signal(signal.SIGQUIT)  # at once: nobody will want the files
        self._processes.stop()


def version_of(url: str) -> str:
    """The version of the PostgreSQL server at `url`, such as `17.6`."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql("SHOW server_version").scalar_one()
    finally:
        engine.dispose()
    return str(found).partition(" ")[0]


def _other_user() -> str | None:
    """Whom the server runs as when we are root, which it refuses to run as."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd

    return "postgres" if "postgres" in {each.pw_name for each in pwd.getpwall()} else "nobody"


def _wait(url: str, server: Child) -> None:
    """Until it answers."""
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
                        f"PostgreSQL does not come up: {server.log.read_text()}"
                    ) from None
                time.sleep(0.05)
    finally:
        engine.dispose()
