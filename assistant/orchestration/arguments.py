"""Arguments of a skill by a model too small to write a call by itself: a narrow grammar, a check, one correction.

What a small model does badly is left to rules: which optional parameters are meant (those that the question mentions)
and which numbers there are to choose from (those that the question holds). The model puts values into places.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from assistant.models.types import ChatModel, ModelRequest, Sampling
from assistant.orchestration.prompts import ChatPrompt, Message, load_chat
from skills.schema import check
from skills.types import Schema, Skill

MAX_TOKENS = 160
_MAX_TEXT = 120  # characters of one text value
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\w.])-?\d+(?:\.\d+)?")
_WORD = re.compile(r"[a-z]{3,}")
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBER_WORDS = {word: number for number, word in enumerate(_DIGITS)}
_QUOTED = re.compile(r"['\"]([A-Za-z][\w /-]{1,30})['\"]")
_STOP = frozenset("a an the of to in on for from with by and or is are was what how which i me my that this at as".split())
_MAX_WORDS, _MAX_SPANS = 60, 240  # the engine takes 300 choices
_KEPT = ("type", "enum", "const", "minimum", "maximum", "minItems", "maxItems")


@dataclass(frozen=True, slots=True)
class Filled:
    """Arguments that a model gave."""

    arguments: dict[str, Any]
    problems: tuple[str, ...]  # what is still wrong with them; empty: they fit the schema
    calls: int  # of the model


class Filler:
    """Fills in arguments."""

    def __init__(self, prompt: ChatPrompt | None = None) -> None:
        """Use `prompt`, by default the shipped one."""
        self._prompt = prompt or load_chat("skill_arguments")

    async def fill(self, model: ChatModel, question: str, skill: Skill) -> Filled:
        """Return the arguments for a call of `skill` that answers `question`, after at most two calls of the model.

        Raises what the model raises.
        """
        schema = narrowed(skill.parameters, question)
        if not schema["properties"]:
            return Filled({}, tuple(check(skill.parameters, {})[1]), 0)
        messages = self._messages(question, skill, schema)
        reply = await complete(model, messages, schema)
        arguments, problems = _read(reply, skill.parameters)
        if not problems:
            return Filled(arguments, (), 1)
        # The grammar keeps the form, so what is wrong is a reply cut short or a rule that the grammar cannot hold.
        said = f"That is wrong: {'; '.join(problems)}. Correct it."
        corrected = (*messages, Message("assistant", reply), Message("user", said))
        arguments, problems = _read(await complete(model, corrected, grammar(skill.parameters)), skill.parameters)
        return Filled(arguments, tuple(problems), 2)

    def _messages(self, question: str, skill: Skill, schema: Schema) -> tuple[Message, ...]:
        described = skill.parameters["properties"]
        lines = "\n".join(_line(name, described[name]) for name in schema["properties"])
        text = self._prompt.filled(name=skill.name, about=skill.description[:300], parameters=lines, question=question)
        return Message("system", self._prompt.system), Message("user", text)


async def complete(model: ChatModel, messages: tuple[Message, ...], schema: Schema | None) -> str:
    """Return the whole reply of `model`, which has to fit `schema` where one is given."""
    text = ""
    request = ModelRequest(messages, Sampling(max_tokens=MAX_TOKENS, json_schema=schema))
    async with aclosing(model.stream(request)) as pieces:
        async for piece in pieces:
            text += piece.text
    return text


def narrowed(parameters: Schema, question: str) -> Schema:
    """Return the grammar of arguments that `question` can mean.

    Optional parameters are left out unless the question mentions them; whole numbers and decimals are those of the
    question, where it holds any.
    """
    required = parameters.get("required", [])
    properties = parameters.get("properties", {})
    kept = {name: inner for name, inner in properties.items() if name in required or mentioned(name, inner, question)}
    numbers, spans = numbers_in(question), spans_in(question)
    placed = placed_numbers(kept, question)
    return {
        "type": "object",
        "properties": {
            name: {"const": placed[name]} if name in placed else _narrow(grammar(inner), numbers, spans)
            for name, inner in kept.items()
        },
        "required": list(kept),
        "additionalProperties": False,
    }


def mentioned(name: str, schema: Mapping[str, Any], question: str) -> bool:
    """Return whether the question says something about an optional parameter: its name, or one of its choices."""
    words = set(_WORD.findall(question.lower()))
    choices = [str(choice).lower() for choice in schema.get("enum", quoted_in(schema))]
    if any(choice in question.lower() for choice in choices if len(choice) > 2):
        return True
    own = set(_WORD.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", name).replace("_", " ").lower()))
    return bool(own) and own <= words


def quoted_in(schema: Mapping[str, Any]) -> list[str]:
    """Return what a parameter's description puts in quotes: the values that it names."""
    return _QUOTED.findall(str(schema.get("description", "")))


