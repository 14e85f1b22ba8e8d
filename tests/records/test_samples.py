"""Made-up records."""

from __future__ import annotations

from empkit.records.employee import FIELDS
from empkit.records.form import format_employee_record
from empkit.records.samples import sample_records


def test_made_up_records_are_the_same_for_a_seed_and_all_are_employees():
    made_up = sample_records(500)
    assert made_up[:100] == sample_records(100)
    assert made_up != sample_records(500, seed=1)
    assert made_up[0]["employee_id"] == "E000001"
    assert [format_employee_record(record) for record in made_up] == made_up
    assert all(tuple(record) == FIELDS for record in made_up)
    assert all(record["email"].endswith("@example.com") for record in made_up)
    for name, at_least in {
        "email": 500,
        "employee_id": 500,
        "hire_date": 450,
        "salary": 200,
    }.items():
        assert len({record[name] for record in made_up}) >= at_least
