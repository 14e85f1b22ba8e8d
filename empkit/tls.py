"""TLS: contexts that verify the other side."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any

PROBE_TIMEOUT_S = 1.0


def verified(ca_file: Any) -> ssl.SSLContext:
    """Return a TLS context that verifies the peer's certificate and name.

    Args:
        ca_file: the certificate of an authority to trust; None trusts those of the system.

    Raises:
        ValueError: the file cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"The certificate file {ca_file} cannot be read: {error}.") from error


async def speaks_tls(host: str, port: int) -> bool:
    """Return whether a server's port answers a TLS handshake; nothing is sent to it after that."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=anybody)
            writer.transport.abort()
            return True
    return False
