from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skills.choose import Chooser, Embed, Vectors, describe
from skills.fake import ScriptedSkill, embed_words

SKILLS = [
    ScriptedSkill().skill("weather_today", description="Tell the weather forecast of a city."),
    ScriptedSkill().skill("create_ticket", description="Open a support ticket about a broken laptop or screen."),
    ScriptedSkill().skill("stock_price", description="Look up the current price of a stock."),
]


def test_puts_the_closest_skill_first_and_keeps_to_the_limit() -> None:
    found = Chooser(embed_words, 0.1).choose("what is the price of the Acme stock", SKILLS, 2)
    assert found[0].skill.name == "stock_price" and len(found) <= 2
    assert found[0].score >= found[-1].score


def test_offers_nothing_when_nothing_is_close() -> None:
    chooser = Chooser(embed_words, 0.3)
    assert chooser.choose("who wrote hamlet", SKILLS, 3) == []
    assert chooser.choose("anything", [], 3) == [] and chooser.choose("", SKILLS, 3) == []


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("converting currencies", "convert_currency"),  # another form of the name's words
        ("the unit price, please", "getUnitPrice"),  # a name in humps
        ("Lieferungen der Woche", "lieferung"),  # another language's ending
        ("what is the postcode of Bonn", "locate"),  # only a parameter says it
    ],
)
def test_ranks_by_the_words_of_name_description_and_parameters_where_meaning_does_not_tell(
    question: str, name: str
) -> None:
    def same(texts: list[str]) -> Vectors:
        return np.ones((len(texts), 1), dtype=np.float32)

    parameters = {"type": "object", "properties": {"code": {"type": "string", "description": "A postcode."}}}
    skills = [
        ScriptedSkill().skill("first", description="Something else."),
        ScriptedSkill().skill("convert_currency", description="Money."),
        ScriptedSkill().skill("getUnitPrice", description="Goods."),
        ScriptedSkill().skill("lieferung", description="Pakete."),
        ScriptedSkill().skill("locate", description="Places.", parameters=parameters),
        ScriptedSkill().skill("other", description="Price, convert, unit, currency."),
    ]
    assert Chooser(same, 0.0).choose(question, skills, 1)[0].skill.name == name


def test_embeds_each_description_once() -> None:
    asked: list[list[str]] = []

    def embed(texts: list[str]) -> object:
        asked.append(texts)
        return embed_words(texts)

    chooser = Chooser(embed, 0.0)  # type: ignore[arg-type]
    for _ in range(3):
        chooser.choose("price", SKILLS, 1)
    assert [len(texts) for texts in asked] == [6, 1, 1, 1]
    assert describe(SKILLS[2])[0].startswith("stock price: Look up")


def _embedder() -> Embed | None:
    try:
        from knowledge import embed as module
    except ImportError:
        return None
    path = Path(module.__file__).parent / "models" / "all-minilm-l6-v2.int8.onnx"
    return module.OnnxEmbedder(path, threads=1).embed if path.exists() and hasattr(module, "OnnxEmbedder") else None


@pytest.mark.model
def test_finds_skills_by_meaning_with_the_real_embedding() -> None:
    embed = _embedder()
    if embed is None:
        pytest.skip("the packaged embedding model is not here")
    chooser = Chooser(embed, 0.3)
    assert chooser.choose("my laptop screen is cracked, can somebody help", SKILLS, 1)[0].skill.name == "create_ticket"
    assert chooser.choose("what does the SAP stock cost right now", SKILLS, 1)[0].skill.name == "stock_price"
    assert chooser.choose("who painted the Mona Lisa", SKILLS, 1) == []
