"""How records arrive in an open loop, by name, without the imports that a workload needs."""

from __future__ import annotations

from typing import Literal, get_args

ArrivalsName = Literal["constant", "poisson"]
ARRIVALS: tuple[ArrivalsName, ...] = get_args(ArrivalsName)
