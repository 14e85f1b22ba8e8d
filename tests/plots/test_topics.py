"""The picture of a test of other people: its records and its faults."""

import time

from empkit.faults.network import Network
from empkit.plots.topics import MOST_ROWS, topics
from empkit.proxy import Latency
from empkit.testing.log import Record
from empkit.testing.strikes import Strike, Strikes


class Struck(Network):
    """A fault that needs nothing to strike."""

    def strike(self, scene):
        return lambda: 1


def record(number, partition=0):
    return Record("orders", partition, number, b"%d" % number, b"v", (), time.time())


def rows_of(picture):
    return [label.get_text() for label in picture.axes[0].get_yticklabels()]


def test_each_fault_and_each_partition_has_a_row_and_copies_are_counted():
    strikes = Strikes()
    records = [record(1), record(2, 1), record(2, 1), record(2, 1)]
    with Strike(strikes, None, Struck(Latency(latency_ms=5))):
        pass
    Strike(strikes, None, Struck(Latency(latency_ms=7))).start()  # in force still
    picture = topics("test_it", strikes, records)
    faults = ["latency:latency_ms=5", "latency:latency_ms=7"]
    assert rows_of(picture) == [*faults, "orders, partition 0", "orders, partition 1"]
    assert picture.alt.startswith("test_it: 4 records, 2 of them copies. ")
    strikes.stop()


def test_a_test_without_records_and_faults_has_a_picture_too():
    assert rows_of(topics("test_it", Strikes(), [])) == []


def test_of_many_partitions_the_first_have_rows():
    picture = topics("test_it", Strikes(), [record(0, partition) for partition in range(100)])
    assert len(rows_of(picture)) == MOST_ROWS
