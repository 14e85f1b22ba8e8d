"""What is sent, and when."""

import io
import tracemalloc

import numpy as np
import pytest

from empkit import Workload, read_records
from empkit.experiment.workload import repeat_to


def test_at_a_constant_rate_records_are_due_at_equal_intervals():
    schedule = Workload(rate=500).schedule_ns(5)
    assert schedule.tolist() == [0, 2_000_000, 4_000_000, 6_000_000, 8_000_000]


def test_poisson_arrivals_have_the_rate_and_are_the_same_for_a_seed():
    workload = Workload(rate=1_000, arrivals="poisson", seed=4)
    schedule = workload.schedule_ns(20_000)
    gaps = np.diff(schedule)
    assert gaps.mean() == pytest.approx(1e6, rel=0.03)
    assert gaps.std() == pytest.approx(1e6, rel=0.05)  # of an exponential: as large as the mean
    assert (schedule == workload.schedule_ns(20_000)).all()


@pytest.mark.slow
def test_made_up_records_are_not_all_held_at_once():
    def memory(count):
        tracemalloc.start()
        for _ in Workload(count).load():
            pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    memory(100)  # what is made once, is made
    assert memory(20_000) < 2 * memory(200)


def test_a_file_that_was_read_says_in_the_results_how_and_what_was_not_read():
    text = "id;first;last;pay\n1;a;b;52.000\n2;a;;\n3;a;b;lots\n"
    file = read_records(io.BytesIO(text.encode()), decimal=",", columns={"salary": "pay"})
    workload = Workload(file, rate=10)
    assert list(workload.load()) == list(file.records)
    described = workload.described(2)
    assert described["reading"] == {"decimal": ",", "columns": {"salary": "pay"}}
    assert described["rows_left_out"] == described["values_dropped"] == 1


def test_what_is_not_read_of_a_file_by_its_name_is_warned_of(tmp_path):
    path = tmp_path / "employees.csv"
    path.write_text("id,first,last,pay\n1,a,b,lots\n2,a,,\n3,a,b,1\n")
    with pytest.warns(UserWarning, match=r"1 rows were left out and 1 values dropped"):
        workload = Workload(path).read()
    described = workload.described(2)
    assert described["source"] == "file employees.csv"
    assert described["rows_left_out"] == described["values_dropped"] == 1


def test_a_workload_without_a_rate_is_a_closed_loop():
    assert Workload().closed_loop() == 8
    assert Workload(in_flight=3).closed_loop() == 3
    assert Workload(rate=3).closed_loop() is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 1, "in_flight": 1}, "not both"),
        ({"rate": 0}, "more than 0"),
        ({"in_flight": 0}, "at least 1"),
        ({"records": 0}, "at least 1"),
        ({"arrivals": "bursts"}, "'constant' or 'poisson'"),
        ({"warm_up": -1}, "0 or more"),
    ],
)
def test_a_workload_whose_numbers_make_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Workload(**arguments)


def test_repeated_records_have_ids_of_their_own():
    records = [{"employee_id": "a"}, {"employee_id": "b"}]
    assert [record["employee_id"] for record in repeat_to(records, 5)] == [
        "a", "b", "a~1", "b~1", "a~2",
    ]  # fmt: skip
