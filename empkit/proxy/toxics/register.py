"""The register of toxics: a new one is a class in this folder and an entry here."""

from __future__ import annotations

from empkit.proxy.toxics.base import Toxic
from empkit.proxy.toxics.delay import Bandwidth, Latency, Slicer, SlowClose
from empkit.proxy.toxics.end import Cut, Down, LimitData, ResetPeer
from empkit.proxy.toxics.hold import HalfOpen, Partition, Stall, Timeout

KINDS: dict[str, type[Toxic]] = {
    toxic.kind: toxic
    for toxic in (
        *(Latency, Bandwidth, Slicer, Stall, Partition, Timeout, ResetPeer, LimitData, SlowClose),
        *(Down, Cut, HalfOpen),
    )
}
"""Every class of toxic by the kind that an order names."""
