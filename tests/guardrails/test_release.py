"""Release: sentences go out when they are checked, numbered in order of first use; markup only when it is closed."""

from __future__ import annotations

import re

import pytest

from assistant.guardrails.grounding import Judged, RuleJudge
from assistant.guardrails.output import Output
from assistant.guardrails.plain_release import PlainRelease
from assistant.guardrails.release import GroundedRelease
from assistant.guardrails.sentences import parse
from assistant.guardrails.sources import Embed
from knowledge.types import Passage
from tests.guardrails.conftest import passage


class Everything:
    """A check that supports what carries a mark, and knows the prompt's abstention."""

    def sentence(self, raw: str) -> Judged:
        found = parse(raw)
        if found.claim.startswith("The documents do not say"):
            return Judged(found, "abstention", (), 1.0, "")
        if found.claim.endswith(":"):
            return Judged(found, "neutral", (), 1.0, "")
        return Judged(found, "supported" if found.cited else "unsupported", found.cited, 1.0, "")


def release(passages: list[Passage]) -> GroundedRelease:
    return GroundedRelease(Everything(), Output([]), passages)


async def whole(release: GroundedRelease | PlainRelease, text: str, size: int = 3, cut_off: bool = False) -> str:
    shown = [r for i in range(0, len(text), size) for r in await release.feed(text[i : i + size])]
    return "".join(r.text for r in [*shown, *await release.finish(cut_off)])


async def test_it_numbers_citations_in_order_of_first_use(passages: list[Passage]) -> None:
    going = release(passages)
    assert await whole(going, "B [3]. A [1][3]. C [2].") == "B [1]. A [2][1]. C [3]."
    assert [(c.n, c.chunk) for c in going.citations] == [(1, "chunk3"), (2, "chunk1"), (3, "chunk2")]


async def test_it_shows_only_supported_sentences_and_what_leads_to_them(passages: list[Passage]) -> None:
    assert await whole(release(passages), "Here it is:\nA [1]. Nonsense. B [1].") == "Here it is:\nA [1]. B [1]."
    assert await whole(release(passages), "Here it is:\nNonsense.") == ""


async def test_it_quotes_what_the_answer_first_says_of_a_passage() -> None:
    text = "Leave is 25 days. " + "It goes on and on about this. " * 30 + "Interns get 12 days. " + "More of it. " * 60
    going = release([passage(text)])
    await whole(going, "Interns get 12 days [1]. Leave is 25 days [1].")
    assert "Interns get 12 days." in going.citations[0].quote


async def test_it_says_nothing_twice(passages: list[Passage]) -> None:
    looping = "Leave is 25 days [1]. Leave is 25 days [1]. Leave is 25 days [2]. Interns get 12 [1]."
    assert await whole(release(passages), looping) == "Leave is 25 days [1]. Interns get 12 [1]."


async def test_it_is_settled_by_an_abstention_at_the_beginning_only(passages: list[Passage]) -> None:
    going = release(passages)
    assert await whole(going, "The documents do not say. A [1].") == "A [1]."
    going = release(passages)
    await going.feed("The documents do not say. A")
    assert going.settled
    going = release(passages)
    assert await whole(going, "A [1]. The documents do not say when.") == "A [1]. The documents do not say when."
    assert not going.settled


async def test_it_drops_half_a_sentence_of_an_answer_that_was_cut_off(passages: list[Passage]) -> None:
    assert await whole(release(passages), "A [1]. B has [1]", cut_off=True) == "A [1]."
    assert await whole(release(passages), "B has [1]", cut_off=True) == "B has [1]"


async def test_it_repeats_nothing_when_another_model_begins_again(passages: list[Passage]) -> None:
    going = release(passages)
    first = await going.feed("Leave is 25 days [1]. Interns get tw")
    going.begin_again()
    again = await going.feed("Leave is 25 days [1]. Interns get 12 [1]. ")
    rest = await going.finish(cut_off=False)
    assert "".join(r.text for r in [*first, *again, *rest]) == "Leave is 25 days [1]. Interns get 12 [1]."


async def test_it_puts_a_moved_citation_before_the_full_stop(passages: list[Passage], embed: Embed) -> None:
    check = RuleJudge(embed).open("In what country is Normandy located?", passages, "The documents do not say.")
    going = GroundedRelease(check, Output([]), passages)
    assert await whole(going, "It is in France. [2]") == "It is in France [1]."
    assert going.citations[0].chunk == "chunk1"


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
async def test_it_streams_plain_chat_and_never_half_a_link(size: int) -> None:
    text = "Hello, *fine*. ![a](http://evil/x) and `<b>` and <i>x</i>\n```py\nx < y\n```\nDone [x](http://e/) ok"
    going = PlainRelease(Output([]))
    shown = await whole(going, text, size)
    assert "![" not in shown
    assert "](" not in shown
    assert "<i>" not in shown
    assert "`<b>`" in shown
    assert "x < y" in shown
    assert shown == going.text


