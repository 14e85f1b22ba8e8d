"""Whether anything accepts connections at an address."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from empkit.check.base import REACH_TIMEOUT_S


async def why_unreachable(host: str, port: int) -> str:
    """Return the system's error when nothing accepts a connection there, else an empty text."""
    try:
        async with asyncio.timeout(REACH_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"no answer within {REACH_TIMEOUT_S:g} s"
    except (OSError, UnicodeError) as error:  # UnicodeError: of a host that is not a valid name
        return str(error)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return ""


async def unreachable(addresses: list[tuple[str, int]]) -> list[str]:
    """Return the addresses at which nothing answers, each with the reason."""
    reasons = await asyncio.gather(*(why_unreachable(*address) for address in addresses))
    return [
        f"{host}:{port} ({reason})"
        for (host, port), reason in zip(addresses, reasons, strict=True)
        if reason
    ]
