"""YAML that people hand in as documents, entries and heads of SKILL.md: ordinary aliases work, bombs are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from skills.entries import OpenApiEntry, read_entry
from skills.errors import BadSkill
from skills.openapi_document import read_document
from skills.skill_md import split

MERGES = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 30))
LISTS = MERGES.replace("<<", "x")
ITSELF = "a: &a\n  b: *a\n"
UNKNOWN = "a: *b\n"
DEEP = "a: " + "[" * 10_000 + "]" * 10_000 + "\n"
NO_NUMBER = "a: 0b_\n"
BROKEN = [MERGES, LISTS, ITSELF, UNKNOWN, DEEP, NO_NUMBER]
SHARED = """
common: &common
  in: query
  schema: &text {type: string}
paths:
  /things:
    get:
      operationId: find_things
      parameters:
        - {<<: *common, name: q}
        - {<<: [*common, {description: When.}], name: since, schema: *text}
"""


@pytest.mark.parametrize("text", BROKEN)
def test_it_refuses_a_document_that_grows_or_leads_nowhere(text: str) -> None:
    with pytest.raises(BadSkill):
        read_document(f"openapi: 3.0.0\n{text}".encode(), "", 1_000_000)


@pytest.mark.parametrize("text", BROKEN)
def test_it_refuses_such_an_entry(tmp_path: Path, text: str) -> None:
    entry = tmp_path / "x.skill.yaml"
    entry.write_text(f"kind: openapi\ndocument: x.json\n{text}")
    with pytest.raises(BadSkill):
        read_entry(entry)


@pytest.mark.parametrize("text", BROKEN)
def test_it_refuses_such_a_head_of_a_folder(text: str) -> None:
    with pytest.raises(BadSkill):
        split(f"---\nname: x\ndescription: x\n{text}---\nDo it.")


def test_it_takes_what_a_document_shares_by_aliases_and_merges() -> None:
    (found,) = read_document(f"openapi: 3.0.0\n{SHARED}".encode(), "", 1_000_000).operations
    since = {"type": "string", "description": "When."}
    assert found.parameters["properties"] == {"q": {"type": "string"}, "since": since}


def test_it_takes_hundreds_of_aliases() -> None:
    uses = "".join(f"  /t{n}: {{get: {{operationId: t{n}, parameters: [*common]}}}}\n" for n in range(300))
    text = f"openapi: 3.0.0\nx: &common {{in: query, name: q, schema: {{type: string}}}}\npaths:\n{uses}"
    assert len(read_document(text.encode(), "", 1_000_000).operations) == 300


def test_it_keeps_dates_as_they_are_written(tmp_path: Path) -> None:
    entry = tmp_path / "x.skill.yaml"
    entry.write_text("kind: openapi\ndocument: 2026-01-01\n")
    read = read_entry(entry)
    assert isinstance(read, OpenApiEntry) and read.document == "2026-01-01"
