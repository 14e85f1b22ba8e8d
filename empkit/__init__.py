"""The same employee records over HTTP, WebSocket and Kafka, timed on one clock, broken on purpose,
and accounted for one by one.

    from empkit import Lab, Workload, connect, plots

What is named here is the public face; it is imported when it is first used, so that
`import empkit` takes no time.

The exceptions, each below the class that it derives from, with its module and its meaning:

    Exception
      AheadError               server.guarded      internal: a client has sent too many requests
      CodecMissingError        server.reader       internal: records wait for a library
      CredentialsError         credentials         the file with a server's password is damaged
      FailedError              check.base          a step of `empkit check` failed
      TooManyError             server.logins       internal: a password was not looked at
      _NotJoinedError          server.consumer     internal: no broker answers yet
      RuntimeError
        BrokerError            brokers.base        a broker cannot be started or asked
        ChildError             processes.child     a child process ended, or did not report in time
        ClientError            clients.base        a client could not carry out a request
          NoAnswerError        clients.base        no answer came: the record may be stored
          NotSentError         clients.base        nothing of the record can have arrived
          NotThisKitError      clients.control     what answers is not a server of this kit
          UnauthorizedError    clients.base        the token was refused
        ElsewhereError         course.elsewhere    internal: a function cannot be asked elsewhere
        FaultError             faults.base         a fault cannot strike here
        LabError               rig.control         a part did not come up, or a run failed
          BrokenPromiseError   lab                 a record broke a promise; has the runs
          RunError             experiment.conduct  a run failed; has the runs before it
        LibraryError           brokers.librdkafka  the library is missing, too old, or refused
        ProxyError             proxy.process       the fault proxy could not carry out an order
        StoreFullError         server.store        too many records wait for the database
        StoreUnavailableError  server.store        the database did not take the records
      ImportError
        PluginError            plugins             a package's addition cannot be imported
      ValueError
        BadValueError          records.conventions  a value of a column cannot be used
        ForeignAnswerError     clients.answers     what came is no answer of the kit to this record
          ContradictionError   clients.answers     it names another record, or contradicts itself
        GuessError             course.predictions  a guess is missing, or not the locked one
        NotJsonError           records.decoder     internal: a part of a document is not JSON
        NotKafkaError          proxy.frames        internal: a connection does not carry Kafka
        ProgressError          course.ledger       a file of progress cannot be read
        RecordError            records.employee    a record or a file of records cannot be used
        ResultError            results.folders     a folder of results cannot be read
        WrongUseError          experiment.beforehand  an option cannot be carried out
      TypeError
        WrongKindError         course.exercises.answers  internal: an answer is of the wrong kind
      OSError
        DescriptorsError       shortage            a process may not open as much as it needs
        FileNotFoundError
          ResultError          results.folders     the same class: it has two bases

`LabError` is in `empkit.lab`, too.

The examples in the docstrings of public names use `lab`, a running `Lab()`; `runs`, 100 records
that it sent over HTTP and over Kafka; and `search`, a result of `lab.find_rate`.
"""

from __future__ import annotations

import empkit.working_folder  # noqa: F401 - before all others

# isort: split

from typing import TYPE_CHECKING, Any

from empkit.lazy import lazily

if TYPE_CHECKING:
    __version__: str
    # a module and a name of its own package: depending on the order mypy sees one or the other
    from empkit import plots  # type: ignore[attr-defined, unused-ignore]
    from empkit.brokers.embedded import EmbeddedBroker
    from empkit.clients import Client, Reply, connect
    from empkit.clock import now_ns
    from empkit.experiment.guarantees import Guarantees
    from empkit.experiment.workload import Workload
    from empkit.faults.timeline import At
    from empkit.lab import BrokenPromiseError, Lab
    from empkit.records.employee import Employee
    from empkit.records.files import read_records
    from empkit.records.form import format_employee_record
    from empkit.records.raw import Raw
    from empkit.records.samples import sample_records
    from empkit.results.runs import Runs, load
    from empkit.rig.control import LabError
    from empkit.settings import Settings

_HOMES = {
    "At": "empkit.faults",
    "BrokenPromiseError": "empkit.lab",
    "Client": "empkit.clients",
    "EmbeddedBroker": "empkit.brokers.embedded",
    "Employee": "empkit.records.employee",
    "Guarantees": "empkit.experiment.guarantees",
    "Lab": "empkit.lab",
    "LabError": "empkit.rig.control",
    "Raw": "empkit.records.raw",
    "Reply": "empkit.clients",
    "Runs": "empkit.results.runs",
    "Settings": "empkit.settings",
    "Workload": "empkit.experiment.workload",
    "connect": "empkit.clients",
    "format_employee_record": "empkit.records.form",
    "load": "empkit.results.runs",
    "now_ns": "empkit.clock",
    "plots": "empkit.plots",
    "read_records": "empkit.records.files",
    "sample_records": "empkit.records.samples",
}

__all__ = [
    "At",
    "BrokenPromiseError",
    "Client",
    "EmbeddedBroker",
    "Employee",
    "Guarantees",
    "Lab",
    "LabError",
    "Raw",
    "Reply",
    "Runs",
    "Settings",
    "Workload",
    "connect",
    "format_employee_record",
    "load",
    "now_ns",
    "plots",
    "read_records",
    "sample_records",
]


_get = lazily(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - start-up time

        return version("empkit")
    return _get(name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
