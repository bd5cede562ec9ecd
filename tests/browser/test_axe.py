"""axe-core finds nothing wrong with any page, light or dark, on a desk or a phone; and nothing scrolls sideways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import scenes
from tests.browser.axe_core import COLOURS, RULES, violations
from tests.browser.scenes import DESKTOP, PHONE, Scene
from tests.browser.site import Tab, pages, sign_in, tab
from ui.fake_api import World, serve
from ui.fake_api.sample import furnish

# The page that stands is looked at again and again. Darkness changes colours alone, so only their rules run twice.
LOOKS = (("light", DESKTOP, RULES), ("dark", DESKTOP, COLOURS), ("light", PHONE, RULES))

# What breaks a rule in Streamlit's own markup, which our code cannot reach: the rule, a part of the element's markup,
# and why it stays. Nothing may be added to it for something of ours.
STREAMLITS_OWN = {
    ("presentation-role-conflict", 'data-testid="stFileUploaderDropzone"'): "its button inside can be focused, too",
    ("scrollable-region-focusable", "st-key-document-text"): "a container of fixed height takes no tabindex; browsers "
    "let the keyboard scroll what holds nothing to focus (Chrome 130 and later, Firefox)",
}

# What opens on the pages; the pages themselves are found in the navigation. One may go on from the one before.
SCENES: dict[str, Scene] = {
    "answer": scenes.answer,
    "source": scenes.source,
    "abstention": scenes.abstention,
    "approval": scenes.approval,
    "share": scenes.dialog("Share"),
    "rename": scenes.dialog("Rename"),
    "delete": scenes.dialog("Delete"),
    "temporary": scenes.temporary,
    "shared": scenes.shared,
    "collection": scenes.collection,
    "document": scenes.document,
    "versions": scenes.prompt_versions,
    "widget": scenes.widget,
}


@pytest.fixture(scope="module")
def world() -> World:
    """A world with documents, chats, people and a widget."""
    made = World(word_s=0.005)
    furnish(made)
    return made


@pytest.fixture(scope="module")
def furnished(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages before that world."""
    with serve(world) as api, pages(api.url, tmp_path_factory.mktemp("axe") / "pages.log") as base:
        yield base


def faults(made: Tab, rules: list[str] = RULES) -> list[str]:
    """Return what is wrong with the page that stands, without what is Streamlit's own."""
    found = [one for one in violations(made.page, rules) if not _known(one.rule, one.html)]
    wide = sideways(made)
    return [*map(str, found), *([f"it is {wide} pixels wider than the window"] if wide > 0 else [])]


def _known(rule: str, html: str) -> bool:
    return any(rule == of and part in html for of, part in STREAMLITS_OWN)


def sideways(made: Tab) -> int:
    """Return by how many pixels the page is wider than the window."""
    width = "[document.documentElement, ...document.querySelectorAll('[data-testid=stMain]')]"
    return int(made.page.evaluate(f"Math.max(...{width}.map(one => one.scrollWidth - one.clientWidth))"))


def _in_all_looks(made: Tab, name: str) -> list[str]:
    """Return what is wrong with the page that stands, however it is looked at; it stands light on a desk again."""
    found = []
    for scheme, size, rules in LOOKS:
        scenes.look(made, scheme, size)
        wrong = faults(made, rules)
        for _ in range(2 if wrong else 0):  # what only passed over a page that draws itself anew is gone by then
            scenes.settle(made)
            wrong = wrong and faults(made, rules)
        found += [f"{name}, {scheme}, {size[0]} pixels: {fault}" for fault in wrong]
    scenes.look(made, "light", DESKTOP)
    return found


def test_the_doors_are_accessible_and_fit(browser: Browser, world: World, furnished: str) -> None:
    found = []
    with tab(browser, furnished) as made:
        made.page.goto(f"{furnished}/sign-in")
        found += _in_all_looks(made, "sign-in")
        world.setup_token = "once"
        try:
            for name, path in (("set-up", "/setup?token=once"), ("not set up yet", "/sign-in")):
                made.page.goto(furnished + path)
                found += _in_all_looks(made, name)
        finally:
            world.setup_token = None
    assert not found, "\n".join(found)


def test_every_page_is_accessible_and_fits(browser: Browser, furnished: str) -> None:
    found = []
    with tab(browser, furnished) as made:
        sign_in(made, "Ada", "analytical-engine")
        paths = scenes.everywhere(made)
        assert len(paths) >= 11, paths  # the navigation was read
        for path in paths:
            scenes.visit(made, path)
            found += _in_all_looks(made, path)
    assert not found, "\n".join(found)


def test_whatever_opens_on_a_page_is_accessible_and_fits(browser: Browser, furnished: str) -> None:
    found = []
    with tab(browser, furnished) as made:
        sign_in(made, "Ada", "analytical-engine")
        for name, scene in SCENES.items():
            scene(made)
            found += _in_all_looks(made, name)
            if made.page.get_by_role("dialog").count():
                made.close_dialog()
    assert not found, "\n".join(found)


def test_the_checker_sees_a_fault(browser: Browser, furnished: str) -> None:
    with tab(browser, furnished) as made:
        sign_in(made, "Ada", "analytical-engine")
        made.page.evaluate("document.body.append(Object.assign(new Image(), { src: 'data:,', width: 9 }))")
        made.page.evaluate(
            "document.body.append(Object.assign(document.createElement('p'), { textContent: 'faint', "
            "style: 'color: #888; background: #999; width: 3000px; position: relative; z-index: 9999999' }))"
        )
        assert {"image-alt", "color-contrast"} <= {one.rule for one in violations(made.page, RULES)}
        assert {one.rule for one in violations(made.page, COLOURS)} == {"color-contrast"}
        assert sideways(made) > 1000
