"""The mock cluster of librdkafka, an in-memory Kafka, called through its C API.

The library is part of the confluent-kafka package, which itself is not imported. The functions
used here are declared in librdkafka's `src/rdkafka_mock.h`, an interface that may change between
versions: each function is looked up when the library is loaded.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_int16, c_int32, c_size_t, c_void_p
from pathlib import Path
from typing import Any

API_KEYS = {
    "Produce": 0,
    "Fetch": 1,
    "ListOffsets": 2,
    "Metadata": 3,
    "OffsetCommit": 8,
    "OffsetFetch": 9,
    "FindCoordinator": 10,
    "JoinGroup": 11,
    "Heartbeat": 12,
    "LeaveGroup": 13,
    "SyncGroup": 14,
    "ApiVersions": 18,
    "InitProducerId": 22,
}
"""Numbers of Kafka's requests (Kafka protocol guide, "API keys")."""

_OTHER_NAMES = {
    "UNKNOWN_SERVER_ERROR": "UNKNOWN",
    "CORRUPT_MESSAGE": "INVALID_MSG",
    "INVALID_FETCH_SIZE": "INVALID_MSG_SIZE",
    "NOT_LEADER_OR_FOLLOWER": "NOT_LEADER_FOR_PARTITION",
    "MESSAGE_TOO_LARGE": "MSG_SIZE_TOO_LARGE",
    "COORDINATOR_LOAD_IN_PROGRESS": "GROUP_LOAD_IN_PROGRESS",
    "COORDINATOR_NOT_AVAILABLE": "GROUP_COORDINATOR_NOT_AVAILABLE",
    "NOT_COORDINATOR": "NOT_COORDINATOR_FOR_GROUP",
    "INVALID_TOPIC_EXCEPTION": "TOPIC_EXCEPTION",
}
"""Names of Kafka's errors (Kafka protocol guide, "Error Codes") for which librdkafka has others."""

_MOST_PLANNED = 200  # ctypes passes no more than 1,024 arguments

_PRODUCER = 0  # rd_kafka_type_t
_ALL_BROKERS = -1
_MAX_REPLICAS = 3
_SETTLE_S = 0.001
_WATCH_S = 0.002
_HELD_MS = 3_600_000
_TAKEN_S = 1.0
"""How long a broker may take to use up one planned response, in seconds."""


class LibraryError(RuntimeError):
    """The library is missing or too old, or it refused a call."""


class _ErrorDescription(ctypes.Structure):
    """`struct rd_kafka_err_desc`."""

    _fields_ = (("code", c_int), ("name", c_char_p), ("description", c_char_p))


# function: the type of its result, then those of its arguments; c_int stands for the enum
# rd_kafka_resp_err_t
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "rd_kafka_err2str": (c_char_p, c_int),
    "rd_kafka_get_err_descs": (None, POINTER(POINTER(_ErrorDescription)), POINTER(c_size_t)),
    "rd_kafka_conf_new": (c_void_p,),
    "rd_kafka_conf_set": (c_int, c_void_p, c_char_p, c_char_p, c_char_p, c_size_t),
    "rd_kafka_new": (c_void_p, c_int, c_void_p, c_char_p, c_size_t),
    "rd_kafka_mock_cluster_new": (c_void_p, c_void_p, c_int),
    "rd_kafka_mock_cluster_bootstraps": (c_char_p, c_void_p),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, c_void_p, c_int32),
    "rd_kafka_mock_topic_create": (c_int, c_void_p, c_char_p, c_int, c_int),
    "rd_kafka_mock_broker_set_down": (c_int, c_void_p, c_int32),
    "rd_kafka_mock_broker_set_up": (c_int, c_void_p, c_int32),
    "rd_kafka_mock_broker_set_rtt": (c_int, c_void_p, c_int32, c_int),
    "rd_kafka_mock_broker_set_host_port": (None, c_void_p, c_int32, c_char_p, c_int),
    "rd_kafka_mock_partition_set_leader": (c_int, c_void_p, c_char_p, c_int32, c_int32),
    "rd_kafka_mock_push_request_errors_array": (
        None, c_void_p, c_int16, c_size_t, POINTER(c_int),
    ),
    # variadic: only the fixed arguments are declared, as ctypes requires
    "rd_kafka_mock_broker_push_request_error_rtts": (
        c_int, c_void_p, c_int32, c_int16, c_size_t,
    ),
    "rd_kafka_mock_clear_request_errors": (None, c_void_p, c_int16),
    "rd_kafka_mock_broker_error_stack_cnt": (
        c_int, c_void_p, c_int32, c_int16, POINTER(c_size_t),
    ),
}  # fmt: skip


