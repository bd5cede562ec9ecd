"""What a chat's menu does, in a real browser: folders, sharing with somebody else, export; and the temporary chat."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import PASSWORD, PERSON
from tests.browser.site import Tab, sign_in, tab
from ui.fake_api import World

QUESTION = "How long is parental leave?"


def _act(made: Tab, action: str) -> None:
    side = made.page.get_by_test_id("stSidebar")
    side.get_by_role("button", name=QUESTION).first.hover()
    side.get_by_role("button", name="Actions").first.click()
    made.page.get_by_role("menuitem", name=action).or_(made.page.get_by_text(action, exact=True)).first.click()


def test_a_chat_is_shared_exported_and_moved(browser: Browser, scripted: tuple[Tab, World], tmp_path: Path) -> None:
    made, world = scripted
    world.conversations.clear()
    world.collections.clear()
    secret = world.add_collection("Board")
    world.add_document(secret, "parental.md", "Parental leave lasts 26 weeks.").reading_s = 0.0
    made.ask(QUESTION)
    _act(made, "Share")
    made.page.get_by_role("button", name="Make a link").click()
    link = made.page.get_by_role("dialog").locator("code")
    expect(link).to_contain_text(f"{made.base}/?shared=")
    with tab(browser, made.base) as other:
        sign_in(other, PERSON, PASSWORD)
        other.page.goto(link.inner_text())
        expect(other.page.get_by_text("You can read it")).to_be_visible()
        expect(other.page.get_by_text(QUESTION).first).to_be_visible()
        expect(other.page.get_by_text("rests on sources that you may not open")).to_be_visible()
        assert "parental.md" not in other.page.content() and not other.foreign and not other.bugs
    made.page.get_by_role("button", name="Stop sharing").click()
    expect(made.page.get_by_role("button", name="Make a link")).to_be_visible()
    made.close_dialog()

    _act(made, "Export")
    with made.page.expect_download() as download:
        made.page.get_by_role("dialog").get_by_role("button", name="Markdown").click()
    download.value.save_as(tmp_path / "chat.md")
    assert QUESTION in (tmp_path / "chat.md").read_text("utf-8")
    made.close_dialog()

    _act(made, "Move to folder")
    made.page.get_by_role("dialog").get_by_role("combobox").fill("Family")
    made.page.keyboard.press("Enter")
    made.page.get_by_role("button", name="Move", exact=True).click()
    folder = made.page.get_by_test_id("stSidebar").get_by_test_id("stExpander")
    expect(folder).to_contain_text("Family (1)")
    expect(folder).to_contain_text(QUESTION)
    assert not made.bugs and not made.foreign


def test_a_temporary_chat_leaves_nothing(scripted: tuple[Tab, World]) -> None:
    made, world = scripted
    world.conversations.clear()
    world.collections.clear()
    handbook = world.add_collection("Handbook", ("everyone",))
    world.add_document(handbook, "leave.md", "Parental leave lasts 26 weeks.").reading_s = 0.0
    made.open("/", "Temporary chat")
    made.page.get_by_role("button", name="Temporary chat").click()
    made.page.get_by_text("Nothing of it is stored").wait_for()
    made.ask(QUESTION)
    made.page.locator("button.cite").first.click()
    expect(made.page.locator(".passage .text")).to_contain_text("26 weeks")
    assert world.conversations == {}
    made.page.reload()
    made.page.get_by_role("button", name="Temporary chat").wait_for()
    assert made.page.get_by_text(QUESTION).count() == 0 and not made.bugs
