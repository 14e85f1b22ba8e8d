"""The embedded broker: librdkafka's mock cluster in a child process.

EmbeddedBroker --orders--> python -m empkit.brokers.embedded --ctypes--> librdkafka
               <-answers--
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from empkit.brokers.base import Broker, BrokerError
from empkit.brokers.librdkafka import LibraryError, MockCluster
from empkit.processes.child import Child, Report, follow_orders, report

if TYPE_CHECKING:
    from empkit.proxy import ProxyProcess

ANSWER_TIMEOUT_S = 10.0
KEPT_BYTES = 5 * 2**20
"""How much the library keeps of a partition, in bytes."""


class EmbeddedBroker(Broker):
    """The owner's handle of the embedded broker; takes the arguments of `Broker`.

    Example:
        >>> EmbeddedBroker.limits.split(". ")[0]
        '...'
    """

    limits: ClassVar[str] = (
        "The embedded broker keeps its log in memory only, about 5 MiB per partition, and drops "
        "older records; while a partition is full, requests are slower the smaller its batches "
        "are (measured: 3,000 records per second instead of 13,000). It supports no admin "
        "requests, chooses its ports itself, elects no new leader when a broker goes down, and "
        "does not check the sequence numbers of an idempotent producer: a record that is sent "
        "twice is in the log twice. It answers a consumer's empty fetch only when "
        "`fetch.max.wait.ms` has passed, even if a record arrives earlier, and a consumer that "
        "rejoins its group waits for most of its session timeout. It replies even to requests "
        "with acks=0; aiokafka treats that reply as a broken connection, so that with acks=0 "
        "records may be lost without any fault. It ends no transaction: a consumer that is to get "
        "committed records only gets aborted ones, too. It answers ApiVersions up to version 2, "
        "and its refusal of a newer one cannot be decoded: kafka-python 3 needs "
        "`api_version=(2, 3)`. Apache Kafka (broker `apache`) has none of these limits."
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._child: Child | None = None
        self._lock = threading.Lock()
        self._paused = False

    @property
    def addresses(self) -> dict[int, tuple[str, int]]:
        """The host and port that each broker listens on, by number, whatever it advertises."""
        pairs = [address.rsplit(":", 1) for address in self.bootstrap_servers.split(",") if address]
        return {number: (host, int(port)) for number, (host, port) in enumerate(pairs, 1)}

    @property
    def running(self) -> bool:
        """Whether its process exists, paused or not."""
        return self._child is not None and self._child.running

    def start(self) -> None:
        """Start the process, create the topics, and wait until it accepts connections."""
        if self._child is not None:
            raise BrokerError("The embedded broker runs already; stop it first.")
        arguments = ["--brokers", str(self._brokers), "--partitions", str(self._partitions)]
        for topic in self.topics:
            arguments += ["--topic", topic]
        child = self._processes.start_module("broker", "empkit.brokers.embedded", arguments)
        self._child, self._paused = child, False
        try:
            ready = child.expect("ready", ANSWER_TIMEOUT_S)
            if not ready["ready"]:
                raise BrokerError(ready["error"])
        except BaseException:
            self.stop()
            raise
        self.bootstrap_servers = ready["bootstrap_servers"]

    def stop(self) -> None:
        """End the process; the log is lost with it."""
        child, self._child = self._child, None
        self.bootstrap_servers = ""
        if child is not None:
            self._processes.release(child, kill=True)  # it needs no orderly shutdown

    def down(self, broker: int | None = None) -> None:
        """Make a broker unreachable; it remains the leader of its partitions."""
        self._ask("down", broker=broker)

    def up(self, broker: int | None = None) -> None:
        """Make a broker accept connections again."""
        self._ask("up", broker=broker)

    def pause(self, broker: int | None = None) -> None:
        """Pause the process and so all its brokers."""
        self._together(broker)
        with self._lock:
            self._running_child().pause()
            self._paused = True

    def resume(self, broker: int | None = None) -> None:
        """Resume the process."""
        self._together(broker)
        with self._lock:
            self._running_child().resume()
            self._paused = False

    def _together(self, broker: int | None) -> None:
        if broker is not None:
            raise BrokerError(
                "The embedded brokers are one process: they are paused together, or one is taken "
                "down."
            )

    def round_trip_time(self, ms: int, broker: int | None = None) -> None:
        """Delay each response by `ms` milliseconds; 0 removes the delay."""
        self._ask("round_trip_time", broker=broker, ms=ms)

    def push_errors(self, request: str = "Produce", errors: Sequence[str | int] = ()) -> None:
        """Answer the next requests of a kind with these errors, one per request.

        The broker does nothing else for such a request: it stores no record.

        Args:
            request: `Produce`, `Fetch`, `Metadata`, `OffsetCommit` or another of Kafka's requests.
            errors: names of Kafka's errors, such as `NOT_ENOUGH_REPLICAS`, or their numbers;
                `_TRANSPORT` cuts the connection.

        Raises:
            BrokerError: there is no such request or error.
        """
        self._ask("push_errors", request=request, errors=list(errors))

    def hold_answers(
        self, request: str = "Produce", count: int = 1, ms: int = 5_000, broker: int | None = None
    ) -> None:
        """Carry out the next requests of a kind, but delay their responses.

        When the delay exceeds the client's timeout, the response is lost: the record is in the log
        and its sender does not know.

        Args:
            request: as for `push_errors`.
            count: number of requests, of each selected broker.
            ms: the delay, in milliseconds. Later responses on the same connection wait as well.
            broker: its number; None means all.
        """
        self._ask("hold_answers", broker=broker, request=request, count=count, ms=ms)

    def plan_errors(self, request: str = "Produce", errors: Sequence[str | int] = ()) -> None:
        """As `push_errors`, with one error per request of *each* broker; they can be cancelled."""
        self._ask("plan_errors", request=request, errors=list(errors))

    def lose_answers(self, request: str = "Produce", count: int = 1) -> None:
        """Carry out the next `count` requests of each broker and cut the connection in place of
        each response: a client with any timeout loses the answer. Other clients that are connected
        to the broker at that moment connect again."""
        self._ask("lose_answers", request=request, count=count)

    def cancel_answers(self, request: str | None = None) -> None:
        """Cancel the planned responses that no request has met yet.

        Args:
            request: the kind of request; by default all kinds.

        Raises:
            BrokerError: one of them cannot be cancelled.
        """
        self._ask("cancel_answers", request=request)

    def planned_answers(self, request: str = "Produce") -> tuple[int, int] | None:
        """Return how many responses were planned and how many of them have been sent.

        Counts what `push_errors` and `hold_answers` have planned for a kind of request since the
        start. None when it is not known: the library does not count errors that any of several
        brokers may return.
        """
        planned = self._ask("planned_answers", request=request)["planned"]
        return None if planned is None else (planned[0], planned[1])

    def move_leader(self, topic: str, partition: int, broker: int) -> None:
        """Make a broker the leader of a partition."""
        self._ask("move_leader", topic=topic, partition=partition, broker=broker)

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic.

        Raises:
            BrokerError: the topic exists already.
        """
        self._ask("create_topic", name=name, partitions=partitions)

    def advertise(self, broker: int, host: str, port: int) -> None:
        """Make a broker advertise another address, such as a proxy's.

        It still listens on its original address (`addresses`). Clients learn the new address from
        their next metadata response; existing connections stay.
        """
        self._ask("advertise", broker=broker, host=host, port=port)

    def overrun(self, topic: str) -> None:
        """Push the records out with filler records, which a consumer then has to refuse."""
        from empkit.brokers.admin import push_out_records  # noqa: PLC0415 - the child process does not need it

        push_out_records(self.bootstrap_servers, topic, KEPT_BYTES)

    @contextmanager
    def behind(self, proxy: ProxyProcess) -> Iterator[str]:
        """Route every client that requests metadata meanwhile through the proxy."""
        servers = []
        with ExitStack() as cleanup:
            for number, (host, port) in self.addresses.items():
                proxy_port = proxy.listen(f"broker-{number}", host, port)
                self.advertise(number, "127.0.0.1", proxy_port)
                cleanup.callback(self.advertise, number, host, port)
                servers.append(f"127.0.0.1:{proxy_port}")
            yield ",".join(servers)

    def _running_child(self) -> Child:
        if self._child is None:
            raise BrokerError("The embedded broker does not run; start it first.")
        return self._child

    def _ask(self, op: str, **values: Any) -> Report:
        """Send an order and wait until it has been carried out; one at a time.

        Raises:
            BrokerError: the order failed.
            ChildError: the process has ended, or does not answer.
        """
        with self._lock:  # it is not paused while an order is carried out
            child = self._running_child()
            if self._paused:
                raise BrokerError("The embedded broker is paused and accepts no orders; resume it.")
            answer = child.ask(ANSWER_TIMEOUT_S, op=op, **values)
        if "error" in answer:
            raise BrokerError(answer["error"])
        return answer


def obey(cluster: MockCluster, order: Report) -> Report:
    """In the child: carry out one order and return its result.

    Raises:
        LibraryError, KeyError, TypeError, ctypes.ArgumentError: the order is invalid or failed.
    """
    match order["op"]:
        case "down":
            cluster.set_down(order["broker"])
        case "up":
            cluster.set_up(order["broker"])
        case "round_trip_time":
            cluster.set_round_trip_time(order["broker"], order["ms"])
        case "push_errors":
            cluster.push_errors(order["request"], order["errors"])
        case "hold_answers":
            cluster.hold_answers(order["broker"], order["request"], order["count"], order["ms"])
        case "plan_errors":
            cluster.plan_errors(order["request"], order["errors"])
        case "lose_answers":
            cluster.lose_answers(order["request"], order["count"])
        case "cancel_answers":
            cluster.cancel_answers(order["request"])
        case "planned_answers":
            return {"planned": cluster.planned_answers(order["request"])}
        case "move_leader":
            cluster.move_leader(order["topic"], order["partition"], order["broker"])
        case "create_topic":
            cluster.create_topic(order["name"], order["partitions"])
        case "advertise":
            cluster.set_address(order["broker"], order["host"], order["port"])
        case other:
            raise LibraryError(f"The embedded broker has no order {other!r}.")
    return {}


def main(arguments: Sequence[str] | None = None) -> None:
    """In the child: run the brokers, and follow the owner's orders until it ends."""
    parser = argparse.ArgumentParser(prog="python -m empkit.brokers.embedded")
    parser.add_argument("--brokers", type=int, default=1)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--topic", action="append", default=[], dest="topics")
    options = parser.parse_args(arguments)
    try:
        cluster = MockCluster(options.brokers)
        for topic in options.topics:
            cluster.create_topic(topic, options.partitions)
    except LibraryError as error:
        report(ready=False, error=str(error))
        sys.exit(1)

    def answer(order: Report) -> None:
        result: Report
        try:
            result = obey(cluster, order)
        except Exception as error:  # noqa: BLE001 - the owner waits for an answer in any case
            result = {"error": str(error) or type(error).__name__}
        report(id=order["id"], **result)

    report(ready=True, bootstrap_servers=cluster.bootstrap_servers)
    follow_orders(answer)
    threading.Event().wait()


if __name__ == "__main__":
    main()
