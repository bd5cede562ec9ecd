"""The prompt book: which prompt is live for which route, read again whenever something was published.

Every turn asks for its prompts, and a publication is noticed by its sequence number, so a running server, and every
other one on the same database, uses a new version from the next question on.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from assistant.logs import log
from assistant.orchestration.compose import Prompts
from assistant.orchestration.prompts import ChatPrompt, GroundedPrompt, Job, Prompt
from assistant.orchestration.settings import PromptSettings
from assistant.promptbook import store
from assistant.promptbook.errors import NothingToRollBack, PromptBroken, PromptClash
from assistant.promptbook.parse import BASE, TEMPLATES, job_of, packaged, parse
from assistant.promptbook.store import Publication, Version
from assistant.threads import in_thread
from assistant.types import Route

_log = log("prompts")


@dataclass(frozen=True, slots=True)
class Entry:
    """A prompt as the library lists it."""

    name: str
    job: Job
    live: int | None  # version; 0: the one that ships; None: not in use
    latest: int  # 0 when nobody has written one
    ships: bool  # whether version 0 is a file that ships
    tiers: tuple[str, ...]
    routes: tuple[str, ...]


class PromptBook:
    """The prompts of an installation: those that ship, and the versions that its people wrote."""

    def __init__(self, engine: Engine, settings: PromptSettings) -> None:
        """Read versions through `engine`; nothing is read before the first question."""
        self._engine = engine
        self._settings = settings
        self._base = {name: self._parsed(packaged(name) or "") for name in BASE}
        self._templates = {name: self._parsed(packaged(name) or "") for name in TEMPLATES}
        self._seen = -1
        self._live: dict[str, Prompt] = dict(self._base)

    # --- for turns ----------------------------------------------------------------------------------------------------

    async def chosen(self, route: Route, named: str = "") -> Prompts:
        """Return the live prompts for a route; those known last while the database does not answer.

        A prompt that is `named`, and may be, takes its job's place.
        """
        try:
            if await in_thread(store.sequence, self._engine) != self._seen:
                await in_thread(self._read)
        except SQLAlchemyError as error:
            _log.warning("live prompts could not be read", error=type(error).__name__)
        live = select(self._live.values(), route)
        prompt = self._nameable().get(named)
        return live if prompt is None else _with(live, prompt)

    def nameable(self) -> dict[str, Job]:
        """Return what each prompt is for that an assistant may name: the live ones, and the templates that ship."""
        self._read()
        return {name: job_of(prompt) for name, prompt in sorted(self._nameable().items())}

    def with_trial(self, prompt: Prompt) -> Prompts:
        """Return the live prompts of no route in particular, with `prompt` in its job's place: for trying it out."""
        return _with(select(self._live.values(), Route("", None, "none", "")), prompt)

    # --- for authors --------------------------------------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """Return every prompt: those in use by default first, then by name."""
        self._read()
        latest = {version.name: version for version in store.versions(self._engine)}
        published = store.live(self._engine)[1]
        names = [*BASE, *sorted({*TEMPLATES, *latest} - set(BASE))]
        return [self._entry(name, latest.get(name), published) for name in names]

    def text(self, name: str, n: int | None) -> str | None:
        """Return the YAML of a version (None: the live one, or else the latest); None when there is none such."""
        if n is None:
            entry = next((one for one in self.entries() if one.name == name), None)
            n = None if entry is None else entry.latest if entry.live is None else entry.live
        if n == 0:
            return packaged(name)
        return next((version.text for version in store.versions(self._engine, name) if version.n == n), None)

    def history(self, name: str) -> tuple[list[Version], list[Publication]]:
        """Return the versions of a prompt and when which was made live, both oldest first."""
        return store.versions(self._engine, name), store.publications(self._engine, name)

    def checked(self, text: str) -> Prompt:
        """Return the prompt of a text. Raises PromptBroken with one sentence on what is wrong."""
        return self._parsed(text)

    def add(self, name: str, text: str, note: str, author_id: str) -> Version:
        """Store a new version, which is not live yet. Raises PromptBroken, and then nothing is stored."""
        prompt = self._parsed(text)
        if prompt.name != name:
            raise PromptBroken(f"The file names the prompt {prompt.name!r}, not {name!r}; make the two the same.")
        return store.add(self._engine, name, text, note, author_id)

    def publish(self, name: str, n: int, by_id: str) -> Entry | None:
        """Make a version live; None when there is none such. Raises PromptBroken or PromptClash: the live one stays."""
        text = self.text(name, n)
        if text is None:
            return None
        self._refuse_clash(self._parsed(text))
        store.publish(self._engine, name, n, by_id)
        return next(one for one in self.entries() if one.name == name)

    def rollback(self, name: str, by_id: str) -> Entry | None:
        """Make the version live that was so before; None when there is no such prompt. Raises NothingToRollBack."""
        found = {one.name: one for one in self.entries()}.get(name)
        if found is None:
            return None
        before = _before(self.history(name)[1], found.live, 0 if name in BASE else None)
        if found.live == before:
            raise NothingToRollBack(f"No other version of {name!r} was live before; there is nothing to go back to.")
        if before is not None:
            return self.publish(name, before, by_id)
        store.publish(self._engine, name, None, by_id)
        return next(one for one in self.entries() if one.name == name)

    def diff(self, name: str, old: int, new: int) -> str | None:
        """Return a unified diff of two versions, "" when they are the same; None when one of them does not exist."""
        before, after = self.text(name, old), self.text(name, new)
        if before is None or after is None:
            return None
        lines = before.splitlines(keepends=True), after.splitlines(keepends=True)
        return "".join(difflib.unified_diff(lines[0], lines[1], f"{name}@{old}", f"{name}@{new}"))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _nameable(self) -> dict[str, Prompt]:
        found = {**self._templates, **self._live}
        return {name: one for name, one in found.items() if name not in BASE and job_of(one) in ("answer", "chat")}

    def _parsed(self, text: str) -> Prompt:
        return parse(text, self._settings.max_chars)

    def _read(self) -> None:
        seen, published = store.live(self._engine)
        live = dict(self._base)
        for name, (n, text) in published.items():
            if not n:  # the one that ships, or withdrawn
                if n == 0 and name in TEMPLATES:
                    live[name] = self._parsed(packaged(name) or "")
                continue
            try:
                live[name] = self._parsed(text)
            except PromptBroken as broken:  # written by another version of the program, or by hand
                _log.error("a live prompt cannot be used; the one that ships is", prompt=name, reason=str(broken))
        self._live, self._seen = live, seen

    def _entry(self, name: str, last: Version | None, published: dict[str, tuple[int | None, str]]) -> Entry:
        live, _ = published.get(name, (0 if name in BASE else None, ""))
        prompt = self._live.get(name) or self._parsed(last.text if last else packaged(name) or "")
        ships = packaged(name) is not None
        return Entry(name, job_of(prompt), live, last.n if last else 0, ships, prompt.tiers, prompt.routes)

    def _refuse_clash(self, prompt: Prompt) -> None:
        self._read()
        for other in self._live.values():
            if other.name == prompt.name or job_of(other) != job_of(prompt):
                continue
            for place in sorted({*prompt.tiers, *prompt.routes} & {*other.tiers, *other.routes}):
                raise PromptClash(f"{other.name!r} is live for {place!r} already; withdraw it first, or name another.")


