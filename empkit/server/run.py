"""Runs the application under uvicorn; `main` is a child process of the lab (`empkit.server`).

    order:   {"environment": {...}}    serve with the settings in these variables
    report:  {"ready": true, "server_url": "...", "pid": n}

The child imports everything before it has its settings, so that a lab starts it first, and its
broker and its database meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import logging
import os
import queue
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import cast

import uvicorn

from empkit.databases.engine import database_of, make_engine
from empkit.processes.child import Report, follow_orders, report, take_environment
from empkit.server.app import create_app
from empkit.server.guarded import (
    LEAST_DESCRIPTORS,
    SPARE_DESCRIPTORS,
    GuardedHttp,
    GuardedWebSocket,
    most_connections,
    sweep,
)
from empkit.server.handshakes import TlsListener
from empkit.settings import Settings
from empkit.shortage import provide_descriptors

LARGEST_MESSAGE = 16 * 2**20
"""The maximum size of a WebSocket message, in bytes; a longer one closes the connection."""


class _Server(uvicorn.Server):
    """A server that calls `on_ready` when it is ready."""

    def __init__(
        self,
        config: uvicorn.Config,
        most: int,
        request_timeout_s: float,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._most = most
        self._request_timeout_s = request_timeout_s
        self._on_ready = on_ready
        self._sweeping: asyncio.Task[None] | None = None
        self._ignored = {
            number
            for number in (signal.SIGINT, signal.SIGTERM)
            if signal.getsignal(number) == signal.SIG_IGN
        }

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Exit, unless the signal was ignored when the process started, as under `nohup`."""
        if sig not in self._ignored:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.ssl is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            self._listen_for_tls(sockets or [])
        # The objects of start-up live as long as the process. Scanning them in each garbage
        # collection stopped the loop for 50 ms at a time and cost a third of the throughput
        # (p99 57 ms, now 9 ms).
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        gc.enable()  # a child process imports without it
        if not self.should_exit:
            sweeping = sweep(self.server_state.connections, self._request_timeout_s)
            self._sweeping = asyncio.create_task(sweeping)
            self._on_ready()

    def _listen_for_tls(self, sockets: list[socket.socket]) -> None:
        """Accept TLS connections as uvicorn does others, with a bound on their handshakes."""
        make = partial(
            cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        assert self.config.ssl is not None
        for listener in sockets:
            server = TlsListener(
                listener, self.config.ssl, make,
                self.server_state.connections, self._most, self._request_timeout_s,
            )  # fmt: skip
            server.start(self.config.backlog)
            self.servers.append(cast("asyncio.Server", server))


def _check_places(settings: Settings) -> None:
    """Raise ValueError if the server cannot keep its database or its stamps where it is told to."""
    database, engine = database_of(settings.database_url), make_engine(settings.database_url)
    hindrance = "" if database.may_come_later else database.hindrance(engine)
    engine.dispose()
    if hindrance:
        raise ValueError(f"The database cannot be used: {hindrance}")
    file = settings.timings_file
    if file is not None and not file.parent.is_dir():
        raise ValueError(
            f"EMPKIT_TIMINGS_FILE is {file}, and there is no folder {file.parent.absolute()}. "
            "Create it first."
        )


def serve(settings: Settings, on_ready: Callable[[str], None]) -> bool:
    """Serve until a signal ends the server.

    Args:
        settings: the address to listen on, and the settings of the application.
        on_ready: called with the server's URL once it accepts requests.

    Returns:
        Whether the server started.

    Raises:
        DescriptorsError: the process may not have as many descriptors as it needs.
        OSError: the port is taken, or the process may not listen on it.
        ValueError: a setting is invalid, a folder is missing, or the certificate cannot be read.
    """
    wanted = settings.max_connections + SPARE_DESCRIPTORS
    provide_descriptors(LEAST_DESCRIPTORS, wanted, "The server")
    _check_places(settings)
    app = create_app(settings)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    port = listener.getsockname()[1]
    host = f"[{settings.host}]" if family == socket.AF_INET6 else settings.host
    most = most_connections(settings.max_connections)
    config = uvicorn.Config(
        app,
        loop="uvloop" if importlib.util.find_spec("uvloop") else "asyncio",
        http=cast("type[asyncio.Protocol]", partial(GuardedHttp, most=most)),
        ws=GuardedWebSocket,
        ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        access_log=False,
        server_header=False,  # it says nothing that a client needs, and costs each of them a call
        log_level="warning",
        timeout_graceful_shutdown=5,
        ssl_certfile=settings.tls_cert_file,
        ssl_keyfile=settings.tls_key_file,
        timeout_keep_alive=75,  # longer than a client is likely to pause
    )
    try:
        config.load()
    except OSError as error:
        raise ValueError(
            f"The certificate {settings.tls_cert_file} or its key {settings.tls_key_file} cannot "
            f"be read: {error}"
        ) from error
    scheme = "https" if settings.tls_cert_file else "http"
    server = _Server(
        config, most, settings.request_timeout_s, lambda: on_ready(f"{scheme}://{host}:{port}")
    )
    try:
        server.run(sockets=[listener])
    except SystemExit:  # of uvicorn, which has said why; the status is the caller's to choose
        return False
    return server.started


def main() -> None:
    """Serve as a child process: report the address, and end with the owner."""
    orders: queue.SimpleQueue[Report] = queue.SimpleQueue()
    # the owner handles Ctrl-C in a terminal, and stops this process in order
    follow_orders(orders.put)
    take_environment(orders.get())
    logging.basicConfig(level=logging.WARNING)
    if not serve(Settings(), lambda url: report(ready=True, server_url=url, pid=os.getpid())):
        sys.exit(1)
