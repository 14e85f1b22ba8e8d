"""The end of each part's log, for the folder of a result that was not clean."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from empkit.experiment.environment import without_secrets

MOST_BYTES = 2**20
"""The maximum size of the end of one log, in bytes."""


def ends(folder: Path, secrets: Iterable[str]) -> dict[str, str]:
    """Return the end of each log below a folder, with secrets replaced.

    Args:
        folder: of the lab.
        secrets: texts to replace, such as the lab's password.

    Returns:
        The text of each log that is not empty, by the name of its part.
    """
    texts = {}
    for path in sorted(folder.rglob("*.log")):
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MOST_BYTES))
            text = without_secrets(file.read(MOST_BYTES).decode(errors="replace"))
        for secret in secrets:
            text = text.replace(secret, "***")
        if text.strip():
            parts = path.relative_to(folder).with_suffix("").parts
            texts["-".join(parts)] = text
    return texts
