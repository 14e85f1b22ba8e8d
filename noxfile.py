"""One word a task: `nox -s tests`, `slow`, `types`, `style`, `gate`, `benchmarks`, `notebooks`,
`unit`, `coverage`.

Each session makes a virtual environment of its own and installs the package there. With
`nox --no-venv -s ...` it uses the environment that is active, as the gate does.
"""

import shutil

import nox

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["style", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True

UNIT = (
    "tests/course/test_plots.py",
    "tests/experiment/test_progress.py",
    "tests/experiment/test_workload.py",
    "tests/plots",
    "tests/records",
    "tests/report",
    "tests/results/test_comparison.py",
    "tests/results/test_statistics.py",
    "tests/test_project.py",
    "tests/test_settings.py",
)
"""Tests that start no server, no broker and no database: they run on every platform."""


def prepare(session: nox.Session, extras: str = "test") -> None:
    """Install the package, unless the environment is one that somebody else has made."""
    if session.virtualenv.venv_backend != "none":
        session.install("-e", f".[{extras}]")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests but the slow ones; arguments after `--` go to pytest in place of `tests`."""
    prepare(session)
    session.run("pytest", *(session.posargs or ["tests"]))


@nox.session
def slow(session: nox.Session) -> None:
    """The tests and notebooks that take long, which `pytest` alone leaves out; arguments go to
    pytest."""
    prepare(session)
    session.run("pytest", "-m", "slow", *(session.posargs or ["tests", "notebooks"]))


@nox.session
def unit(session: nox.Session) -> None:
    """The tests that start nothing, which take a minute and run on every platform."""
    prepare(session)
    session.run("pytest", *(session.posargs or UNIT))


@nox.session
def coverage(session: nox.Session) -> None:
    """Lines and branches that the tests run, child processes included; or those after `--`. Tests
    that measure time are left out, since recording takes time, and copies of the package, too."""
    prepare(session, "test,coverage")
    session.run("coverage", "erase")
    everything = ["-m", "not alone", "--ignore", "tests/sabotage", "tests"]
    session.run("coverage", "run", "-m", "pytest", *(session.posargs or everything))
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def mutants(session: nox.Session) -> None:
    """Change the code in one place at a time, and count what the tests find; takes an hour."""
    prepare(session, "test,mutants")
    session.run("python", "-m", "benchmarks.mutants", "--write", *session.posargs)


@nox.session
def notebooks(session: nox.Session) -> None:
    """Run the course's notebooks and compare their outputs; or those named after `--`."""
    prepare(session)
    session.run("pytest", "-m", "", *(session.posargs or ["notebooks"]))


@nox.session
def style(session: nox.Session) -> None:
    """Lint, check the format and the layers, and the workflow where actionlint is installed."""
    prepare(session)
    session.run("ruff", "check", ".")
    session.run("lint-imports", "--no-cache")
    code = ("empkit", "tests", "benchmarks", "examples", "noxfile.py")
    session.run("ruff", "format", "--check", *code)
    if shutil.which("actionlint"):
        session.run("actionlint", external=True)
    else:
        session.log("actionlint is not installed: the workflow is checked by its schema only")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, also as Windows and macOS would meet them."""
    prepare(session)
    session.run("mypy")
    for platform in ("win32", "darwin"):
        session.run("mypy", "--platform", platform)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure what the kit itself costs; arguments after `--` name benchmarks."""
    prepare(session, "benchmarks")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(venv_backend="none")
def gate(session: nox.Session) -> None:
    """All of it, in environments that it makes itself, as before a release."""
    session.run("bash", ".ci/run", external=True)
