"""Questions for a table in a turn: read by rules and answered exactly, before documents are searched for them.

A table is asked where the question names it, or where the chat has exactly one attached; the skill `ask_table` answers
only what it understands to the last word, so everything else goes on as if no table were there.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from assistant.guardrails.output import Output
from assistant.orchestration import tell
from assistant.orchestration.notes import NOBODY, Notes
from assistant.orchestration.ports import Choice
from assistant.orchestration.session import Called
from assistant.orchestration.skill_stage import Skills, finished, person_of
from assistant.types import Event
from skills.guard import plain
from skills.types import Person, SkillCall, SkillResult

ASK, _DESCRIBE = "ask_table", "describe_table"
_MAX_COLUMNS = 30
# Characters. Names of tables are looked for from every word on, which took a second of a thread for 8,000 of them.
_MAX_QUESTION = 400
_MAX_ROWS = 50
# (question, person, names of collections or None for all) -> the name of the table asked about, None without one
FindNamed = Callable[[str, Person, tuple[str, ...] | None], Awaitable[str | None]]


class TableStage:
    """Answers from tables."""

    def __init__(self, skills: Skills, named: FindNamed, secrets: Sequence[str] = ()) -> None:
        """`named` finds the table that a question is about; `secrets` are strings that no answer may hold."""
        self._skills = skills
        self._named = named
        self._secrets = tuple(secrets)

    async def run(self, notes: Notes, choice: Choice) -> AsyncGenerator[Event, None]:
        """Yield a step and the answer where a table answers the question; nothing otherwise.

        A question that names a table and is not read is told so, where the model cannot ask the table with SQL itself.
        """
        turn, options = notes.turn, notes.turn.options
        if options.pictures or options.temporary or options.sampling.json_schema is not None:
            return
        if len(notes.question) > _MAX_QUESTION:
            return
        person = person_of(turn.caller, options.conversation_id)
        table = await self._named(notes.question, person, options.collections)
        if table is None or not any(skill.name == ASK for skill in await self._skills.for_person(person)):
            return
        call = SkillCall(ASK, {"question": notes.question, "table": table}, person, f"{turn.id}:table")
        result = await self._skills.call(call)
        if result.status == "retry" and not choice.tools and _names(notes.question, table):
            columns = await self._skills.call(SkillCall(_DESCRIBE, {"table": table}, person, f"{turn.id}:columns"))
            for event in self._unread(notes, table, columns):
                yield event
            return
        if result.status != "ok" or not isinstance(result.data, dict):
            return
        called = Called(call.call_id, ASK, dict(call.arguments), result)
        notes.calls.append(called)
        output = Output([notes.question], self._secrets)
        yield notes.trace.step("skill", tell.step(called, output.slice), result.ms)
        notes.progress.route = replace(NOBODY, strategy="table")
        text = Output([notes.question], self._secrets).slice(told(result.data))
        yield Event("text", text)
        yield Event("answer", answer=finished(notes, text))

    def _unread(self, notes: Notes, table: str, described: SkillResult) -> Iterator[Event]:
        """Yield that a question which names a table was not read; a row of it that was found is no answer."""
        columns = described.data.get("columns", []) if isinstance(described.data, dict) else []
        known = ", ".join(str(each.get("name", "")) for each in columns[:_MAX_COLUMNS] if isinstance(each, dict))
        said = f"This question about {table} was not understood to the last word, and nothing is guessed."
        said += f" The table has the columns {known}." if known else ""
        said += (
            " Ask for a count, a sum, an average, the largest or smallest, one for each value, or rows with a value."
        )
        notes.progress.route = replace(NOBODY, strategy="table")
        text = Output([notes.question], self._secrets).slice(plain(said))
        yield Event("text", text)
        yield Event("answer", answer=finished(notes, text))


def _names(question: str, table: str) -> bool:
    """Return whether a question names a table as one: "staff.csv", "the staff table"; "staff" alone may mean people."""
    stem, kinds = re.escape(table.rsplit(".", 1)[0]), "table|sheet|spreadsheet|csv|xlsx"
    called = rf"(?<!\w){stem}(?:\.(?:csv|xlsx)|\s+(?:{kinds}))\b|\b(?:{kinds})\s+{stem}(?!\w)"
    return re.search(called, question, re.IGNORECASE) is not None


async def by_table(stage: TableStage | None, notes: Notes, choice: Choice) -> AsyncGenerator[Event, None]:
    """Yield what a turn's table says to its question; nothing where there are no tables."""
    if stage is not None:
        async with aclosing(stage.run(notes, choice)) as events:
            async for event in events:
                yield event


def told(data: Mapping[str, Any]) -> str:
    """Return the answer of ask_table in Markdown: its sentence, the rows that it leads to, and the SQL."""
    answer, rows = str(data["answer"]), data["rows"]
    parts = [answer]
    if answer.endswith(":") and rows:
        lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows[:_MAX_ROWS])]
        parts.append("\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines))
        if data["more"] or len(rows) > _MAX_ROWS:
            parts.append(f"These are the first {min(len(rows), _MAX_ROWS)} rows.")
    parts.append(f"```sql\n{data['sql']}\n```")
    return plain("\n\n".join(parts))


def _cell(value: object) -> str:
    shown = "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return " ".join(shown.replace("|", "\\|").split())
