"""The claims of notebook 00, and what makes them false."""

from tests.course.claims import Change, Claim
from tests.course.claims.changes import answering, later, named, with_verdict

CLAIMS = [
    Claim(
        "cell-12",
        "the same content again was not acked",
        [
            Change(
                "Ada has another first name the second time",
                named(ada=lambda n: n["ada"] | {"first_name": "Adah"}),
                start="cell-11",
            )
        ],
    ),
    Claim(
        "cell-12",
        "other content under Ada's id was not refused",
        [
            Change(
                "Augusta is Ada",
                named(augusta=lambda n: n["ada"]),
                start="cell-11",
            )
        ],
    ),
    Claim(
        "cell-12",
        "the broker did not ack what cannot be stored",
        [
            Change(
                "Augusta is refused over Kafka",
                named(measured=lambda n: n["measured"] | {"Augusta, over Kafka": "refused"}),
            )
        ],
    ),
    Claim(
        "c13a",
        "the last dead letter is not Augusta's record",
        [
            Change(
                "the consumer dead-lettered Ada's",
                named(
                    read_dead_letters=lambda n: answering(
                        [n["letter"]._replace(value=n["letter"].value.replace(b"Augusta", b"Ada"))]
                    )
                ),
            )
        ],
    ),
    Claim(
        "cell-20",
        "an ack came before its record was stored, not over Kafka",
        [
            Change(
                f"{protocol} stores its records a second later",
                named(
                    runs=lambda n, protocol=protocol: later(
                        n["runs"], "stored_ns", 1_000, protocol
                    ),
                    timings=lambda n: n["runs"].timings,
                ),
                start="cell-19",
            )
            for protocol in ("http", "websocket")
        ],
    ),
    Claim(
        "cell-20",
        "fewer than half of Kafka's acks came before the record was stored",
        [
            Change(
                "Kafka's acks come a second later",
                named(
                    runs=lambda n: later(n["runs"], "acked_ns", 1_000, "kafka"),
                    timings=lambda n: n["runs"].timings,
                ),
                start="cell-19",
            )
        ],
    ),
    Claim(
        "cell-29",
        "a record got another verdict than stored",
        [
            Change(
                "one record of Kafka's failed",
                named(runs=lambda n: with_verdict(n["runs"], "failed", "kafka")),
            )
        ],
    ),
    Claim(
        "cell-29",
        "a promise was broken",
        [Change("one record is lost", named(runs=lambda n: with_verdict(n["runs"], "lost")))],
    ),
]
