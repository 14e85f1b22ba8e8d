"""The TCP proxy that delays, throttles, holds back and cuts: one for HTTP, WebSocket and Kafka.

toxics/      the faults, as values
chunk.py     what moves: bytes with the moment at which they are due
flow.py      one direction of a connection, and the stages that toxics become in it
relay.py     `Proxy`: listeners, connections, and the toxics at work on them
process.py   `ProxyProcess`: the proxy as a child process, and its owner's handle
"""

from empkit.proxy.process import ProxyError, ProxyProcess
from empkit.proxy.relay import Proxy
from empkit.proxy.toxics.base import Toxic
from empkit.proxy.toxics.delay import Bandwidth, Latency, Slicer, SlowClose
from empkit.proxy.toxics.end import Cut, Down, LimitData, ResetPeer
from empkit.proxy.toxics.hold import HalfOpen, Partition, Stall, Timeout
from empkit.proxy.toxics.register import toxic_kinds

__all__ = [
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
