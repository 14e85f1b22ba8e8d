"""The scenarios: each does something to a service and returns what was seen, in words.

A consumer has to store 10 orders, each once. The last thing sent is always one order more: the
topic has one partition, so that once it is stored, all before it have been handled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orders import text_of
from services import Database, Library, Sender, Service, verdict

ORDERS = range(10)
BAD = 7
LAST = 99
START_S = 20.0
RECOVERY_S = 30.0
COMMIT_S = 8.0
"""Longer than the interval of automatic commits, 5 s with every library here."""


@dataclass(frozen=True)
class Stage:
    """What a scenario has at hand.

    Args:
        library: the library.
        kafka: the fixture of the plugin.
        topic: the topic of the orders.
        folder: an empty folder.
    """

    library: Library
    kafka: Any
    topic: Any
    folder: Path

    @property
    def group(self) -> str:
        """The consumer group: like the topic, no other test has it."""
        return f"billing-{self.topic.name}"

    def consumer(self, database: Database) -> Service:
        """Return the service that consumes."""
        arguments = ["consume", self.topic.name, self.group, str(database.path)]
        return Service(self.library, *arguments, folder=self.folder)

    def sender(self, **environment: str) -> Sender:
        """Return the service that produces, started."""
        return Sender(self.library, self.topic.name, self.folder, environment)

    def database(self) -> Database:
        """Return an empty database."""
        return Database(self.folder / "orders.db")

    def order(self, *numbers: int) -> None:
        """Put orders into the topic."""
        self.topic.produce_all([(str(number), text_of(number)) for number in numbers])


def settle(stage: Stage, service: Service, database: Database) -> str:
    """Send the last order, wait until it is stored, and say what became of those before it."""
    stage.order(LAST)
    came = service.wait(lambda: LAST in database.stored(), RECOVERY_S)
    seen = [verdict(ORDERS, database.stored())] if came else [_stuck(database)]
    if service.ends:
        seen.append("ended once" if service.ends == 1 else f"ended {service.ends} times")
    return "; ".join(seen)


def _stuck(database: Database) -> str:
    missing = len([number for number in ORDERS if number not in database.stored()])
    if missing == len(ORDERS):
        return f"stores nothing within {RECOVERY_S:g} s"
    return f"{missing} not stored within {RECOVERY_S:g} s"


def stored(database: Database, count: int) -> Callable[[], bool]:
    """Return the condition that so many orders are stored."""
    return lambda: len(database.stored()) >= count


def no_fault(stage: Stage) -> str:
    """Store 10 orders."""
    database = stage.database()
    with stage.consumer(database) as service:
        stage.order(*ORDERS)
        service.wait(stored(database, 10), START_S)
        return settle(stage, service, database)


def starts_first(stage: Stage) -> str:
    """Start the consumer while the broker is down, for 4 s."""
    database = stage.database()
    stage.order(*ORDERS)
    with stage.kafka.down(seconds=4) as down, stage.consumer(database) as service:
        service.wait(lambda: down.over, START_S)
        return settle(stage, service, database)


def broker_down(stage: Stage) -> str:
    """Take the broker down for 4 s while the consumer runs."""
    return _through(stage, stage.kafka.down(seconds=4))


def broker_paused(stage: Stage) -> str:
    """Pause the broker for longer than the session timeout of the group (8 s)."""
    return _through(stage, stage.kafka.pause(seconds=8))


def _through(stage: Stage, fault: Any) -> str:
    """Order before and after a fault of a consumer that runs."""
    database = stage.database()
    with stage.consumer(database) as service:
        stage.order(*ORDERS[:5])
        service.wait(stored(database, 5), START_S)
        with fault:
            service.wait(lambda: fault.over, START_S)
        stage.order(*ORDERS[5:])
        return settle(stage, service, database)


def fetch_errors(stage: Stage) -> str:
    """Answer 3 fetches with an error."""
    database = stage.database()
    with stage.consumer(database) as service:
        stage.order(*ORDERS[:5])
        service.wait(stored(database, 5), START_S)
        with stage.kafka.errors("NOT_LEADER_FOR_PARTITION", 3, request="Fetch"):
            stage.order(*ORDERS[5:])
            service.wait(stored(database, 10), START_S)
        return settle(stage, service, database)


def handler_fails(stage: Stage) -> str:
    """Let the database refuse order 7 until the handler has failed once."""
    database = stage.database()
    database.refuse(BAD)
    with stage.consumer(database) as service:
        stage.order(*ORDERS)
        service.wait(lambda: database.refusal in service.text(), START_S)
        database.accept()
        return settle(stage, service, database)


def poison(stage: Stage) -> str:
    """Put a record that is not JSON among the orders."""
    database = stage.database()
    with stage.consumer(database) as service:
        stage.order(*ORDERS[:5])
        stage.topic.produce("not JSON", "poison")
        stage.order(*ORDERS[5:])
        return settle(stage, service, database)


def killed(stage: Stage) -> str:
    """Send SIGKILL while order 7 waits for the database, longer than the commit interval."""
    database = stage.database()
    with stage.consumer(database) as service:
        stage.order(*ORDERS[:BAD])
        service.wait(stored(database, BAD), START_S)
        with database.locked():
            stage.order(*ORDERS[BAD:])
            service.wait(lambda: (stage.topic.committed(stage.group)[0] or 0) > BAD, COMMIT_S)
            service.kill()
        service.start()
        return settle(stage, service, database)


def sent_quietly(stage: Stage) -> str:
    """Send 10 orders."""
    with stage.sender() as sender:
        sender.send(ORDERS)
        return judge(stage, sender)


def lost_ack(stage: Stage, **environment: str) -> str:
    """Lose one ack of a producer that is connected."""
    with stage.sender(**environment) as sender:
        sender.send(ORDERS[:1])
        sender.wait_for_acks(1, START_S)
        with stage.kafka.lost_acks(1):
            sender.send(ORDERS[1:])
            sender.wait_for_acks(len(ORDERS), RECOVERY_S)
        return judge(stage, sender)


def lost_ack_idempotent(stage: Stage) -> str:
    """Lose one ack of a producer that is told to be idempotent."""
    return lost_ack(stage, IDEMPOTENT="1")


def produce_errors(stage: Stage) -> str:
    """Answer 3 requests of the producer with NOT_ENOUGH_REPLICAS."""
    with stage.sender() as sender:
        sender.send(ORDERS[:1])
        sender.wait_for_acks(1, START_S)
        with stage.kafka.errors("NOT_ENOUGH_REPLICAS", 3):
            sender.send(ORDERS[1:])
            sender.wait_for_acks(len(ORDERS), RECOVERY_S)
        return judge(stage, sender)


def down_while_sending(stage: Stage) -> str:
    """Take the broker down for 25 s while a connected producer sends: longer than five retries
    with pauses that double from 0.3 s can take, each a fifth longer or shorter: 20.2 s at most."""
    with stage.sender() as sender:
        sender.send(ORDERS[:1])
        sender.wait_for_acks(1, START_S)
        with stage.kafka.down(seconds=25):
            sender.send(ORDERS[1:])
            sender.wait_for_acks(len(ORDERS), RECOVERY_S)
        return judge(stage, sender)


def judge(stage: Stage, sender: Sender) -> str:
    """Say what became of the orders that were to be sent."""
    sender.wait_for_acks(len(ORDERS), RECOVERY_S)
    ended, acked = sender.ended, sender.acked()
    log = [int(record.key) for record in stage.topic.read()]
    seen = [verdict(acked, log)]
    if unsent := len(ORDERS) - len(acked):
        seen.append(f"{unsent} not acked" + (", ended" if ended else f" in {RECOVERY_S:g} s"))
    return "; ".join(seen)


CONSUMING = {
    "no fault": no_fault,
    "started while the broker is down": starts_first,
    "broker down 4 s": broker_down,
    "broker paused 8 s": broker_paused,
    "3 fetches answered with an error": fetch_errors,
    "handler fails once": handler_fails,
    "poison record": poison,
    "SIGKILL in the handler": killed,
}
PRODUCING = {
    "no fault": sent_quietly,
    "lost ack": lost_ack,
    "lost ack, idempotence on": lost_ack_idempotent,
    "3 produce errors": produce_errors,
    "broker down 25 s": down_while_sending,
}
EMBEDDED_ONLY = {fetch_errors, produce_errors}
APACHE_ONLY = {lost_ack_idempotent}
"""The embedded broker does not check the sequence numbers of an idempotent producer."""
