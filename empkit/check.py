"""Tries each protocol, step by step, and says of each step that fails what is wrong and what to
do about it."""

from __future__ import annotations

import asyncio
import importlib
import json
import queue
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal
from urllib.parse import urlsplit

from empkit.clients import Client, ClientError, Reply, connect
from empkit.clients.http1 import Http1
from empkit.clients.tokens import fetch_token
from empkit.settings import Settings

STEP_TIMEOUT_S = 5.0
ARRIVAL_TIMEOUT_S = 10.0
NEEDED = ("fastapi", "uvicorn", "websockets", "aiokafka", "confluent_kafka", "sqlalchemy", "pandas")


@dataclass(frozen=True)
class Step:
    """What one step found.

    Attributes:
        protocol: which protocol, or `all`.
        what: what was tried, and what was seen.
        state: `ok`, `failed` or `skipped`.
        advice: what to do, when it failed.
    """

    protocol: str
    what: str
    state: Literal["ok", "failed", "skipped"]
    advice: str = ""


class _FailedError(Exception):
    """A step failed: what was seen, and what to do."""

    def __init__(self, seen: str, advice: str) -> None:
        super().__init__(seen)
        self.advice = advice


@dataclass
class _Checker:
    """The steps, and what the earlier ones found for the later."""

    settings: Settings
    token: str = ""
    failed: set[str] = field(default_factory=set)

    async def run(self) -> AsyncIterator[Step]:
        """Try everything, in order."""
        for protocol, name, needs, step in self._steps():
            missing = needs & self.failed
            if missing:
                self.failed.add(name)
                yield Step(protocol, f"{name}: not tried, {sorted(missing)[0]} failed", "skipped")
                continue
            try:
                async with asyncio.timeout(ARRIVAL_TIMEOUT_S):
                    seen = await step()
            except _FailedError as error:
                self.failed.add(name)
                yield Step(protocol, f"{name}: {error}", "failed", error.advice)
            except TimeoutError:
                self.failed.add(name)
                yield Step(
                    protocol, f"{name}: no answer within {ARRIVAL_TIMEOUT_S:g} s", "failed",
                    "Something accepts connections there and says nothing; is it paused?",
                )  # fmt: skip
            else:
                yield Step(protocol, f"{name}: {seen}", "ok")

    def _steps(self) -> list[tuple[str, str, set[str], Callable[[], Awaitable[str]]]]:
        return [
            ("all", "packages", set(), self._packages),
            ("all", "server port", set(), self._server_port),
            ("all", "server", {"server port"}, self._server),
            ("all", "token", {"server"}, self._get_token),
            ("http", "a record over HTTP", {"token"}, lambda: self._record("http")),
            ("http", "a wrong token over HTTP", {"server"}, self._wrong_token),
            ("websocket", "WebSocket path", {"server port"}, self._websocket_path),
            (
                "websocket", "a record over WebSocket", {"token", "WebSocket path"},
                lambda: self._record("websocket"),
            ),
            ("kafka", "broker", set(), self._broker),
            ("kafka", "topic", {"broker"}, self._topic),
            ("kafka", "consumer", {"server", "broker"}, self._consumer),
            (
                "kafka", "a record through Kafka", {"topic", "consumer", "token"},
                lambda: self._record("kafka"),
            ),
        ]  # fmt: skip

    async def _packages(self) -> str:
        missing = []
        for name in NEEDED:
            try:
                importlib.import_module(name)
            except ImportError:
                missing.append(name.replace("_", "-"))
        if missing:
            raise _FailedError(f"{', '.join(missing)} missing", f"pip install {' '.join(missing)}")
        return f"empkit {version('empkit')}, aiokafka {version('aiokafka')}"

    async def _server_port(self) -> str:
        parts = urlsplit(self.settings.server_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        _reach(
            parts.hostname or "", port,
            "Start one with `empkit serve`, or name it: --server URL (or EMPKIT_SERVER_URL).",
        )  # fmt: skip
        return f"open at {parts.hostname}:{port}"

    async def _server(self) -> str:
        health = await self._health()
        database = health["database"]
        if database["failure"]:
            raise _FailedError(
                f"its database fails: {database['failure']}",
                "Check EMPKIT_DATABASE_URL where the server runs, and that the database runs.",
            )
        return f"answers, database {database['kind']}"

    async def _get_token(self) -> str:
        http = Http1(self.settings.server_url)
        try:
            self.token = await fetch_token(self.settings, http)
        except ClientError as error:
            raise _FailedError(
                str(error),
                "Set the server's EMPKIT_USERNAME and EMPKIT_PASSWORD; `empkit serve` says "
                "where those are that it made.",
            ) from error
        finally:
            await http.close()
        return f"given to {self.settings.username}"

    async def _wrong_token(self) -> str:
        code, _ = await self._get("/employees", "not.a.token")
        if code != 401:
            raise _FailedError(
                f"answered {code}; expected 401", "Do not expose this server: it lets anybody in."
            )
        return "refused with 401, as it should be"

    async def _websocket_path(self) -> str:
        from websockets.asyncio.client import connect as ws_connect
        from websockets.exceptions import InvalidStatus, WebSocketException

        url = self.settings.websocket_url()
        try:
            async with ws_connect(url, proxy=None, open_timeout=STEP_TIMEOUT_S):
                return f"{url} is there"
        except InvalidStatus as error:
            raise _FailedError(
                f"{url} answered {error.response.status_code}",
                "The path is /ws: unset WS_URL, or set WS_URL=ws://HOST:PORT/ws.",
            ) from error
        except (OSError, WebSocketException) as error:
            raise _FailedError(
                f"{url}: {error}", "Check WS_URL and that the server runs with websockets."
            ) from error

    async def _broker(self) -> str:
        from empkit.brokers import BrokerError
        from empkit.brokers.admin import parse_addresses

        servers = self.settings.kafka_bootstrap_servers
        if not servers:
            raise _FailedError(
                "no address is set",
                "Start one with `empkit broker` and set EMPKIT_KAFKA_BOOTSTRAP_SERVERS, here and "
                "for the server.",
            )
        try:
            addresses = parse_addresses(servers)
        except BrokerError as error:
            raise _FailedError(str(error), "Correct EMPKIT_KAFKA_BOOTSTRAP_SERVERS.") from error
        failures = []
        for host, port in addresses:
            try:
                _reach(host, port, "Check EMPKIT_KAFKA_BOOTSTRAP_SERVERS, and that Kafka runs.")
            except _FailedError as error:
                failures.append(error)
        if len(failures) == len(addresses):
            raise failures[0]
        return f"open at {servers}"

    async def _topic(self) -> str:
        from aiokafka import AIOKafkaConsumer
        from aiokafka.errors import KafkaError

        topic = self.settings.kafka_topic
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap_servers,
            request_timeout_ms=int(STEP_TIMEOUT_S * 1000),
        )
        try:
            await consumer.start()
            topics = await consumer.topics()
        except KafkaError as error:
            raise _FailedError(
                f"the broker does not answer: {error}", "Is it Kafka that listens there?"
            ) from error
        finally:
            await consumer.stop()
        if topic not in topics:
            raise _FailedError(
                f"{topic} is missing; there are {', '.join(sorted(topics)) or 'none'}",
                f"Create it (kafka-topics --create --topic {topic}), or set EMPKIT_KAFKA_TOPIC.",
            )
        return f"{topic} is there"

    async def _consumer(self) -> str:
        consumer = (await self._health())["consumer"]
        if consumer["state"] == "off":
            raise _FailedError(
                "the server runs none",
                "Start the server with --kafka HOST:PORT (EMPKIT_KAFKA_BOOTSTRAP_SERVERS).",
            )
        if consumer["state"] != "running":
            raise _FailedError(
                f"{consumer['state']}: {consumer['failure']}",
                "The server cannot reach its broker: is it the same address as here?",
            )
        return f"running, {consumer['lag']} records behind"

    async def _record(self, protocol: str) -> str:
        """Send one record and see that it is stored. It stays, since the server deletes nothing."""
        employee_id = f"check-{secrets.token_hex(4)}"
        client: Client = connect(protocol, self.settings, self.token)
        try:
            async with client:
                reply: Reply = await client.send(
                    {"employee_id": employee_id, "first_name": "Check", "last_name": "Only"}
                )
        except ClientError as error:
            raise _FailedError(str(error), "See the steps before this one.") from error
        if reply.outcome != "acked":
            raise _FailedError(f"{reply.outcome}: {reply.message}", "See the server's log.")
        give_up = time.monotonic() + STEP_TIMEOUT_S
        while (await self._get(f"/employees/{employee_id}", self.token))[0] != 200:
            if time.monotonic() > give_up:
                raise _FailedError(
                    f"acked, but not stored within {STEP_TIMEOUT_S:g} s",
                    "Does the server consume the same topic of the same broker? See /health.",
                )
            await asyncio.sleep(0.02)
        return f"stored as {employee_id}"

    async def _health(self) -> Any:
        code, body = await self._get("/health")
        with suppress(json.JSONDecodeError):
            health = json.loads(body)
            if code == 200 and "consumer" in health:
                return health
        raise _FailedError(
            f"{self.settings.server_url}/health answered {code}, not as an empkit server does",
            "Another program listens there: choose another port, or name the right server.",
        )

    async def _get(self, path: str, token: str = "") -> tuple[int, bytes]:
        http = Http1(self.settings.server_url)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return await http.request(http.head("GET", path, headers))
        except ClientError as error:
            raise _FailedError(
                f"{path}: {error}", "Something else may listen on this port, or the server ended."
            ) from error
        finally:
            await http.close()


def _reach(host: str, port: int, advice: str) -> None:
    try:
        socket.create_connection((host, port), STEP_TIMEOUT_S).close()
    except OSError as error:
        raise _FailedError(f"nothing answers at {host}:{port} ({error})", advice) from error


def check_all(settings: Settings) -> Iterator[Step]:
    """Try every step, and give each as it is done.

    The steps run in a thread with a loop of its own, so that this works in a notebook, too.

    Args:
        settings: where the server and the brokers are, and user and password.
    """
    steps: queue.SimpleQueue[Step | None] = queue.SimpleQueue()

    async def run() -> None:
        async for step in _Checker(settings).run():
            steps.put(step)

    def work() -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(run())
        finally:
            steps.put(None)

    worker = threading.Thread(target=work, name="empkit-check", daemon=True)
    worker.start()
    while (step := steps.get()) is not None:
        yield step
    worker.join()
