"""What is told who asks in another language than the documents, where no answer was found."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.models.fake import ScriptedModel
from assistant.types import Caller, Route
from knowledge.reader import OnnxReader
from knowledge.types import Scope
from tests.turn.conftest import ABSTENTION, PASSAGES, passage

GERMAN = "Wer hat die Firma gegründet?"
IN_GERMAN = passage(9, "Der Urlaub ist bis zum 31. März zu nehmen, und er wird nicht ausgezahlt, wenn die Zeit um ist.")
VISITOR = Caller("widget:1", "Visitor", Scope(frozenset({"everyone"})), credential="widget")


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (GERMAN, "Die Dokumente dazu sind auf Englisch: fragen Sie bitte auf Englisch, oder bitten"),
        ("Qui est le directeur de la société ?", "Les documents trouvés sont en anglais : posez la question en"),
        ("¿Quién fundó la empresa y con qué dinero?", "documents found are in English: ask in English, or have"),
        ("公司是谁创立的？", "documents found are in English: ask in English, or have"),
    ],
)
async def test_who_asks_in_another_language_is_told_so(bench: Any, question: str, told: str) -> None:
    ran = await bench(ScriptedModel([ABSTENTION]), second_draft=False).ask(question)
    assert ran.answer.abstained and told in ran.answer.text and ran.text == ran.answer.text
    assert ran.answer.nearest


@pytest.mark.parametrize(
    "question",
    ["Who founded the company?", "Is Die Hard set in Das Haus?", "founder of Alder & Finch", "Das Boot", "Le Pen?"],
)
async def test_who_asks_in_english_is_not(bench: Any, question: str) -> None:
    ran = await bench(ScriptedModel([ABSTENTION]), second_draft=False).ask(question)
    assert ran.answer.text == ABSTENTION


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (GERMAN, "Die Dokumente sagen dazu nichts."),
        ("Qui est le directeur de la société ?", "Les documents ne le disent pas."),
        ("¿Quién fundó la empresa y con qué dinero?", "Los documentos no lo dicen."),
        ("公司是谁创立的？", ABSTENTION),
        ("Who founded the company?", ABSTENTION),
    ],
)
async def test_documents_in_that_language_and_larger_models_say_it_in_that_language(
    bench: Any, question: str, told: str
) -> None:
    ran = await bench(ScriptedModel([ABSTENTION]), [*PASSAGES[:1], IN_GERMAN], second_draft=False).ask(question)
    assert ran.answer.abstained and ran.answer.text == ran.text == told
    larger = bench(ScriptedModel([ABSTENTION]), route=Route("large", None, "domain", ""), second_draft=False)
    assert (await larger.ask(question)).answer.text == told


async def test_an_answer_is_left_as_it_is(bench: Any) -> None:
    ran = await bench(ScriptedModel(["Rouen [1]."]), second_draft=False).ask("Was ist die Hauptstadt der Normandie?")
    assert ran.answer.abstained or "Englisch" not in ran.answer.text


async def test_a_visitor_hears_nothing_of_administrators(bench: Any) -> None:
    ran = await bench(ScriptedModel([ABSTENTION]), second_draft=False).ask(GERMAN, VISITOR)
    assert ran.answer.text.endswith("fragen Sie bitte auf Englisch.")


async def test_the_reader_that_ships_tells_it_too(bench: Any) -> None:
    ran = await bench(ScriptedModel([ABSTENTION]), reader=OnnxReader(), second_draft=False).ask(GERMAN)
    assert ran.answer.abstained and "auf Englisch" in ran.answer.text
