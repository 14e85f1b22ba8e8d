"""Every fault by its name, as the command line, results and the panel know it.

A fault is a class with a `name`; its definition registers it. The kit's faults are in the modules
imported here, one per part of the system; every toxic of the proxy is a fault of the network; other
packages add faults through the entry point group `empkit.faults`.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, get_args, get_type_hints

from empkit import plugins
from empkit.faults import broker, client, database, load, network, records, server
from empkit.faults.base import DEFINED, Fault, TimedFault
from empkit.faults.timeline import At
from empkit.plugins import PluginError
from empkit.proxy import Toxic, toxic_kinds

FAMILIES = (server, database, broker, network, client, records, load)
"""The modules of the kit's own faults."""


@dataclass(frozen=True)
class FaultKind:
    """One entry of the register.

    Attributes:
        name: the name of the fault.
        of: the class of the fault or of the toxic, with its settings and its docstring.
    """

    name: str
    of: type[Fault] | type[Toxic]

    @property
    def timed(self) -> bool:
        """Whether the fault goes on a timeline."""
        return issubclass(self.of, TimedFault | Toxic)

    @property
    def settings(self) -> tuple[Field[Any], ...]:
        """The settings, in the order of the class."""
        return fields(self.of)

    @property
    def words(self) -> str:
        """What goes wrong: the first paragraph of the class's docstring."""
        return " ".join((self.of.__doc__ or "").split("\n\n")[0].split())

    def __call__(self, **settings: Any) -> Fault:
        """Make a fault of this kind."""
        made = self.of(**settings)
        return network.Network(made) if isinstance(made, Toxic) else made


def fault_kinds() -> Mapping[str, FaultKind]:
    """Return every registered fault, by its name.

    Example:
        >>> fault_kinds()["overload"](times=2.0)
        Overload(times=2.0, from_s=2.0, until_s=12.0)
    """
    entered = plugins.load("faults")
    toxics = toxic_kinds()
    for name in DEFINED.keys() & toxics.keys():
        raise PluginError(f"{name!r} is both a fault and a toxic. Give one of them another name.")
    kinds: dict[str, type[Fault] | type[Toxic]] = {**DEFINED, **toxics}
    for entry, loaded in entered.items():
        if loaded not in kinds.values():
            raise PluginError(
                f"{loaded!r}, the entry {entry!r} of the register empkit.faults, is not a fault: a "
                "fault is a class derived from TimedFault or WholeRunFault that has a `name`, or a "
                "Toxic that has a `kind`."
            )
    for name, kind in kinds.items():
        settings = [hint for hint in inspect.get_annotations(kind).values() if not _of_class(hint)]
        if settings and "__dataclass_fields__" not in vars(kind):
            raise PluginError(
                f"{kind.__module__}.{kind.__qualname__} ({name!r}) has settings and is no "
                "dataclass: write `@dataclass(frozen=True)` above the class."
            )
    return {name: FaultKind(name, kind) for name, kind in kinds.items()}


def _of_class(hint: Any) -> bool:
    return "ClassVar" in str(hint)


def parse_fault(text: str) -> At | Fault:
    """Read a fault as written on the command line: `server-crash@2s..5s`,
    `latency:latency_ms=100@1s..3s`, `duplicates:share=0.2`.

    Raises:
        ValueError: there is no such fault, or the text is not of this form.

    Example:
        >>> parse_fault("server-crash@2s..5s")
        At(at_s=2.0, fault=ServerCrash(), until=5.0)
    """
    what, _, when = text.partition("@")
    name, _, options = what.partition(":")
    kinds = fault_kinds()
    if name not in kinds:
        raise ValueError(f"{name!r} is not a fault. `empkit faults` lists them.")
    fault = _made(kinds[name], options, text)
    if not isinstance(fault, TimedFault):
        if when:
            raise ValueError(f"{name} is for the whole run: leave {'@' + when!r} out.")
        return fault
    begin, dots, end = when.partition("..")
    try:
        return At(_seconds(begin or "0"), fault, _seconds(end) if dots else None)
    except ValueError:
        raise ValueError(
            f"{when!r} in {text!r} is not a time; expected like 2s..5s, or 2s until the end."
        ) from None


def _made(kind: FaultKind, options: str, text: str) -> Fault:
    """Return the fault with the settings in the text."""
    known = {setting.name: setting for setting in kind.settings}
    types = get_type_hints(kind.of)
    values: dict[str, Any] = {}
    for option in filter(None, options.split(",")):
        key, equals, value = option.partition("=")
        if not equals:
            raise ValueError(f"{option!r} in {text!r} is not KEY=VALUE.")
        if key not in known:
            raise ValueError(
                f"{text!r}: {kind.name} has no setting {key!r}; it has "
                f"{', '.join(known) or 'none'}."
            )
        values[key] = _value(value, key, types[key], text)
    missing = [key for key, setting in known.items() if _is_needed(setting) and key not in values]
    if missing:
        raise ValueError(f"{text!r}: {kind.name} needs {missing[0]}=VALUE.")
    return kind(**values)


def _is_needed(setting: Field[Any]) -> bool:
    return setting.default is MISSING and setting.default_factory is MISSING


def _value(value: str, key: str, hint: Any, text: str) -> Any:
    """Return the value of a setting: a number if the setting is numeric, else the text."""
    if not {int, float} & {hint, *get_args(hint)}:
        return value
    for number in (int, float):
        with contextlib.suppress(ValueError):
            return number(value)
    raise ValueError(f"{text!r}: {key} is {value!r}; expected a number.")


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))