def select(live: Iterable[Prompt], route: Route) -> Prompts:
    """Return the prompt of each job for a route: by its adapter or model, else by its tier, else the one that ships."""
    best: dict[Job, tuple[int, Prompt]] = {}
    for prompt in live:
        if prompt.name in BASE:
            rank = 0
        elif {route.adapter, route.model} & set(prompt.routes):
            rank = 2
        elif route.tier in prompt.tiers:
            rank = 1
        else:
            continue
        job = job_of(prompt)
        if job not in best or rank > best[job][0]:
            best[job] = rank, prompt
    grounded, strict, plain, condense = (best[job][1] for job in ("answer", "strict", "chat", "condense"))
    assert isinstance(grounded, GroundedPrompt) and isinstance(strict, GroundedPrompt)
    assert isinstance(plain, ChatPrompt) and isinstance(condense, ChatPrompt)
    return Prompts(grounded, strict, plain, condense)


def _with(live: Prompts, prompt: Prompt) -> Prompts:
    """Return the prompts with `prompt` in its job's place."""
    place = {"answer": "grounded", "strict": "strict", "chat": "plain", "condense": "condense"}[job_of(prompt)]
    return Prompts(**{name: getattr(live, name) for name in Prompts.__slots__} | {place: prompt})


def _before(published: Iterable[Publication], live: int | None, otherwise: int | None) -> int | None:
    """Return the version that was live before the one that is now; rolling back twice goes back two."""
    line: list[int | None] = [otherwise]
    for one in published:
        if one.n in line:
            del line[line.index(one.n) + 1 :]
        else:
            line.append(one.n)
    return line[-2] if len(line) > 1 and line[-1] == live else otherwise
