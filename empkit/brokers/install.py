"""Fetches Apache Kafka with Maven, for the broker `apache`.

Maven checks what it downloads against the repository's checksums, and keeps it in its own cache.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from empkit.brokers.base import BrokerError

KAFKA_VERSION = "4.4.0"
"""The version that is fetched, and that the tests run with."""

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
INSTALL_TIMEOUT_S = 900.0

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>empkit</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{version}</version>
    </dependency>
  </dependencies>
</project>
"""


def default_folder() -> Path:
    """Where Kafka is kept for this user: in the cache folder of the XDG Base Directory spec."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # the specification wants a relative path to be ignored
    base = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    return base / "empkit" / f"kafka-{KAFKA_VERSION}"


def find_jars(folder: Path) -> list[Path]:
    """The jars of a Kafka: in the folder itself, or in the `libs` of an unpacked release."""
    for place in (folder / "libs", folder):
        jars = sorted(place.glob("*.jar"))
        if any(jar.name.startswith("kafka_2.13-") for jar in jars):
            return jars
    return []


def install_kafka(folder: Path | None = None) -> Path:
    """Fetch Apache Kafka, unless it is there.

    Args:
        folder: where its jars go; by default the user's cache.

    Returns:
        The folder, fit for EMPKIT_KAFKA_HOME.

    Raises:
        BrokerError: Java or Maven is missing, or Maven could not fetch it.
    """
    folder = (folder or default_folder()).expanduser().resolve()
    if find_jars(folder):
        return folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BrokerError(
            f"{folder} holds something else than Apache Kafka. Name an empty folder, or remove it."
        )
    maven = shutil.which("mvn")
    if maven is None or shutil.which("java") is None:
        raise BrokerError(
            f"{'Maven' if maven is None else 'Java'} is missing. Install a JDK of version 17 or "
            "later and Maven (`apt install maven`, `brew install maven`, `conda install maven`), "
            "or unpack a release of Apache Kafka 4 and set EMPKIT_KAFKA_HOME to its folder."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".kafka-") as scratch:
        jars = Path(scratch, "jars")
        _fetch(maven, Path(scratch), jars)
        if not folder.exists() or not find_jars(folder):  # somebody else may have been faster
            folder.mkdir(exist_ok=True)
            jars.replace(folder)
    return folder


def _fetch(maven: str, scratch: Path, jars: Path) -> None:
    """Have Maven put Kafka and all it needs into `jars`.

    Raises:
        BrokerError: it could not.
    """
    pom = scratch / "pom.xml"
    pom.write_text(_POM.format(version=KAFKA_VERSION))
    command = [maven, "-B", "-q", "-C", "-f", str(pom), f"{PLUGIN}:copy-dependencies"]
    command += [f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=INSTALL_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise BrokerError(
            f"Maven did not fetch Kafka {KAFKA_VERSION} within {INSTALL_TIMEOUT_S:g} s. "
            "Check the network and try again."
        ) from None
    if done.returncode or not find_jars(jars):
        tail = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[:5])
        raise BrokerError(
            f"Maven could not fetch Kafka {KAFKA_VERSION}. Check the network, or a proxy or mirror "
            f"in ~/.m2/settings.xml, and try again. It said:\n  {tail}"
        )
