"""Addresses of servers: what a URL means, or a sentence that says why it means nothing."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
LARGEST_PORT = 65_535


class Address(NamedTuple):
    """What a URL of a server says.

    Attributes:
        scheme: in small letters.
        host: the host's name or number, as it is connected to: ASCII, without brackets.
        port: the port, the usual one of the scheme if the URL has none.
        path: the path, without a slash at its end, and the query of a WebSocket; often empty.
        netloc: host and port as they stand in a URL.
    """

    scheme: str
    host: str
    port: int
    path: str
    netloc: str

    @property
    def url(self) -> str:
        """The URL, written in one way."""
        return f"{self.scheme}://{self.netloc}{self.path}"


def parse(url: str, *schemes: str) -> Address:
    """Return what the URL of a server says.

    Args:
        url: such as `http://127.0.0.1:8000`; capital letters in its scheme and host do not matter.
        schemes: those that are expected, of `http`, `https`, `ws` and `wss`.

    Raises:
        ValueError: it is not such a URL; the message says what is wrong, without a password.

    Example:
        >>> parse("HTTP://Localhost:8000/", "http").url
        'http://localhost:8000'
    """
    expected = f"expected {schemes[0]}://HOST:PORT"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"{_shown(url)} is not a URL ({error}); {expected}.") from None
    if "@" in parts.netloc:
        raise ValueError(
            "The URL of a server must not contain a user and a password, since URLs are shown and "
            f"logged: set EMPKIT_USERNAME and EMPKIT_PASSWORD instead; {expected}."
        )
    if parts.scheme not in schemes or not parts.hostname or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise ValueError(f"{_shown(url)} is not the URL of a server; {expected}.")
    if (
        (parts.query and parts.scheme in {"http", "https"})
        or parts.fragment
        or not parts.path.isascii()
    ):
        raise ValueError(
            f"{_shown(url)} has more than a host, a port and a plain path; {expected}."
        )
    port = _port(parts, url)
    try:
        host = parts.hostname.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError(f"{_shown(url)} has no valid host ({error}); {expected}.") from None
    bracketed = f"[{host}]" if ":" in host else host
    netloc = bracketed if port is None else f"{bracketed}:{port}"
    path = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, host, port or PORTS[parts.scheme], path, netloc)


def _port(parts: SplitResult, url: str) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        text = parts.netloc.rpartition(":")[2]
        raise ValueError(f"{_shown(url)}: {text!r} is not a port; one is from 1 to {LARGEST_PORT}.")
    return port


def host_and_port(text: str, least: int = 1) -> tuple[str, int]:
    """Read `HOST:PORT`, or a URL that has both; an IPv6 host is in brackets.

    Args:
        text: the address.
        least: the smallest port; 0 where that means a free one.

    Raises:
        ValueError: it is no such address.

    Example:
        >>> host_and_port("[::1]:5432")
        ('::1', 5432)
    """
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or port < least:
        raise ValueError(
            f"{_shown(text)} is not a valid address; expected HOST:PORT, such as 127.0.0.1:5432."
        )
    return host, port


def check_brokers(text: str) -> str:
    """Return a list of brokers, `HOST:PORT,HOST:PORT`, after checking their ports.

    Raises:
        ValueError: one of them has no valid host or port.
    """
    for broker in text.split(","):
        host, colon, port = broker.strip().rpartition(":")
        if "@" in broker or "/" in broker:
            raise ValueError(f"The brokers are HOST:PORT,HOST:PORT, not {_shown(broker)}.")
        if not colon or (host.startswith("[") and not host.endswith("]")):
            continue  # without a port: the client library has one
        if not host or not (port.isascii() and port.isdigit() and 1 <= int(port) <= LARGEST_PORT):
            raise ValueError(
                f"{broker.strip()!r} is no HOST:PORT; a port is from 1 to {LARGEST_PORT}."
            )
    return text


def _shown(url: str) -> str:
    """Return a URL for a message, without what may be a password."""
    return repr(re.sub(r"//[^/]*@", "//...@", url))
