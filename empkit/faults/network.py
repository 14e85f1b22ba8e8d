"""Faults of the way between the clients and what they talk to: toxics of the fault proxy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from empkit.faults.base import FaultError, TimedFault, Undo
from empkit.proxy import (
    Bandwidth,
    Toxic,
)

if TYPE_CHECKING:
    from empkit.lab import Lab


@dataclass(frozen=True)
class Network(TimedFault):
    """A toxic of the fault proxy, between the clients and what they talk to.

    Args:
        toxic: see `empkit.proxy`.
    """

    name = "network"
    part = "network"
    toxic: Toxic

    @property
    def unit(self) -> str:  # type: ignore[override]
        """What the proxy counts for this toxic."""
        return self.toxic.unit

    def __str__(self) -> str:
        """The toxic and what of it is not as usual."""
        usual = {each.name: each.default for each in fields(self.toxic)}
        values = [
            f"{name}={getattr(self.toxic, name)}"
            for name in usual
            if getattr(self.toxic, name) != usual[name]
        ]
        return f"{self.toxic.kind}:{','.join(values)}" if values else self.toxic.kind

    def needs_proxy(self, lab: Lab) -> bool:
        """Always."""
        return True

    def strike(self, lab: Lab) -> Undo:
        """Add the toxic to every way through the proxy."""
        return _through(lab, self.toxic)


@dataclass(frozen=True)
class SlowReader(TimedFault):
    """The client takes its answers in slowly: they pile up on the way, and then in the server.

    Args:
        bytes_per_s: how fast it reads, on each connection.
    """

    name = "slow-reader"
    part = "client"
    unit = Bandwidth.unit
    bytes_per_s: int = 2_000

    def needs_proxy(self, lab: Lab) -> bool:
        """Always: what is not read fills the buffers on the way."""
        return True

    def strike(self, lab: Lab) -> Undo:
        """Slow the way of the answers."""
        return _through(lab, Bandwidth(self.bytes_per_s, direction="down"))


def _toxic(kind: Callable[..., Toxic]) -> Callable[..., Network]:
    def make(**options: Any) -> Network:
        return Network(kind(**options))

    make.of = kind  # type: ignore[attr-defined]
    return make


def _through(lab: Lab, toxic: Toxic, name: str = "") -> Undo:
    """Add a toxic to the listeners of the proxy whose names begin so."""
    proxy = lab.proxy
    if proxy is None:
        raise FaultError("A network fault needs the proxy, which the lab starts before a run.")
    listeners = [each for each in proxy.counters() if each.startswith(name)]
    toxics = [proxy.add(listener, toxic) for listener in listeners]

    def undo() -> int:
        return sum([proxy.remove(each) for each in toxics])

    return undo