def _places() -> Iterator[Path]:
    """Yield the files that may be the library: first of wheels, then of conda."""
    spec = importlib.util.find_spec("confluent_kafka")
    for folder in (spec and spec.submodule_search_locations) or []:
        package = Path(folder)
        bundled = package.with_name("confluent_kafka.libs")
        yield from sorted(bundled.glob("librdkafka*.so*"))  # Linux
        yield from sorted((package / ".dylibs").glob("librdkafka*.dylib"))  # macOS
        yield from sorted(bundled.glob("*rdkafka*.dll"))  # Windows
    prefix = Path(sys.prefix)
    for name in ("lib/librdkafka.so.1", "lib/librdkafka.1.dylib", "Library/bin/librdkafka.dll"):
        if (prefix / name).is_file():
            yield prefix / name


def find_library() -> str:
    """Return the path or name of librdkafka.

    Raises:
        LibraryError: the library was not found.
    """
    for place in _places():
        return str(place)
    if name := ctypes.util.find_library("rdkafka"):
        return name
    raise LibraryError(
        "librdkafka was not found: the embedded broker needs the one inside the confluent-kafka "
        "package. Install it with `pip install --force-reinstall --only-binary :all: "
        "confluent-kafka`, or use another broker."
    )


def load_library() -> Any:
    """Return librdkafka with every function declared that this module calls.

    Raises:
        LibraryError: the library was not found, cannot be loaded, or is too old.
    """
    name = find_library()
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise LibraryError(f"librdkafka at {name} cannot be loaded: {error}") from error
    for function, (returned, *arguments) in _SIGNATURES.items():
        try:
            pointer = getattr(library, function)
        except AttributeError:
            raise LibraryError(
                f"librdkafka at {name} has no {function}; upgrade with "
                "`pip install --upgrade confluent-kafka`."
            ) from None
        pointer.restype, pointer.argtypes = returned, arguments
    return library


