"""Every fault by its name, which the command line, the results and the proxy share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from empkit.faults.base import Fault, TimedFault
from empkit.faults.broker import (
    BrokerDown,
    BrokerErrors,
    BrokerPause,
    BrokerSlow,
    LeaderKill,
    LeaderMove,
    LostAcks,
    RetentionOverrun,
)
from empkit.faults.client import ClientKill, ClientPause, TokenExpiry
from empkit.faults.database import DatabaseLock, DiskFull
from empkit.faults.load import Overload
from empkit.faults.network import SlowReader, _toxic
from empkit.faults.records import Duplicates, Invalid, Poison, TooLarge
from empkit.faults.server import ConsumerCrash, ServerCrash, ServerPause, ServerRestart, ServerStart
from empkit.faults.timeline import At
from empkit.proxy import (
    Bandwidth,
    Cut,
    Down,
    HalfOpen,
    Latency,
    LimitData,
    Partition,
    ResetPeer,
    Slicer,
    SlowClose,
    Stall,
    Timeout,
)

if TYPE_CHECKING:
    pass

FAULTS: dict[str, Callable[..., Fault]] = {
    kind.name: kind
    for kind in (
        ServerCrash, ServerStart, ServerRestart, ServerPause, ConsumerCrash, DatabaseLock, DiskFull,
        BrokerDown, BrokerPause, BrokerSlow, LeaderMove, LeaderKill, BrokerErrors, LostAcks,
        RetentionOverrun, ClientKill, ClientPause, SlowReader, TokenExpiry, Duplicates, Invalid,
        Poison, TooLarge, Overload,
    )
} | {
    toxic.kind: _toxic(toxic)
    for toxic in (
        Latency, Bandwidth, Stall, Partition, HalfOpen, Down, Cut, ResetPeer, Timeout, Slicer,
        SlowClose, LimitData,
    )
}  # fmt: skip
"""Every fault by its name, which the command line, the results and the proxy share."""


def parse_fault(text: str) -> At | Fault:
    """A fault as the command line has it: `server-crash@2s..5s`, `latency:latency_ms=100@1s..3s`,
    `duplicates:share=0.2`.

    Raises:
        ValueError: there is no such fault, or it is not written like this.
    """
    what, _, when = text.partition("@")
    name, _, options = what.partition(":")
    if name not in FAULTS:
        raise ValueError(f"{name!r} is no fault. `empkit faults` lists them.")
    values: dict[str, Any] = {}
    for option in filter(None, options.split(",")):
        key, equals, value = option.partition("=")
        if not equals:
            raise ValueError(f"{option!r} in {text!r} is not KEY=VALUE.")
        values[key] = _value(value)
    try:
        fault = FAULTS[name](**values)
        _check_numbers(fault)
    except TypeError as error:
        raise ValueError(f"{text!r}: {str(error).split(') ')[-1]}.") from None
    if not isinstance(fault, TimedFault):
        if when:
            raise ValueError(f"{name} is for the whole run: leave {'@' + when!r} out.")
        return fault
    begin, dots, end = when.partition("..")
    try:
        return At(_seconds(begin or "0"), fault, _seconds(end) if dots else None)
    except ValueError:
        raise ValueError(
            f"{when!r} in {text!r} is no time; expected like 2s..5s, or 2s until the end."
        ) from None


def _check_numbers(fault: Fault) -> None:
    toxic = getattr(fault, "toxic", fault)
    for each in fields(toxic):
        value = getattr(toxic, each.name)
        if str(each.type).startswith(("int", "float")) and isinstance(value, str):
            raise TypeError(f"{each.name} is {value!r}; expected a number")


def _value(text: str) -> Any:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))
