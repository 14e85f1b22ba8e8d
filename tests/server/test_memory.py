"""The memory of a server and of its consumers: what they take once, and nothing for each record."""

import psutil
import pytest

from empkit import Lab, Workload

PER_RECORD = 256
"""In bytes. A record that was kept would take 1,000 or more."""


def memory(process):
    """The resident memory of a process, in bytes."""
    return psutil.Process(process.pid).memory_info().rss


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
def test_a_server_keeps_nothing_of_the_records_that_it_has_stored(protocol):
    def send(records):
        workload = Workload(records=records, in_flight=256, warm_up=0)
        runs = lab.run(protocol, workload, progress=lambda *_: None)
        assert runs.verdicts()["stored"].tolist() == [records]

    with Lab("embedded" if protocol == "kafka" else "none") as lab:
        if protocol == "kafka":
            lab.start_consumer()
        processes = [lab.server, *lab.consumers]
        for _ in range(3):  # threads, connections, prepared statements
            send(5_000)
        warm = [memory(process) for process in processes]
        send(10_000)
        for process, before in zip(processes, warm, strict=True):
            grown = memory(process) - before
            assert grown < PER_RECORD * 10_000, process.name
