"""How skills are called on the page: a title, what they do, where they come from. Pure functions."""

from __future__ import annotations

import html
import re

KINDS = ("Python", "OpenAPI", "MCP", "SKILL.md", "Built-in")
_BY_PREFIX = {"python": "Python", "openapi": "OpenAPI", "mcp": "MCP", "skill.md": "SKILL.md"}
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>")  # as OpenAPI documents write them: <br>, <b>, <a href=..>
_SENTENCE = re.compile(r"(.+?[.!?])(?:\s|$)")
STATUS = {"ok": "Done", "retry": "Wrong arguments", "failed": "Failed", "refused": "Refused", "ask": "Asked first"}


def title(name: str) -> str:
    """Return a skill's name as people read one: create_ticket is "Create ticket"."""
    words = " ".join(name.replace("_", " ").split()) or name
    return words[:1].upper() + words[1:]


def kind(source: str) -> str:
    """Return what kind of source skills come from: one of KINDS."""
    return _BY_PREFIX.get(source.partition(":")[0], "Built-in")


def about(description: str) -> str:
    """Return a description without the example questions behind it, and without HTML."""
    return _text(description.partition(" For example: ")[0])


def sentence(description: str) -> str:
    """Return the first sentence of a description."""
    said = about(description)
    found = _SENTENCE.match(said)
    return found[1] if found else said


def _text(written: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", written)).split())
