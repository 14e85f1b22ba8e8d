"""Experiments of the course that need Apache Kafka or PostgreSQL: measured where it is available,
else read from a recording.

    crossed, source = on_apache(experiment, "recorded/idempotence")

A recording is a folder with one folder of `Runs.save` for each run and `about.json`, which says
when and with which versions it was made.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from empkit.brokers import BrokerError
from empkit.brokers.install import find_java, find_kafka

if TYPE_CHECKING:
    from empkit.lab import Lab
    from empkit.results.runs import Runs

Experiment = Callable[["Lab"], Sequence["Runs"]]


def on_apache(
    experiment: Experiment, folder: str | Path, *, brokers: int = 1, keep: bool = False
) -> tuple[list[Runs], str]:
    """Carry out an experiment on Apache Kafka, or read its recording.

    Args:
        experiment: takes a running lab and returns its runs.
        folder: the folder of the recording.
        brokers: how many brokers.
        keep: whether to save what is measured now as the recording.

    Returns:
        The runs, and a sentence that says where they come from.

    Raises:
        BrokerError: Apache Kafka is not on this machine, and a recording was to be made.
        FileNotFoundError: Apache Kafka is not on this machine, and there is no recording.

    Example:
        >>> several, source = on_apache(lambda lab: [lab.run("kafka")], "x")  # doctest: +SKIP
    """
    from empkit.lab import Lab  # noqa: PLC0415 - start-up time

    try:
        find_java()
        version = _version(find_kafka())
    except BrokerError as error:
        if keep:
            raise
        return _recording(Path(folder), str(error))
    with Lab("apache", brokers=brokers) as lab:
        runs = list(experiment(lab))
    if keep:
        _keep(runs, Path(folder), {"apache_kafka": version, "brokers": brokers}, {})
    return runs, f"Measured just now, on Apache Kafka {version} with {_brokers(brokers)}."


def on_postgresql(
    experiment: Callable[[Lab], Runs], folder: str | Path, *, keep: bool = False
) -> tuple[list[Runs], str]:
    """Carry out an experiment once with SQLite and once with PostgreSQL, or read its recording.

    The PostgreSQL server is that of EMPKIT_LAB_DATABASE, else a temporary one, started from the
    programs on this machine.

    Args:
        experiment: takes a running lab without Kafka and returns its runs.
        folder: the folder of the recording.
        keep: whether to save what is measured now as the recording.

    Returns:
        The runs with SQLite and those with PostgreSQL, and a sentence that says where they come
        from.

    Raises:
        RuntimeError: PostgreSQL is not on this machine, and a recording was to be made.
        FileNotFoundError: PostgreSQL is not on this machine, and there is no recording.

    Example:
        >>> several, source = on_postgresql(lambda lab: lab.run("http"), "x")  # doctest: +SKIP
    """
    from empkit.databases.cluster import Cluster, version_of  # noqa: PLC0415 - start-up time
    from empkit.lab import Lab  # noqa: PLC0415 - start-up time
    from empkit.settings import Settings  # noqa: PLC0415 - start-up time

    given = Settings()
    server = given.lab_database
    reason = "" if server else _without_postgresql()
    if reason:
        if keep:
            raise RuntimeError(reason)
        return _recording(Path(folder), reason)
    runs = []
    with contextlib.ExitStack() as stack:
        server = server or stack.enter_context(Cluster()).url
        version = version_of(server)
        for database in (None, server):
            settings = given.model_copy(update={"lab_database": database})
            with Lab("none", settings=settings) as lab:
                runs.append(experiment(lab))
    if keep:
        more = {"psycopg": metadata.version("psycopg")}
        _keep(runs, Path(folder), {"postgresql": version}, more)
    return runs, f"Measured just now, on SQLite and on PostgreSQL {version}."


def _without_postgresql() -> str:
    """Return why no PostgreSQL server can be started here; empty when one can."""
    from empkit.databases.cluster import available  # noqa: PLC0415 - start-up time

    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is missing. Run: pip install 'empkit[postgresql]'"
    if not available():
        return (
            "PostgreSQL's programs are not on this machine. Install them, or give a server in "
            "EMPKIT_LAB_DATABASE."
        )
    return ""


def _brokers(count: int) -> str:
    return f"{count} broker" if count == 1 else f"{count} brokers"


def _version(jars: Sequence[Path]) -> str:
    jar = next(jar.name for jar in jars if jar.name.startswith("kafka_2.13-"))
    return jar.removeprefix("kafka_2.13-").removesuffix(".jar")


def _keep(
    runs: Sequence[Runs], folder: Path, what: dict[str, object], more: dict[str, str]
) -> None:
    for number, comparison in enumerate(runs, 1):
        comparison.save(folder / f"{number}")
    measured = runs[0].environment
    about = {
        "date": measured["date"],
        **what,
        "versions": {**measured["versions"], **more},
        "runs": len(runs),
    }
    (folder / "about.json").write_text(json.dumps(about, indent=2) + "\n")


def _recording(folder: Path, reason: str) -> tuple[list[Runs], str]:
    from empkit.results.runs import load  # noqa: PLC0415 - start-up time

    about = json.loads((folder / "about.json").read_text())
    versions = about["versions"]
    if "postgresql" in about:
        what = f"SQLite and PostgreSQL {about['postgresql']}, psycopg {versions['psycopg']}"
    else:
        what = f"Apache Kafka {about['apache_kafka']} of {_brokers(about['brokers'])}, aiokafka"
        what += f" {versions['aiokafka']}"
    source = (
        f"RECORDED on {about['date'][:10]} with {what} and empkit {versions['empkit']}; not "
        f"measured here: {reason}"
    )
    return [load(folder / f"{number}") for number in range(1, about["runs"] + 1)], source