async def test_it_shows_plain_words_at_once() -> None:
    going = PlainRelease(Output([]))
    assert [r.text for r in await going.feed("Hello wor")] == ["Hello"]
    assert [r.text for r in await going.feed("ld, how")] == [" world,"]


async def test_the_first_letters_of_an_answer_do_not_wait_for_the_end_of_their_word() -> None:
    going = PlainRelease(Output([]))
    assert [r.text for r in await going.feed(" Un")] == ["Un"]
    assert [r.text for r in await going.feed("believ")] == []  # the rest of the word does: only the first is waited for
    assert [r.text for r in await going.feed("able, but")] == ["believable,"]
    assert [r.text for r in await going.finish(False)] == [" but"]
    assert going.text == "Unbelievable, but"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "https://evil.example/x is it",
            "www.evil.example is it",
            "javascript:alert(1) is it",
            "data:text/html,x is it",
        ),
        *("Risk-adjusted-return-on-capital is it", "Dockerfile:latest is it", "Metadata:something else", "Hello<b>x"),
        *(
            "Hello![a](http://evil/x) you",
            "Task-" + "x" * 30 + " ok",
            "sk-" + "x" * 30 + " ok",
            "\n\n  Well\nthen",
            "Hi",
        ),
        *("say our-own-engine-key now", "our-own-engine-key now", "Four-own-engine-key now", "Hello\n\n# World [a]: b"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
async def test_what_is_shown_early_changes_nothing_of_an_answer(text: str, size: int) -> None:
    secrets = ["our-own-engine-key"]
    at_once = Output([], secrets)
    words = re.findall(r"\S+\s*|^\s+", text)
    expected = "".join(at_once.slice(word) for word in words).strip()
    assert await whole(PlainRelease(Output([], secrets)), text, size) == expected


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("Un", "Another answer.", "Another answer."),
        ("Foxes are cle", "Foxes are quick.", "Foxes are quick."),
        (
            "Foxes are clever. They are very special animals, and th",
            "The crow was clever.",
            "Foxes are clever.\n\nThe crow was clever.",
        ),
        ("Foxes are clever. They run", "Foxes are clever. They sleep.", "Foxes are clever.\n\nThey sleep."),
        ("Foxes are clever. The", "Foxes are clever.", "Foxes are clever."),
        ("So:\n\n```\nx = 1\ny", "So:\n\n```\nx = 2\n```\nDone.", "So:\n\n```\nx = 2\n```\nDone."),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 1000])
async def test_another_model_goes_on_from_the_last_whole_sentence(
    first: str, second: str, text: str, size: int
) -> None:
    going = PlainRelease(Output([]))
    for at in range(0, len(first), size):
        await going.feed(first[at : at + size])
    before = going.text
    broken_off = "".join(one.text for one in going.begin_again())
    assert before.startswith(going.text) and bool(broken_off) == (before != going.text)
    await whole(going, second, size)
    assert going.text == text


async def test_another_model_writes_json_from_its_beginning() -> None:
    going = PlainRelease(Output([], markdown=False))
    await going.feed('{"a": [1], "b": ')
    assert going.begin_again() == []
    await whole(going, '{"a": [1]}')
    assert going.text == '{"a": [1]}'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The crow was clever [1]. It sat. [2][3] Then.", "The crow was clever. It sat. Then."),
        ("Cut off [1]", "Cut off"),
        ("In [0, 1] lies `a [1],` and x = [1], y[1].", "In [0, 1] lies `a [1],` and x = [1], y[1]."),
        ("```\nreturn a [1],\n```\nDone [1].", "```\nreturn a [1],\n```\nDone."),
    ],
)
@pytest.mark.parametrize("size", [3, 1000])
async def test_nothing_is_marked_as_cited_where_nothing_is(text: str, shown: str, size: int) -> None:
    assert await whole(PlainRelease(Output([])), text, size) == shown


async def test_it_holds_no_more_than_a_bounded_part_of_plain_chat_back() -> None:
    going = PlainRelease(Output([]))
    shown = [r for word in ["[open "] + ["word "] * 200 for r in await going.feed(word)]
    assert sum(len(r.text) for r in shown) > 500
