"""Made-up runs for the challenges: with faults, with late acks, in a closed loop."""

from empkit.results.info import FaultSpan
from tests.made_up_runs import START_NS, made_up, together

MS = 1_000_000
OWN = "my_client:OneShot"

CRASH = ("server-crash", "server", 50, 90)
PAUSE = ("server-pause", "server", 50, 550)
MOVE = ("leader-move:to=2", "broker", 50, 90)
RESETS = (("reset", "network", 20, 60), ("reset", "network", 90, 130))


def silent(seconds):
    """A partition of the network that lasts this long."""
    return ("partition", "network", 50, 50 + 1_000 * seconds)


def struck(protocol="http", *faults, count=240, closed=False, choice="as set", **changes):
    """A run with faults: label, part, begin and end in milliseconds, and how many they struck."""
    runs = made_up(protocol, count=count, **changes)
    (info,) = runs.runs
    info.guarantees = choice
    info.faults = [
        FaultSpan(label, part, START_NS + int(begin * MS), START_NS + int(end * MS), struck=number)
        for label, part, begin, end, number in ((*fault, None)[:5] for fault in faults)
    ]
    if closed:
        info.workload |= {"rate": None, "in_flight": 400}
    return runs


def late(runs, ms, share=1.0):
    """The same, where this share of the acks, of the first records, is later."""
    runs.timings.loc[: int(share * len(runs.timings)) - 1, "acked_ns"] += int(ms * MS)
    return runs


def rounds(several, **changes):
    """Several rounds over HTTP."""
    return together(*(made_up("http", number=number + 1, **changes) for number in range(several)))


def missed(runs):
    """The same, where the run was over before each fault was due."""
    for info in runs.runs:
        for fault in info.faults:
            fault.missed = True
    return runs


def interrupted(runs):
    """The same, ended by Ctrl-C."""
    runs.asked = [*((info.protocol, info.round) for info in runs.runs), ("http", 9)]
    runs.interrupted = "SIGINT"
    return runs
