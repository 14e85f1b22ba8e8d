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
    """Return time, machine, versions, and what the caller adds."""
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
    """Return what the runs were measured on; a server that the lab did not start tells its part."""
    settings = guarantees.applied(rig.settings)
    if not rig.has_own_server:
        about = rig.told_by_server
        server_versions = about.get("versions", {})
        return environment(
            broker=rig.broker_name,
            database=about.get("database", "not known: the server does not say"),
            settings=settings.in_result("client", "both") | _allowed(about.get("settings", {})),
            server={
                "versions": {str(name): str(version) for name, version in server_versions.items()}
            },
        )
    return environment(
        broker=rig.broker_name,
        database=urlsplit(rig.settings.database_url).scheme,
        settings=settings.in_result(),
    )


def _allowed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return those settings of another server that may go into a result."""
    allowed = Settings().in_result("server", "both")
    return {name: settings[name] for name in allowed if name in settings}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def command_line(arguments: Sequence[str]) -> str:
    """Return a command in the syntax of a shell, with its secrets replaced by `***`.

    Args:
        arguments: the program and its arguments, such as `sys.argv`.
    """
    first, *rest = arguments
    return shlex.join([Path(first).name, *map(_blanked, rest)])


def _blanked(argument: str) -> str:
    """Return an argument without its secrets; it is a single word, whatever characters it has."""
    before, scheme, behind = argument.partition("://")
    if not scheme:
        return argument
    address = behind.rpartition("@")[2]
    address = _VALUE_OF_URL.sub(r"\1***", address)
    return f"{before}://***@{address}" if "@" in behind else f"{before}://{address}"


def without_secrets(text: str) -> str:
    """Return text with credentials in URLs, and values named as secrets, replaced by `***`."""
    return _VALUE.sub(r"\1***", _CREDENTIALS.sub("***", text))


def hashed(workload: Workload) -> tuple[Iterator[Any], Callable[[], str | None]]:
    """Return the records of a workload, and a function for the hash of their source.

    Returns:
        The records, and a function that returns a SHA-256 in hexadecimal once they have been read:
        of the file's bytes; of records that were given, as lines of JSON; None for made-up records,
        which their seed identifies.

    Raises:
        RecordError: a file cannot be read, or holds no record.
    """
    if workload.origin is not None:
        file = workload.origin
        return workload.load(), lambda: file.sha256
    if isinstance(workload.records, str | Path):
        file = read_records(workload.records)
        return iter(file.records), lambda: file.sha256
    if isinstance(workload.records, int):
        return workload.load(), lambda: None
    digest = hashlib.sha256()

    def passed_on() -> Iterator[Any]:
        for record in workload.load():
            digest.update(line_of(record))
            yield record

    return passed_on(), digest.hexdigest
