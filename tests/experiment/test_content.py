"""What is the same content: decided by code of its own, held against the real mapping and store."""

import asyncio
import json
import random
import subprocess
import sys
from fractions import Fraction

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from empkit.databases.engine import make_engine
from empkit.experiment.content import equal, is_row_of, is_told_as, read, within_limits
from empkit.experiment.goodness import is_good
from empkit.experiment.held import rows_in_database
from empkit.records.employee import Employee, row_to_record, to_row
from empkit.server.stamps import StampLog
from empkit.server.store import Store

TEXTS = (
    "Ada", " Ada ", "\tAda\n", "Ærø", "李", "👩‍👩‍👧‍👦", "e\u0301", "\u00e9", 'a"b\\c', "0", "null",
    "\u2028", "\x7f", "\x1f", "x" * 200, "\U0010ffff", "\ufeff", "O'Neil; DROP TABLE employees",
)  # fmt: skip
NUMBERS = (
    "0", "-0.0", "1", "1.0", "1e3", "1E+2", "61000", "61000.10", "0.1", "9007199254740993",
    "9223372036854775808", "18446744073709551615", "1e22", "123456789012345678901234567890.0",
    "5e-324", "1.7976931348623157e308", "16777217", "3.4028236e38",
)  # fmt: skip
DATES = (
    "2020-02-29", "0001-01-01", "9999-12-31", "2024-01-31T00:00:00", "2024-01-31 00:00",
    "2024-01-31T00:00:00Z", "2024-01-31t00:00:00.000000+02:00", "2024-01-31_00:00:00,0000001-0500",
)  # fmt: skip
POISON = (b"", b"{", b"null", b"[]", b'"E1"', b"\xff\xfe", b"{}", b'{"employee_id": NaN}',
          b"[" * 300, b'\xef\xbb\xbf{"employee_id": "E1"}')  # fmt: skip


def any_value(rng, depth=0):
    """JSON text of a value, as a sender may write it."""
    kind = rng.randrange(9 if depth < 4 else 6)
    if kind == 0:
        return "null"
    if kind == 1:
        return rng.choice(("true", "false"))
    if kind in (2, 3):
        return rng.choice(NUMBERS)
    if kind in (4, 5):
        return json.dumps(rng.choice(TEXTS), ensure_ascii=rng.random() < 0.5)
    if kind == 6:
        return f"[{', '.join(any_value(rng, depth + 1) for _ in range(rng.randrange(4)))}]"
    pairs = (
        f"{json.dumps(rng.choice(TEXTS))}: {any_value(rng, depth + 1)}"
        for _ in range(rng.randrange(4))
    )
    return "{" + ", ".join(pairs) + "}"


def any_record(rng, number):
    """The bytes of a record that a server should take: members in any order, odd but valid."""
    members = [
        ("employee_id", json.dumps(f"E{number}-{rng.choice(TEXTS)[:9]}")),
        ("first_name", json.dumps(rng.choice(TEXTS), ensure_ascii=False)),
        ("last_name", json.dumps(rng.choice(TEXTS))),
    ]
    for name in ("email", "department", "position"):
        if rng.random() < 0.7:
            members.append((name, rng.choice(("null", json.dumps(rng.choice(TEXTS))))))
    if rng.random() < 0.8:
        members.append(("salary", rng.choice([each for each in NUMBERS if each[0] != "-"])))
    if rng.random() < 0.8:
        members.append(("hire_date", rng.choice(("null", json.dumps(rng.choice(DATES))))))
    for each in range(rng.randrange(4)):
        members.append((f"extra {each} {rng.choice(TEXTS)}", any_value(rng)))
    rng.shuffle(members)
    space = rng.choice(("", " ", "\n"))
    return "{" + ",".join(f"{json.dumps(k)}:{space}{v}" for k, v in members) + "}"


async def stored(url, payloads):
    """What the database holds of records that went through the real mapping and store, by id."""
    log = StampLog(None)
    store = Store(url, log, 100_000)
    await store.start()
    rows = [to_row(Employee.model_validate_json(payload)) for payload in payloads]
    for start in range(0, len(rows), 500):
        await store.add(rows[start : start + 500], 1, "http")
    found = {row["employee_id"]: row async for row in rows_in_database(url, "E")}
    await store.stop()
    log.close()
    return found


def test_a_record_that_was_stored_as_it_was_sent_is_never_called_other_content(new_database):
    rng = random.Random(13)
    url = new_database()
    count = 10_000 if url.startswith("sqlite") else 1_500
    payloads = [any_record(rng, number).encode() for number in range(count)]
    rows = asyncio.run(stored(url, payloads))
    assert len(rows) == count
    for payload in payloads:
        sent = read(payload)
        row = rows[sent["employee_id"]]
        assert is_row_of(row, sent), (payload, row)
        assert is_told_as(orjson.loads(orjson.dumps(row_to_record(row))), sent), payload


