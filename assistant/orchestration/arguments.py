"""Arguments of a skill by a model too small to write a call by itself: a narrow grammar, a check, one correction.

What a small model does badly is left to rules: which optional parameters are meant (those that the question mentions)
and which numbers there are to choose from (those that the question holds). The model puts values into places.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.models.types import ChatModel, ModelRequest, Sampling
from assistant.orchestration.placed import placed_values, said
from assistant.orchestration.prompts import Message, load_chat
from assistant.orchestration.read_question import (
    fitting_numbers,
    numbers_in,
    placed_numbers,
    quoted_in,
    shaped_in,
    spans_in,
)
from skills.schema import check
from skills.types import Schema, Skill

MAX_TOKENS = 160
_MAX_TEXT = 120  # characters of one text value
_WORD = re.compile(r"[a-z]{3,}")
_VAGUE = frozenset(["num", "number", "count", "amount", "name", "type", "value", "specific", "preferred"])  # in names
_KEPT = ("type", "enum", "const", "minimum", "maximum", "minItems", "maxItems")


@dataclass(frozen=True, slots=True)
class Filled:
    """Arguments that a model gave."""

    arguments: dict[str, Any]
    problems: tuple[str, ...]  # what is still wrong with them; empty: they fit the schema
    calls: int  # of the model


class Filler:
    """Fills in arguments."""

    def __init__(self) -> None:
        """Ask with the prompt that ships."""
        self._prompt = load_chat("skill_arguments")

    async def fill(self, model: ChatModel, question: str, skill: Skill) -> Filled:
        """Return the arguments for a call of `skill` that answers `question`, after at most two calls of the model.

        Raises what the model raises.
        """
        if skill.reads is not None:
            arguments, problems = check(skill.parameters, dict(skill.reads(question) or {}))
            return Filled(arguments, tuple(problems), 0)
        lacking = [name for name, inner in _meant(skill.parameters, question).items() if _lacks(inner, question, skill)]
        if lacking:
            return Filled({}, tuple(f"{name}: nothing in the question looks like one" for name in lacking), 0)
        placed = placed_values(_meant(skill.parameters, question), question)
        schema = narrowed(skill.parameters, question, placed)
        if not schema["properties"]:
            arguments, problems = check(skill.parameters, placed)
            return Filled(arguments, tuple(problems), 0)
        messages = self._messages(question, skill, schema)
        reply = await complete(model, messages, schema, self._prompt.name)
        arguments, problems = _read(reply, skill.parameters, placed)
        if not problems:
            return await self._told_apart(model, question, skill, _once_said(arguments, skill.parameters, question))
        # The grammar keeps the form, so what is wrong is a reply cut short or a rule that the grammar cannot hold.
        wrong = f"That is wrong: {'; '.join(problems)}. Correct it."
        corrected = (*messages, Message("assistant", reply), Message("user", wrong))
        arguments, problems = _read(
            await complete(model, corrected, grammar(skill.parameters), self._prompt.name), skill.parameters, {}
        )
        return Filled(arguments, tuple(problems), 2)

    async def _told_apart(self, model: ChatModel, question: str, skill: Skill, arguments: dict[str, Any]) -> Filled:
        """Ask once more for the first of two texts that are the same, without what the other one says.

        The first: a small model begins with what stands out, wherever it belongs.
        """
        name = next((name for name in _repeated(arguments, question) if isinstance(arguments[name], str)), None)
        if name is None:
            return Filled(arguments, (), 1)
        value, described = arguments[name], skill.parameters["properties"][name]
        schema = narrowed({"properties": {name: described}, "required": [name]}, question, {})
        choices = schema["properties"][name].get("enum", [])
        choices = [choice for choice in choices if choice not in value and value not in choice]
        if not choices:
            return Filled(arguments, (), 1)
        schema["properties"][name] = {"enum": choices}
        messages = self._messages(question, skill, schema)
        reply = await complete(model, messages, schema, self._prompt.name)
        others = {other: given for other, given in arguments.items() if other != name}
        again, problems = _read(reply, skill.parameters, others)
        return Filled(arguments if problems else again, (), 2)

    def _messages(self, question: str, skill: Skill, schema: Schema) -> tuple[Message, ...]:
        described = skill.parameters["properties"]
        lines = "\n".join(_line(name, described[name]) for name in schema["properties"])
        text = self._prompt.filled(name=skill.name, about=skill.description[:300], parameters=lines, question=question)
        return Message("system", self._prompt.system), Message("user", text)


async def complete(model: ChatModel, messages: tuple[Message, ...], schema: Schema | None, task: str) -> str:
    """Return the whole reply of `model`, which has to fit `schema` where one is given; `task` is the prompt's name."""
    text = ""
    request = ModelRequest(messages, Sampling(max_tokens=MAX_TOKENS, json_schema=schema), task=task)
    async for piece in model.stream(request):
        text += piece.text
    return text


