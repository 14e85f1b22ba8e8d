"""Runs with faults: a pace that a fault strikes in the middle, and what became of the records."""

from empkit import Workload

PACE = Workload(records=500, rate=400, warm_up=20)


def quiet(*_):
    """Progress that shows nothing."""


def run(lab, protocol, *faults, workload=PACE, **options):
    return lab.run(protocol, workload, faults=faults, progress=quiet, **options)


def counts(runs):
    return {name: count for name, count in runs.verdicts().iloc[0].items() if count}
