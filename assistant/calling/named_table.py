"""Which table a question names: "sales.csv", "the sales table". Pure functions."""

from __future__ import annotations

import re

_KINDS = r"(?:table|sheet|spreadsheet|csv|xlsx)"
_FILES = re.compile(r"[\w.-]+\.(?:csv|xlsx)\b", re.IGNORECASE)
_CALLED = re.compile(rf"([\w-]+)\s+{_KINDS}\b|\b{_KINDS}\s+([\w-]+)|\b(?:in|from|of)\s+([\w-]+)\W*$", re.IGNORECASE)
_MOST = 5


def wanted(question: str) -> list[str]:
    """Return the words, at most 5, that may be a table's file name or title, or the end of one."""
    called = [first or second or last for first, second, last in _CALLED.findall(question)]
    return list(dict.fromkeys([*_FILES.findall(question), *called]))[:_MOST]


def says(question: str, name: str) -> bool:
    """Return whether a question names the table of that file name or title, with or without its ending."""
    whole, stem = re.escape(name), re.escape(re.sub(r"\.\w{2,5}$", "", name))
    called = rf"(?<!\w){stem}\s+{_KINDS}\b|\b{_KINDS}\s+{stem}(?!\w)|\b(?:in|from|of)\s+{stem}(?=\W*$)"
    return (
        re.search(called if whole == stem else rf"(?<!\w){whole}(?!\w)|{called}", question, re.IGNORECASE) is not None
    )
