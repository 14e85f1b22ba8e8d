"""A storm: the server killed, or the broker taken down, again and again at random moments under
load, and an account of every record: `python -m benchmarks.storm --rounds 200`."""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter

from empkit import At, Guarantees, Lab, Workload
from empkit.experiment.verdicts import VERDICTS
from empkit.faults import BrokerDown, ServerCrash, TimedFault

RATE = 400
A_RUN = 5
"""Strikes in one run."""


def quiet(*_: object) -> None:
    """Progress that shows nothing."""


def storm(lab: Lab, protocol: str, fault: TimedFault, rounds: int, seed: int) -> Counter[str]:
    """Strike so many times at random moments, for random lengths.

    Returns:
        How many records got each verdict, and how often the fault struck.
    """
    chance = random.Random(f"{seed}-{protocol}-{fault}")
    found: Counter[str] = Counter()
    while found["struck"] < rounds:
        strikes = min(A_RUN, rounds - found["struck"])
        events, at_s = [], 0.0
        for _ in range(strikes):
            at_s += chance.uniform(0.2, 0.8)
            end_s = at_s + chance.uniform(0.05, 0.6)
            events.append(At(at_s, fault, until=end_s))
            at_s = end_s + 1.2  # a server takes about a second to be back
        records = int((at_s + 0.3) * RATE)
        workload = Workload(records=records, rate=RATE, warm_up=10, seed=chance.randrange(2**31))
        for runs in lab.cross([protocol], workload, [Guarantees()], faults=events, progress=quiet):
            counts = runs.timings["verdict"].value_counts()
            found.update({name: int(counts.get(name, 0)) for name in VERDICTS})
            found["struck"] += len(runs.runs[0].faults)
            found["offered"] += runs.runs[0].offered
            found["broken"] += len(runs.broken)
            for sentence in runs.broken:
                print(sentence, file=sys.stderr)
    return found


def main() -> None:
    """Run the storm that was asked for; exit status 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="strikes, over all protocols")
    parser.add_argument("--fault", choices=["server-crash", "broker-down"], default="server-crash")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    fault: TimedFault = ServerCrash() if options.fault == "server-crash" else BrokerDown()
    protocols = ["kafka"] if options.fault == "broker-down" else ["http", "websocket", "kafka"]
    total: Counter[str] = Counter()
    with Lab() as lab:
        for number, protocol in enumerate(protocols):
            share = (options.rounds + number) // len(protocols)
            found = storm(lab, protocol, fault, share, options.seed)
            print(protocol, dict(found), flush=True)
            total.update(found)
    print("all", dict(total))
    sys.exit(1 if total["broken"] else 0)


if __name__ == "__main__":
    main()
