"""What README.md says of each library: the defaults that lose, double or stop, with their pages.

Where nothing is claimed, each order is stored or sent once. A cell is a regular expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

AT_LEAST_ONCE = r"each once|(order \d|\d+) doubled"


@dataclass(frozen=True)
class Claim:
    """What a scenario shows of a library.

    Args:
        library: the name of the library; `.*` for any, as in the other expressions.
        kind: `consume` or `produce`.
        name: the scenario.
        cell: what is seen.
        why: the default that causes it, in a sentence.
        page: where the library documents the default or the code; empty for what is no mistake.
        broker: with which broker.
    """

    library: str
    kind: str
    name: str
    cell: str
    why: str
    page: str = ""
    broker: str = ".*"


LIBRDKAFKA = "https://github.com/confluentinc/librdkafka/blob/master"
CONFLUENT = "https://developer.confluent.io/get-started/python/"
AIOKAFKA = "https://aiokafka.readthedocs.io/en/stable"
FASTSTREAM = "https://faststream.ag2.ai/latest/kafka/ack/"
QUIX = "https://quix.io/docs/quix-streams/advanced/checkpointing.html"
KAFKAJS = "https://kafka.js.org/docs"
KCAT = "https://github.com/edenhill/kcat/issues/47"
SKIPPED = (
    "the same commit on closing: after the restart the record that ended the process is skipped, "
    "and nothing says so"
)

MISTAKES = (
    Claim(
        "confluent-kafka", "consume", "handler fails once", "order 7 lost; ended once",
        "`poll` marks a record as done when it hands it out (`enable.auto.offset.store`), and the "
        "`finally: consumer.close()` of the quick start commits it although its handler raised",
        CONFLUENT,
    ),
    Claim(
        "confluent-kafka", "consume", "SIGKILL in the handler", "order 7 lost",
        "a thread commits every 5 s, the record that the handler still works on included",
        f"{LIBRDKAFKA}/INTRODUCTION.md#at-least-once-processing",
    ),
    Claim(
        "aiokafka", "consume", "handler fails once", "order 7 lost; ended once",
        "the `finally: await consumer.stop()` of the README commits the position, which is past "
        "the record whose handler raised",
        f"{AIOKAFKA}/api.html#aiokafka.AIOKafkaConsumer.stop",
    ),
    Claim(
        "aiokafka", "consume", "SIGKILL in the handler", "order 7 lost",
        "a task commits the position every 5 s, the record that the handler still works on "
        "included; the page calls the same code at-least-once",
        f"{AIOKAFKA}/consumer.html#manual-vs-automatic-committing",
    ),
    Claim(
        "faststream", "consume", "handler fails once", "order 7 lost",
        "the default `AckPolicy.ACK_FIRST` is at-most-once: the error is logged, the record is "
        "committed, and the service goes on",
        FASTSTREAM,
    ),
    Claim(
        "faststream", "consume", "SIGKILL in the handler", "order 7 lost",
        "the default `AckPolicy.ACK_FIRST` commits every 5 s, the record in the handler included",
        FASTSTREAM,
    ),
    Claim(
        "confluent-kafka", "consume", "poison record", "each once; ended once", SKIPPED, CONFLUENT
    ),
    Claim(
        "aiokafka", "consume", "poison record", "each once; ended once", SKIPPED,
        f"{AIOKAFKA}/api.html#aiokafka.AIOKafkaConsumer.stop",
    ),
    Claim(
        "kafka-python", "consume", "broker down 4 s", r"(each once|5 doubled); ended once",
        "iterating over the consumer raises `KafkaConnectionError` when the broker goes down: it "
        "does not come back unless a supervisor starts the process again",
        "https://kafka-python.readthedocs.io/en/master/apidoc/KafkaConsumer.html", "apache",
    ),
    Claim(
        "quixstreams", "consume", "broker down 4 s", r"(each once|5 doubled); ended once",
        "a commit that fails ends the application, although the broker is back",
        QUIX, "apache",
    ),
    Claim(
        "quixstreams", "consume", "poison record", r"5 not stored within 30 s; ended \d+ times",
        "a record that cannot be deserialized ends the application, and again after each restart",
        QUIX, "apache",
    ),
    Claim(
        "kafkajs", "consume", "poison record", r"5 not stored within 30 s; ended \d+ times",
        "a `SyntaxError` in `eachMessage` is not retried and stops the consumer for good: without "
        "anything else to do, the process ends, and again after each restart",
        f"{KAFKAJS}/configuration#default-retry",
    ),
    Claim(
        "kafkajs", "produce", "broker down 25 s", "each once; 9 not acked, ended",
        "`send` gives up after 5 retries, whose pauses double from 0.3 s: before the broker is "
        "back; the rejection, which the quick start does not catch, ends the process",
        f"{KAFKAJS}/configuration#default-retry",
    ),
    Claim(
        "kcat", "consume", "(broker down 4 s|started while .*)",
        r"(each once|\d doubled); ended (once|\d+ times)",
        "kcat ends when no broker can be reached, unless it is told `-E`: without a supervisor it "
        "does not come back",
        KCAT,
    ),
    Claim(
        "kcat", "consume", "SIGKILL in the handler", "3 lost",
        "what is in the pipe has been committed",
        f"{LIBRDKAFKA}/INTRODUCTION.md#at-least-once-processing",
    ),
    Claim(
        "confluent-kafka", "produce", "lost ack", "order 1 doubled",
        "`enable.idempotence` is false by default: the retry after a lost ack doubles the record",
        f"{LIBRDKAFKA}/CONFIGURATION.md",
    ),
    Claim(
        "(aiokafka|faststream)", "produce", "lost ack", "order 1 doubled",
        "`enable_idempotence` is False by default: the retry after a lost ack doubles the record",
        f"{AIOKAFKA}/producer.html#idempotent-produce",
    ),
    Claim(
        "kafkajs", "produce", "lost ack", "order 1 doubled",
        "`idempotent` is false by default: the retry after a lost ack doubles the record",
        f"{KAFKAJS}/producing#options",
    ),
)  # fmt: skip

OTHERS = (
    Claim(
        "quixstreams", "consume", "broker paused 8 s", rf"({AT_LEAST_ONCE})(; ended once)?",
        "a commit that fails ends the application, if one comes before the group is joined again",
    ),
    Claim(
        ".*", "consume", "broker (paused 8|down 4) s", AT_LEAST_ONCE,
        "what was not committed when the session ended is read again",
    ),
    Claim(
        "(aiokafka|faststream|kafkajs)", "consume", "started while .*",
        r"each once(; ended (once|\d+ times))?",
        "it gives up when no broker answers at its start, and needs a supervisor",
    ),
    Claim(
        "(kafka-python|quixstreams|kcat)", "consume", "handler fails once", "7 doubled; ended once",
        "it ends without a commit, and reads again what it has stored",
    ),
    Claim(
        "(kafka-python|quixstreams)", "consume", "SIGKILL in the handler", "7 doubled",
        "it commits only what has been handled, at most every 5 s",
    ),
    Claim(
        "kafka-python", "consume", "poison record", r"5 not stored within 30 s; ended \d+ times",
        "the handler raises, and again after each restart",
    ),
    Claim(
        "kcat", "consume", "poison record", "5 not stored within 30 s",
        "the loop of the shell has ended, and kcat has nothing to write that would show it",
    ),
    Claim(
        "kcat", "produce", "(lost ack.*|broker down 25 s)", "each once; 9 not acked, ended",
        "kcat ends when no broker can be reached, unless it is told `-E`",
    ),
    Claim(
        "(kafka-python|quixstreams)", "produce", "lost ack", "order 1 doubled",
        "it is idempotent by default, and the embedded broker does not check sequence numbers",
        broker="embedded",
    ),
    Claim(
        "quixstreams", "consume", "no fault", r"stores nothing within 30 s; ended (once|\d+ times)",
        "it asks for the settings of the topic, an admin request", broker="embedded",
    ),
)  # fmt: skip


def claim_of(library: str, kind: str, name: str, broker: str) -> Claim:
    """Return what README.md says of a cell."""
    asked = (library, kind, name, broker)
    for claim in (*MISTAKES, *OTHERS):
        if all(map(re.fullmatch, (claim.library, claim.kind, claim.name, claim.broker), asked)):
            return claim
    return Claim(library, kind, name, "each once", "no fault loses or doubles an order")
