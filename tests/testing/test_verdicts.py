"""What the assertions say, of records that the test makes up."""

import pytest

from empkit.testing.log import Record
from empkit.testing.verdicts import each_once, lost, missing, not_comparable, order_per_key


def records(*numbers, partition=0):
    """One record a number, 10 ms after the one before."""
    return [
        (number, Record("t", partition, offset, b"k", b"v", (), 100 + offset / 100))
        for offset, number in enumerate(numbers)
    ]


def between(first_s, last_s):
    """Says the times that are asked for."""
    return f"[{first_s:.2f} to {last_s:.2f}]"


def test_nothing_is_said_of_records_that_are_there_once():
    assert each_once(records(0, 1, 2), range(3), between) == ""
    assert each_once(records(2, 0, 1), None, between) == ""


def test_the_first_missing_is_named_with_its_neighbours_and_the_time_between_them():
    problem = each_once(records(0, 1, 4), range(6), between)
    assert problem == (
        "each of 6 records is to be there once; 3 are missing, 0 are there more than once, 0 were "
        "not expected.\n"
        "Missing: 2, 3, 5. Of 2, the one before it, 1, is at partition 0, offset 1; the one after "
        "it, 4, is at partition 0, offset 2. [100.01 to 100.02]"
    )


def test_a_missing_one_at_either_end_has_one_neighbour():
    assert "Of 0, the one after it, 1, is" in each_once(records(1), range(2), between)
    assert "Of 1, the one before it, 0, is" in each_once(records(0), range(2), between)


def test_of_an_empty_log_is_said_that_none_is_there():
    problem = each_once([], range(9), between)
    assert "Missing: 0, 1, 2, 3, 4 and 4 more. None of what was expected is in the log." in problem


def test_the_first_that_is_there_twice_is_named_with_both_places():
    problem = each_once(records(0, 1, 2, 1), range(3), between)
    assert (
        "More than once: 1. 1 is at partition 0, offset 1 and at partition 0, offset 3. " in problem
    )
    assert problem.endswith("[100.01 to 100.03]")
    assert each_once(records(5, 5), None, between)


def test_one_that_was_not_expected_is_named_with_its_place():
    problem = each_once(records(0, 9), range(1), between)
    assert problem.endswith("Not expected: 9. 9 is at partition 0, offset 1. [100.01 to 100.01]")


def ordered(pairs):
    """Key and number of each record, in the order of the log."""
    return [
        (key, number, Record("t", 0, offset, key, b"v", (), 100 + offset / 100))
        for offset, (key, number) in enumerate(pairs)
    ]


def test_keys_may_overtake_each_other_and_a_number_may_come_again_at_once():
    assert order_per_key(ordered([("a", 1), ("b", 7), ("a", 1), ("a", 2), ("b", 8)]), between) == ""


def test_the_first_that_came_after_a_later_one_is_named_with_both_places():
    problem = order_per_key(ordered([("a", 1), ("a", 3), ("b", 1), ("a", 2), ("a", 2)]), between)
    assert problem == (
        "2 records came after a later one of their key. The first is 2 of key 'a' at partition 0, "
        "offset 3: it came after 3 at partition 0, offset 1. [100.01 to 100.03]"
    )


def test_a_key_in_two_partitions_has_no_order():
    there = [("a", 1, records(1)[0][1]), ("a", 2, records(2, partition=1)[0][1])]
    assert (
        "in several partitions, which have no order: 1 is at partition 0, offset 0, and 2 at "
        in (order_per_key(there, between))
    )


def test_what_is_missing_is_counted_as_often_as_it_lacks():
    assert missing([1, 2, 2, 3], [2, 3]) == [1, 2]
    assert missing(range(3), [2, 1, 0, 7]) == []


def test_what_is_lost_is_said_to_be_in_the_log_or_not():
    there = [("0", records(0)[0][1]), ("1", records(0, 1)[1][1])]
    problem = lost([1, 5], [], there, between)
    assert problem == (
        "2 were sent and are not stored: 1, 5. 1 is in the log at partition 0, offset 1: its "
        "consumer did not store it. [100.01 to 100.01]"
    )
    assert "5 is not in the log either" in lost([5], [], there, between)


def test_what_was_sent_twice_and_is_stored_once_is_not_said_to_be_absent():
    problem = lost(missing([0, 0, 1], [0, 1]), [0, 1], records(0, 1), between)
    assert problem.endswith("0 was sent 2 times and is stored 1 times.")


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (["0", "1"], "0 is never equal to '0' (int and str). Make them the same"),
        ([(0,), (1,)], "0 is never equal to (0,) (int and tuple)"),
        ([b"0"], "0 is never equal to b'0' (int and bytes)"),
        ([0, 1], ""),
        ([7, 8], ""),
        ([], ""),
    ],
)
def test_values_that_read_alike_and_are_never_equal_are_said_to_be_of_different_types(
    stored, words
):
    assert words in not_comparable(range(3), stored)
    assert bool(words) == bool(not_comparable(range(3), stored))


def test_numbers_are_never_equal_to_the_texts_of_keys():
    there = [(str(number), record) for number, record in records(0, 1)]
    assert "are of different types: 0 is never equal to '0'" in each_once(there, range(2), between)


def test_nothing_is_no_evidence():
    assert "nothing was sent: there is nothing to judge" in not_comparable([], [1])
    assert "holds no record" in each_once([], None, between)
    assert "holds no record" in order_per_key([], between)
    assert each_once([], [], between) == ""
