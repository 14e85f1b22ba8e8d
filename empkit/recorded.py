"""Experiments of the course that want Apache Kafka: live where it is, else as they were recorded.

    crossed, source = on_apache(experiment, "recorded/idempotence")

A recording is a folder with one folder of `Runs.save` for each run and `about.json`, which says
when and with which versions it was made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from empkit.brokers import BrokerError
from empkit.brokers.install import find_java, find_kafka

if TYPE_CHECKING:
    from empkit.experiment.results import Runs
    from empkit.lab import Lab

Experiment = Callable[["Lab"], Sequence["Runs"]]


def on_apache(
    experiment: Experiment, folder: str | Path, *, brokers: int = 1, keep: bool = False
) -> tuple[list[Runs], str]:
    """Carry out an experiment on Apache Kafka, or show what was recorded.

    Args:
        experiment: gets a running lab and returns its runs.
        folder: of the recording.
        brokers: how many.
        keep: make the recording, from what is measured now.

    Returns:
        The runs, and a sentence that says where they come from.

    Raises:
        BrokerError: there is no Apache Kafka here, and a recording was to be made.
        FileNotFoundError: nor is there a recording.
    """
    from empkit.lab import Lab

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
        _keep(runs, Path(folder), version, brokers)
    return runs, f"Measured just now, on Apache Kafka {version} with {brokers} broker(s)."


def _version(jars: Sequence[Path]) -> str:
    jar = next(jar.name for jar in jars if jar.name.startswith("kafka_2.13-"))
    return jar.removeprefix("kafka_2.13-").removesuffix(".jar")


def _keep(runs: Sequence[Runs], folder: Path, version: str, brokers: int) -> None:
    for number, each in enumerate(runs, 1):
        each.save(folder / f"{number}")
    measured = runs[0].environment
    about = {
        "date": measured["date"],
        "apache_kafka": version,
        "brokers": brokers,
        "versions": measured["versions"],
        "runs": len(runs),
    }
    (folder / "about.json").write_text(json.dumps(about, indent=2) + "\n")


def _recording(folder: Path, reason: str) -> tuple[list[Runs], str]:
    from empkit.experiment.results import load

    about = json.loads((folder / "about.json").read_text())
    versions = about["versions"]
    source = (
        f"RECORDED on {about['date'][:10]} with Apache Kafka {about['apache_kafka']} of "
        f"{about['brokers']} broker(s), aiokafka {versions['aiokafka']} and empkit "
        f"{versions['empkit']}; not measured here: {reason}"
    )
    return [load(folder / f"{number}") for number in range(1, about["runs"] + 1)], source
