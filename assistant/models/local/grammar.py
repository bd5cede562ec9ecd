"""A checked JSON schema to the EBNF grammar of its compact JSON texts.

The library's own conversion lets a model put any amount of white space between tokens, which a small model does until
its budget is used up (seen with SmolLM2-135M: `"age"\\n\\n:\\n\\n-1\\n\\n\\n...`). Here there is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_COMMON = r"""
char ::= [^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F])
string ::= "\"" char* "\""
natural ::= "0" | [1-9] [0-9]{0,14}
integer ::= "-"? natural
number ::= integer ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,3})?
boolean ::= "true" | "false"
null ::= "null"
array ::= "[" (value ("," value)*)? "]"
object ::= "{" (string ":" value ("," string ":" value)*)? "}"
value ::= string | number | boolean | null | array | object
"""


def to_ebnf(schema: Mapping[str, Any]) -> str:
    """Return the grammar whose root are the compact JSON texts of `schema`, which `schema.check` has let through.

    Properties come in the order in which the schema lists them.
    """
    rules = _Rules()
    root = rules.node(schema)
    return f"root ::= {root}\n" + "\n".join(rules.lines) + _COMMON


class _Rules:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def node(self, schema: Mapping[str, Any]) -> str:
        """Return an expression for `schema`."""
        if "enum" in schema:
            return _either([_literal(choice) for choice in schema["enum"]])
        if "const" in schema:
            return _literal(schema["const"])
        if "anyOf" in schema:
            return _either([self.node(inner) for inner in schema["anyOf"]])
        kind = schema["type"]
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            return self._array(schema)
        if kind == "string":
            return self._string(schema)
        if kind == "integer" and schema.get("minimum") == 0:
            return "natural"
        return str(kind)

    def _string(self, schema: Mapping[str, Any]) -> str:
        times = _times(schema, "minLength", "maxLength")
        return f'"\\"" char{times} "\\""' if times else "string"

    def _array(self, schema: Mapping[str, Any]) -> str:
        items = self.node(schema["items"]) if "items" in schema else "value"
        least, most = int(schema.get("minItems", 0)), schema.get("maxItems")
        if most == 0:
            return '"[]"'
        item = self._rule(items)
        more = f'("," {item}){{{max(least - 1, 0)},{"" if most is None else most - 1}}}'
        filled = f'"[" {item} {more} "]"'
        return filled if least else f'("[]" | {filled})'

    def _object(self, schema: Mapping[str, Any]) -> str:
        properties = schema.get("properties") or {}
        if not properties:
            values = schema.get("additionalProperties", True)
            if values is False:
                return '"{}"'
            value = "value" if values is True else self._rule(self.node(values))
            return f'"{{" (string ":" {value} ("," string ":" {value})*)? "}}"'
        # From the last property to the first: what may follow when something was written before it, and when not.
        after, at_start = '"}"', '"}"'
        for name, inner in reversed(properties.items()):
            pair = f'{_literal(name)} ":" {self.node(inner)}'
            needed = name in schema.get("required", ())
            written, begun = f'"," {pair} {after}', f"{pair} {after}"
            at_start = self._rule(begun if needed else _either([begun, at_start]))
            after = self._rule(written if needed else _either([written, after]))
        return f'"{{" {at_start}'

    def _rule(self, expression: str) -> str:
        """Return the name of a new rule for `expression`, so that expressions do not grow into each other."""
        name = f"r{len(self.lines)}"
        self.lines.append(f"{name} ::= {expression}")
        return name


def _either(choices: list[str]) -> str:
    return f"({' | '.join(choices)})"


def _times(schema: Mapping[str, Any], least: str, most: str) -> str:
    if least not in schema and most not in schema:
        return ""
    return f"{{{schema.get(least, 0)},{schema.get(most, '')}}}"


def _literal(value: object) -> str:
    """Return the JSON text of `value` as a quoted terminal; beyond ASCII it is written escaped, as JSON allows."""
    return json.dumps(json.dumps(value))
