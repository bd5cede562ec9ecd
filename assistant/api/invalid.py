"""What is wrong with a request that no route could read, in words that people know."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_Context = Mapping[str, Any]

# How pydantic writes the kinds that a value may be of: "ImagePart", "constrained-str", "list[...]".
_TYPE = re.compile(r"[A-Z]|[a-z-]+[\[(]|(constrained-)?(str|int|float|bool)$")


def told(errors: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return a sentence on what pydantic's `errors` found, and the field that it is about ("messages.0.content")."""
    found = errors or [{"loc": ("body",), "msg": "is not right", "type": ""}]
    # Where a value may be of several kinds, each kind has its own complaint; the deepest is of the kind that was meant.
    field = _fields(found[0]["loc"])
    first = max((each for each in found if _fields(each["loc"])[: len(field)] == field), key=_depth)
    place = ".".join(_fields(first["loc"])[1:])
    more = f" ({len(found) - 1} more like this)" if len(found) > 1 else ""
    return f"{place or 'The request'}: {_said(first)}.{more}", place or "body"


def _depth(error: Mapping[str, Any]) -> int:
    return len(_fields(error["loc"]))


def _fields(location: Sequence[str | int]) -> list[str]:
    """Return the names and positions that lead to a value, without the names of our own types among them."""
    parts = [str(part) for part in location]
    plain = parts[:1] + [part for part in parts[1:] if parts[0] != "body" or not _TYPE.match(part)]
    # A key of the caller's own making may be among them; it is shown only as far as it is a plain name.
    return [part[:60] if part.isascii() and part.isprintable() else "?" for part in plain]


def _said(error: Mapping[str, Any]) -> str:
    """Return what is wrong with one value. The value itself is not repeated: it may be a secret."""
    words = _WORDS.get(str(error.get("type", "")))
    if words is None:
        return str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return words(error.get("ctx") or {}) if callable(words) else words


def _counted(least: bool, what: str) -> Callable[[_Context], str]:
    def words(context: _Context) -> str:
        limit = int(context["min_length" if least else "max_length"])
        if least and limit == 1:
            return "it is empty; give something"
        each = what[:-1] if limit == 1 else what
        return f"it needs at least {limit:,} {each}" if least else f"it may have at most {limit:,} {each}"

    return words


_WORDS: dict[str, str | Callable[[_Context], str]] = {
    "missing": "it is missing; give it",
    "extra_forbidden": "nothing of this name is known here; leave it out",
    "string_type": "give a text",
    "bool_type": "give true or false",
    "bool_parsing": "give true or false",
    "int_type": "give a whole number",
    "int_parsing": "give a whole number",
    "int_from_float": "give a whole number",
    "float_type": "give a number",
    "float_parsing": "give a number",
    "finite_number": "give a finite number",
    "list_type": "give a list",
    "dict_type": "give an object",
    "model_type": "give an object",
    "model_attributes_type": "give an object",
    "json_invalid": "it is no valid JSON; send one JSON object",
    "string_pattern_mismatch": "it has signs, or a form, that are not allowed here",
    "string_too_long": _counted(least=False, what="characters"),
    "string_too_short": _counted(least=True, what="characters"),
    "too_long": _counted(least=False, what="entries"),
    "too_short": _counted(least=True, what="entries"),
    "greater_than": lambda context: f"give more than {context['gt']}",
    "greater_than_equal": lambda context: f"give {context['ge']} or more",
    "less_than": lambda context: f"give less than {context['lt']}",
    "less_than_equal": lambda context: f"give {context['le']} or less",
    "literal_error": lambda context: f"give {context['expected']}",
    "enum": lambda context: f"give {context['expected']}",
}
