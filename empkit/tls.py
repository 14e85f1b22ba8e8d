"""TLS: contexts that verify the other side."""

from __future__ import annotations

import ssl
from typing import Any


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
