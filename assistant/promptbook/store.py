"""Versions of prompts in SQL: written once, never changed; a publication names the version that is live since."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Engine, func, insert, select

from assistant.tables import prompt_publications, prompt_versions
from knowledge.database import now, reading

# Every turn asks this: made once, it costs half.
_SEQUENCE = select(func.max(prompt_publications.c.seq))


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a prompt, from 1."""

    name: str
    n: int
    text: str  # YAML
    note: str
    author_id: str
    created_at: float  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Publication:
    """That a version was made live; `n` None: the prompt was withdrawn."""

    seq: int
    name: str
    n: int | None
    by_id: str
    at: float


def add(engine: Engine, name: str, text: str, note: str, author_id: str) -> Version:
    """Store the next version of a prompt and return it."""
    table = prompt_versions
    with engine.begin() as connection:
        last = connection.execute(select(func.max(table.c.n)).where(table.c.name == name)).scalar() or 0
        made = Version(name, last + 1, text, note[:200], author_id, now(connection))
        connection.execute(insert(table), asdict(made))
    return made


def publish(engine: Engine, name: str, n: int | None, by_id: str) -> None:
    """Make a version live from now on; 0 is the one that ships, None withdraws a prompt that does not."""
    with engine.begin() as connection:
        row = {"name": name, "n": n, "by_id": by_id, "at": now(connection)}
        connection.execute(insert(prompt_publications), row)


def versions(engine: Engine, name: str | None = None) -> list[Version]:
    """Return the versions of one prompt, or of all, oldest first."""
    query = select(prompt_versions).order_by(prompt_versions.c.name, prompt_versions.c.n)
    query = query if name is None else query.where(prompt_versions.c.name == name)
    with reading(engine) as connection:
        return [Version(*row) for row in connection.execute(query)]


def publications(engine: Engine, name: str) -> list[Publication]:
    """Return when which version of a prompt was made live, oldest first."""
    query = select(prompt_publications).where(prompt_publications.c.name == name)
    with reading(engine) as connection:
        return [Publication(*row) for row in connection.execute(query.order_by(prompt_publications.c.seq))]


def sequence(engine: Engine) -> int:
    """Return a number that grows with every publication; 0 before the first. Takes 0.1 ms."""
    with reading(engine) as connection:
        return connection.execute(_SEQUENCE).scalar() or 0


def live(engine: Engine) -> tuple[int, dict[str, tuple[int | None, str]]]:
    """Return the sequence number, and for each name that was ever published its live version and that version's text.

    The text is "" for the version that ships and for a prompt that was withdrawn.
    """
    with reading(engine) as connection:
        found = _live(connection)
    return max((seq for seq, _, _ in found.values()), default=0), {k: (n, text) for k, (_, n, text) in found.items()}


def _live(connection: Connection) -> dict[str, tuple[int, int | None, str]]:
    last = select(func.max(prompt_publications.c.seq)).group_by(prompt_publications.c.name)
    p, v = prompt_publications, prompt_versions
    query = select(p.c.seq, p.c.name, p.c.n, v.c.text).outerjoin(v, (v.c.name == p.c.name) & (v.c.n == p.c.n))
    rows = connection.execute(query.where(p.c.seq.in_(last)))
    return {row.name: (row.seq, row.n, row.text or "") for row in rows}