def narrowed(parameters: Schema, question: str, placed: Mapping[str, Any]) -> Schema:
    """Return the grammar of arguments that `question` can mean, without those that are `placed` already.

    Optional parameters are left out unless the question mentions them; whole numbers and decimals are those of the
    question, where it holds any, and so are choices.
    """
    kept = {name: inner for name, inner in _meant(parameters, question).items() if name not in placed}
    numbers = placed_numbers(kept, question)
    return {
        "type": "object",
        "properties": {
            name: {"const": numbers[name]} if name in numbers else _narrow(name, inner, question)
            for name, inner in kept.items()
        },
        "required": list(kept),
        "additionalProperties": False,
    }


def _meant(parameters: Schema, question: str) -> dict[str, Any]:
    required = parameters.get("required", [])
    properties = parameters.get("properties", {})
    return {name: inner for name, inner in properties.items() if name in required or mentioned(name, inner, question)}


def mentioned(name: str, schema: Mapping[str, Any], question: str) -> bool:
    """Return whether the question says something about an optional parameter: its name, or one of its choices."""
    words = set(_WORD.findall(question.lower()))
    choices = [str(choice).lower() for choice in schema.get("enum", quoted_in(schema))]
    if any(choice in question.lower() for choice in choices if len(choice) > 2):
        return True
    own = set(_WORD.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", name).replace("_", " ").lower()))
    return bool(own) and (own - _VAGUE or own) <= words


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


def _lacks(inner: Mapping[str, Any], question: str, skill: Skill) -> bool:
    """Return whether the question has no text of the form that is wanted; what changes things is not guessed."""
    if grammar(inner).get("type") != "string" or "enum" in inner or not spans_in(question):
        return False
    shaped = shaped_in(inner, question)
    return shaped == [] and ("pattern" in inner or skill.effect == "write")


def _narrow(name: str, inner: Mapping[str, Any], question: str) -> Schema:
    """Offer only the question's numbers where a number is wanted, its words where a text is, its choices of several."""
    schema = grammar(inner)
    kind = schema.get("type")
    if "enum" in schema:
        chosen = said(schema["enum"], question)
        return {**schema, "enum": chosen} if chosen else schema
    if kind in ("integer", "number"):
        fitting = fitting_numbers(name, kind, question)
        return {"enum": fitting} if fitting else schema
    if kind == "array":
        # an empty list says nothing, and one as long as the question has numbers all that can be said
        most = len(numbers_in(question)) if schema["items"].get("type") in ("integer", "number") else 0
        most = min(schema["maxItems"], most or schema["maxItems"])
        least = min(max(1, int(schema.get("minItems", 1))), most)
        return {
            **schema,
            "minItems": least,
            "maxItems": most,
            "items": _narrow(name, inner.get("items", {"type": "string"}), question),
        }
    spans = shaped_in(inner, question) or spans_in(question)
    return {"enum": spans} if kind == "string" and spans else schema


def _read(reply: str, parameters: Schema, placed: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    try:
        given = json.loads(reply)
    except (ValueError, RecursionError):
        return {}, ["the reply is no whole JSON object"]
    if not isinstance(given, dict):
        return {}, ["the reply is no JSON object"]
    return check(parameters, {**{name: _once(value) for name, value in given.items()}, **placed})


def _once_said(arguments: dict[str, Any], parameters: Schema, question: str) -> dict[str, Any]:
    """Leave out the optional parameters that repeat what another one says and the question says once."""
    left = dict(arguments)
    for name in arguments:
        if name not in parameters.get("required", []) and name in _repeated(left, question):
            del left[name]
    return left


def _repeated(arguments: Mapping[str, Any], question: str) -> list[str]:
    """Return the parameters that share their text or number with another one, though the question says it once."""
    values = [value for value in arguments.values() if type(value) in (str, int, float)]
    return [
        name
        for name, value in arguments.items()
        if type(value) in (str, int, float) and values.count(value) > 1 and question.count(str(value)) == 1
    ]


def _once(value: Any) -> Any:
    """Drop what a small model says again and again in a list."""
    texts = isinstance(value, list) and value and all(isinstance(item, str) for item in value)
    return list(dict.fromkeys(value)) if texts else value


def _line(name: str, schema: Mapping[str, Any]) -> str:
    said = str(schema.get("description", ""))[:120]
    choices = ", ".join(map(str, schema.get("enum", ())))[:200]
    kind = schema.get("type", "one of")
    return f"- {name} ({kind}{': ' + choices if choices else ''}) {said}".rstrip()
