"""Tables in turns: what a question names as a table and is not understood is said, and no row is the answer."""

from __future__ import annotations

import pytest

from assistant.orchestration.notes import NOBODY, Notes
from assistant.orchestration.ports import Choice
from assistant.orchestration.table_stage import TableStage
from assistant.types import Event, Turn, TurnOptions
from skills.fake import ScriptedSkill
from skills.types import Person, Skill, SkillCall, SkillResult
from tests.turn.conftest import ANNA
from tests.turn.skilled import SmallModel

REFUSED = SkillResult("retry", "This question is not understood wholly.")
COLUMNS = SkillResult("ok", "", {"columns": [{"name": "name"}, {"name": "salary"}]})


class Tables:
    """Two skills over one table: one that understands nothing, one that tells the columns."""

    def __init__(self) -> None:
        ask, describe = ScriptedSkill(REFUSED), ScriptedSkill(COLUMNS)
        self._skills = {"ask_table": ask.skill("ask_table"), "describe_table": describe.skill("describe_table")}

    @property
    def caller(self) -> None:
        return None

    async def for_person(self, person: Person) -> list[Skill]:
        return list(self._skills.values())

    async def call(self, call: SkillCall) -> SkillResult:
        return await self._skills[call.skill].run(call)


async def named(question: str, person: Person, places: tuple[str, ...] | None) -> str | None:
    return "staff.csv"


async def asked(question: str, tools: bool = False) -> list[Event]:
    notes = Notes(Turn("t", question, (), ANNA, TurnOptions()))
    stage = TableStage(Tables(), named)
    return [event async for event in stage.run(notes, Choice(SmallModel(), NOBODY, tools))]


@pytest.mark.parametrize("question", ["Who earns the most in staff.csv?", "who is best in the staff table"])
async def test_a_table_that_is_named_and_not_understood_is_told_with_its_columns(question: str) -> None:
    (text, answer) = await asked(question)
    assert text.text.startswith("This question about staff.csv was not understood") and "name, salary" in text.text
    assert answer.answer is not None and not answer.answer.citations


async def test_a_long_text_is_no_question_for_a_table() -> None:
    assert not await asked(f"{'A-' * 200} Who earns the most in staff.csv?")


async def test_it_is_left_to_a_model_that_writes_sql_and_to_the_documents_where_no_table_is_named() -> None:
    assert not await asked("Who earns the most in staff.csv?", tools=True)
    assert not await asked("Who of the staff is on leave?")
