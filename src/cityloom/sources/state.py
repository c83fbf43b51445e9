"""What a city knows of its sources: how far each was pulled, when, and with what outcome.

A pull puts its file into the inbox first and remembers it afterwards, under a name that what is
remembered gives. One that is killed in between pulls the same name again: nothing is lost, and what
lies there is replaced, not doubled.
"""

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Column, Engine, Integer, String, Table, delete, insert, select, update

from cityloom.store import metadata

SOURCES = Table(
    "source",
    metadata,
    Column("name", String, primary_key=True),
    Column("shape", String, nullable=False),
    Column("begun", String, nullable=False),
    Column("pulled", String, nullable=False),
    Column("changed", String, nullable=False),
    Column("error", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("mark", String, nullable=False),
    Column("tail", String, nullable=False),
)
FILES = Table(
    "source_file",
    metadata,
    Column("source", String, primary_key=True),
    Column("file", String, primary_key=True),
    Column("marker", String, nullable=False),
)


@dataclass(frozen=True)
class State:
    """What is known of one source.

    ``begun`` is when the newest pull began, ``pulled`` when the newest that succeeded did, and
    ``changed`` when the newest did that brought something: ISO 8601, UTC. ``error`` is what the
    newest pull failed with. ``number`` counts the deliveries by watermark, ``mark`` is the highest
    watermark they have, and ``tail`` the digest of the rows that the next pull reads again.
    """

    name: str
    shape: str = ""
    begun: str = ""
    pulled: str = ""
    changed: str = ""
    error: str = ""
    number: int = 0
    mark: str = ""
    tail: str = ""


_FIELDS = [item.name for item in fields(State)]


class SourceLog:
    """The states of a city's sources, in its store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> dict[str, State]:
        """The state of every source that was ever pulled, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(SOURCES)).mappings().all()
        return {row["name"]: State(**{name: row[name] for name in _FIELDS}) for row in rows}

    def begin(self, name: str, shape: str, now: str) -> State:
        """Note that a pull begins; where the source has another shape, how far it was is forgotten.

        The deliveries are counted on, so that none of those before is replaced.
        """
        known = self.all().get(name)
        if known is None:
            self._insert(State(name, shape, begun=now))
        elif known.shape != shape:
            with self._engine.begin() as connection:
                connection.execute(delete(FILES).where(FILES.c.source == name))
                self._set(connection, name, shape=shape, begun=now, mark="", tail="")
        else:
            self.note(name, begun=now)
        return self.all()[name]

    def note(self, name: str, **facts: str | int) -> None:
        """Remember some facts of a source."""
        with self._engine.begin() as connection:
            self._set(connection, name, **facts)

    def markers(self, name: str) -> dict[str, str]:
        """The change marker that each file of a source had when it was pulled."""
        query = select(FILES.c.file, FILES.c.marker).where(FILES.c.source == name)
        with self._engine.connect() as connection:
            return dict(connection.execute(query).all())

    def remember(self, name: str, file: str, marker: str) -> None:
        """Remember the change marker of a file that was pulled."""
        row = {"source": name, "file": file, "marker": marker}
        own = (FILES.c.source == name) & (FILES.c.file == file)
        with self._engine.begin() as connection:
            connection.execute(delete(FILES).where(own))
            connection.execute(insert(FILES), row)

    def _insert(self, state: State) -> None:
        with self._engine.begin() as connection:
            connection.execute(insert(SOURCES), {name: getattr(state, name) for name in _FIELDS})

    def _set(self, connection: Any, name: str, **facts: str | int) -> None:
        connection.execute(update(SOURCES).where(SOURCES.c.name == name).values(**facts))
