"""Questions with a checkable answer, and rows beside them that may be shown as examples; the same seed draws the same.

Asked are school mathematics (GSM8K), 27 kinds of puzzles (BIG-Bench Hard), medical questions with four options (MMLU),
and which of ten intents a sentence has (Banking77, CLINC150).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INTENTS = 10
_KNOWN = 300  # rows of a file that may be shown
_KNOWN_OF_A_KIND = 20  # puzzles of one kind that may be shown
_SEED = 11
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_LETTER = re.compile(r"\(([A-Z])\)|^\W*([A-Z])(?=[).:,]|\s*$)|answer(?: is)?:?\s+([A-Z])\b", re.M)
_COT = re.compile(r"(.*?)\nA: Let's think step by step\.\n(.*)\s+So the answer is (.*)\.\s*", re.S)


@dataclass(frozen=True, slots=True)
class Row:
    """A question with its answer."""

    question: str  # as it is asked, options included
    answer: str
    group: str = ""  # kind of puzzle; examples are of the same
    thoughts: str = ""  # how a person got to the answer; "" where nobody wrote it down


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's questions."""

    name: str
    instructions: dict[str, str]  # what is to be done, by group
    asked: tuple[Row, ...]
    known: tuple[Row, ...]  # none of which is asked

    def choices(self, group: str) -> tuple[str, ...]:
        """Return every answer that there is in a group where these are a few words; none elsewhere."""
        found = {row.answer for row in (*self.known, *self.asked) if row.group == group}
        return tuple(sorted(found)) if len(found) <= INTENTS and not any(map(_plain, found)) else ()

    def right(self, row: Row, text: str) -> bool:
        """Return whether `text` gives the answer of `row`."""
        return read(text, row.answer, self.choices(row.group)) == row.answer


def read(text: str, like: str, choices: Sequence[str]) -> str:
    """Return the answer in `text`, read as one of the form of `like`; "" when there is none of that form."""
    if re.fullmatch(r"\(?[A-Z]\)?", like):
        found = _LETTER.search(text)
        letter = next(filter(None, found.groups()), "") if found else ""
        return like.replace(like.strip("()"), letter) if letter else ""
    if _NUMBER.fullmatch(like):
        numbers = _NUMBER.findall(text)
        return numbers[-1].replace(",", "").removesuffix(".00") if numbers else ""
    if choices:
        said = text.lower().replace("_", " ")
        spots = [(m.start(), one) for one in choices if (m := re.search(rf"\b{_spoken(one)}\b", said))]
        return min(spots, key=lambda spot: (spot[0], -len(spot[1])))[1] if spots else ""
    return like if " ".join(text.lower().strip(" .").split()) == " ".join(like.lower().split()) else ""


def sheets(data: Path, questions: int, names: Sequence[str] = ()) -> list[Sheet]:
    """Return the sheets of the files that there are under `data`, `questions` asked of each; `names`: no others."""
    found = (MAKERS[name](data, questions) for name in (names or MAKERS))
    return [sheet for sheet in found if sheet is not None]


def _mathematics(data: Path, questions: int) -> Sheet | None:
    rows = [Row(r["question"], r["answer"].replace(",", ""), thoughts=_uncounted(r["solution"]))
            for r in _lines(data / "G_reasoning/gsm8k_train.jsonl")]  # fmt: skip
    return _drawn("gsm8k", {"": "Solve the problem. The answer is a number."}, rows, questions)


def _puzzles(data: Path, questions: int) -> Sheet | None:
    about, worked = {}, []
    for line in _lines(data / "G_reasoning/bbh_cot_prompts.jsonl"):
        said, *shown = line["prompt"].split("-----\n", 1)[-1].split("\n\nQ: ")
        about[line["task"]] = said.split("\n")[0]
        for each in shown:
            if found := _COT.fullmatch(each):
                worked.append(Row(found[1], found[3], line["task"], found[2]))
    shown_texts = {row.question for row in worked}
    rows = [Row(r["question"], r["answer"], r["task"]) for r in _lines(data / "G_reasoning/bbh_part1.jsonl")
            if r["question"] not in shown_texts]  # fmt: skip
    return _drawn("bbh", about, rows, questions, worked)


def _medicine(data: Path, questions: int) -> Sheet | None:
    rows = [Row("\n".join([r["question"], *(f"({key}) {text}" for key, text in r["options"].items())]),
                f"({r['answer']})")
            for r in _lines(data / "G_reasoning/mmlu_medical.jsonl")]  # fmt: skip
    return _drawn("mmlu_medical", {"": "Choose the right option. The answer is its letter, like (A)."}, rows, questions)


def _bank(data: Path, questions: int) -> Sheet | None:
    return _intents("banking77", data / "H_domain/banking77_train.jsonl", questions)


def _assistants(data: Path, questions: int) -> Sheet | None:
    return _intents("clinc150", data / "H_domain/clinc150_trainval.jsonl", questions)


def _intents(name: str, file: Path, questions: int) -> Sheet | None:
    lines = [line for line in _lines(file) if line["intent"] != "oos"]
    labels = sorted({line["intent"] for line in lines})
    chosen = sorted(random.Random(_SEED).sample(labels, min(INTENTS, len(labels))))
    rows = [Row(line["text"], line["intent"]) for line in lines if line["intent"] in chosen]
    about = f"Name the intent of the sentence. The answer is one of: {', '.join(chosen)}."
    return _drawn(name, {"": about}, rows, questions)


def _drawn(
    name: str, about: dict[str, str], rows: list[Row], questions: int, worked: Iterable[Row] = ()
) -> Sheet | None:
    unique = list({row.question: row for row in rows}.values())
    random.Random(_SEED).shuffle(unique)
    asked, rest = unique[:questions], unique[questions:]
    known = rest[:_KNOWN] if about.keys() == {""} else _of_each(rest, {row.group for row in asked})
    return Sheet(name, about, tuple(asked), (*known, *worked)) if rows else None


def _of_each(rows: Sequence[Row], groups: Iterable[str]) -> list[Row]:
    """Return the first rows of each of the groups."""
    return [row for group in sorted(groups) for row in [r for r in rows if r.group == group][:_KNOWN_OF_A_KIND]]


def _lines(file: Path) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _plain(answer: str) -> bool:
    """Return whether an answer is a letter or a number, which are read without knowing the others."""
    return bool(re.fullmatch(r"\(?[A-Z]\)?", answer) or _NUMBER.fullmatch(answer))


def _spoken(label: str) -> str:
    return re.escape(label.lower().replace("_", " "))


def _uncounted(solution: str) -> str:
    """Return a solution without the calculator's notes that GSM8K puts between << and >>."""
    return re.sub(r"<<.*?>>", "", solution).strip()


MAKERS: Mapping[str, Callable[[Path, int], Sheet | None]] = {
    "banking77": _bank,
    "clinc150": _assistants,
    "mmlu_medical": _medicine,
    "bbh": _puzzles,
    "gsm8k": _mathematics,
}
