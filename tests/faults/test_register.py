"""Faults by name: what one is called in a result is what the command line takes."""

from dataclasses import MISSING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.faults import (
    At,
    BrokerSlow,
    Duplicates,
    Network,
    ServerCrash,
    fault_kinds,
    parse_fault,
)
from empkit.proxy import Latency, toxic_kinds

FAULTS = fault_kinds()

NUMBERS = {"int": st.integers(1, 10**9), "float": st.floats(1, 1e9)}


CHOICES = {
    "direction": st.sampled_from(["up", "down", "both"]),
    "request": st.sampled_from(["Produce", "Fetch", "OffsetCommit"]),
    "error": st.sampled_from(["NOT_ENOUGH_REPLICAS", "_TRANSPORT"]),
    "share": st.floats(0, 1),
}


@st.composite
def made(draw, name):
    """A fault of the register with random options; those that the fault refuses are drawn again."""
    kind = FAULTS[name]
    options = {}
    for each in kind.settings:
        needed = each.default is MISSING
        if needed or draw(st.booleans()):
            number = str(each.type).split()[0]
            options[each.name] = draw(
                CHOICES[each.name] if each.name in CHOICES else NUMBERS[number]
            )
    try:
        return kind(**options)
    except ValueError:  # an option that this fault does not take, or a pair that makes no sense
        return kind(**{
            each.name: options[each.name]
            for each in kind.settings
            if each.default is MISSING
        })  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
@given(data=st.data())
def test_the_name_of_a_fault_gives_it_back_whatever_its_options(name, data):
    fault = data.draw(made(name))
    found = parse_fault(str(fault))
    assert (found.fault if isinstance(found, At) else found) == fault
    assert str(fault).partition(":")[0] == name


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [name for name, kind in FAULTS.items() if kind.timed],
)
@given(data=st.data(), begin=st.floats(0, 1e6), length=st.none() | st.floats(0, 1e6))
def test_the_name_of_a_fault_on_a_timeline_gives_it_back_with_its_moments(
    name, data, begin, length
):
    at = At(begin, data.draw(made(name)), None if length is None else begin + length)
    assert parse_fault(str(at)) == at


def test_a_fault_on_a_timeline_is_written_as_the_command_line_has_it():
    at = parse_fault("half-open:after_connections=2@2s..5s")
    assert str(at) == "half-open:after_connections=2@2.0s..5.0s"


@pytest.mark.parametrize("kind", toxic_kinds())
def test_each_toxic_of_the_proxy_is_a_fault_of_the_same_name(kind):
    assert FAULTS[kind].of is toxic_kinds()[kind]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server-crash@2s..5s", At(2.0, ServerCrash(), 5.0)),
        ("broker-slow:ms=30@1..2", At(1.0, BrokerSlow(ms=30), 2.0)),
        ("latency:latency_ms=100,direction=up@1s", At(1.0, Network(Latency(100, direction="up")))),
        ("duplicates:share=0.2", Duplicates(share=0.2)),
    ],
)
def test_faults_as_the_command_line_has_them(text, expected):
    assert parse_fault(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("earthquake@1s", "is not a fault"),
        ("server-crash@soon", "is not a time"),
        ("server-crash@nans", "is not a time"),
        ("server-crash:hard=1@1s", "hard"),
        ("duplicates@1s..2s", "whole run"),
        ("latency:100@1s", "KEY=VALUE"),
        ("latency:latency_ms=long@1s", "expected a number"),
        ("duplicates:share=5", "from 0 to 1"),
        ("server-crash@5s..2s", "is not a time"),
    ],
)
def test_faults_that_cannot_be_read_are_explained(text, message):
    with pytest.raises(ValueError, match=message):
        parse_fault(text)
