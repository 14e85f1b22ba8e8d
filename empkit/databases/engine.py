"""The register of databases, and engines for them.

A database is a class with a `name`, that of its SQLAlchemy dialect; its definition registers it.
The kit's databases are in the modules imported here; other packages add theirs through the entry
point group `empkit.databases`.
"""

from __future__ import annotations

import sqlalchemy as sa

from empkit import plugins
from empkit.databases import postgresql, sqlite
from empkit.databases.base import DEFINED, Database

FAMILIES = (sqlite, postgresql)
"""The modules of the kit's own databases."""


def database_of(url: str | sa.URL) -> Database:
    """Return the kind of database of a URL.

    Raises:
        ValueError: the URL cannot be read, or the kit does not support its database.
    """
    plugins.load("databases")
    try:
        name = sa.make_url(url).get_backend_name()
    except sa.exc.ArgumentError:
        raise _unreadable() from None
    if name not in DEFINED:
        raise ValueError(f"{name!r} is not a database of this kit: use {' or '.join(DEFINED)}.")
    return DEFINED[name]()


def make_engine(url: str) -> sa.Engine:
    """Return an engine for the database at `url`, set so that a commit is durable when it returns.

    Raises:
        ValueError: the kit does not support the database of the URL, or its driver is missing.
    """
    try:
        return database_of(url).engine(url)
    except sa.exc.ArgumentError:
        raise _unreadable() from None
    except ModuleNotFoundError as error:
        raise ValueError(f"{error}. Run: pip install 'empkit[postgresql]'") from None


def _unreadable() -> ValueError:
    return ValueError("The database URL cannot be read: use sqlite:///FILE or postgresql://...")
