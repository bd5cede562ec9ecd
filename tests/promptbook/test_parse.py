"""From an author's YAML to a prompt, or one sentence on why not."""

from __future__ import annotations

import pytest
import yaml

from assistant.orchestration.prompts import ChatPrompt, GroundedPrompt, Message, load, render, shown
from assistant.promptbook.errors import PromptBroken
from assistant.promptbook.parse import BASE, TEMPLATES, job_of, packaged, parse

GOOD = """\
name: legal_answer
job: answer
tiers: [domain]
system: "Answer from the passages. Otherwise reply: The documents do not say."
passage: "[{n}] {title}\\n{text}"
separator: "\\n\\n"
user: "{passages}\\n\\nQuestion: {question}"
abstention: The documents do not say.
"""
CHAT = 'name: tone\njob: chat\nroutes: [big]\nsystem: Be brief.\nuser: "{question}"\n'


def _examples(count: int, longest: int = 10) -> str:
    """A bank of examples of which one is long."""
    lengths = [10] * (count - 1) + [longest]
    rows = [{"passages": [{"text": "T"}], "question": f"Q{n}?", "answer": "a" * many} for n, many in enumerate(lengths)]
    return yaml.safe_dump({"examples": rows})


@pytest.mark.parametrize("name", [*BASE, *TEMPLATES])
def test_what_ships_is_a_good_prompt(name: str) -> None:
    assert parse(packaged(name) or "", 6_000).name == name


def test_the_version_of_the_trained_prompt_has_not_changed() -> None:
    # The adapter that ships was trained on exactly this prompt; fields added to the format must not count.
    assert load("grounded_answer").version == "d2a446774cff"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("", "mapping"),
        ("- a\n- b", "mapping"),
        ("name: [", "not YAML in line"),
        ("name: !!python/object/apply:os.system [x]", "not YAML"),
        ("a: &x [1]\nb: *x", "alias"),
        ("[" * 9 + "]" * 9, "nested"),
        ("[" * 5_000, "nested"),
        ("x" * 60_001, "60,001 characters"),
        ("a: \x00", "not YAML"),
        (GOOD.replace("name: legal_answer", "name: Legal answer"), "'name'"),
        (GOOD.replace("job: answer", "job: dance"), "'job'"),
        (GOOD.replace("job: answer\n", ""), "'job'"),
        (GOOD.replace("legal_answer", "grounded_answer"), "no job, tiers or routes"),
        (GOOD.replace("{question}", "{query}"), "lacks the variable {question}"),
        (GOOD.replace("Question:", "Question of {who}:"), "{who}, which nothing fills"),
        (GOOD.replace("{text}", ""), "lacks the variable {text}"),
        (GOOD.replace("separator", "seperator"), "'separator' is missing"),
        (GOOD + "colour: red\n", "'colour' is not known"),
        (GOOD + "tiers: [moon]\n", "tiers"),
        (GOOD + "notes: no variable\n", "'notes'"),
        (GOOD + "system: '  '\n", "'system' is empty"),
        (GOOD + "abstention: No idea.\n", "'abstention'"),
        (GOOD + "examples: [{question: a, answer: b}]\n", "Example 1 has no passages"),
        (GOOD + "examples: [{question: a}]\n", "examples.0.answer"),
        (GOOD + _examples(21), "'examples_shown'"),
        (GOOD + _examples(30, 9_000) + "examples_shown: 1\n", "at most 6,000"),
        (GOOD + _examples(3) + "examples_shown: 0\n", "examples_shown"),
        (GOOD + f"system: 'The documents do not say. {'x' * 7_000}'\n", "at most 6,000"),
        (CHAT.replace("{question}", "{passages}"), "lacks the variable {question}"),
    ],
)
def test_it_refuses_with_a_sentence_that_names_what_is_wrong(change: str, said: str) -> None:
    with pytest.raises(PromptBroken) as refused:
        parse(change, 6_000)
    text = str(refused.value)
    assert said in text and text.endswith(".") and "\n" not in text and len(text) < 400, text


def test_a_bank_may_hold_more_than_a_prompt_has_room_for_because_some_are_shown() -> None:
    prompt = parse(GOOD + _examples(200, 2_000) + "examples_shown: 3\n", 6_000)
    assert len(prompt.examples) == 200 and prompt.examples_shown == 3


def test_it_reads_examples_and_shows_them_as_a_conversation() -> None:
    given = GOOD + "examples: [{passages: [{title: T, text: One {n}.}], question: 'Q?', answer: 'A [1].'}]\n"
    prompt = parse(given.replace("One {n}.", "'One {n}.'"), 6_000)
    assert isinstance(prompt, GroundedPrompt) and job_of(prompt) == "answer"
    asked = Message("user", "[1] T\nOne {n}.\n\nQuestion: Q?")
    assert shown(prompt) == [asked, Message("assistant", "A [1].")]
    assert render(prompt, [("T", "x")], "Y?")[0].content == prompt.system
    assert isinstance(parse(CHAT, 6_000), ChatPrompt) and yaml.safe_load(CHAT)["routes"] == ["big"]
