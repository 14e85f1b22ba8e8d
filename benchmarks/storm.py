"""A storm: the server is killed, the broker taken down, or the leader among three brokers killed,
repeatedly at random times under load, and every record is audited:
`python -m benchmarks.storm --rounds 200`."""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from typing import Literal, NamedTuple

from empkit import At, Guarantees, Lab, Settings, Workload
from empkit.faults import BrokerDown, LeaderKill, ServerCrash, TimedFault
from empkit.results.verdicts import VERDICTS

RATE = 400
A_RUN = 5
"""The number of strikes in one run."""


class Kind(NamedTuple):
    """A kind of storm."""

    fault: TimedFault
    protocols: tuple[str, ...]
    broker: Literal["embedded", "apache"]
    brokers: int
    pause_s: float


KINDS = {
    # a server takes about a second to restart, Apache Kafka longer
    "server-crash": Kind(ServerCrash(), ("http", "websocket", "kafka"), "embedded", 1, 1.2),
    "broker-down": Kind(BrokerDown(), ("kafka",), "embedded", 1, 1.2),
    "leader-kill": Kind(LeaderKill(), ("kafka",), "apache", 3, 8.0),
}


def quiet(*_: object) -> None:
    """Show no progress."""


def storm(
    lab: Lab, protocol: str, fault: TimedFault, rounds: int, seed: int, pause_s: float = 1.2
) -> Counter[str]:
    """Strike `rounds` times at random times, for random durations.

    Args:
        lab: the lab to strike.
        protocol: the protocol of the load.
        fault: the fault.
        rounds: the number of strikes.
        seed: the seed of the times, the durations and the records.
        pause_s: the time to recover after each strike, in seconds.

    Returns:
        The number of records with each verdict, and the number of strikes.
    """
    chance = random.Random(f"{seed}-{protocol}-{fault}")
    counted: Counter[str] = Counter()
    while counted["struck"] < rounds:
        strikes = min(A_RUN, rounds - counted["struck"])
        events, at_s = [], 0.0
        for _ in range(strikes):
            at_s += chance.uniform(0.2, 0.8)
            end_s = at_s + chance.uniform(0.05, 0.6)
            events.append(At(at_s, fault, until=end_s))
            at_s = end_s + pause_s
        records = int((at_s + 0.3) * RATE)
        workload = Workload(records=records, rate=RATE, warm_up=10, seed=chance.randrange(2**31))
        for runs in lab.cross([protocol], workload, [Guarantees()], faults=events, progress=quiet):
            counts = runs.timings["verdict"].value_counts()
            counted.update({name: int(counts.get(name, 0)) for name in VERDICTS})
            counted["struck"] += len(runs.runs[0].faults)
            gap_ms = int(runs.recovery()["longest_gap_s"].iloc[0] * 1000)
            counted["longest_gap_ms"] = max(counted["longest_gap_ms"], gap_ms)
            counted["offered"] += runs.runs[0].offered
            # a storm counts every loss, also those that its acks allow
            sentences = runs.broken + runs.findings
            counted["broken"] += len(sentences)
            for sentence in sentences:
                print(sentence, file=sys.stderr)
    return counted


def main() -> None:
    """Run the chosen storm; exit with status 1 if a promise was broken or a record lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="strikes, over all protocols")
    parser.add_argument("--fault", choices=list(KINDS), default="server-crash")
    parser.add_argument("--acks", choices=["all", "1"], default="all")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    kind = KINDS[options.fault]
    total: Counter[str] = Counter()
    settings = Settings(kafka_acks=options.acks)
    with Lab(kind.broker, brokers=kind.brokers, settings=settings) as lab:
        for number, protocol in enumerate(kind.protocols):
            share = (options.rounds + number) // len(kind.protocols)
            counted = storm(lab, protocol, kind.fault, share, options.seed, kind.pause_s)
            print(protocol, dict(counted), flush=True)
            total.update(counted)
    print("all", dict(total))
    sys.exit(1 if total["broken"] else 0)


if __name__ == "__main__":
    main()