FAULTS = {
    "a field dropped": ("UPDATE employees SET email = NULL", "email"),
    "salary as float32": ("UPDATE employees SET salary = 61000.1015625", "salary"),
    "names stripped": ("UPDATE employees SET first_name = 'Ada'", "first_name"),
    "date moved by a day": ("UPDATE employees SET hire_date = '2020-03-01'", "hire_date"),
    "an extra lost": ("UPDATE employees SET extra = '{\"a\": 1}'", "extra"),
    "all extras lost": ("UPDATE employees SET extra = NULL", "extra"),
    "an extra that is a number as text": (
        "UPDATE employees SET extra = '{\"a\": \"1\", \"b\": null}'", "extra",
    ),
    "an extra that is a number as a boolean": (
        "UPDATE employees SET extra = '{\"a\": true, \"b\": null}'", "extra",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_change_in_the_database_is_other_content(tmp_path, fault):
    sent = {
        "employee_id": "E1", "first_name": " Ada", "last_name": "Byron", "email": "a@example.com",
        "salary": 61000.10, "hire_date": "2020-02-29", "a": 1, "b": None,
    }  # fmt: skip
    url = f"sqlite:///{tmp_path / 'employees.db'}"
    payload = json.dumps(sent).encode()
    assert is_row_of(asyncio.run(stored(url, [payload]))["E1"], sent)
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(FAULTS[fault][0].replace(":", r"\:")))
    engine.dispose()

    async def changed():
        return [row async for row in rows_in_database(url, "E")]

    (row,) = asyncio.run(changed())
    assert not is_row_of(row, sent)
    assert not is_told_as(row_to_record(row), sent)


@pytest.mark.parametrize("payload", POISON)
def test_what_is_no_record_is_nothing_that_a_row_can_hold(payload):
    row = {"employee_id": "E1", "first_name": "A", "last_name": "B", "extra": None}
    assert not is_row_of(row, read(payload))
    assert not is_good(payload)
    with pytest.raises(ValidationError):
        Employee.model_validate_json(payload)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1", "1.0", True), ("1", "true", False), ("0", "false", False), ("0", "-0.0", True),
        ("9007199254740993", "9007199254740992.0", False),
        ("18446744073709551615", "1.8446744073709552e19", False),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', True), ('{"a": null}', "{}", False),
        ("[1, 2]", "[2, 1]", False), ('"é"', '"\\u00e9"', True), ('"é"', '"e\\u0301"', False),
        ("[[[]]]", "[[{}]]", False), ("[2, {}]", "[3, {}]", False), ("[2, []]", "[3, []]", False),
    ],
)  # fmt: skip
def test_values_of_extras_are_compared_as_json(one, other, same):
    assert equal(json.loads(one), json.loads(other)) is same
    assert equal(json.loads(other), json.loads(one)) is same


small = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, 0.0, 1.0, 0.5, 2**63, float(2**63), "", "1"]),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from("ab"), inside),
    max_leaves=6,
)


def canonical(value):
    """A value as a text that is the same for what JSON calls the same, and for nothing else."""
    if isinstance(value, dict):
        return f"{{{sorted((name, canonical(inside)) for name, inside in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(canonical, value))}]"
    return repr(value) if value is None or isinstance(value, bool | str) else str(Fraction(value))


@given(small, small)
def test_any_value_is_equal_to_itself_and_to_what_reads_the_same(one, other):
    assert equal(one, json.loads(json.dumps(one)))
    assert equal(one, other) == equal(other, one) == (canonical(one) == canonical(other))


@pytest.mark.parametrize(
    ("sent", "stored", "same"),
    [
        ({"a": 1}, '{"a": 1}', True), ({"a": 1}, '{"a": 2}', False), ({"a": 1}, None, False),
        ({}, None, True), ({}, "{}", False), ({}, '{"a": 1}', False), ({"a": 1}, "no JSON", False),
        ({"a": 1}, {"a": 1}, False), ({"a": 1}, "[" * 100_000, False),
        ({"a": [1, [2]]}, '{"a":[1,[2]]}', True),
    ],
)  # fmt: skip
def test_extras_are_held_by_their_column_alone(sent, stored, same):
    row = {"employee_id": "E1", "first_name": "A", "last_name": "B"}
    assert is_row_of({**row, "extra": stored}, {**row, **sent}) is same


