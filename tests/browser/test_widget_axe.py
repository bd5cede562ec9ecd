"""axe-core finds nothing wrong with the widget: open, with an answer, a source, a request for a person; all looks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from assistant.widgets import registry
from tests.browser.host_site import HostSite, site, visit

AXE = Path(__file__).parent / "axe" / "axe-4.14.1.min.js"  # as published on npm, under the MPL-2.0
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[HostSite]:
    with site(tmp_path_factory.mktemp("axe"), migrated) as made:
        engine = made.world.app.engine
        registry.change(engine, made.widget.id, changes={"hand_over": {"mail": "help@example.com"}})
        made.says.texts["everything"] = (
            "# Title\n\nText with `code`, **bold** and [a link](https://a.invalid/x) [1].\n\n```\ncode\n```\n\n"
            "| a | b |\n|---|---|\n| 1 | 2 |\n\n> quote\n\n1. one\n2. two\n\n![x](https://a.invalid/y)"
        )
        yield made


def violations(page: Page) -> list[Any]:
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("rules => axe.run('inhouse-chat', { runOnly: rules, resultTypes: ['violations'] })", RULES)
    return [
        (one["id"], node["target"], node["any"][0]["message"] if node["any"] else "")
        for one in found["violations"]
        for node in one["nodes"]
    ]


def test_the_checker_is_the_one_that_was_published() -> None:
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == SHA256


@pytest.mark.parametrize(
    ("scheme", "width", "language"), [("light", 1280, "en"), ("dark", 1280, "de"), ("light", 390, "ar")]
)
def test_nothing_is_wrong_in_any_state(
    browser: Browser, shop: HostSite, scheme: str, width: int, language: str
) -> None:
    size = {"width": width, "height": 800}
    with visit(browser, shop, viewport=size, color_scheme=scheme) as tab:
        tab.page.goto(shop.page("/", shop.tag(lang=language)))
        tab.page.locator("button.bubble").wait_for()
        assert violations(tab.page) == []
        tab.open()
        answer = tab.ask("everything")
        assert violations(tab.page) == []
        answer.locator("button.cite").click()
        tab.page.locator(".sheet").wait_for()
        assert violations(tab.page) == []
        tab.page.keyboard.press("Escape")
        tab.page.locator("header button").first.click()
        tab.page.locator(".sheet input").wait_for()
        assert violations(tab.page) == []


def test_any_accent_leaves_words_readable(browser: Browser, shop: HostSite) -> None:
    engine = shop.world.app.engine
    for accent in ("#ffff00", "#777777", "#000000", "#ff0066", "#00aaff"):
        registry.change(engine, shop.widget.id, changes={"look": {"accent": accent}})
        with visit(browser, shop) as tab:
            tab.page.goto(shop.page("/", shop.tag()))
            tab.open()
            tab.ask("everything")
            assert violations(tab.page) == [], accent
    registry.change(engine, shop.widget.id, changes={"look": {}})


def test_the_checker_looks_into_the_widget(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        tab.page.locator("form.ask textarea").evaluate(
            "one => { one.removeAttribute('aria-label'); one.removeAttribute('placeholder') }"
        )
        assert "label" in [rule for rule, _, _ in violations(tab.page)]
