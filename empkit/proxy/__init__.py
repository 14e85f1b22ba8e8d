"""A TCP proxy for HTTP, WebSocket and Kafka that delays, throttles, holds and cuts connections.

toxics/      the faults, as values
chunk.py     the unit of data: bytes with the time at which they are due
frames.py    what the Kafka frames of a connection say: where acks begin
flow.py      one direction of a connection, with a stage for each toxic
relay.py     `Proxy`: listeners, connections, and the toxics applied to them
process.py   `ProxyProcess`: the proxy as a child process, and its owner's handle
"""

from empkit.proxy.process import ProxyError, ProxyProcess
from empkit.proxy.relay import Proxy
from empkit.proxy.toxics.base import Toxic
from empkit.proxy.toxics.delay import Bandwidth, Latency, Slicer, SlowClose
from empkit.proxy.toxics.end import AckLoss, Cut, Down, LimitData, ResetPeer
from empkit.proxy.toxics.hold import HalfOpen, Partition, Stall, Timeout
from empkit.proxy.toxics.register import toxic_kinds

__all__ = [
    "AckLoss",
    "Bandwidth",
    "Cut",
    "Down",
    "HalfOpen",
    "Latency",
    "LimitData",
    "Partition",
    "Proxy",
    "ProxyError",
    "ProxyProcess",
    "ResetPeer",
    "Slicer",
    "SlowClose",
    "Stall",
    "Timeout",
    "Toxic",
    "toxic_kinds",
]
