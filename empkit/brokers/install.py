"""Finds the Java and the Apache Kafka that the broker `apache` runs with, and downloads the latter.

Maven does the download and verifies the repository's checksums.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from empkit.brokers.base import BrokerError

KAFKA_VERSION = "4.4.0"
"""The version that is downloaded, and that the tests run with."""

BROKER = "kafka_2.13"
"""The broker's artifact, in the group org.apache.kafka."""

HOME = "EMPKIT_KAFKA_HOME"
"""The environment variable that names the folder of an Apache Kafka."""

MIN_JAVA = 17

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
      <artifactId>{artifact}</artifactId>
      <version>{version}</version>
    </dependency>
    <!-- writes the log to standard error; without it Kafka logs nothing -->
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""


def default_folder(name: str = f"kafka-{KAFKA_VERSION}") -> Path:
    """Return this user's folder for Kafka, in the cache folder of the XDG Base Directory spec."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # the specification requires that a relative path be ignored
    base = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    return base / "empkit" / name


def find_jars(folder: Path, artifact: str = BROKER) -> list[Path]:
    """Return the jars of a Kafka: in the folder itself, or in the `libs` of an unpacked release.

    Args:
        folder: the folder to search.
        artifact: the artifact that must be among the jars; without it the list is empty.
    """
    for place in (folder / "libs", folder):
        jars = sorted(place.glob("*.jar"))
        if any(jar.name.startswith(f"{artifact}-") for jar in jars):
            return jars
    return []


def find_java() -> str:
    """Return the Java to run Kafka with: that of `JAVA_HOME`, or the one on the PATH.

    Raises:
        BrokerError: Java is missing or too old.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else None
    java = java or shutil.which("java")
    output = ""
    if java is not None:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
    # 17.0.15 is 17, 1.8.0 is 8
    version = re.search(r'version "(?:1\.)?(\d+)', output)
    if java is None or version is None:  # macOS without a JDK has a java that prints an error
        raise BrokerError(
            f"Java is missing: Apache Kafka needs version {MIN_JAVA} or later. Install a JDK "
            "(`apt install default-jre-headless`, `brew install openjdk`, `conda install "
            "openjdk`), or use the embedded broker."
        )
    if int(version[1]) < MIN_JAVA:
        raise BrokerError(
            f"{java} is Java {version[1]}; Apache Kafka needs {MIN_JAVA} or later. Install a newer "
            "one and set JAVA_HOME to it, or use the embedded broker."
        )
    return java


def find_kafka() -> list[Path]:
    """Return Kafka's jars: those of EMPKIT_KAFKA_HOME, or else those that were installed.

    Raises:
        BrokerError: there are no jars.
    """
    home = os.environ.get(HOME)
    folder = Path(home).expanduser() if home else default_folder()
    jars = find_jars(folder)
    if not jars:
        raise BrokerError(
            f"There is no Apache Kafka in {folder}. `empkit kafka install` downloads "
            f"{KAFKA_VERSION}; or set {HOME} to the folder of an unpacked release."
        )
    return jars


def install_kafka(folder: Path | None = None) -> Path:
    """Download Apache Kafka, unless it is there.

    Args:
        folder: where its jars go; by default the user's cache.

    Returns:
        The folder, fit for EMPKIT_KAFKA_HOME.

    Raises:
        BrokerError: Java or Maven is missing, Java is too old, or Maven failed.
    """
    return install_jars(BROKER, KAFKA_VERSION, folder or default_folder())


def install_jars(artifact: str, version: str, folder: Path) -> Path:
    """Download an artifact of Apache Kafka and its dependencies, unless it is there.

    Args:
        artifact: its name in the group org.apache.kafka.
        version: its version.
        folder: the folder for the jars.

    Returns:
        The folder.

    Raises:
        BrokerError: see `install_kafka`.
    """
    folder = folder.expanduser().resolve()
    if find_jars(folder, artifact):
        return folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BrokerError(
            f"{folder} contains something other than Apache Kafka. Name an empty folder, or remove "
            "it."
        )
    find_java()
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerError(
            "Maven is missing. Install it (`apt install maven`, `brew install maven`, `conda "
            f"install maven`), or unpack a release of Apache Kafka 4 and set {HOME} to its folder."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".kafka-") as scratch:
        jars = Path(scratch, "jars")
        _fetch(maven, artifact, version, jars)
        try:
            if folder.exists():
                folder.rmdir()
            jars.replace(folder)
        except OSError:
            if not find_jars(folder, artifact):  # else another process has installed it meanwhile
                raise
    return folder


def _fetch(maven: str, artifact: str, version: str, jars: Path) -> None:
    """Have Maven copy an artifact and its dependencies into `jars`.

    Raises:
        BrokerError: Maven failed or timed out.
    """
    pom = jars.with_name("pom.xml")
    pom.write_text(_POM.format(artifact=artifact, version=version))
    command = [maven, "-B", "-q", "-C", "-f", str(pom), f"{PLUGIN}:copy-dependencies"]
    command += [f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=INSTALL_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise BrokerError(
            f"Maven did not download {artifact} {version} within {INSTALL_TIMEOUT_S:g} s. "
            "Check the network and try again."
        ) from None
    if done.returncode or not find_jars(jars, artifact):
        tail = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[:5])
        raise BrokerError(
            f"Maven could not download {artifact} {version}. Check the network, or a proxy or "
            f"mirror in ~/.m2/settings.xml, and try again. Its output:\n  {tail}"
        )