def spans_in(question: str) -> list[str]:
    """Return the runs of up to six words of a question that could be values, quoted ones first."""
    spans = [found[1:-1] for found in re.findall(r"\"[^\"]{1,80}\"|'[^']{2,80}'", question)]
    words = re.findall(r"\S+", question)[:_MAX_WORDS]
    for start in range(len(words)):
        for end in range(start + 1, min(start + 7, len(words) + 1)):
            run = " ".join(words[start:end]).strip("\"'?.,;:!")
            edges = {words[start].lower().strip("?.,"), words[end - 1].lower().strip("?.,")}
            if run and not edges & _STOP and not any(word.endswith((".", "?", "!")) for word in words[start : end - 1]):
                spans.append(run)
    return list(dict.fromkeys(spans))[:_MAX_SPANS]


def placed_numbers(parameters: Mapping[str, Mapping[str, Any]], question: str) -> dict[str, int | float]:
    """Return the numbers whose place is plain: as many in the question as parameters that want one.

    They go where the question names the parameter ("height of 5", "a = 2") when it names all, else in their order.
    """
    wanting = [name for name, inner in parameters.items() if inner.get("type") in ("integer", "number")]
    found = [(m.start(), _number(m[0])) for m in _NUMBER.finditer(question)]
    if not wanting or len(found) != len(wanting) or any("enum" in parameters[name] for name in wanting):
        return {}
    named: dict[str, int | float] = {}
    for name in wanting:
        word = re.escape(name.replace("_", " "))
        place = re.search(rf"(?<![A-Za-z]){word}(?![A-Za-z])", question, re.IGNORECASE)
        after = [number for at, number in found if place and 0 <= at - place.end() <= 12]
        if after and after[0] not in named.values():
            named[name] = after[0]
    in_order = dict(zip(wanting, (number for _, number in found), strict=True))
    chosen = named if len(named) == len(wanting) else in_order
    whole = all(isinstance(number, int) for name, number in chosen.items() if parameters[name]["type"] == "integer")
    return chosen if whole else {}


def numbers_in(question: str) -> list[int | float]:
    """Return the numbers of a question in their order, each once; "two" is 2, "5%" is both 5 and 0.05."""
    found: list[tuple[int, int | float]] = []
    for match in _NUMBER.finditer(question):
        number = _number(match[0])
        found.append((match.start(), number))
        if question[match.end() :].lstrip().startswith(("%", "percent")):
            found.append((match.start(), round(number / 100, 10)))
    for match in re.finditer(r"[a-z]+", question.lower()):
        if match[0] in _NUMBER_WORDS:
            found.append((match.start(), _NUMBER_WORDS[match[0]]))
    return list(dict.fromkeys(number for _, number in sorted(found, key=lambda pair: pair[0])))


def _number(text: str) -> int | float:
    plain = text.replace(",", "")
    return float(plain) if "." in plain else int(plain)


def grammar(schema: object) -> Schema:
    """Return what an engine's grammar can hold of a JSON schema; whatever it cannot is left to the check afterwards."""
    if not isinstance(schema, Mapping):
        return {"type": "string", "maxLength": _MAX_TEXT}
    result: Schema = {key: schema[key] for key in _KEPT if key in schema}
    kinds = result.get("type")
    if isinstance(kinds, list):
        result["type"] = next((kind for kind in kinds if kind != "null"), "string")
    for several in ("anyOf", "oneOf", "allOf"):
        options = [option for option in schema.get(several, ()) if option != {"type": "null"}]
        if options:
            return grammar(options[0]) if len(options) == 1 else {"anyOf": [grammar(option) for option in options]}
    if not result.keys() & {"type", "enum", "const"}:
        result["type"] = "object" if "properties" in schema else "string"
    if result.get("type") == "object":
        inner = schema.get("properties", {})
        result["properties"] = {name: grammar(each) for name, each in inner.items()}
        result["required"] = [name for name in schema.get("required", ()) if name in inner]
        result["additionalProperties"] = False
    if result.get("type") == "array":
        result["items"] = grammar(schema.get("items", {"type": "string"}))
        result["maxItems"] = min(int(result.get("maxItems", 8)), 8)
    if result.get("type") == "string" and "enum" not in result:
        result["maxLength"] = _MAX_TEXT
    return result


def _narrow(schema: Schema, numbers: list[int | float], spans: list[str]) -> Schema:
    """Offer only the question's numbers where a number is wanted, and its words where a text is."""
    kind = schema.get("type")
    fitting = [number for number in numbers if kind == "number" or isinstance(number, int)]
    if kind in ("integer", "number") and "enum" not in schema and fitting:
        return {"enum": fitting}
    if kind == "array":
        return {**schema, "items": _narrow(schema["items"], numbers, spans)}
    if kind == "string" and "enum" not in schema and spans:
        return {"enum": spans}
    return schema


def _read(reply: str, parameters: Schema) -> tuple[dict[str, Any], list[str]]:
    try:
        given = json.loads(reply)
    except (ValueError, RecursionError):
        return {}, ["the reply is no whole JSON object"]
    if not isinstance(given, dict):
        return {}, ["the reply is no JSON object"]
    return check(parameters, given)


def _line(name: str, schema: Mapping[str, Any]) -> str:
    said = str(schema.get("description", ""))[:120]
    choices = ", ".join(map(str, schema.get("enum", ())))[:200]
    kind = schema.get("type", "one of")
    return f"- {name} ({kind}{': ' + choices if choices else ''}) {said}".rstrip()
