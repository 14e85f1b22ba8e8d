"""A PostgreSQL server for the tests: made, started and thrown away."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

START_TIMEOUT_S = 30.0


def program(name: str) -> str:
    """Where one of the server's programs is; Debian keeps them out of the path."""
    found = shutil.which(name)
    if found is None:
        places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        found = str(places[-1]) if places else None
    return found or ""


def available() -> bool:
    """Whether PostgreSQL can be tested; where CI runs it must be."""
    return bool(program("initdb"))


class Cluster:
    """A server with its own files, on loopback, with a password.

    Attributes:
        url: of its first database.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="empkit-postgres-"))
        self.user: str | None = None
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            names = {each.pw_name for each in pwd.getpwall()}
            self.user = "postgres" if "postgres" in names else "nobody"
            shutil.chown(self.folder, self.user)
        password = secrets.token_urlsafe(16)
        (self.folder / "password").write_text(password)
        if self.user:
            shutil.chown(self.folder / "password", self.user)
        data = str(self.folder / "data")
        subprocess.run(
            [program("initdb"), "-D", data, "-U", "empkit", "--pwfile",
             str(self.folder / "password"), "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"],
            check=True, capture_output=True, user=self.user, cwd=self.folder,
        )  # fmt: skip
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            [program("postgres"), "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
             "-c", f"unix_socket_directories={self.folder}", "-c", "max_connections=200"],
            stdout=self.log, stderr=subprocess.STDOUT, user=self.user, cwd=self.folder,
        )  # fmt: skip
        self.url = f"postgresql+psycopg://empkit:{password}@127.0.0.1:{port}/postgres"
        self._wait()

    def _wait(self) -> None:
        engine = sa.create_engine(self.url, connect_args={"connect_timeout": 2})
        give_up = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                engine.connect().close()
                break
            except sa.exc.OperationalError:
                log = (self.folder / "log").read_text()
                assert self.process.poll() is None, log
                assert time.monotonic() < give_up, log
                time.sleep(0.05)
        engine.dispose()

    def stop(self) -> None:
        """End it and remove its files."""
        self.process.send_signal(signal.SIGQUIT)  # at once: nobody will want the files
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.folder)
