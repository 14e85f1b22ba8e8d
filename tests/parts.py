"""What tests need that pip does not bring: fetched where it can be, skipped or missed otherwise.

On a machine with Python alone all tests are green or skipped, each skip with its reason. In CI
(CI=true) nothing is skipped for want of a part: there it is a failure.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

try:
    import fcntl
except ImportError:  # Windows has no such locks; what runs there needs none
    fcntl = None

import pytest

from empkit.brokers import BrokerError
from empkit.brokers.install import find_java, find_kafka, install_kafka
from empkit.databases.cluster import available


def in_ci() -> bool:
    """Whether this is CI, where every part must be there."""
    return os.environ.get("CI", "").lower() in {"true", "1"}


def missing(reason: str) -> NoReturn:
    """Skip the test that wants what is missing; in CI, fail it.

    Args:
        reason: a sentence that says what is missing.
    """
    if in_ci():
        pytest.fail(f"{reason} CI must have it (CI={os.environ['CI']}).", pytrace=False)
    pytest.skip(reason)


def fetched(name: str, fetch: Callable[[], object], folder: Path) -> None:
    """Fetch a part once for all workers, whichever comes first; the others wait for it.

    Where it cannot be had the reason is kept, so that it is tried once and not by every worker.

    Args:
        name: of the part, for the file that is locked.
        fetch: fetches it unless it is there, or raises BrokerError with the reason.
        folder: one that all workers of this session share.
    """
    with (folder / f"{name}.lock").open("a+") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        reason = lock.read()
        if not reason:
            try:
                fetch()
            except BrokerError as error:
                reason = " ".join(str(error).split())
                lock.write(reason)
    if reason:
        missing(reason)


def fetch_kafka() -> None:
    """Apache Kafka where `empkit kafka install` puts it, unless the user has another.

    Raises:
        BrokerError: Java or Maven is missing, or Maven could not fetch it.
    """
    find_java()
    if not os.environ.get("EMPKIT_KAFKA_HOME"):
        install_kafka()
    find_kafka()


def need_postgresql() -> None:
    """Skip or fail without PostgreSQL's programs."""
    if not available():
        missing("PostgreSQL's programs (initdb, postgres) are not on this machine.")


def need_program(name: str) -> str:
    """The path of a program; without it the test is skipped or fails."""
    program = shutil.which(name)
    if program is None:
        missing(f"{name} is not on this machine.")
    return program


def need_time_namespace() -> list[str]:
    """The beginning of a command that runs with a monotonic clock of its own."""
    apart = [need_program("unshare"), "-T", "--monotonic", "1000", "--fork", "--kill-child", "--"]
    done = subprocess.run([*apart, "true"], check=False, capture_output=True, text=True)
    if done.returncode:
        missing(f"This user may not make a time namespace ({done.stderr.strip()}).")
    return apart


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """A temporary folder that all workers of this session share."""
    own = factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own
