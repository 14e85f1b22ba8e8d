"""Tries each protocol, step by step, and says of each step that fails what is wrong and what to
do about it.

    packages -> server port -> server -> database, token -> a record over HTTP
                                              |      +----> a record over WebSocket
    broker address -> broker -> metadata -> topic -> a record into it -> through the consumer

A step that needs one that failed is skipped. The records that are sent stay where they arrive: the
server deletes nothing, nor does Kafka. Their ids begin with `check-`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import platform
import re
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from empkit.clients import ClientError, connect
from empkit.clients.base import UnauthorizedError
from empkit.clients.http1 import Http1, Response
from empkit.clients.tokens import fetch_token
from empkit.settings import Settings
from empkit.tls import kafka_arguments, verified

if TYPE_CHECKING:
    from aiokafka import AIOKafkaClient

STEP_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 2.0
"""For what one step waits for; shorter than the step, so that the step can say what it was."""
REACH_TIMEOUT_S = 1.0
SILENCE_S = 0.3
"""A WebSocket that says nothing for so long has accepted the token; a refusal takes a few ms."""
POLL_S = 0.02

ADDRESS = "--kafka HOST:PORT or EMPKIT_KAFKA_BOOTSTRAP_SERVERS"
WRONG_TOKEN = "not.a.token"  # noqa: S105 - which is what it is for
STAYS = "which stays there, since the server deletes nothing"
LETS_IN = "Do not expose this server: it takes records from anybody. Is it an empkit server?"

# aiokafka would also log, in its own words, what the steps say
logging.getLogger("aiokafka").addHandler(logging.NullHandler())


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


def check_all(settings: Settings) -> Iterator[Step]:
    """Try every step, and give each as it is done; none takes longer than STEP_TIMEOUT_S.

    The steps run in a thread with a loop of its own, so that this works in a notebook, too.

    Args:
        settings: where the server and the brokers are, and user and password.
    """
    checker = _Checker(settings)
    with ThreadPoolExecutor(1, "empkit-check") as worker:
        for planned in checker.steps():
            yield worker.submit(checker.carry_out, planned).result()


class _FailedError(Exception):
    """A step failed: what was seen, and what to do."""

    def __init__(self, seen: str, advice: str) -> None:
        super().__init__(seen)
        self.advice = advice


class _Planned(NamedTuple):
    """A step to be tried: `action` returns what was seen."""

    protocol: str
    name: str
    action: Callable[[], Coroutine[Any, Any, str]]
    needs: tuple[str, ...] = ()


@dataclass
class _Checker:
    """The steps, and what the earlier ones found for the later."""

    settings: Settings
    token: str = ""
    in_topic: dict[str, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def steps(self) -> list[_Planned]:
        """All steps, each after those that it needs."""
        return [
            _Planned("all", "packages", self._packages),
            _Planned("all", "server port", self._server_port),
            _Planned("all", "server", self._server, ("server port",)),
            _Planned("all", "database", self._database, ("server",)),
            _Planned("all", "token", self._get_token, ("server",)),
            _Planned("http", "a record over HTTP", self._over_http, ("token", "database")),
            _Planned("http", "a wrong token over HTTP", self._wrong_token, ("server",)),
            _Planned("websocket", "package websockets", lambda: self._package("websockets")),
            _Planned(
                "websocket", "WebSocket path", self._ws_path, ("package websockets", "server")
            ),
            _Planned(
                "websocket", "token over WebSocket", self._ws_token, ("WebSocket path", "token")
            ),
            _Planned(
                "websocket", "a record over WebSocket", self._over_websocket,
                ("token over WebSocket", "database"),
            ),
            _Planned(
                "websocket", "a wrong token over WebSocket", self._ws_wrong_token,
                ("WebSocket path",),
            ),
            _Planned("kafka", "package aiokafka", lambda: self._package("aiokafka")),
            _Planned("kafka", "package confluent-kafka", lambda: self._package("confluent-kafka")),
            _Planned("kafka", "broker address", self._broker_address, ("package aiokafka",)),
            _Planned("kafka", "broker", self._broker, ("broker address",)),
            _Planned("kafka", "broker metadata", self._metadata, ("broker",)),
            _Planned("kafka", "topic", self._topic, ("broker metadata",)),
            _Planned("kafka", "a record into the topic", self._into_topic, ("topic",)),
            _Planned("kafka", "consumer", self._consumer, ("server", "broker address")),
            _Planned(
                "kafka", "a record through Kafka", self._through_kafka,
                ("a record into the topic", "consumer", "token", "database"),
            ),
        ]  # fmt: skip

    def carry_out(self, planned: _Planned) -> Step:
        """Try one step, or skip it when one that it needs has failed."""
        protocol, name, action, needs = planned

        def failed(seen: str, advice: str) -> Step:
            self.failed.add(name)
            return Step(protocol, f"{name}: {seen}", "failed", advice)

        for need in needs:
            if need in self.failed:
                self.failed.add(name)
                return Step(protocol, f"{name}: not tried, it needs `{need}`", "skipped")
        try:
            # not asyncio.run: nest_asyncio replaces it by one that wants the main thread
            with asyncio.Runner() as runner:
                return Step(protocol, f"{name}: {runner.run(_in_time(action()))}", "ok")
        except _FailedError as error:
            return failed(str(error), error.advice)
        except TimeoutError:
            return failed(
                f"no answer within {STEP_TIMEOUT_S:g} s",
                "Something accepts connections there and says nothing: it may be paused or "
                "overloaded, or be another program.",
            )
        except Exception as error:  # noqa: BLE001 - one step must not take the others with it
            return failed(
                f"{type(error).__name__}: {error}",
                "Not foreseen. Look into the logs of the server and of the broker.",
            )

    # ---- packages

    async def _packages(self) -> str:
        found = {"Python": platform.python_version()}
        for name in ("empkit", "fastapi", "uvicorn", "sqlalchemy", "uvloop"):
            with suppress(PackageNotFoundError):
                found[name] = version(name)
        if "uvloop" not in found:
            found["uvloop"] = "missing (a server here would be slower)"
        return ", ".join(f"{name} {number}" for name, number in found.items())

    async def _package(self, name: str) -> str:
        least = _least_versions().get(name, "0")
        advice = f"python -m pip install '{name}>={least}'"
        try:
            importlib.import_module(name.replace("-", "_"))
            found = version(name)
        except (ImportError, OSError) as error:  # OSError: of a library that it cannot load
            raise _FailedError(f"cannot be imported ({error})", advice) from error
        if _numbers(found) < _numbers(least):
            raise _FailedError(f"{found} is too old, {least} is needed", advice)
        return found

    # ---- the server, and HTTP

    async def _server_port(self) -> str:
        url = self.settings.server_url
        try:
            Http1(url)
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise _FailedError(str(error), "Correct --server or EMPKIT_SERVER_URL.") from error
        reason = await _why_unreachable(parts.hostname or "", port)
        if reason:
            raise _FailedError(
                f"nothing answers at {parts.hostname}:{port} ({reason})",
                "Start a server with `empkit serve`, or say where one is: --server URL or "
                "EMPKIT_SERVER_URL.",
            )
        return f"open at {parts.hostname}:{port}"

    async def _server(self) -> str:
        health = await self._health()
        return f"empkit answers at {self.settings.server_url}, process {health['pid']}"

    async def _database(self) -> str:
        database = (await self._health())["database"]
        if database["failure"]:
            raise _FailedError(
                f"{database['kind']} fails: {database['failure']}",
                "Where the server runs, check EMPKIT_DATABASE_URL, that the database runs, and "
                "that its disk is not full.",
            )
        return f"{database['kind']}, {database['waiting']} records wait for it"

    async def _get_token(self) -> str:
        settings = self.settings
        if settings.password is None:
            raise _FailedError(
                "there is no password to get one with",
                "Set EMPKIT_USERNAME and EMPKIT_PASSWORD as they are set for the server. The "
                "password that `empkit serve` makes is found by itself, by the same user on the "
                "same machine.",
            )
        async with _http(settings) as http:
            try:
                self.token = await fetch_token(settings, http)
            except UnauthorizedError as error:
                raise _FailedError(
                    f"the server refuses user {settings.username!r} or the password",
                    "Set EMPKIT_USERNAME and EMPKIT_PASSWORD as they are set for the server, or "
                    "unset EMPKIT_PASSWORD to use the one that `empkit serve` has made.",
                ) from error
        return f"given to {settings.username}"

    async def _over_http(self) -> str:
        employee_id, record = await self._send("http")
        await self._read_back(employee_id, record, "See the server's log.")
        return f"stored and read back as {employee_id}, {STAYS}"

    async def _wrong_token(self) -> str:
        # an empty object: even a server that lets it pass has nothing to store
        response = await self._ask("POST", "/employees", WRONG_TOKEN, b"{}")
        if response.code != 401:
            raise _FailedError(f"answered {response.code}, not 401", LETS_IN)
        return "refused with 401, as it should be"

    # ---- WebSocket

    async def _ws_path(self) -> str:
        words = await self._ws_first_words()
        if not words.startswith("Unauthorized"):
            raise _FailedError(f"a sender without a token is told {words or 'nothing'!r}", LETS_IN)
        return f"{self.settings.websocket_url()} answers, and refuses who has no token"

    async def _ws_token(self) -> str:
        words = await self._ws_first_words(self.token, SILENCE_S)
        if words:
            raise _FailedError(*_token_refused(self.settings, words))
        return "accepted"

    async def _ws_wrong_token(self) -> str:
        words = await self._ws_first_words(WRONG_TOKEN)
        if not words.startswith("Unauthorized"):
            raise _FailedError(f"its sender is told {words or 'nothing'!r}", LETS_IN)
        return f"refused with {words!r}, as it should be"

    async def _ws_first_words(self, token: str = "", wait_s: float = REACH_TIMEOUT_S) -> str:
        """What a connection is told before it has sent a record: nothing, if it may stay."""
        from websockets.asyncio.client import connect as ws_connect
        from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

        from empkit.clients.websocket import LOOPBACK

        url = self.settings.websocket_url()
        try:
            async with ws_connect(
                url,
                additional_headers={"Authorization": f"Bearer {token}"} if token else None,
                proxy=None if urlsplit(url).hostname in LOOPBACK else True,
                ssl=verified(self.settings.ca_file) if url.startswith("wss:") else None,
                open_timeout=ANSWER_TIMEOUT_S,
                close_timeout=POLL_S,
            ) as connection:
                if not token:
                    await connection.send("{}")  # in place of the message that would bring one
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        return str(json.loads(await connection.recv())["message"])
                return ""
        except InvalidStatus as error:
            raise _FailedError(*_no_websocket(url, error.response.status_code)) from error
        except ConnectionClosed as error:
            raise _FailedError(
                f"{url} closed the connection without a word ({error})", "See the server's log."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise _FailedError(
                f"{url} answers, but not as an empkit server does",
                "Another program listens there: correct WS_URL (EMPKIT_WS_URL), or unset it.",
            ) from error
        except (OSError, WebSocketException) as error:
            raise _FailedError(
                f"no WebSocket of empkit at {url} ({error})",
                "Correct WS_URL (EMPKIT_WS_URL), or unset it: the path is /ws of the server.",
            ) from error

    async def _over_websocket(self) -> str:
        employee_id, record = await self._send("websocket")
        await self._read_back(
            employee_id, record, "Do WS_URL and EMPKIT_SERVER_URL name the same server?"
        )
        return f"stored and read back as {employee_id}, {STAYS}"

    # ---- Kafka

    async def _broker_address(self) -> str:
        servers = self.settings.kafka_bootstrap_servers
        if not servers:
            raise _FailedError(
                "none is set",
                "Start a broker with `empkit broker`, and set EMPKIT_KAFKA_BOOTSTRAP_SERVERS to "
                "what it prints, here and for the server.",
            )
        self._addresses()
        return servers

    async def _broker(self) -> str:
        reasons = await _unreachable(self._addresses())
        if len(reasons) == len(self._addresses()):
            raise _FailedError(
                f"nothing answers at {', '.join(reasons)}",
                f"Start it (`empkit broker`, or your Kafka), or correct {ADDRESS}.",
            )
        return "open" + (f", but nothing answers at {', '.join(reasons)}" if reasons else "")

    async def _metadata(self) -> str:
        async with self._kafka() as client:
            brokers = [(broker.host, broker.port) for broker in client.cluster.brokers()]
        named = ", ".join(f"{host}:{port}" for host, port in brokers)
        reasons = await _unreachable(brokers)
        if reasons:
            raise _FailedError(
                f"clients are sent on to {named}, but nothing answers at {', '.join(reasons)}",
                "Set advertised.listeners of the broker to an address that this machine reaches; "
                "with Docker, localhost and the published port.",
            )
        return f"brokers {named}" if named else "it answers, and names no broker yet"

    async def _topic(self) -> str:
        topic = self.settings.kafka_topic
        async with self._kafka() as client:
            # all topics: asked for one by name, many brokers would create it
            cluster = await client.fetch_all_metadata()
        partitions = cluster.partitions_for_topic(topic)
        if not partitions:
            names = ", ".join(sorted(cluster.topics())) or "none"
            raise _FailedError(
                f"{topic} is missing; there are: {names}",
                f"Create it: kafka-topics.sh --create --topic {topic} --partitions 8 "
                f"--bootstrap-server {self.settings.kafka_bootstrap_servers}; or name another "
                "with EMPKIT_KAFKA_TOPIC, here and for the server. `empkit broker` creates the one "
                "that is so named.",
            )
        headless = partitions - cluster.available_partitions_for_topic(topic)
        if headless:
            raise _FailedError(
                f"{topic}: no leader for partitions {sorted(headless)}",
                "A broker is away: start it, or wait until another has taken over.",
            )
        return f"{topic} has {len(partitions)} partitions"

    async def _into_topic(self) -> str:
        employee_id, self.in_topic = await self._send("kafka")
        return f"the broker has {employee_id}"

    async def _consumer(self) -> str:
        consumer: Any = {"state": "connecting", "failure": None}
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                # one that has just started is about to join
                while consumer["state"] == "connecting":
                    consumer = (await self._health())["consumer"]
                    await asyncio.sleep(POLL_S)
        if consumer["state"] == "off":
            raise _FailedError(
                "the server runs none", f"Start the server with {ADDRESS}: `empkit serve --kafka`."
            )
        if consumer["state"] != "running":
            raise _FailedError(
                f"{consumer['state']}; {consumer['failure'] or 'it has not joined its group yet'}",
                "The server does not reach its broker. Is its EMPKIT_KAFKA_BOOTSTRAP_SERVERS an "
                "address that holds good where it runs? It keeps trying.",
            )
        return f"running, {_lag(consumer)}"

    async def _through_kafka(self) -> str:
        employee_id = self.in_topic["employee_id"]
        await self._read_back(
            employee_id, self.in_topic,
            "Does the server consume this topic of this broker (EMPKIT_KAFKA_TOPIC, "
            "EMPKIT_KAFKA_BOOTSTRAP_SERVERS)? A consumer that is far behind needs time; "
            "/health has its lag.",
        )  # fmt: skip
        lag = _lag((await self._health())["consumer"])
        return f"stored and read back as {employee_id}, {STAYS}; {lag}"

    def _addresses(self) -> list[tuple[str, int]]:
        from empkit.brokers import BrokerError
        from empkit.brokers.admin import parse_addresses

        try:
            return parse_addresses(self.settings.kafka_bootstrap_servers or "")
        except BrokerError as error:
            raise _FailedError(str(error), f"Correct {ADDRESS}.") from error

    @asynccontextmanager
    async def _kafka(self) -> AsyncIterator[AIOKafkaClient]:
        """A client that knows the brokers."""
        from aiokafka import AIOKafkaClient
        from aiokafka.errors import KafkaError

        servers = self.settings.kafka_bootstrap_servers
        try:
            arguments = kafka_arguments(self.settings)
        except ValueError as error:
            raise _FailedError(str(error), "Correct the setting that it names.") from error
        client = AIOKafkaClient(**arguments, request_timeout_ms=int(REACH_TIMEOUT_S * 1000))
        try:
            await client.bootstrap()
            yield client
        except KafkaError as error:
            raise _FailedError(
                f"{servers} does not answer as Kafka does",
                "Is it Kafka that listens there, is it not paused, and do its listeners fit "
                f"EMPKIT_KAFKA_SECURITY_PROTOCOL={self.settings.kafka_security_protocol}? "
                "See its log.",
            ) from error
        finally:
            await client.close()

    # ---- what several steps do

    async def _send(self, protocol: str) -> tuple[str, dict[str, str]]:
        """Send one record, once; its id and what was sent."""
        employee_id = f"check-{secrets.token_hex(4)}"
        record = {"employee_id": employee_id, "first_name": "Check", "last_name": "Only"}
        settings = self.settings.model_copy(
            update={
                "deadline_s": ANSWER_TIMEOUT_S, "attempt_timeout_s": ANSWER_TIMEOUT_S, "retries": 0
            }
        )  # fmt: skip
        try:
            async with connect(protocol, settings, self.token) as client:
                reply = await client.send(record)
        except ClientError as error:
            raise _FailedError(str(error), "See the log of the other side.") from error
        if reply.result == "unauthorized":
            raise _FailedError(*_token_refused(self.settings, reply.message))
        if reply.outcome != "acked":
            raise _FailedError(f"{reply.outcome}: {reply.message}", "See the server's log.")
        return employee_id, record

    async def _read_back(self, employee_id: str, record: dict[str, str], advice: str) -> None:
        """Wait until the server shows the record."""
        found = Response(404, b"")
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                while found.code == 404:
                    found = await self._ask("GET", f"/employees/{employee_id}")
                    await asyncio.sleep(POLL_S)
        if found.code == 404:
            raise _FailedError(
                f"{employee_id} was acked, but is not stored after {ANSWER_TIMEOUT_S:g} s", advice
            )
        if found.code != 200:
            raise _FailedError(f"reading {employee_id} is answered {found.code}", advice)
        content = json.loads(found.body)
        if {name: content.get(name) for name in record} != record:
            raise _FailedError(f"{employee_id} was sent as {record}, stored as {content}", advice)

    async def _health(self) -> dict[str, Any]:
        response = await self._ask("GET", "/health")
        with suppress(ValueError, KeyError, TypeError):
            health: dict[str, Any] = json.loads(response.body)
            if {"failure", "kind", "waiting"} <= health["database"].keys() and health["pid"]:
                assert health["consumer"]["state"]
                return health
        raise _FailedError(
            f"{self.settings.server_url}/health answers {response.code}, but not as an empkit "
            "server does",
            "Another program listens there: name the right server (--server URL or "
            "EMPKIT_SERVER_URL), or start one on another port (`empkit serve --port 0`).",
        )

    async def _ask(self, method: str, path: str, token: str = "", body: bytes = b"") -> Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        async with _http(self.settings) as http:
            return await http.request(http.head(method, path, headers), body)


async def _in_time(action: Coroutine[Any, Any, str]) -> str:
    async with asyncio.timeout(STEP_TIMEOUT_S):
        return await action


@asynccontextmanager
async def _http(settings: Settings) -> AsyncIterator[Http1]:
    """Requests to the server, whose failures are failures of the step."""
    http = Http1(settings.server_url, settings.ca_file)
    try:
        yield http
    except ClientError as error:
        raise _FailedError(
            str(error),
            "The server may just have ended, or it is another program that listens there: check "
            "--server or EMPKIT_SERVER_URL.",
        ) from error
    finally:
        await http.close()


def _token_refused(settings: Settings, words: str) -> tuple[str, str]:
    """What was seen and what to do when a token that we were just given is refused."""
    return f"the token is refused ({words})", (
        f"It came from {settings.server_url}: does WS_URL (EMPKIT_WS_URL) name the same server? "
        "Several servers behind one address need the same EMPKIT_SIGNING_KEY. Is "
        "EMPKIT_TOKEN_LIFETIME_S of the server very short?"
    )


def _no_websocket(url: str, code: int) -> tuple[str, str]:
    """What was seen and what to do when HTTP status `code` came instead of a WebSocket."""
    seen = f"{url} answers {code} instead of a WebSocket"
    if code in (403, 404):  # an ASGI server answers 403 where it has no such path
        return seen, (
            "The path is wrong, it is /ws: unset WS_URL (EMPKIT_WS_URL), or set it to "
            "ws://HOST:PORT/ws."
        )
    return seen, (
        "A proxy before the server must pass the Upgrade and Connection headers on; or WS_URL "
        "(EMPKIT_WS_URL) names another program."
    )


async def _why_unreachable(host: str, port: int) -> str:
    """What the system says when nothing accepts a connection there; empty when something does."""
    try:
        async with asyncio.timeout(REACH_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"no answer within {REACH_TIMEOUT_S:g} s"
    except (OSError, UnicodeError) as error:  # UnicodeError: of a host that is no name
        return str(error)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return ""


async def _unreachable(addresses: list[tuple[str, int]]) -> list[str]:
    """The addresses at which nothing answers, each with the reason."""
    reasons = await asyncio.gather(*(_why_unreachable(*address) for address in addresses))
    return [
        f"{host}:{port} ({reason})"
        for (host, port), reason in zip(addresses, reasons, strict=True)
        if reason
    ]


def _lag(consumer: dict[str, Any]) -> str:
    lag = consumer.get("lag")
    return f"lag {'unknown' if lag is None else lag}"


def _least_versions() -> dict[str, str]:
    """The least version of each package that the kit requires, as its own metadata has it."""
    try:
        lines = requires("empkit") or []
    except PackageNotFoundError:  # run from its folder, not installed
        return {}
    found = (re.match(r"([\w.-]+)>=([\d.]+)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def _numbers(text: str) -> tuple[int, ...]:
    """A version's leading numbers, to be compared."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])
