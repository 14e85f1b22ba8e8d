"""The application: its parts, started and stopped with it, and its routes.

HTTP --------+
WebSocket ---+--> accept --> store --> database
Kafka -------> consumer ------^

With `consume_only` it has the last line alone, and still tells its health and its stamps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from empkit.clock import LoopWatch
from empkit.server import http, websocket
from empkit.server.auth import Authenticator
from empkit.server.consumer import Consumer
from empkit.server.stamps import StampLog
from empkit.server.state import State
from empkit.server.store import Store
from empkit.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The server as an ASGI application.

    Args:
        settings: where the database and the brokers are, and who may send.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stamps = StampLog(settings.timings_file)
        store = Store(settings.database_url, stamps, settings.max_waiting_records)
        await store.start()
        consumer = Consumer(settings, store) if settings.kafka_bootstrap_servers else None
        if consumer:
            consumer.start()
        watch = LoopWatch()
        watch.start()
        app.state.empkit = State(settings, Authenticator(settings), stamps, store, consumer, watch)
        yield
        watch.stop()
        if consumer:
            await consumer.stop()
        await store.stop()
        stamps.close()

    app = FastAPI(
        title="empkit",
        summary="Employee records over HTTP, WebSocket and Kafka",
        lifespan=lifespan,
    )
    app.include_router(http.router)
    if not settings.consume_only:
        app.include_router(http.employees)
        app.include_router(websocket.router)
    return app
