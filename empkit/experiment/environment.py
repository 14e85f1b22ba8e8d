"""What a result was measured on, and with what: time, machine, versions, settings, command and
records.

Nothing secret and no address goes into it: of the settings only those marked `InResult`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from empkit.experiment.guarantees import Guarantees
from empkit.experiment.payloads import line_of
from empkit.experiment.workload import Workload
from empkit.records.files import read_records
from empkit.settings import Settings
from empkit.versions import versions

if TYPE_CHECKING:
    from empkit.rig.rig import Rig

_CREDENTIALS = re.compile(r"(?<=://)\S*(?=@)")
_NAME = r"\w*(?:pass|secret|token|key)\w*="
"""The name of a value that is secret, and what stands before the value."""
_VALUE = re.compile(rf"\b({_NAME})[^&\s]+", re.IGNORECASE)
_VALUE_OF_URL = re.compile(rf"([?&]{_NAME})[^&]*", re.IGNORECASE)


def environment(**more: Any) -> dict[str, Any]:
    """What is measured on: time, machine and versions, and what the caller adds."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": f"{platform.system()} {platform.release()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "versions": versions(),
        "command": None,
        **more,
    }


def measured_on(rig: Rig, guarantees: Guarantees) -> dict[str, Any]:
    """What the runs were measured on; of a server that is not ours, what that server says."""
    settings = guarantees.applied(rig.settings)
    if not rig.has_own_server:
        told = rig.told_by_server
        versions_there = told.get("versions", {})
        return environment(
            broker=rig.broker_name,
            database=told.get("database", "not known: the server does not say"),
            settings=settings.in_result("client", "both") | _allowed(told.get("settings", {})),
            server={"versions": {str(name): str(each) for name, each in versions_there.items()}},
        )
    return environment(
        broker=rig.broker_name,
        database=urlsplit(rig.settings.database_url).scheme,
        settings=settings.in_result(),
    )


def _allowed(told: Mapping[str, Any]) -> dict[str, Any]:
    """Of the settings that another server tells, those that may go into a result."""
    return {name: told[name] for name in Settings().in_result("server", "both") if name in told}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def command_line(arguments: Sequence[str]) -> str:
    """A command as a shell takes it, with what is secret in it replaced by `***`.

    Args:
        arguments: the program and its arguments, such as `sys.argv`.
    """
    first, *rest = arguments
    return shlex.join([Path(first).name, *map(_blanked, rest)])


def _blanked(argument: str) -> str:
    """An argument without what is secret; it is one word, whatever characters are in it."""
    before, scheme, behind = argument.partition("://")
    if not scheme:
        return argument
    address = behind.rpartition("@")[2]
    address = _VALUE_OF_URL.sub(r"\1***", address)
    return f"{before}://***@{address}" if "@" in behind else f"{before}://{address}"


def without_secrets(text: str) -> str:
    """Text with the user and password of URLs, and values that are named as secrets, as `***`."""
    return _VALUE.sub(r"\1***", _CREDENTIALS.sub("***", text))


def hashed(workload: Workload) -> tuple[Iterator[Any], Callable[[], str | None]]:
    """The records of a workload, and what tells where they came from once they have been read.

    Returns:
        The records, and a function that gives a SHA-256 in hexadecimal: of the file's bytes; of
        records that were given, of each as JSON in a line; None for made-up ones, whose seed says
        all.

    Raises:
        RecordError: a file cannot be read, or holds no record.
    """
    if workload.origin is not None:
        _, of_file = workload.origin
        return workload.load(), lambda: of_file
    if isinstance(workload.records, str | Path):
        found = read_records(workload.records)
        return iter(found.records), lambda: found.sha256
    if isinstance(workload.records, int):
        return workload.load(), lambda: None
    digest = hashlib.sha256()

    def passed_on() -> Iterator[Any]:
        for record in workload.load():
            digest.update(line_of(record))
            yield record

    return passed_on(), digest.hexdigest
