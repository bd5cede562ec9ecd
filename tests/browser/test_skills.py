"""Skills in a real browser: the page, a call by hand, and the card of a call that waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, TimeoutError, expect

from tests.browser.conftest import ADMIN, PASSWORD, PERSON, Site
from tests.browser.site import Tab, sign_in, tab
from ui.fake_api import World
from ui.fake_api.records import FakeSkill
from ui.fake_api.world import Script

TITLE: dict[str, object] = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
EVIL = "<img src=x onerror=alert(1)> ![x](http://evil.example/p.png) Printer"


@pytest.fixture
def equipped(stand_in: Site) -> Iterator[World]:
    assert stand_in.world is not None
    world = stand_in.world
    world.skills["create_ticket"] = FakeSkill("create_ticket", "Open a ticket.", "builtin:tickets", "write",
                                              parameters=TITLE, result="Ticket 7 is open.")  # fmt: skip
    world.skills["calculate"] = FakeSkill("calculate", "Calculate exactly.", parameters=TITLE, result="42")
    world.scripts.append(Script("open a ticket", "This needs your approval.", calls=("create_ticket", {"title": EVIL})))
    yield world
    world.scripts.clear()
    world.skills.clear()
    world.approvals.clear()
    world.files.clear()
    world.origins.clear()


def _tab(browser: Browser, stand_in: Site, name: str) -> Iterator[Tab]:
    with tab(browser, stand_in.base) as made:
        sign_in(made, name, PASSWORD)
        yield made
        assert not made.foreign and not made.dialogs and not made.violations


@pytest.fixture
def admin_tab(browser: Browser, stand_in: Site) -> Iterator[Tab]:
    yield from _tab(browser, stand_in, ADMIN)


@pytest.fixture
def person_tab(browser: Browser, stand_in: Site) -> Iterator[Tab]:
    yield from _tab(browser, stand_in, PERSON)


def test_a_call_waits_on_a_card_and_runs_when_approved(person_tab: Tab, equipped: World) -> None:
    person_tab.ask("Please open a ticket: the printer is broken")
    page = person_tab.page
    expect(page.get_by_text("create_ticket waits for your approval")).to_be_visible()
    expect(page.get_by_text("title: <img src=x onerror=alert(1)>")).to_be_visible()  # to the letter, and as text
    assert not equipped.calls
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("was run after your approval")).to_be_visible()
    assert [call["skill"] for call in equipped.calls if call["approved"]] == ["create_ticket"]
    page.reload()
    expect(page.get_by_text("was run after your approval")).to_be_visible()


def _act(page: Page, item: str) -> None:
    """Choose from the first skill's menu, opened again where the page was drawn anew and closed it."""
    for _ in range(10):
        page.get_by_test_id("stMain").get_by_role("button", name="Actions").first.click()
        try:
            page.get_by_text(item, exact=True).click(timeout=5_000)
            return
        except TimeoutError:
            page.keyboard.press("Escape")
    raise AssertionError(f"the menu never offered {item!r}")


def test_an_administrator_tries_a_skill_and_switches_it_off(admin_tab: Tab, equipped: World) -> None:
    admin_tab.open("/skills", "Ask for what a skill does")
    page = admin_tab.page
    _act(page, "Try it")
    page.get_by_label("title").fill("6 * 7")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_text("42", exact=True)).to_be_visible()
    admin_tab.close_dialog()
    _act(page, "Switch off")
    page.locator(".stMarkdownBadge", has_text="Off").first.wait_for()
    assert not equipped.skills["calculate"].enabled


def test_an_administrator_uploads_a_document_and_sees_where_it_came_from(admin_tab: Tab, equipped: World) -> None:
    admin_tab.open("/skills?skills-tab=Sources", "Skills come from")
    page = admin_tab.page
    page.get_by_role("button", name="Add skills").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("OpenAPI document", exact=True).click()
    expect(dialog.get_by_label("Base address")).to_be_visible()  # the form of this kind stands
    file = {"name": "my-shop.yaml", "mimeType": "application/yaml", "buffer": b"openapi: 3.1.0\npaths: {}\n"}
    dialog.locator("input[type=file]").set_input_files(files=[file])  # type: ignore[list-item]  # the stubs want a class
    expect(dialog.get_by_text("my-shop.yaml")).to_be_visible()
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_text("names no server")).to_be_visible()
    dialog.get_by_label("Base address").fill("https://shop.example/v1")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("uploaded as my-shop.yaml")).to_be_visible()
    assert "my-shop_lookup" in equipped.skills
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_text("shop.example answers")).to_be_visible()
