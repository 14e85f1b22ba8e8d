"""What the notebooks of the course have in common."""

from __future__ import annotations

import re
from importlib.metadata import version


def require(wanted: str) -> None:
    """Check that the installed kit is new enough for a notebook.

    Args:
        wanted: the oldest version that will do.

    Raises:
        RuntimeError: it is older; the message says how to get a newer one.
    """
    found = version("empkit")
    if _numbers(found) < _numbers(wanted):
        raise RuntimeError(
            f"This notebook wants empkit {wanted} or newer, and {found} is installed. In the "
            "project's folder: pip install -e ."
        )


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]
