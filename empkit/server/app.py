"""The application: its parts, which start and stop with it, and its routes.

HTTP --------+
WebSocket ---+--> accept --> store --> database
Kafka -------> consumer ------^

With `consume_only` it has only the last line, and still serves its health and its stamps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from starlette.requests import ClientDisconnect

from empkit.clock import LoopWatch
from empkit.databases.engine import make_engine
from empkit.kafka.connection import kafka_arguments
from empkit.server import http, websocket
from empkit.server.auth import Authenticator
from empkit.server.consumer import Consumer
from empkit.server.logins import Logins
from empkit.server.receiver import mount_receivers
from empkit.server.stamps import StampLog
from empkit.server.state import State
from empkit.server.store import Store
from empkit.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Return the server as an ASGI application.

    Args:
        settings: the database, the brokers and the credentials.

    Raises:
        ValueError: the URL of the database or the connection settings of the brokers are invalid.
    """
    # check now, before the server has partly started
    make_engine(settings.database_url).dispose()
    if settings.kafka_bootstrap_servers:
        kafka_arguments(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as cleanup:
            stamps = StampLog(settings.timings_file, settings.max_timings_bytes)
            cleanup.callback(stamps.close)
            store = Store(settings.database_url, stamps, settings.max_waiting_records)
            await store.start()
            cleanup.push_async_callback(store.stop)
            consumer = None
            if settings.kafka_bootstrap_servers:
                consumer = Consumer(settings, store, stamps)
                consumer.start()
                cleanup.push_async_callback(consumer.stop)
            watch = LoopWatch()
            watch.start()
            cleanup.callback(watch.stop)
            authenticator = Authenticator(settings)
            logins = Logins(authenticator)
            cleanup.callback(logins.stop)
            app.state.empkit = State(
                settings, authenticator, logins, stamps, store, consumer, watch
            )
            yield

    # its pages load their scripts from the server, not from the internet
    app = FastAPIOffline(
        redoc_url=None,
        title="empkit",
        summary="Employee records over HTTP, WebSocket and Kafka",
        lifespan=lifespan,
    )
    described = list(app.router.routes)
    if not settings.consume_only:
        app.include_router(http.employees)
        app.include_router(websocket.router)
    app.include_router(http.router)
    if not settings.consume_only:
        mount_receivers(app, settings)
    app.add_api_route("/", _to_the_docs, include_in_schema=False)
    app.add_exception_handler(ClientDisconnect, _nobody_hears)
    # a request is held against one route after the other: those of records come first
    app.router.routes[:] = app.router.routes[len(described) :] + described
    return app


async def _nobody_hears(_request: Request, _error: Exception) -> Response:
    """Answer a client that left before its request was whole: nothing to log, nothing to send."""
    return Response(status_code=400)


async def _to_the_docs() -> RedirectResponse:
    """Lead who opens the server in a browser to its description."""
    return RedirectResponse("/docs")
