"""axe-core in a page: what it finds wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

SCRIPT = Path(__file__).parent / "axe" / "axe-4.14.1.min.js"  # as published on npm, under the MPL-2.0
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]  # the rules that a colour scheme can break


@dataclass(frozen=True, slots=True)
class Violation:
    """One element that breaks one rule."""

    rule: str
    target: str  # the selector of the element, through shadow roots
    html: str  # the beginning of its markup
    said: str

    def __str__(self) -> str:
        """Return it as the failing test prints it."""
        return f"{self.rule}: {self.target}\n    {self.said}\n    {self.html}"


def violations(page: Page, rules: list[str]) -> list[Violation]:
    """Return what is wrong with the page as it stands, by `rules` or tags of rules, shadow roots included.

    Empty when nothing is.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SCRIPT.read_text("utf-8"))
    found = page.evaluate("rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })", rules)
    return [
        Violation(one["id"], str(node["target"]), node["html"][:300], _said(node))
        for one in found["violations"]
        for node in one["nodes"]
    ]


def _said(node: dict[str, list[dict[str, str]]]) -> str:
    return "; ".join(check["message"] for kind in ("any", "all", "none") for check in node[kind])
