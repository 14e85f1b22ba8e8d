"""Faults of the network between the clients and the server or brokers: toxics of the proxy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from empkit.faults.base import FaultError, Plan, Scene, TimedFault, Undo
from empkit.proxy import Bandwidth, Toxic

if TYPE_CHECKING:
    from empkit.rig.rig import Rig


@dataclass(frozen=True)
class ProxyFault(TimedFault):
    """A fault for which the clients must go through the proxy."""

    def hindrance(self, plan: Plan) -> str:
        """Require brokers that can advertise the proxy's addresses instead of their own."""
        if plan.kafka and plan.broker == "external":
            return (
                "an external Kafka cannot be put behind the fault proxy; choose --protocol http "
                "or websocket, or another --broker"
            )
        return ""

    def needs_proxy(self, rig: Rig) -> bool:
        """Return True."""
        return True


@dataclass(frozen=True)
class Network(ProxyFault):
    """A toxic of the fault proxy, between the clients and the server or brokers.

    Args:
        toxic: see `empkit.proxy`.

    Example:
        >>> str(parse_fault("latency:latency_ms=100@2s").fault)
        'latency:latency_ms=100'
    """

    part = "network"
    toxic: Toxic

    @property
    def unit(self) -> str:  # type: ignore[override]
        """What the proxy counts for this toxic."""
        return self.toxic.unit

    def __str__(self) -> str:
        """Return the kind of the toxic, and its settings that differ from their defaults."""
        defaults = {setting.name: setting.default for setting in fields(self.toxic)}
        values = [
            f"{name}={getattr(self.toxic, name)}"
            for name in defaults
            if getattr(self.toxic, name) != defaults[name]
        ]
        return f"{self.toxic.kind}:{','.join(values)}" if values else self.toxic.kind

    def strike(self, scene: Scene) -> Undo:
        """Add the toxic to every listener of the proxy."""
        return add_toxic(scene, self.toxic)


@dataclass(frozen=True)
class SlowReader(ProxyFault):
    """The client reads its answers slowly: they pile up on the way, and then in the server.

    Args:
        bytes_per_s: how fast it reads, on each connection.

    Example:
        >>> str(At(2.0, SlowReader(bytes_per_s=500), until=5.0))
        'slow-reader:bytes_per_s=500@2.0s..5.0s'
    """

    name = "slow-reader"
    part = "client"
    unit = Bandwidth.unit
    bytes_per_s: int = 2_000

    def strike(self, scene: Scene) -> Undo:
        """Limit the bandwidth of the answers."""
        return add_toxic(scene, Bandwidth(self.bytes_per_s, direction="down"))


def add_toxic(scene: Scene, toxic: Toxic, name: str = "") -> Undo:
    """Add a toxic to the listeners of the proxy whose names begin with `name`.

    Raises:
        FaultError: the clients do not go through the proxy.
    """
    proxy = scene.proxy
    if proxy is None:
        raise FaultError("A network fault needs the proxy, which the lab starts before a run.")
    listeners = [listener for listener in proxy.counters() if listener.startswith(name)]
    toxics = [proxy.add(listener, toxic) for listener in listeners]

    def undo() -> int:
        return sum([proxy.remove(toxic_id) for toxic_id in toxics])

    return undo
