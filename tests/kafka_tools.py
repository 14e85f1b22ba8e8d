"""Apache Kafka's own command-line tools, a client that knows nothing of the kit."""

import subprocess
from pathlib import Path

from empkit.brokers.install import default_folder, find_java, install_jars

VERSION = "4.1.1"
"""Maven Central has no kafka-tools of 4.4.0; these bring the client library of their own."""


def tools() -> Path:
    """Their jars, fetched when they are not there."""
    return install_jars("kafka-tools", VERSION, default_folder(f"kafka-tools-{VERSION}"))


def run_tool(name: str, *arguments: str, text: str = "", timeout_s: float = 60.0) -> str:
    """What a tool prints.

    Args:
        name: its class, after `org.apache.kafka.tools.`.
        arguments: as on a command line.
        text: what it reads from standard input.
        timeout_s: how long it may take, in seconds.
    """
    java = [find_java(), "-Xmx128m", "-cp", f"{tools()}/*", f"org.apache.kafka.tools.{name}"]
    done = subprocess.run(
        [*java, *arguments], input=text, capture_output=True, text=True, errors="replace",
        timeout=timeout_s, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout
