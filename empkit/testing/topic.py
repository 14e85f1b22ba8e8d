"""`Topic`: a topic of one test: written, read, watched, and judged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from empkit.brokers.base import BrokerError
from empkit.testing import verdicts
from empkit.testing.log import Bytes, Log, Member, Record

if TYPE_CHECKING:
    from empkit.testing.strikes import Strikes

POLL_S = 0.02


def text_of_key(record: Record) -> str | bytes | None:
    """Return the key as text, or as it is where it is not UTF-8."""
    if record.key is None:
        return None
    try:
        return record.key.decode()
    except UnicodeDecodeError:
        return record.key


class Topic:
    """A topic of one test. Calls block; any thread may call.

    Args:
        name: its name.
        partitions: how many it has.
        log: the client that reads and writes it.
        strikes: the faults of the test, for messages.
    """

    def __init__(self, name: str, partitions: int, log: Log, strikes: Strikes) -> None:
        self.name = name
        self.partitions = partitions
        self._log = log
        self._strikes = strikes

    def produce(
        self,
        value: Bytes,
        key: Bytes = None,
        *,
        partition: int | None = None,
        headers: Mapping[str, Bytes] | None = None,
    ) -> Record:
        """Write one record, and return it as the log has it.

        Args:
            value: its value; text is encoded as UTF-8.
            key: its key.
            partition: the partition; by default the hash of the key chooses it.
            headers: its headers.

        Raises:
            BrokerError: the broker has not acked it within 10 s.
        """
        return self._log.write(self.name, [(key, value)], partition, headers)[0]

    def produce_all(self, entries: Iterable[tuple[Bytes, Bytes]]) -> list[Record]:
        """Write records, each a pair of key and value, all under way at once.

        Raises:
            BrokerError: the broker has not acked one within 10 s.
        """
        return self._log.write(self.name, list(entries))

    def read(self) -> list[Record]:
        """Return all records that the topic holds now, partition by partition, in order of offset.

        Raises:
            BrokerError: the broker does not answer within 10 s.
        """
        return self._log.read(self.name, self.partitions)

    def offsets(self) -> dict[int, tuple[int, int]]:
        """Return the oldest offset and the end offset (of the next record) of each partition."""
        return self._log.bounds(self.name, self.partitions)

    def committed(self, group: str) -> dict[int, int | None]:
        """Return the offset that a consumer group has committed in each partition; None: none.

        Raises:
            ValueError: the group has no name.
        """
        if not group:  # librdkafka ends the process
            raise ValueError(f"The name of a consumer group is {group!r}; expected a text.")
        return self._log.committed(self.name, self.partitions, group)

    def lag(self, group: str) -> int:
        """Return how many records a consumer group has not committed yet, over all partitions."""
        return sum(self._lags(group).values())

    def leaders(self) -> dict[int, int]:
        """Return the number of the broker that leads each partition; -1: no broker does."""
        return self._log.leaders(self.name)

    def members(self, group: str) -> list[Member]:
        """Return the members of a consumer group, with the partitions of this topic that each has.

        Raises:
            BrokerError: the broker does not answer within 10 s, or it is the embedded one, which
                does not say: ask Apache Kafka (`@pytest.mark.needs_apache`).
        """
        return self._log.members(self.name, group)

    def wait_until_read(self, group: str, timeout: float = 10.0) -> None:
        """Wait until a consumer group has committed every record that is in the topic.

        Args:
            group: the name of the group.
            timeout: in seconds.

        Raises:
            AssertionError: it has not within that time, or the broker does not say, as while it is
                paused; each question to it may take 10 s.
            RuntimeError: this thread runs an event loop, which would stand still meanwhile.
        """
        if asyncio._get_running_loop() is not None:
            raise RuntimeError(
                "wait_until_read blocks, and this thread runs an event loop. Write `await "
                f"asyncio.to_thread(topic.wait_until_read, {group!r})`."
            )
        give_up = time.monotonic() + timeout
        while True:
            try:
                if not (lags := {number: lag for number, lag in self._lags(group).items() if lag}):
                    return
                if time.monotonic() > give_up:
                    if not self._left(group):  # what marks the end of a transaction is no record
                        return
                    raise AssertionError(self._unread(group, lags, timeout))
            except BrokerError as error:  # as while it is paused: it may go on in time
                if time.monotonic() > give_up:
                    raise AssertionError(self._unknown(group, error)) from error
            time.sleep(POLL_S)

    def assert_each_once(
        self, key: Callable[[Record], Hashable] = text_of_key, expected: Iterable[Any] | None = None
    ) -> None:
        """Assert that the topic holds each record once.

        Args:
            key: returns what tells a record from the others; by default its key, as text.
            expected: what `key` is to return over all records; None: anything, once.

        Raises:
            AssertionError: one is missing, there more than once, or not expected; the message
                names the first of each, its place in the log, and the faults in force then. Also
                if nothing is expected in particular and the topic is empty.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        self._judge(verdicts.each_once(self._identified(key), expected, self._strikes.in_force))

    def assert_order_per_key(
        self,
        sequence: Callable[[Record], Any],
        key: Callable[[Record], Hashable] = text_of_key,
    ) -> None:
        """Assert that what `sequence` returns never falls among the records of one key.

        Args:
            sequence: returns a record's number in the order in which it was meant.
            key: returns the key; by default the record's, as text.

        Raises:
            AssertionError: a record came after a later one, or the records of one key are in
                several partitions, which have no order; or the topic is empty.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        records = [
            (identity, number, record)
            for (identity, record), (number, _) in zip(
                self._identified(key), self._identified(sequence), strict=True
            )
        ]
        self._judge(verdicts.order_per_key(records, self._strikes.in_force))

    def assert_nothing_lost(
        self,
        sent: Iterable[Any],
        stored: Iterable[Any],
        key: Callable[[Record], Hashable] = text_of_key,
    ) -> None:
        """Assert that everything that was sent is stored, wherever the program stores it.

        Args:
            sent: what the sender believes to be sent, such as numbers of orders.
            stored: what is stored, such as those numbers from the database; of what was sent
                twice, twice. What is stored besides does not matter.
            key: finds the record of what is lost in the log, if it is there: returns the same
                value, or its text.

        Raises:
            AssertionError: something is not stored; the message says where it is in the log. Also
                if nothing was sent, which shows nothing.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        sent, stored = list(sent), list(stored)
        problem = verdicts.not_comparable(sent, stored)
        absent = verdicts.missing(sent, stored)
        if absent and not problem:
            in_force = self._strikes.in_force
            problem = verdicts.lost(absent, stored, self._identified(key), in_force)
        self._judge(problem)

    def _identified(self, key: Callable[[Record], Any]) -> list[tuple[Any, Record]]:
        """Return each record with what a function of the test says of it."""
        __tracebackhide__ = True
        identified = []
        for record in self.read():
            try:
                identified.append((key(record), record))
            except Exception as error:
                raise AssertionError(
                    f"The function that was given raised {type(error).__name__}: {error} for the "
                    f"record at {record.place} of {self.name}, with key {record.key!r} and value "
                    f"{record.value!r}."
                ) from error
        return identified

    def _judge(self, problem: str) -> None:
        __tracebackhide__ = True
        if problem:
            dropped = [
                f"Partition {number} begins at offset {begin}: older records have been dropped."
                for number, (begin, _) in self.offsets().items()
                if begin
            ]
            raise AssertionError("\n".join([f"{self.name}: {problem}", *dropped]))

    def _lags(self, group: str) -> dict[int, int]:
        committed = self.committed(group)
        return {
            number: end - max(begin, committed[number] or 0)
            for number, (begin, end) in self.offsets().items()
        }

    def _left(self, group: str) -> bool:
        """Return whether a record is at or after a committed offset."""
        committed = self.committed(group)
        return any(record.offset >= (committed[record.partition] or 0) for record in self.read())

    def _unknown(self, group: str, error: BrokerError) -> str:
        now_s = time.time()
        return (
            f"{self.name}: whether the group {group!r} has read every record is not known. {error} "
            f"{self._strikes.in_force(now_s, now_s)}"
        )

    def _unread(self, group: str, lags: Mapping[int, int], timeout: float) -> str:
        number, lag = next(iter(lags.items()))
        committed = self.committed(group)
        offset = committed[number]
        position = "no offset" if offset is None else f"offset {offset}"
        none = all(each is None for each in committed.values())
        nothing = (
            " The group has committed nothing: check its name, its topic, and that it commits."
            if none
            else ""
        )
        return (
            f"{self.name}: the group {group!r} has not read {sum(lags.values())} records within "
            f"{timeout:g} s. In partition {number} it has committed {position}, and {lag} records "
            f"follow.{nothing} Until its session timeout, a member that was killed keeps its "
            "partitions, also one of an earlier test with a group of that name: `kafka.group()` "
            "returns a new name."
        )
