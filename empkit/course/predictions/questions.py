"""The questions of the notebooks' Predict cells: what is to be predicted, and which kind of answer.

A question is a line here, a guess and `predict` in the notebook, and `compared` after the
measurement. Where a number need not be met exactly, the notebook says how near is right, in the
words of its kind (`stated`).
"""

from __future__ import annotations

from collections.abc import Mapping

from empkit.course.predictions.kinds import Kind, Number, OneOf, SetOf, Shares, Whole

PROTOCOLS = ("http", "websocket", "kafka")
STAGES = ("to the server", "until durable", "back to the sender")


def one(kind: Kind) -> dict[str, Kind]:
    """Return a question with a single value."""
    return {"": kind}


def each(kind: Kind, *names: str) -> dict[str, Kind]:
    """Return a question with a value of the same kind for each name."""
    return dict.fromkeys(names, kind)


OUTCOME = OneOf("acked", "refused")
NONE_OR_SOME = OneOf("none", "some")
BOOLEAN = OneOf(True, False)
OF_A_HUNDRED = Number(within=10)

QUESTIONS: Mapping[str, dict[str, Kind]] = {
    "00.a": each(
        OUTCOME,
        "Ada once more, over a WebSocket", "Augusta, over a WebSocket", "Augusta, over Kafka",
    ),
    "00.b": each(Number(factor=2), *PROTOCOLS),
    "00.c": each(OF_A_HUNDRED, *PROTOCOLS),
    "00.d": one(OneOf(*STAGES)),
    "01.a": each(
        Whole("no answer"),
        "the same again", "her id, another name", "no last name", "no JSON", "a wrong token",
        "a megabyte", "while the database is locked", "while the server is down",
    ),
    "01.b": one(Number(within=10)),
    "01.c": each(
        Number(factor=1.5), "slowest library, times the bare socket", "a new connection adds, ms"
    ),
    "02.a": one(Whole()),
    "02.b": one(OneOf("no handshake", "a message, then closed", "silence")),
    "02.c": one(Number(factor=1.5)),
    "02.d": one(OneOf("W1", "W2", "W3", "W4")),
    "02.e": each(OneOf("yes", "no"), "sent again", "stored twice", "lost"),
    "02.f": {
        "the client sees": OneOf("an answer", "closed"),
        "is told why": OneOf("the client", "the server's log"),
    },
    "03.a": each(OneOf("there", "gone"), "first reading", "second reading"),
    "03.b": one(OneOf("acks=0", "acks=1", "acks=all")),
    "03.c": each(Number(factor=1.5), "acked after, ms", "times the records per second"),
    "03.d": each(OneOf("one", "several"), "one employee", "twelve employees"),
    "03.e": each(
        Number(within=5), "acked while it is away", "lag while it is away", "lag in the end"
    ),
    "03.f": one(OneOf("all", "some", "none")),
    "04.a": one(Number(factor=1.5)),
    "04.b": one(Number(factor=3)),
    "04.c": each(Number(within=5), "contains the truth", "has an upper end"),
    "04.d": one(Whole()),
    "04.e": one(Number(factor=2)),
    "04.f": each(OF_A_HUNDRED, "one heap", "pairs of rounds"),
    "04.g": each(OF_A_HUNDRED, "pairs of rounds", "apart"),
    "04.h": each(OF_A_HUNDRED, "each below 5 %", "corrected"),
    "04.i": one(Number(factor=1.5)),
    "04.j": {
        "acked soonest": OneOf(*PROTOCOLS),
        "acked before it is stored": OneOf(*PROTOCOLS, "none"),
    },
    "05.a": each(Number(within=40), "closed", "open"),
    "05.b": each(Number(factor=2), "closed", "open"),
    "05.c": one(Number(factor=2)),
    "05.d": one(Number(factor=2)),
    "05.e": each(BOOLEAN, *PROTOCOLS),
    "06.a": each(OneOf("once", "again"), *PROTOCOLS),
    "06.b": each(OneOf("quick", "slow"), *PROTOCOLS),
    "06.c": each(Number(within=30), *PROTOCOLS),
    "06.d": each(NONE_OR_SOME, "failed", "lost"),
    "07.a": each(NONE_OR_SOME, "acks=0", "acks=all"),
    "07.b": each(NONE_OR_SOME, "commit=before_store", "commit=after_store"),
    "07.c": each(OneOf("stored", "unconfirmed", "stored twice"), "retries=0", "as set"),
    "07.d": each(NONE_OR_SOME, "in the log", "in the database"),
    "07.e": each(NONE_OR_SOME, "idempotence=False", "idempotence=True"),
    "07.f": {
        "good": OneOf("all stored", "some stored", "none stored"),
        "bad": OneOf("lost", "kept"),
    },
    "08.a": each(Shares(), "three members", "one is killed"),
    "08.b": each(NONE_OR_SOME, "lost", "stored twice"),
    "08.c": one(Number(factor=1.25)),
    "08.d": {
        **each(OneOf("created", "same", "duplicate"), "the same record", "another with that id"),
        "stored of 300": Number(within=10),
    },
    "08.e": one(Number(factor=1.25)),
    "08.f": each(NONE_OR_SOME, "acks=1", "acks=all"),
    "08.g": one(Number(factor=2)),
    "09.a": each(BOOLEAN, *PROTOCOLS),
    "09.b": each(BOOLEAN, *PROTOCOLS),
    "09.c": each(OneOf(*PROTOCOLS), "acks first", "stores most"),
    "09.d": one(SetOf(*PROTOCOLS)),
    "09.e": one(SetOf(*PROTOCOLS)),
    "09.f": one(SetOf(*PROTOCOLS)),
    "10.a": {"quicker": OneOf("http", "OneShot"), "lost": Whole()},
    "10.b": each(BOOLEAN, *STAGES),
    "10.c": one(OneOf("all stored", "not all stored")),
    "10.d": one(Number(within=2)),
}  # fmt: skip
"""The questions by their numbers, each with the kind of answer by the names of its values."""