@pytest.mark.parametrize(
    ("field", "sent", "stored", "same"),
    [
        ("salary", None, None, True), ("salary", None, 0.0, False), ("salary", 0, None, False),
        ("salary", 1, 1.0, True), ("salary", "1", 1.0, False), ("salary", 1, "1", False),
        ("salary", True, 1.0, False), ("salary", 1, True, False), ("salary", 10**400, 1.0, False),
        ("salary", 1.5, 1.0, False), ("hire_date", None, None, True),
        ("hire_date", None, "2020-01-02", False), ("hire_date", "2020-01-02", None, False),
        ("hire_date", 20200102, "2020-01-02", False),
        ("hire_date", "2020-01-02", "2020-01-02", True),
        ("hire_date", "yesterday", "yesterday", False), ("email", None, None, True),
        ("email", "a", None, False), ("email", None, "a", False), ("email", 1, 1, False),
    ],
)  # fmt: skip
def test_a_declared_field_is_the_same_as_text_as_a_double_or_as_a_date(field, sent, stored, same):
    row = {"employee_id": "E1", "first_name": "A", "last_name": "B", "extra": None}
    record = {name: value for name, value in row.items() if name != "extra"}
    assert is_row_of({**row, field: stored}, {**record, field: sent}) is same
    assert is_told_as({**record, field: stored}, {**record, field: sent}) is same


@pytest.mark.parametrize(
    ("extras", "within"),
    [
        ({"n": -(2**63)}, True), ({"n": -(2**63) - 1}, False), ({"n": 2**64 - 1}, True),
        ({"n": 2**64}, False), ({"\ud800": 1}, False), ({"a": "\ud800"}, False),
        ({"a": [{"\ud800": 1}, 1]}, False), ({"a": [2**64], "b": [1], "c": {"d": 1}}, False),
        ({"a": {"b": 2**64}, "c": [1]}, False), ({"a": [[[1e308]], {"b": [1]}]}, True),
    ],
)  # fmt: skip
def test_the_limits_that_no_schema_says_hold_at_every_depth(extras, within):
    assert within_limits({"employee_id": "E1", **extras}) is within


def test_time_of_day_that_is_not_zero_is_another_date():
    row = {"employee_id": "E", "first_name": "A", "last_name": "B", "hire_date": "2020-01-02"}
    for written in (
        "2020-01-02T00:01:00",
        "2020-01-02T00:00:00.000001",
        "2020-01-03",
        "2020-01-02 ",
    ):
        assert not is_row_of(row | {"extra": None}, row | {"hire_date": written})


def test_what_compares_content_shares_no_code_with_the_server():
    show = "import sys, empkit.experiment.content; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    names = done.stdout.split()
    assert not [name for name in names if name.startswith(("empkit.server", "empkit.records"))]
    assert not {"pydantic", "orjson"} & set(names)


@pytest.mark.slow
def test_the_audit_imports_nothing_of_the_server():
    show = "import sys, empkit.experiment.audit; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith("empkit.server")]


# ------------------------------------------------------------------------------ the schema


def accepted(payload):
    try:
        Employee.model_validate_json(payload)
    except ValidationError:
        return False
    return True


ODD = (
    '""', '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\ud83d\\ude00"', "1e400", "-1", "1e-400",
    "18446744073709551616", "-9223372036854775809", "1e30", "NaN", '"2023-02-29"', '"2000-02-29"',
    '"1900-02-29"', '"0000-01-01"', '"2020-01-01\\n"', '"20200101"', '"2020-13-01"', '"1305590400"',
    f'"{"x" * 201}"', f'"{"x" * 129}"', f'"{"😀" * 128}"', "[" * 100 + "]" * 100,
    "[" * 101 + "]" * 101, '{"a":' * 99 + "1" + "}" * 99, '{"a":' * 101 + "1" + "}" * 101,
    '{"a\\u0000": 1}', '["\\u0000"]', "2" + "0" * 308, "1" * 5_000, "true", '"1"',
)  # fmt: skip


@pytest.mark.slow
def test_what_the_schema_calls_good_the_server_accepts():
    rng = random.Random(31)
    good = refused = 0
    for number in range(4_000):
        members = json.loads(any_record(rng, number))
        texts = {json.dumps(name): json.dumps(value) for name, value in members.items()}
        for _ in range(rng.randrange(3)):
            name = rng.choice([*texts, '"salary"', '"hire_date"', '"extra"', '"a\\u0000"'])
            if rng.random() < 0.2:
                texts.pop(name, None)
            else:
                texts[name] = rng.choice((*ODD, any_value(rng)))
        payload = ("{" + ",".join(f"{k}:{v}" for k, v in texts.items()) + "}").encode()
        if is_good(payload):
            good += 1
            assert accepted(payload), payload
        elif not accepted(payload):
            refused += 1
        else:  # the one thing that the server takes beyond the schema
            assert "hire_date" in members and len(json.loads(payload)["hire_date"]) > 10, payload
    assert good > 500
    assert refused > 500


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize(
    "field", ["employee_id", "first_name", "email", "salary", "hire_date", "x"]
)
def test_schema_and_server_agree_on_odd_values(field, value):
    record = {"employee_id": '"E1"', "first_name": '"Ada"', "last_name": '"Byron"', field: value}
    payload = ("{" + ",".join(f'"{k}":{v}' for k, v in record.items()) + "}").encode()
    assert is_good(payload) == accepted(payload), payload