class MockCluster:
    """A cluster in this process, on loopback ports that it chooses. It ends with the process.

    Brokers are numbered from 1; None for a broker means all.

    Args:
        brokers: number of brokers.

    Raises:
        LibraryError: the cluster cannot be created. Every method also raises it when the library
            returns an error.
    """

    def __init__(self, brokers: int) -> None:
        self._library = load_library()
        self._numbers = range(1, brokers + 1)
        self._planned: dict[str, int] = {}  # number of planned responses, by request
        self._uncounted: set[str] = set()  # requests whose planned errors the library cannot count
        self._down: set[int] = set()
        self._calling = threading.RLock()
        reason = ctypes.create_string_buffer(512)
        options = self._library.rd_kafka_conf_new()
        # otherwise it warns that the client, which is not used, has no connection
        self._library.rd_kafka_conf_set(options, b"log_level", b"4", reason, len(reason))
        client = self._library.rd_kafka_new(_PRODUCER, options, reason, len(reason))
        if not client:
            raise LibraryError(f"librdkafka cannot create a client: {reason.value.decode()}")
        self._cluster = self._library.rd_kafka_mock_cluster_new(client, brokers)
        if not self._cluster:
            raise LibraryError(f"librdkafka cannot create a mock cluster of {brokers} brokers.")
        # by default the first consumer of a group waits 3 s for others
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)

    @property
    def bootstrap_servers(self) -> str:
        """The addresses that the brokers listen on, `host:port,host:port`, in order of number."""
        addresses: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return addresses.decode()

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic with three replicas, or one per broker when there are fewer brokers."""
        replicas = min(_MAX_REPLICAS, len(self._numbers))
        self._call("topic_create", name.encode(), partitions, replicas)

    def set_down(self, broker: int | None) -> None:
        """Cut a broker's connections and refuse new ones. No new leader is elected."""
        with self._calling:
            self._call("broker_set_down", self._number(broker))
            self._down.update(self._numbers if broker is None else [broker])

    def set_up(self, broker: int | None) -> None:
        """Make a broker accept connections again."""
        with self._calling:
            self._call("broker_set_up", self._number(broker))
            self._down.difference_update(self._numbers if broker is None else [broker])

    def set_round_trip_time(self, broker: int | None, ms: int) -> None:
        """Delay each response of a broker by `ms` milliseconds."""
        self._call("broker_set_rtt", self._number(broker), ms)

    def set_address(self, broker: int, host: str, port: int) -> None:
        """Make a broker advertise this address; it still listens on its original one."""
        number = self._number(broker)  # the library would crash on an unknown number
        self._library.rd_kafka_mock_broker_set_host_port(self._cluster, number, host.encode(), port)

    def move_leader(self, topic: str, partition: int, broker: int) -> None:
        """Make a broker the leader of a partition."""
        self._call("partition_set_leader", topic.encode(), partition, self._number(broker))

    def push_errors(self, request: str, errors: Sequence[str | int]) -> None:
        """Answer the next requests of a kind with these errors, one per request.

        Args:
            request: a name of `API_KEYS`.
            errors: names of Kafka's errors, or their numbers; `_TRANSPORT` cuts the connection.
        """
        codes = [self._error_code(error) for error in errors]
        if len(self._numbers) == 1:  # the library counts errors of one broker, not those of all
            self._plan(self._numbers, request, [(code, 0) for code in codes])
            return
        self._uncounted.add(request)
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, _api_key(request), len(codes), (c_int * len(codes))(*codes)
        )

    def hold_answers(self, broker: int | None, request: str, count: int, ms: int) -> None:
        """Carry out the next `count` requests of a kind, and respond `ms` milliseconds late."""
        numbers = self._numbers if broker is None else [self._number(broker)]
        self._plan(numbers, request, [(0, ms)] * count)

    def plan_errors(self, request: str, errors: Sequence[str | int]) -> None:
        """Answer the next requests of a kind with these errors, one per request of each broker.

        Unlike those of `push_errors`, they are counted and can be cancelled with several brokers.
        """
        self._plan(self._numbers, request, [(self._error_code(error), 0) for error in errors])

    def lose_answers(self, request: str, count: int) -> None:
        """Carry out the next `count` requests of each broker, and cut their connections instead of
        responding."""
        # counted before a client can use one up
        before = {number: self._left(number, request) + count for number in self._numbers}
        self.hold_answers(None, request, count, _HELD_MS)
        threading.Thread(
            target=self._cut_held, args=(request, before), name="empkit-cut", daemon=True
        ).start()

    def _cut_held(self, request: str, before: dict[int, int]) -> None:
        """Cut a broker's connections whenever it has used up a planned response, until none is
        left.

        Args:
            request: the kind of request.
            before: how many planned responses each broker had, by its number.
        """
        while any(before.values()):
            time.sleep(_WATCH_S)
            for number, left in before.items():
                before[number] = self._left(number, request)
                with self._calling:
                    if before[number] < left and number not in self._down:
                        self.set_down(number)
                        self.set_up(number)

    def cancel_answers(self, request: str | None = None) -> None:
        """Use up every planned response to a kind of request, or to all, so that no client gets it.

        The library removes none that one broker was to give, so they are asked for from here.

        Raises:
            LibraryError: a broker did not take such a request.
        """
        if request is None:
            for planned in self._planned.keys() | self._uncounted:
                self.cancel_answers(planned)
            return
        with self._calling:
            self._library.rd_kafka_mock_clear_request_errors(self._cluster, _api_key(request))
            for number in self._numbers:
                away = number in self._down
                if not self._left(number, request):
                    continue
                if away:
                    self.set_up(number)
                try:
                    self._use_up(number, request)
                finally:
                    if away:
                        self.set_down(number)

    def _use_up(self, number: int, request: str) -> None:
        host, port = self.bootstrap_servers.split(",")[number - 1].rsplit(":", 1)
        # version 0, no client id, and a body that reads as empty fields whatever the request is
        body = struct.pack(">hhih", _api_key(request), 0, 0, -1) + bytes(64)
        give_up = time.monotonic() + _TAKEN_S
        while (left := self._left(number, request)) and time.monotonic() < give_up:
            with socket.create_connection((host, int(port)), _TAKEN_S) as connection:
                connection.sendall(struct.pack(">i", len(body)) + body)
                while self._left(number, request) == left and time.monotonic() < give_up:
                    time.sleep(_SETTLE_S)
            give_up = max(give_up, time.monotonic() + _TAKEN_S / 2)
        if left:
            raise LibraryError(
                f"{left} planned responses to {request} cannot be cancelled; they meet the next "
                "requests. Start the broker anew."
            )

    def _left(self, number: int, request: str) -> int:
        """Return how many planned responses a broker has not used yet."""
        size = c_size_t()
        self._call("broker_error_stack_cnt", number, _api_key(request), byref(size))
        return size.value

    def planned_answers(self, request: str) -> tuple[int, int] | None:
        """Return how many responses were planned for a kind of request, and how many were sent.

        `push_errors` and `hold_answers` plan them. None when the library does not know: it does
        not count errors that any of several brokers may return, and for several brokers it does
        not record the order of their responses.
        """
        if len(self._numbers) > 1 and request in self._uncounted:
            return None
        planned, left = self._planned.get(request, 0), 0
        for number in self._numbers:
            left += self._left(number, request)
        return planned, planned - left

    def _plan(self, numbers: Sequence[int], request: str, answers: list[tuple[int, int]]) -> None:
        """Make brokers send their next responses with an error code and a delay in ms."""
        for number in numbers:
            for first in range(0, len(answers), _MOST_PLANNED):
                some = answers[first : first + _MOST_PLANNED]
                pairs = [c_int(value) for answer in some for value in answer]
                self._call(
                    "broker_push_request_error_rtts", number, _api_key(request), len(some), *pairs
                )
        planned = self._planned.get(request, 0)
        self._planned[request] = planned + len(answers) * len(numbers)

    def _number(self, broker: int | None) -> int:
        if broker is None:
            return _ALL_BROKERS
        if broker not in self._numbers:
            raise LibraryError(f"There is no broker {broker}; there are {list(self._numbers)}.")
        return broker

    def _error_code(self, error: str | int) -> int:
        descriptions = POINTER(_ErrorDescription)()
        count = c_size_t()
        self._library.rd_kafka_get_err_descs(ctypes.byref(descriptions), ctypes.byref(count))
        known: dict[str, int] = {
            description.name.decode(): description.code
            for description in descriptions[: count.value]
            if description.name
        }
        for name in (error, _OTHER_NAMES.get(str(error))):
            if name in known:
                return known[str(name)]
        if error in known.values():
            return int(error)
        raise LibraryError(
            f"Kafka has no error {error!r}; use one such as NOT_ENOUGH_REPLICAS or "
            "REQUEST_TIMED_OUT."
        )

    def _call(self, function: str, *arguments: Any) -> None:
        with self._calling:
            code = getattr(self._library, f"rd_kafka_mock_{function}")(self._cluster, *arguments)
            # a second call within microseconds can miss the cluster's wake-up, and then takes 1 s
            time.sleep(_SETTLE_S)
        if code:
            reason = self._library.rd_kafka_err2str(code).decode()
            raise LibraryError(f"librdkafka: {function}{arguments} failed: {reason}")


def _api_key(request: str) -> int:
    if request not in API_KEYS:
        raise LibraryError(f"There is no request {request!r}; use one of {', '.join(API_KEYS)}.")
    return API_KEYS[request]
