"""What can go wrong, as values that go on a timeline. Each is real: nothing is simulated in the
client.

    lab.run("kafka", workload, faults=[At(2.0, ServerCrash(), until=5.0)])

A fault that goes on a timeline has `strike`, which does the damage and returns how to undo it; one
of the whole run has `change`, which changes what is offered. What a fault touched it restores, also
when the run is interrupted.
"""

from empkit.faults.base import Fault, FaultError, Scene, TimedFault, WholeRunFault
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
from empkit.faults.network import Network, SlowReader
from empkit.faults.records import Duplicates, Invalid, Poison, RecordFault, TooLarge
from empkit.faults.register import fault_kinds, parse_fault
from empkit.faults.server import ConsumerCrash, ServerCrash, ServerPause, ServerRestart, ServerStart
from empkit.faults.timeline import At, Timeline
from empkit.proxy import (
    AckLoss,
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

__all__ = [
    "AckLoss",
    "At",
    "Bandwidth",
    "BrokerDown",
    "BrokerErrors",
    "BrokerPause",
    "BrokerSlow",
    "ClientKill",
    "ClientPause",
    "ConsumerCrash",
    "Cut",
    "DatabaseLock",
    "DiskFull",
    "Down",
    "Duplicates",
    "Fault",
    "FaultError",
    "HalfOpen",
    "Invalid",
    "Latency",
    "LeaderKill",
    "LeaderMove",
    "LimitData",
    "LostAcks",
    "Network",
    "Overload",
    "Partition",
    "Poison",
    "RecordFault",
    "ResetPeer",
    "RetentionOverrun",
    "Scene",
    "ServerCrash",
    "ServerPause",
    "ServerRestart",
    "ServerStart",
    "Slicer",
    "SlowClose",
    "SlowReader",
    "Stall",
    "TimedFault",
    "Timeline",
    "Timeout",
    "TokenExpiry",
    "TooLarge",
    "WholeRunFault",
    "fault_kinds",
    "parse_fault",
]
