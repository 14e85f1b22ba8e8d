"""A register takes each name once, whoever defines it."""

import pytest

from empkit import plots, plugins
from empkit.clients import names, register
from empkit.clients.http import HttpClient
from empkit.faults import ServerCrash, fault_kinds
from empkit.faults import register as of_faults
from empkit.plots import kind


def test_a_class_of_the_same_name_in_another_module_does_not_replace_the_first():
    entries = {"server-crash": ServerCrash}
    other = type("ServerCrash", (), {"__module__": "theirs"})
    with pytest.raises(TypeError, match=r"theirs.ServerCrash has the name of empkit.*another one"):
        plugins.enter(entries, "server-crash", other)
    plugins.enter(entries, "server-crash", ServerCrash)  # again, as in a notebook
    assert entries == {"server-crash": ServerCrash}


def test_a_figure_neither_replaces_another_nor_is_of_what_nothing_draws():
    before = dict(kind.DEFINED)
    with pytest.raises(TypeError, match=r"has the name of empkit\.plots\.latency\.latency"):
        kind.figure("latency", "comparison", "mine")(plots.stages)
    with pytest.raises(TypeError, match="and not of 'everything'"):
        kind.figure("mine", "everything", "mine")
    assert before == kind.DEFINED


def test_a_toxic_with_the_name_of_a_fault_is_refused(monkeypatch):
    toxics = dict(of_faults.toxic_kinds())
    toxics["server-crash"] = toxics["latency"]
    monkeypatch.setattr(of_faults, "toxic_kinds", lambda: toxics)
    with pytest.raises(plugins.PluginError, match="'server-crash' is both a fault and a toxic"):
        fault_kinds()


def test_the_receiving_side_of_a_protocol_of_the_kit_is_mounted_like_that_of_others(monkeypatch):
    class Pigeon(HttpClient):
        """One whose records the server's own routes do not receive."""

        @classmethod
        def mount(cls, app, store):
            """Add a route."""

    monkeypatch.setitem(names.HOMES, "pigeon", "not imported")
    monkeypatch.setattr(register, "client_class", lambda name: Pigeon)
    assert register.with_receiver([]) == ["pigeon", *(
        name for name in register.protocols() if name not in names.HOMES
    )]  # fmt: skip
