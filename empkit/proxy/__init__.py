"""The TCP proxy that delays, throttles, holds back and cuts: one for HTTP, WebSocket and Kafka.

toxics.py    the faults, as values
relay.py     `Proxy`: listeners, connections, and the toxics at work on them
process.py   `ProxyProcess`: the proxy as a child process, and its owner's handle
"""

from empkit.proxy.process import ProxyError, ProxyProcess
from empkit.proxy.relay import Proxy
from empkit.proxy.toxics import (
    KINDS,
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
    Toxic,
)

__all__ = [
    "KINDS",
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
]
